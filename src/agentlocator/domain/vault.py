"""The deployment's own secrets, sealed: credentials that were typed in once, and the second factors of operators.

AES-256-GCM under a key that lies outside the database. A secret is sealed under its name, so that one value cannot be
put in another's place. It never logs, shows or returns a secret except to whoever holds the key and asks by name.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import delete, select, update

from agentlocator.db.accounts import SealedSecret
from agentlocator.db.scope import Operator


class WrongKey(Exception):
    """A sealed secret does not open: another key sealed it, or somebody has changed it. Names it, and the remedy."""


class Vault:
    """Seals and opens. `key` is any text that cannot be guessed."""

    def __init__(self, key: str) -> None:
        self._cipher = AESGCM(hashlib.sha256(_PURPOSE + key.encode()).digest())

    def __repr__(self) -> str:
        return "Vault()"

    def seal(self, name: str, secret: str) -> str:
        """The secret as it may lie in a database. Sealing it twice gives two different texts."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, secret.encode(), name.encode())
        return _MARK + base64.urlsafe_b64encode(sealed).decode()

    def open(self, name: str, sealed: str) -> str:
        """What was sealed under this name. Raises WrongKey."""
        try:
            raw = base64.b64decode(sealed.removeprefix(_MARK), altchars=b"-_", validate=True)
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], name.encode()).decode()
        except (InvalidTag, ValueError, binascii.Error):
            raise WrongKey(
                f"{name} is sealed and does not open. Put back the vault_key of DATA_DIR (or the VAULT_KEY) that it "
                "was sealed with, or enter it again."
            ) from None


def is_sealed(text: str) -> bool:
    return text.startswith(_MARK)


async def keep(operator: Operator, vault: Vault, name: str, secret: str, *, actor: str, now: datetime) -> None:
    """Seal a secret of the deployment, in place of the one of that name."""
    sealed = vault.seal(name, secret)
    if await operator.insert_new(SealedSecret, name=name, sealed=sealed, kept_by=actor, kept_at=now):
        return
    replaced = update(SealedSecret).where(SealedSecret.name == name)
    await operator.changed(replaced.values(sealed=sealed, kept_by=actor, kept_at=now))


async def kept(operator: Operator, vault: Vault, *, besides: Collection[str] = ()) -> dict[str, str]:
    """The deployment's secrets by name, those not needed left shut. Raises WrongKey."""
    rows: Sequence[SealedSecret] = await operator.all(select(SealedSecret).order_by(SealedSecret.name))
    return {row.name: vault.open(row.name, row.sealed) for row in rows if row.name not in besides}


async def forget(operator: Operator, name: str) -> bool:
    return await operator.changed(delete(SealedSecret).where(SealedSecret.name == name)) == 1


_MARK: Final = "v1."
_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"agentlocator vault 1\0"
