"""`agentlocator whatsapp`: which businesses are written to, and where. A paired phone is added on the dashboard."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from agentlocator.cli.business import profile_of
from agentlocator.cli.setting import fail, with_database
from agentlocator.db.engine import Database
from agentlocator.domain import businesses
from agentlocator.whatsapp import lines
from agentlocator.whatsapp.webhooks import CLOUD, TWILIO

app = typer.Typer(help="Which businesses are written to on WhatsApp, and where.", no_args_is_help=True)


class Provider(StrEnum):
    """Who gives addresses that an operator assigns."""

    cloud = "cloud"
    twilio = "twilio"


_WEBHOOKS = {Provider.cloud: CLOUD, Provider.twilio: TWILIO}

_Business = Annotated[str, typer.Argument(help="Its id, or a number of it.")]
_Provider = Annotated[Provider, typer.Argument(help="The Cloud API, or Twilio.")]
_Address = Annotated[str, typer.Argument(help="The Cloud API's phone number id, or Twilio's sender: +97233724567.")]
_Origin = Annotated[str, typer.Option("--url", envvar="PUBLIC_URL", help="Where this server is reached.")]


@app.command()
def add(
    business: _Business,
    provider: _Provider,
    address: _Address,
    url: _Origin = "https://…",
) -> None:
    """Let a business be written to at an address."""
    profile = profile_of(business)
    address = _address(provider, address)

    async def work(db: Database) -> str:
        async with db.operator() as operator:
            found = await lines.find(operator, provider.value, address)
        if found is not None:
            return "It has it already." if found.business_id == profile.business_id else "taken"
        async with db.scope(profile.business_id) as scope:
            added = await lines.add(scope, provider.value, address, now=datetime.now(UTC), actor="cli")
        return "" if added else "taken"

    told = with_database(work)
    if told == "taken":
        fail(f"{address} belongs to another business. `agentlocator whatsapp list` shows whose it is.")
    typer.echo(told or f"{profile.name} is written to at {address}.")
    typer.echo(f"Its messages must be sent to {url}{_WEBHOOKS[provider]}")


@app.command()
def remove(business: _Business, provider: _Provider, address: _Address) -> None:
    """Take back an address that was added by mistake. One that was written to stays, for its conversations' sake."""
    profile = profile_of(business)
    address = _address(provider, address)

    async def work(db: Database) -> bool:
        async with db.scope(profile.business_id) as scope:
            return await lines.remove(scope, provider.value, address, now=datetime.now(UTC), actor="cli")

    if not with_database(work):
        fail(f"{address} stays: it is not {profile.name}'s, or somebody has written to it.")
    typer.echo(f"{profile.name} is not written to at {address} any more.")


@app.command("list")
def list_() -> None:
    """List every address, and whose it is."""

    async def work(db: Database) -> list[tuple[str, str, str]]:
        rows: list[tuple[str, str, str]] = []
        async with db.operator() as operator:
            everyone = await businesses.listed(operator)
        for business in everyone:
            async with db.reading(business.business_id) as scope:
                rows += [(business.name, line.channel, line.address) for line in await lines.listed(scope)]
        return rows

    table = Table("business", "way", "address")
    for row in with_database(work):
        table.add_row(*row)
    Console().print(table)


def _address(provider: Provider, written: str) -> str:
    try:
        return lines.address_of(provider.value, written)
    except lines.BadAddress as fault:
        fail(str(fault))
