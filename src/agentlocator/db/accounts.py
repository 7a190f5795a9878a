"""The tables of who may look: people, their places in businesses, and how they come in, as typed rows.

They belong to the installation, not to a business: only the operator's door opens on them, and a business's scope
refuses them. Secrets that let somebody in are kept as digests; a password as its argon2 hash.
"""

from __future__ import annotations

from datetime import datetime

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


INSTALLATION_ROWS = (Account, Membership, LoginSession, EntryLink, LoginThrottle)
