"""Who may look: people, their roles in businesses, their sessions, and the links that let them in once.

All of it goes through the operator's door; what changes in a business is written in that business's audit log, in the
same transaction. It never sees a password (a hash is handed in) and never sends anything.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import delete, select, update

from agentlocator.db.accounts import ROLES, Account, EntryLink, LoginSession, Membership, OperatorEntry
from agentlocator.db.schema import Business
from agentlocator.db.scope import Operator
from agentlocator.domain import audit
from agentlocator.domain.schedules import BadSetting
from agentlocator.domain.text import clean

IDLE = timedelta(hours=12)
OLDEST = timedelta(days=14)
INVITATION_LASTS = timedelta(days=7)
LOGIN_LINK_LASTS = timedelta(minutes=30)

# A session's row says when it was last seen to within this; finer would be a write for every page.
_SEEN_EVERY = timedelta(minutes=1)


class Seat(msgspec.Struct, frozen=True):
    """A business a person may look at, and as what."""

    business_id: int
    business_name: str
    role: str


class Who(msgspec.Struct, frozen=True):
    """A person who is logged in. An operator sits in the businesses he has entered, as their owner."""

    account_id: int
    session_id: int
    email: str
    name: str
    language: str
    is_operator: bool
    seats: tuple[Seat, ...]

    def role_in(self, business_id: int) -> str | None:
        return next((seat.role for seat in self.seats if seat.business_id == business_id), None)


class Member(msgspec.Struct, frozen=True):
    """A person as a business's list of people shows him."""

    account_id: int
    email: str
    name: str
    role: str


class OpenSession(msgspec.Struct, frozen=True):
    """One browser that is logged in."""

    session_id: int
    browser: str
    opened_at: datetime
    seen_at: datetime


class Invitation(msgspec.Struct, frozen=True):
    """What an unused link is good for: a role in a business, or one account's way in."""

    business_name: str | None
    role: str | None
    account_email: str | None


async def add(
    operator: Operator,
    *,
    email: str,
    name: str,
    password_hash: str | None,
    now: datetime,
    is_operator: bool = False,
    language: str = "he",
) -> Account:
    """Add a person. An operator also needs a second factor before he can log in. Raises BadSetting."""
    address = normal_email(email)
    if "@" not in address:
        raise BadSetting("email", "no_email")
    if await find_by_email(operator, address) is not None:
        raise BadSetting("email", "taken")
    account = operator.add(
        Account(
            email=address,
            name=clean(name)[:120] or address,
            password_hash=password_hash,
            is_operator=is_operator,
            totp_secret=None,
            totp_step=0,
            language=language,
            created_at=now,
        )
    )
    await operator.flush()
    return account


async def find_by_email(operator: Operator, email: str) -> Account | None:
    found: Account | None = await operator.first(select(Account).where(Account.email == normal_email(email)))
    return found


def normal_email(email: str) -> str:
    return clean(email)[:254].casefold()


async def set_password(operator: Operator, account_id: int, password_hash: str) -> None:
    """A new password; every browser that was logged in is out."""
    account = await operator.get(Account, account_id)
    assert account is not None, "a password is set for an account that was found"
    account.password_hash = password_hash
    await operator.changed(delete(LoginSession).where(LoginSession.account_id == account_id))


# Sessions.


async def open_session(operator: Operator, account_id: int, *, browser: str, now: datetime) -> str:
    """Log a browser in; answers the secret for its cookie, of which only a digest is kept."""
    token = secrets.token_urlsafe(32)
    operator.add(
        LoginSession(
            digest=_digest(token), account_id=account_id, browser=clean(browser)[:200], created_at=now, seen_at=now
        )
    )
    # Whoever logs in sweeps up what has ended.
    await operator.changed(
        delete(LoginSession).where((LoginSession.seen_at < now - IDLE) | (LoginSession.created_at < now - OLDEST))
    )
    await operator.flush()
    return token


async def who(operator: Operator, token: str, *, now: datetime) -> tuple[Who, bool] | None:
    """Whose browser this is, and whether it is time to `note_seen`. None for no live session."""
    found = await operator.rows(
        select(LoginSession, Account)
        .join(Account, Account.id == LoginSession.account_id)
        .where(LoginSession.digest == _digest(token))
    )
    for session, account in found:
        if now - session.seen_at > IDLE or now - session.created_at > OLDEST:
            return None
        person = Who(
            account_id=account.id,
            session_id=session.id,
            email=account.email,
            name=account.name,
            language=account.language,
            is_operator=account.is_operator,
            seats=await _seats(operator, account, now),
        )
        return person, now - session.seen_at > _SEEN_EVERY
    return None


async def note_seen(operator: Operator, session_id: int, *, now: datetime) -> None:
    await operator.changed(update(LoginSession).where(LoginSession.id == session_id).values(seen_at=now))


async def close_session(operator: Operator, session_id: int) -> None:
    await operator.changed(delete(LoginSession).where(LoginSession.id == session_id))


async def close_own_session(operator: Operator, account_id: int, session_id: int) -> bool:
    """End one of a person's own sessions; False when it is not his, or has ended."""
    his = (LoginSession.id == session_id) & (LoginSession.account_id == account_id)
    return await operator.changed(delete(LoginSession).where(his)) == 1


async def close_all_sessions(operator: Operator, account_id: int) -> None:
    """Every browser the person is logged in with is out."""
    await operator.changed(delete(LoginSession).where(LoginSession.account_id == account_id))


async def sessions(operator: Operator, account_id: int, *, now: datetime) -> list[OpenSession]:
    """The browsers a person is logged in with, the one used last first."""
    rows: Sequence[LoginSession] = await operator.all(
        select(LoginSession)
        .where(
            LoginSession.account_id == account_id,
            LoginSession.seen_at >= now - IDLE,
            LoginSession.created_at >= now - OLDEST,
        )
        .order_by(LoginSession.seen_at.desc(), LoginSession.id.desc())
    )
    return [OpenSession(row.id, row.browser, row.created_at, row.seen_at) for row in rows]


# Roles.


async def set_role(
    operator: Operator, business_id: int, account_id: int, role: str | None, *, actor: str, now: datetime
) -> None:
    """Give a person a role in a business, another one, or none. Written in the business's audit log. Raises BadSetting.

    The last owner stays one: a business without an owner could not be given one from inside.
    """
    if role is not None and role not in ROLES:
        raise BadSetting("role", "unknown_role")
    # The business's row is where two owners who demote each other wait for one another.
    await operator.first(select(Business).where(Business.id == business_id).with_for_update())
    rows: Sequence[Membership] = await operator.all(select(Membership).where(Membership.business_id == business_id))
    old = next((row for row in rows if row.account_id == account_id), None)
    others = [row for row in rows if row.role == "owner" and row.account_id != account_id]
    if old is not None and old.role == "owner" and role != "owner" and not others:
        raise BadSetting("role", "last_owner")
    before = None if old is None else old.role
    if old is None and role is not None:
        operator.add(Membership(business_id=business_id, account_id=account_id, role=role, created_at=now))
    elif old is not None and role is None:
        await operator.session.delete(old)
    elif old is not None and role is not None:
        old.role = role
    # Whoever loses or gains rights gets a new session for them.
    await operator.changed(delete(LoginSession).where(LoginSession.account_id == account_id))
    scope = await operator.step_into(business_id)
    audit.record(scope, actor=actor, entity="member", entity_id=account_id, changes={"role": (before, role)}, at=now)
    await scope.flush()


async def members(operator: Operator, business_id: int) -> list[Member]:
    """Everybody with a role in a business."""
    rows = await operator.rows(
        select(Account.id, Account.email, Account.name, Membership.role)
        .join(Membership, Membership.account_id == Account.id)
        .where(Membership.business_id == business_id)
        .order_by(Account.name, Account.id)
    )
    return [Member(*row) for row in rows]


# Links that work once.


async def invite(operator: Operator, business_id: int, role: str, *, actor: str, now: datetime) -> str:
    """The secret of a link by which somebody gets a role in a business. Raises BadSetting."""
    if role not in ROLES:
        raise BadSetting("role", "unknown_role")
    token = await _new_link(operator, business_id=business_id, role=role, account_id=None, actor=actor, now=now)
    scope = await operator.step_into(business_id)
    audit.record(
        scope, actor=actor, entity="business", entity_id=business_id, changes={"invitation": (None, role)}, at=now
    )
    await scope.flush()
    return token


async def login_link(operator: Operator, account_id: int, *, actor: str, now: datetime) -> str:
    """The secret of a link by which one person comes in once, without a password."""
    return await _new_link(operator, business_id=None, role=None, account_id=account_id, actor=actor, now=now)


async def read_link(operator: Operator, token: str, *, now: datetime) -> Invitation | None:
    """What a link is good for. None when it is unknown, used or too old."""
    rows = await operator.rows(
        select(Business.name, EntryLink.role, Account.email)
        .select_from(EntryLink)
        .outerjoin(Business, Business.id == EntryLink.business_id)
        .outerjoin(Account, Account.id == EntryLink.account_id)
        .where(EntryLink.digest == _digest(token), EntryLink.used_at.is_(None), EntryLink.expires_at > now)
    )
    return Invitation(*rows[0]) if rows else None


async def use_link(operator: Operator, token: str, *, now: datetime) -> EntryLink | None:
    """Use a link up. One of any number of attempts gets it."""
    link: EntryLink | None = await operator.first(select(EntryLink).where(EntryLink.digest == _digest(token)))
    if link is None or link.expires_at <= now:
        return None
    statement = update(EntryLink).where(EntryLink.id == link.id, EntryLink.used_at.is_(None)).values(used_at=now)
    return link if await operator.changed(statement) == 1 else None


async def _new_link(
    operator: Operator,
    *,
    business_id: int | None,
    role: str | None,
    account_id: int | None,
    actor: str,
    now: datetime,
) -> str:
    token = secrets.token_urlsafe(32)
    lasts = LOGIN_LINK_LASTS if business_id is None else INVITATION_LASTS
    operator.add(
        EntryLink(
            digest=_digest(token),
            business_id=business_id,
            role=role,
            account_id=account_id,
            made_by=actor,
            created_at=now,
            expires_at=now + lasts,
        )
    )
    await operator.flush()
    return token


async def _seats(operator: Operator, account: Account, now: datetime) -> tuple[Seat, ...]:
    if account.is_operator:
        rows = await operator.rows(
            select(Business.id, Business.name)
            .join(OperatorEntry, OperatorEntry.business_id == Business.id)
            .where(OperatorEntry.account_id == account.id, OperatorEntry.ends_at > now)
            .distinct()
            .order_by(Business.id)
        )
        return tuple(Seat(business_id, name, "owner") for business_id, name in rows)
    found = await operator.rows(
        select(Business.id, Business.name, Membership.role)
        .join(Membership, Membership.business_id == Business.id)
        .where(Membership.account_id == account.id)
        .order_by(Business.id)
    )
    return tuple(Seat(*row) for row in found)


def _digest(token: str) -> str:
    # The token is 256 random bits: nothing slower than a plain digest is needed to keep it.
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
