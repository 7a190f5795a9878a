"""The installation's own tables: who may look and how they come in, its sealed secrets, what it set at the carrier.

They belong to no business: only the operator's door opens on them, and a business's scope refuses them. Secrets that
let somebody in are kept as digests, a password as its argon2 hash; what must be read again is sealed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from agentlocator.db.schema import Row
from agentlocator.db.types import Id

ROLES = ("viewer", "staff", "owner")
_ROLE_SQL = "role IN ('viewer', 'staff', 'owner')"


class InstallationRow:
    """A row of the installation. No business's scope may read or write it."""

    id: Mapped[int] = mapped_column(Id, primary_key=True, sort_order=-2)


class Account(InstallationRow, Row):
    """A person who may log in. An operator sees every business, and proves himself with a second factor."""

    __tablename__ = "account"
    __table_args__ = ({"sqlite_autoincrement": True},)

    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    password_hash: Mapped[str | None]
    is_operator: Mapped[bool]
    totp_secret: Mapped[str | None]
    # The newest half-minute whose code was used: no code works twice.
    totp_step: Mapped[int] = mapped_column(Id)
    language: Mapped[str]
    created_at: Mapped[datetime]


class Membership(InstallationRow, Row):
    """A person's place in a business."""

    __tablename__ = "membership"
    __table_args__ = (
        UniqueConstraint("business_id", "account_id"),
        CheckConstraint(_ROLE_SQL, name="role"),
        Index(None, "account_id"),
        {"sqlite_autoincrement": True},
    )

    business_id: Mapped[int] = mapped_column(Id, ForeignKey("business.id"))
    account_id: Mapped[int] = mapped_column(Id, ForeignKey("account.id"))
    role: Mapped[str]
    created_at: Mapped[datetime]


class LoginSession(InstallationRow, Row):
    """One browser that is logged in, until it is idle too long, too old, or revoked."""

    __tablename__ = "login_session"
    __table_args__ = (Index(None, "account_id"), {"sqlite_autoincrement": True})

    digest: Mapped[str] = mapped_column(unique=True)
    account_id: Mapped[int] = mapped_column(Id, ForeignKey("account.id"))
    browser: Mapped[str]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]


class EntryLink(InstallationRow, Row):
    """A link that works once: an invitation into a business, or a way in for one account."""

    __tablename__ = "entry_link"
    __table_args__ = (
        CheckConstraint(f"role IS NULL OR {_ROLE_SQL}", name="role"),
        CheckConstraint("(business_id IS NULL) = (role IS NULL)", name="invitation"),
        CheckConstraint("(business_id IS NULL) <> (account_id IS NULL)", name="purpose"),
        {"sqlite_autoincrement": True},
    )

    digest: Mapped[str] = mapped_column(unique=True)
    business_id: Mapped[int | None] = mapped_column(Id, ForeignKey("business.id"))
    role: Mapped[str | None]
    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("account.id"))
    made_by: Mapped[str]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class LoginThrottle(InstallationRow, Row):
    """How often somebody tried to log in to one account, or from one address, without success."""

    __tablename__ = "login_throttle"
    __table_args__ = ({"sqlite_autoincrement": True},)

    key: Mapped[str] = mapped_column(unique=True)
    attempts: Mapped[int]
    tried_at: Mapped[datetime]
    blocked_until: Mapped[datetime]


class SealedSecret(InstallationRow, Row):
    """A secret of the deployment, sealed under its name by a key that is not in the database."""

    __tablename__ = "sealed_secret"
    __table_args__ = ({"sqlite_autoincrement": True},)

    name: Mapped[str] = mapped_column(unique=True)
    sealed: Mapped[str]
    kept_by: Mapped[str]
    kept_at: Mapped[datetime]


class NumberWiring(InstallationRow, Row):
    """What was changed of where the carrier takes a number's calls, and what it was before."""

    __tablename__ = "number_wiring"
    __table_args__ = (Index(None, "number_sid"), {"sqlite_autoincrement": True})

    number_sid: Mapped[str]
    e164: Mapped[str]
    before: Mapped[dict[str, Any]]
    after: Mapped[dict[str, Any]]
    wired_by: Mapped[str]
    wired_at: Mapped[datetime]
    undone_at: Mapped[datetime | None]


class OperatorEntry(InstallationRow, Row):
    """An operator's stay in a business that is not his: why he went in, and until when it lasts."""

    __tablename__ = "operator_entry"
    __table_args__ = (Index(None, "account_id", "ends_at"), Index(None, "business_id"), {"sqlite_autoincrement": True})

    account_id: Mapped[int] = mapped_column(Id, ForeignKey("account.id"))
    business_id: Mapped[int] = mapped_column(Id, ForeignKey("business.id"))
    reason: Mapped[str]
    began_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class AccountEvent(InstallationRow, Row):
    """Something that concerns somebody's way in: a login, a failed one, a new password. Never rewritten.

    `account_id` is empty when nobody of that name is known; what he typed is not kept, it could be a password.
    """

    __tablename__ = "account_event"
    __table_args__ = (Index(None, "account_id", "id"), {"sqlite_autoincrement": True})

    account_id: Mapped[int | None] = mapped_column(Id, ForeignKey("account.id"))
    kind: Mapped[str]
    actor: Mapped[str]
    address: Mapped[str]
    browser: Mapped[str]
    at: Mapped[datetime]


INSTALLATION_ROWS = (
    Account,
    Membership,
    LoginSession,
    EntryLink,
    LoginThrottle,
    SealedSecret,
    NumberWiring,
    OperatorEntry,
    AccountEvent,
)
