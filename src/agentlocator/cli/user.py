"""`agentlocator user`: who may look at the dashboard, a new password, and a link that works once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from agentlocator.cli.business import profile_of
from agentlocator.cli.setting import fail, opened_vault, with_database
from agentlocator.db.accounts import Account
from agentlocator.db.engine import Database
from agentlocator.db.scope import Operator
from agentlocator.domain import account_events, accounts, passwords, second_factor, totp
from agentlocator.domain.passwords import Passwords
from agentlocator.domain.schedules import BadSetting

app = typer.Typer(help="Who may look at the dashboard.", no_args_is_help=True)

_Email = Annotated[str, typer.Argument(help="The person's e-mail address.")]
_Origin = Annotated[str, typer.Option("--url", envvar="PUBLIC_URL", help="Where the dashboard is served.")]
_HERE = "http://127.0.0.1:8000"


@app.command()
def add(
    email: _Email,
    name: Annotated[str, typer.Option(help="What to call the person.")] = "",
    business: Annotated[str | None, typer.Option(help="A business's id, or a number of it.")] = None,
    role: Annotated[str, typer.Option(help="viewer, staff or owner, in that business.")] = "owner",
    operator: Annotated[bool, typer.Option("--operator", help="Sees every business.")] = False,
    url: _Origin = _HERE,
) -> None:
    """Add a person, and print a link that lets him in once. An operator's authenticator secret is printed too."""
    business_id = None if business is None else profile_of(business).business_id

    async def work(db: Database) -> tuple[str | None, str]:
        now = datetime.now(UTC)
        async with db.operator(writing=True) as door:
            account = await accounts.add(
                door, email=email, name=name, password_hash=None, now=now, is_operator=operator
            )
            secret = await second_factor.enrol(door, opened_vault(), account) if operator else None
            token = await accounts.login_link(door, account.id, actor="cli", now=now)
            if business_id is not None:
                await accounts.set_role(door, business_id, account.id, role, actor="cli", now=now)
        return secret, token

    try:
        secret, token = with_database(work)
    except BadSetting as no:
        fail(f"The {no.field} cannot be used: {no.code}.")
    if secret is not None:
        typer.echo(f"Authenticator: {totp.enrolment_uri(secret, accounts.normal_email(email))}")
    typer.echo(f"{url}/entry/{token}")


@app.command()
def password(
    email: _Email,
    new: Annotated[str, typer.Option(prompt="New password", hide_input=True, confirmation_prompt=True)],
) -> None:
    """Set a new password. Every browser the person was logged in with is out."""
    if not passwords.LEAST_LENGTH <= len(new) <= passwords.MOST_LENGTH:
        fail(f"A password has {passwords.LEAST_LENGTH} to {passwords.MOST_LENGTH} characters.")

    async def work(db: Database) -> None:
        hasher = Passwords()
        password_hash = await hasher.hash(new)
        hasher.close()
        async with db.operator(writing=True) as door:
            account = await _known(door, email)
            await accounts.set_password(door, account.id, password_hash)
            await account_events.note(door, "password_changed", account.id, actor="cli", at=datetime.now(UTC))

    with_database(work)
    typer.echo(f"{email} has a new password.")


@app.command()
def link(email: _Email, url: _Origin = _HERE) -> None:
    """Print a link that lets a person in once, within half an hour."""

    async def work(db: Database) -> str:
        async with db.operator(writing=True) as door:
            account = await _known(door, email)
            now = datetime.now(UTC)
            await account_events.note(door, "link_made", account.id, actor="cli", at=now)
            return await accounts.login_link(door, account.id, actor="cli", now=now)

    typer.echo(f"{url}/entry/{with_database(work)}")


@app.command()
def authenticator(email: _Email) -> None:
    """Give an operator a new authenticator secret; the old one is worthless."""

    async def work(db: Database) -> str:
        async with db.operator(writing=True) as door:
            account = await _known(door, email)
            if not account.is_operator:
                fail(f"{email} is no operator, and logs in by password alone.")
            await account_events.note(door, "second_factor_made", account.id, actor="cli", at=datetime.now(UTC))
            return totp.enrolment_uri(await second_factor.enrol(door, opened_vault(), account), account.email)

    typer.echo(f"Authenticator: {with_database(work)}")


async def _known(operator: Operator, email: str) -> Account:
    account = await accounts.find_by_email(operator, email)
    if account is None:
        fail(f"There is no {email}. `agentlocator user add` adds a person.")
    return account
