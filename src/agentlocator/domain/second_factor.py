"""An operator's second factor: its secret lies sealed in his account, and each code works once.

Secrets from before there was a vault lie open; the first code that is used seals them. It never shows a secret but
once, to whoever enrols.
"""

from __future__ import annotations

import base64
import secrets
from datetime import datetime

from sqlalchemy import update

from agentlocator.db.accounts import Account
from agentlocator.db.scope import Operator
from agentlocator.domain import totp
from agentlocator.domain.vault import Vault, is_sealed


async def enrol(operator: Operator, vault: Vault, account: Account) -> str:
    """Give an account a new secret; answers it for the authenticator app, this once. The old one is worthless."""
    await operator.flush()
    secret = base64.b32encode(secrets.token_bytes(20)).decode()
    account.totp_secret = vault.seal(_name(account), secret)
    account.totp_step = 0
    await operator.flush()
    return secret


def step_of(vault: Vault, account: Account, code: str, *, now: datetime) -> int | None:
    """The half-minute whose code this is; None when it is nobody's code, or was used. Raises vault.WrongKey."""
    kept = account.totp_secret
    if kept is None:
        return None
    secret = vault.open(_name(account), kept) if is_sealed(kept) else kept
    return totp.step_of(secret, code, now_s=now.timestamp(), after_step=account.totp_step)


async def use(operator: Operator, vault: Vault, account: Account, step: int) -> bool:
    """Use up a one-time code; False when it, or a newer one, was used before."""
    kept = account.totp_secret
    assert kept is not None, "a code was read with this secret"
    sealed = kept if is_sealed(kept) else vault.seal(_name(account), kept)
    statement = update(Account).where(Account.id == account.id, Account.totp_step < step)
    return await operator.changed(statement.values(totp_step=step, totp_secret=sealed)) == 1


def _name(account: Account) -> str:
    return f"account/{account.id}/totp"
