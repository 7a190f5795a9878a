"""`agentlocator init`: from nothing to a number that rings here. What is typed is checked at once, sealed, never shown.

It can be run again: what is there is checked and kept, what is wired is left, and --undo brings numbers back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, NoReturn

import httpx2
import msgspec
import typer

from agentlocator import config
from agentlocator.cli.setting import ENV_FILE, fail, opened_vault, with_database
from agentlocator.clock import utc_now
from agentlocator.config import Settings
from agentlocator.db.engine import Database
from agentlocator.domain import businesses, phones, vault
from agentlocator.domain.schedules import BadSetting
from agentlocator.domain.vault import WrongKey
from agentlocator.provision import carrier_account, first_business, model_account, public_address, rewiring
from agentlocator.provision.first_business import Opening
from agentlocator.provision.rewiring import Meanwhile
from agentlocator.provision.trouble import Trouble
from agentlocator.provision.wiring import Difference
from agentlocator.twilio import twiml
from agentlocator.twilio.account import CarrierAccount, Number
from agentlocator.twilio.errors import CarrierRefused, CarrierUnreachable
from agentlocator.voice.webhook import number_wiring

ATTEMPTS = 3
new_client: Callable[[], httpx2.AsyncClient] = httpx2.AsyncClient


class Wishes(msgspec.Struct, frozen=True):
    """What was given with the command; what was not is asked for."""

    public_url: str = ""
    numbers: tuple[str, ...] = ()
    name: str = ""
    kind: str = ""
    fallback_number: str = ""
    fallback_url: str = ""
    owner: str = ""
    yes: bool = False
    dry_run: bool = False


def init(
    public_url: Annotated[str, typer.Option(help="Where Twilio reaches this server.")] = "",
    number: Annotated[list[str] | None, typer.Option(help="A number of the account that should ring here.")] = None,
    name: Annotated[str, typer.Option(help="The business's name, as the assistant says it.")] = "",
    kind: Annotated[str, typer.Option(help="What it is: a clinic, a garage.")] = "",
    fallback: Annotated[str, typer.Option(help="Who is dialled when the assistant cannot answer.")] = "",
    fallback_url: Annotated[str, typer.Option(help="A TwiML Bin that answers when this server is down.")] = "",
    owner: Annotated[str, typer.Option(help="The owner's e-mail address.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: make the changes that are shown.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and do nothing.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Bring the numbers back to what they were.")] = False,
) -> None:
    """Set this deployment up: credentials, public address, the first business, and its number at Twilio.

    Whatever is set in the environment or in .env wins over what is asked here. Run it again at any time.
    """
    wishes = Wishes(public_url, tuple(number or ()), name, kind, fallback, fallback_url, owner, yes, dry_run)

    async def work(db: Database) -> None:
        async with new_client() as http:
            try:
                await (_undo if undo else _set_up)(Wizard(db, http, wishes))
            except (CarrierRefused, CarrierUnreachable, Meanwhile, WrongKey) as fault:
                fail(str(fault))

    with_database(work)


class Wizard:
    """One run of it: what is known so far, and what it may do."""

    def __init__(self, db: Database, http: httpx2.AsyncClient, wishes: Wishes) -> None:
        self.db = db
        self.http = http
        self.wishes = wishes
        self.vault = opened_vault()
        self.said = config.outspoken(ENV_FILE)
        self.kept: dict[str, str] = {}

    def known(self, name: str) -> str:
        """A setting as it stands: said in the environment or .env, or kept, or usual."""
        usual = Settings.model_fields[name].get_default()
        found: Any = self.said.get(name) or self.kept.get(name) or usual
        return found if isinstance(found, str) else ""

    async def keep(self, name: str, value: str) -> None:
        self.kept[name] = value
        if self.wishes.dry_run:
            return
        async with self.db.operator(writing=True) as operator:
            await vault.keep(operator, self.vault, name, value, actor="cli", now=utc_now())

    def ask(self, what: str, given: str = "", *, secret: bool = False, default: str | None = None) -> str:
        """The given answer, or the typed one."""
        if given:
            return given
        if self.wishes.yes:
            return default if default is not None else fail(f"{what} is not given, and --yes asks for nothing.")
        answer: str = typer.prompt(what, hide_input=secret, default=default, show_default=bool(default), err=True)
        return answer.strip()


async def _set_up(wizard: Wizard) -> None:
    await _read_kept(wizard)
    await _credential(wizard, ("openai_api_key",), ("OpenAI API key",), _look_at_key)
    await _credential(
        wizard,
        ("twilio_account_sid", "twilio_auth_token"),
        ("Twilio account SID", "Twilio auth token"),
        _look_at_account,
    )
    await _public_url(wizard)
    account = _account(wizard)
    bought = await account.numbers()
    e164s = await _chosen(wizard, bought)
    for e164 in e164s:
        await _business(wizard, e164)
    await _wire(wizard, account, bought, e164s)
    typer.echo("Next: agentlocator serve, and beside it: agentlocator doctor.")


async def _read_kept(wizard: Wizard) -> None:
    async with wizard.db.operator() as operator:
        try:
            wizard.kept = await vault.kept(operator, wizard.vault, besides=wizard.said)
        except WrongKey as fault:
            # What does not open is entered again; what it was is lost anyway.
            typer.secho(str(fault), fg=typer.colors.YELLOW, err=True)


Look = Callable[[Wizard, Sequence[str]], Awaitable[Trouble | None]]


async def _credential(wizard: Wizard, names: Sequence[str], words: Sequence[str], look: Look) -> None:
    """Check what is known; ask for it, and again, until it works."""
    label = words[-1]
    values = [wizard.known(name) for name in names]
    is_said = all(name in wizard.said for name in names)
    if all(values):
        trouble = await look(wizard, values)
        if trouble is None:
            typer.echo(f"{label}: {'set in the environment' if is_said else 'kept'}, and it works.")
            return
        _show(trouble)
        if is_said:
            fail("It comes from the environment or .env, which win over what is asked here: correct it there.")
    for _ in range(ATTEMPTS):
        # The SID is no secret, and typing it blind would be unkind.
        values = [
            wizard.known(name) if name in wizard.said else wizard.ask(word, secret=name != "twilio_account_sid")
            for name, word in zip(names, words, strict=True)
        ]
        trouble = await look(wizard, values)
        if trouble is None:
            for name, value in zip(names, values, strict=True):
                if name not in wizard.said:
                    await wizard.keep(name, value)
            typer.echo(f"{label}: it works, and is kept sealed.")
            return
        _show(trouble)
    fail("Nothing was kept.")


async def _look_at_key(wizard: Wizard, values: Sequence[str]) -> Trouble | None:
    found = await model_account.look(
        wizard.http, values[0], wizard.known("openai_realtime_model"), api_url=wizard.known("openai_api_url")
    )
    return found if isinstance(found, Trouble) else None


async def _look_at_account(wizard: Wizard, values: Sequence[str]) -> Trouble | None:
    found = await carrier_account.look(wizard.http, *values, api_url=wizard.known("twilio_api_url"))
    if isinstance(found, Trouble):
        return found
    if carrier_account.is_primary(found, values[1]) is False:
        return Trouble("twilio_secondary")
    stops = carrier_account.trouble_of(found)
    if stops is not None and stops.code == "twilio_trial":
        # Everything can be prepared on a trial; only calls cannot be carried.
        _show(stops)
        return None
    return stops


async def _public_url(wizard: Wizard) -> None:
    url = _origin(wizard)
    found = await public_address.look(wizard.http, url)
    if isinstance(found, Trouble):
        _show(found)
        typer.echo("Going on: the server may not be running yet, and agentlocator doctor will look again.")
    if wizard.known("public_url") != url:
        await wizard.keep("public_url", url)
    typer.echo(f"Public address: {url}")


def _origin(wizard: Wizard) -> str:
    is_said = "public_url" in wizard.said
    known = wizard.known("public_url")
    given = known if is_said else wizard.wishes.public_url or known
    for _ in range(ATTEMPTS):
        typed = wizard.ask("Public address of this server, such as https://voice.example.com", given)
        try:
            return config.public_origin(typed)
        except ValueError:
            _show(Trouble("address_shape"))
        if is_said:
            fail("It comes from the environment or .env: correct it there.")
        given = ""
    fail("Nothing was kept.")


def _account(wizard: Wizard) -> CarrierAccount:
    sid, token = wizard.known("twilio_account_sid"), wizard.known("twilio_auth_token")
    return CarrierAccount(wizard.http, sid, token, base_url=wizard.known("twilio_api_url"))


async def _chosen(wizard: Wizard, bought: Sequence[Number]) -> list[str]:
    """The numbers that should ring here: those asked for, or those of the businesses there are, or one to choose."""
    known = [number.phone_number for number in bought]
    if not known:
        fail("The Twilio account has no number. Buy one in the Twilio console, and run this again.")
    typer.echo("Numbers of the account:")
    for number in bought:
        typer.echo(f"  {number.phone_number}  rings at {number.voice_url or 'nobody'}")
    async with wizard.db.operator() as operator:
        served = [e164 for one in await businesses.listed(operator) for e164 in one.numbers]
    wanted = [_e164(one) for one in wizard.wishes.numbers] or [e164 for e164 in served if e164 in known]
    if not wanted:
        wanted = [_e164(wizard.ask("Which of them should ring here", default=known[0]))]
    for e164 in wanted:
        if e164 not in known:
            fail(f"{e164} is not a number of the account. Buy or port it there, or choose one of those listed.")
    return wanted


async def _business(wizard: Wizard, e164: str) -> None:
    """The business that the number rings at: there, or opened now, with its owner."""
    async with wizard.db.operator() as operator:
        business_id = await businesses.find_by_number(operator, e164)
    if wizard.wishes.dry_run:
        typer.echo(f"{e164}: {'has its business' if business_id else 'a business would be opened'}.")
        return
    try:
        if business_id is None:
            opening = Opening(
                name=wizard.ask("The business's name, as the assistant says it", wizard.wishes.name),
                kind=wizard.ask("What it is: a clinic, a garage", wizard.wishes.kind, default="עסק"),
                number=e164,
                fallback_number=wizard.ask(
                    "Who is dialled when the assistant cannot answer (may be left empty)",
                    wizard.wishes.fallback_number,
                    default="",
                )
                or None,
            )
            business_id = await first_business.open_business(wizard.db, opening, actor="cli", now=utc_now())
            typer.echo(f"Business {business_id} answers {e164}.")
        if not await first_business.has_owner(wizard.db, business_id):
            email = wizard.ask("The owner's e-mail address (may be left empty)", wizard.wishes.owner, default="")
            if email:
                token = await first_business.let_owner_in(wizard.db, business_id, email, actor="cli", now=utc_now())
                typer.echo(f"The owner comes in once, within half an hour: {wizard.known('public_url')}/entry/{token}")
    except BadSetting as no:
        fail(f"The {no.field} cannot be used: {no.code}.")


async def _wire(wizard: Wizard, account: CarrierAccount, bought: Sequence[Number], e164s: Sequence[str]) -> None:
    fallback_url = await _fallback_url(wizard, [one for one in bought if one.phone_number in e164s])
    wiring = number_wiring(wizard.known("public_url"), fallback_url)
    shown = [one for one in rewiring.plan(bought, wiring, e164s) if one.changes]
    if not shown:
        typer.echo("Every number is wired already.")
        return
    _show_differences(shown)
    if wizard.wishes.dry_run:
        return
    if not wizard.wishes.yes:
        typer.confirm("Make these changes at Twilio", abort=True, err=True)
    await rewiring.rewire(account, wizard.db, shown, actor="cli", now=utc_now())
    typer.echo("Done. agentlocator init --undo brings them back.")


async def _fallback_url(wizard: Wizard, numbers: Sequence[Number]) -> str | None:
    """Who answers when this server cannot; None to leave what is there."""
    if wizard.wishes.fallback_url:
        return wizard.wishes.fallback_url
    if all(number.voice_fallback_url for number in numbers) or wizard.wishes.dry_run or wizard.wishes.yes:
        return None
    for number in numbers:
        dialled = await _fallback_number(wizard, number.phone_number)
        if dialled:
            typer.echo("When this server is down, Twilio must know who answers. Make a TwiML Bin in its console with:")
            typer.echo(f"  {twiml.transfer(dialled)}")
            break
    return wizard.ask("Its URL (may be left empty)", default="") or None


async def _fallback_number(wizard: Wizard, e164: str) -> str | None:
    async with wizard.db.operator() as operator:
        business_id = await businesses.find_by_number(operator, e164)
    if business_id is None:
        return None
    async with wizard.db.reading(business_id) as scope:
        return (await businesses.show(scope)).fallback_number


async def _undo(wizard: Wizard) -> None:
    await _read_kept(wizard)
    if not (wizard.known("twilio_account_sid") and wizard.known("twilio_auth_token")):
        fail("No Twilio account is known here. Run agentlocator init first.")
    account = _account(wizard)
    undoings = await rewiring.undoings(account, wizard.db)
    if not undoings:
        typer.echo("Nothing was changed that is not undone.")
        return
    _show_differences([one.difference for one in undoings])
    for one in undoings:
        if one.changed_since:
            typer.echo(f"{one.difference.e164}: {', '.join(one.changed_since)} was set by somebody since, and stays.")
    if wizard.wishes.dry_run:
        return
    if not wizard.wishes.yes:
        typer.confirm("Make these changes at Twilio", abort=True, err=True)
    await rewiring.undo(account, wizard.db, undoings, now=utc_now())
    typer.echo("Undone.")


def _show_differences(shown: Sequence[Difference]) -> None:
    for one in shown:
        typer.echo(one.e164)
        for change in one.changes:
            typer.echo(f"  {change.field}: {change.before or '(empty)'} → {change.after or '(empty)'}")


def _show(trouble: Trouble) -> None:
    typer.secho(f"{trouble.fault}\n  → {trouble.remedy}", fg=typer.colors.YELLOW, err=True)


def _e164(number: str) -> str:
    return phones.parse(number).e164 or _no_number(number)


def _no_number(number: str) -> NoReturn:
    fail(f"{number} is no phone number. Write it as +97235550101.")
