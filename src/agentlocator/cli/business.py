"""`agentlocator business`: who is served, and under which numbers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from agentlocator.assistant.instructions import opening_hours
from agentlocator.cli.setting import fail, with_database
from agentlocator.db.engine import Database
from agentlocator.domain import businesses, schedules
from agentlocator.domain.businesses import Listed, NewBusiness
from agentlocator.domain.profile import BusinessProfile
from agentlocator.domain.schedules import Settings, Week

app = typer.Typer(help="Who is served, and under which numbers.", no_args_is_help=True)


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="Its name, as the assistant says it.")],
    number: Annotated[str, typer.Option(help="The number callers dial, such as +97235550101.")],
    kind: Annotated[str, typer.Option(help="What it is: a clinic, a garage.")] = "עסק",
    greeting: Annotated[str, typer.Option(help="The assistant's first words.")] = "",
    prompt: Annotated[str, typer.Option(help="What the assistant must know of it.")] = "",
    fallback: Annotated[str | None, typer.Option(help="Who is dialled when the assistant cannot answer.")] = None,
    days: Annotated[str, typer.Option(help="The days it works; Sunday is 0.")] = "0,1,2,3,4",
    opens: Annotated[str, typer.Option(help="When it opens on them.")] = "09:00",
    closes: Annotated[str, typer.Option(help="When it closes.")] = "17:00",
    slot: Annotated[int, typer.Option(help="Minutes between the times offered, and an appointment's length.")] = 30,
) -> None:
    """Add a business, with the same hours on each of its days."""
    window = (_minutes(opens, "--opens"), _minutes(closes, "--closes"))
    week: Week = {day: [window] for day in _weekdays(days)}
    new = NewBusiness(
        name=name,
        kind=kind,
        numbers=(number,),
        greeting=greeting or f"שלום, הגעתם אל {name}. במה אפשר לעזור?",
        custom_prompt=prompt,
        fallback_number=fallback,
    )

    async def work(db: Database) -> int:
        now = datetime.now(UTC)
        async with db.operator(writing=True) as operator:
            business_id = await businesses.add(operator, new, now=now)
        async with db.scope(business_id) as scope:
            settings = Settings(slot_interval_min=slot, length_min=slot)
            await schedules.change_settings(scope, settings, actor="cli", now=now)
            await schedules.set_active_days(scope, sorted(week), actor="cli", now=now)
            await schedules.set_week(scope, week, actor="cli", now=now)
        return business_id

    try:
        business_id = with_database(work)
    except ValueError as fault:
        fail(str(fault))
    typer.echo(f"Business {business_id} answers {number}.")


@app.command()
def fallback(
    business: Annotated[str, typer.Argument(help="Its id, or a number of it.")],
    number: Annotated[str, typer.Argument(help="Who is dialled when the assistant cannot answer; empty for nobody.")],
) -> None:
    """Change who is dialled when the assistant cannot answer."""
    business_id = profile_of(business).business_id

    async def work(db: Database) -> None:
        async with db.scope(business_id) as scope:
            await businesses.change(scope, actor="cli", now=datetime.now(UTC), fallback_number=number)

    try:
        with_database(work)
    except ValueError as fault:
        fail(str(fault))
    typer.echo(f"Business {business_id} falls back on {number or 'nobody'}.")


@app.command()
def number(
    business: Annotated[str, typer.Argument(help="Its id, or a number of it.")],
    number: Annotated[str, typer.Argument(help="The number callers dial, such as +97235550101.")],
    remove: Annotated[bool, typer.Option("--remove", help="It does not ring there any more.")] = False,
) -> None:
    """Let another number ring at a business, or one of its numbers no longer."""
    business_id = profile_of(business).business_id

    async def work(db: Database) -> bool:
        verb = businesses.remove_number if remove else businesses.add_number
        async with db.scope(business_id) as scope:
            return await verb(scope, number, actor="cli", now=datetime.now(UTC))

    try:
        done = with_database(work)
    except ValueError as fault:
        fail(str(fault))
    if not done:
        fail(
            f"{number} does not ring at business {business_id}." if remove else f"{number} rings at a business already."
        )
    typer.echo(f"Business {business_id} {'no longer answers' if remove else 'answers'} {number}.")


@app.command("list")
def list_() -> None:
    """List all businesses."""

    async def work(db: Database) -> list[Listed]:
        async with db.operator() as operator:
            return await businesses.listed(operator)

    table = Table("id", "name", "kind", "numbers")
    for business in with_database(work):
        table.add_row(str(business.business_id), business.name, business.kind, ", ".join(business.numbers))
    Console().print(table)


@app.command()
def show(business: Annotated[str, typer.Argument(help="Its id, or a number of it.")]) -> None:
    """Show one business as its calls see it."""
    profile = profile_of(business)
    table = Table(show_header=False)
    for label, value in (
        ("id", profile.business_id),
        ("name", profile.name),
        ("kind", profile.kind),
        ("numbers", ", ".join(profile.numbers)),
        ("fallback", profile.fallback_number or "-"),
        ("time zone", profile.timezone),
        ("voice", profile.voice or "-"),
        ("greeting", profile.greeting),
        ("hours", opening_hours(profile.rules)),
        ("services", ", ".join(service.name for service in profile.services)),
    ):
        table.add_row(label, str(value))
    Console().print(table)


def _minutes(clock: str, option: str) -> int:
    """Minutes of the day, 24:00 included."""
    hours, colon, minutes = clock.partition(":")
    if not (colon and hours.isdecimal() and minutes.isdecimal() and int(minutes) < 60 and int(hours) <= 24):
        raise typer.BadParameter(f"{clock} is not a time such as 09:00", param_hint=option)
    return int(hours) * 60 + int(minutes)


def _weekdays(days: str) -> list[int]:
    parts = [part.strip() for part in days.split(",")]
    if not all(part.isdecimal() and int(part) < 7 for part in parts):
        raise typer.BadParameter(f"{days} is not a list of days such as 0,1,2,3,4", param_hint="--days")
    return [int(part) for part in parts]


def profile_of(business: str) -> BusinessProfile:
    """The business with this id or called number; ends the command when there is none."""

    async def work(db: Database) -> BusinessProfile | None:
        async with db.operator() as operator:
            listed = await businesses.listed(operator)
        found = next((b for b in listed if business == str(b.business_id) or business in b.numbers), None)
        if found is None:
            return None
        async with db.reading(found.business_id) as scope:
            return await businesses.show(scope)

    profile = with_database(work)
    if profile is None:
        fail(f"There is no business {business}. `agentlocator business list` shows those there are.")
    return profile
