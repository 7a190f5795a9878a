"""`agentlocator certify`: proves by a call that this deployment works, before it goes live and ever after."""

from __future__ import annotations

import os
import secrets
import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import httpx2
import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from agentlocator.certificate import place as places
from agentlocator.certificate import seal, second_number
from agentlocator.certificate.certification import AlreadyCertified, Certified
from agentlocator.certificate.certification import certify as certify_business
from agentlocator.certificate.place import Place
from agentlocator.cli.programme import visual
from agentlocator.cli.setting import ENV_FILE, fail, run, server_settings
from agentlocator.config import Settings, load_storage
from agentlocator.domain import businesses
from agentlocator.domain.seed import CLINIC_NUMBER

_SIGNS = {"passed": "[green]✓[/green]", "failed": "[red]✗[/red]", "untried": "[yellow]–[/yellow]"}


def certify(
    business: Annotated[str, typer.Argument(help="Its id or a number of it; without one, every business.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the certificates as JSON and nothing else.")] = False,
    html: Annotated[
        Path | None, typer.Option(help="Also write the page to this file (or folder, for several).")
    ] = None,
    url: Annotated[str | None, typer.Option(help="Where the server is reached from here.")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="Start a server of its own, against the simulator.")] = False,
    from_number: Annotated[
        str, typer.Option(help="A second number of the account: the carrier itself places the call from it.")
    ] = "",
    verify: Annotated[
        Path | None,
        typer.Option(help="Place no call: tell whether this certificate, as --json printed it, is this deployment's."),
    ] = None,
    nightly: Annotated[
        str, typer.Option(help="A key that makes this run one, such as tonight's date.", hidden=True)
    ] = "",
) -> None:
    """Place a certification call and judge it: ten sections, each with its evidence and its remedy.

    Certifies the deployment of the settings; without any settings, a demo deployment that is started for it.
    """
    if verify is not None:
        _verify(verify)
        return
    is_demo = demo or not _is_configured()
    found = run(_demo()) if is_demo else run(_deployed(server_settings(), business, url, nightly, from_number))
    if as_json:
        typer.echo(msgspec.json.encode([one.document for one in found] if len(found) != 1 else found[0].document))
    else:
        for one in found:
            _show(Console(), one)
    if html is not None:
        _write(html, found)
    if not all(one.certificate.passed for one in found):
        raise typer.Exit(1)


async def _demo() -> list[Certified]:
    with tempfile.TemporaryDirectory() as folder:
        async with places.own(Path(folder)) as (place, _):
            business_id = await _business_id(place, CLINIC_NUMBER)
            return [await certify_business(place, business_id, key="demo")]


async def _deployed(
    settings: Settings, business: str, url: str | None, nightly: str, from_number: str
) -> list[Certified]:
    async with places.deployed(settings, url) as place, httpx2.AsyncClient(timeout=15) as http:
        if business:
            ids = [await _business_id(place, business)]
        else:
            async with place.db.operator() as operator:
                ids = [one.business_id for one in await businesses.listed(operator) if one.numbers]
        if not ids:
            fail("There is no business with a number to call. Add one with `agentlocator business add`.")
        found: list[Certified] = []
        for business_id in ids:
            try:
                key = nightly or f"run.{secrets.token_hex(8)}"
                if from_number:
                    found.append(
                        await certify_business(
                            place,
                            business_id,
                            key=key,
                            examine=partial(second_number.examine, from_e164=from_number, http=http),
                            caller_e164=from_number,
                        )
                    )
                else:
                    found.append(await certify_business(place, business_id, key=key))
            except AlreadyCertified:
                continue
        return found


async def _business_id(place: Place, wanted: str) -> int:
    async with place.db.operator() as operator:
        listed = await businesses.listed(operator)
    for one in listed:
        if wanted == str(one.business_id) or wanted in one.numbers:
            return one.business_id
    fail(f"No business has the id or number {wanted}. `agentlocator business list` shows them.")


def _is_configured() -> bool:
    """Whether there is a deployment here: an account in the environment or `.env`, or a database that holds one."""
    if "TWILIO_AUTH_TOKEN" in os.environ or ENV_FILE.is_file():
        return True
    storage = load_storage()
    return bool(storage.database_url.get_secret_value()) or (storage.data_dir / "agentlocator.db").is_file()


def _verify(path: Path) -> None:
    try:
        found = msgspec.json.decode(path.read_bytes(), type=dict[str, Any] | list[dict[str, Any]])
    except (OSError, msgspec.DecodeError) as fault:
        fail(f"{path} is no certificate: {fault}. Give a file that `agentlocator certify --json` printed.")
    secret = server_settings().media_secret()
    for document in found if isinstance(found, list) else [found]:
        told = f"{document.get('business')} · {document.get('version')} · {document.get('at')}"
        if not seal.is_genuine(document, secret):
            fail(f"{told}: not signed by this deployment's MEDIA_TOKEN_SECRET, or changed since.")
        typer.echo(f"{visual(told)}: signed here and unchanged; {'passed' if document['passed'] else 'failed'}")


def _show(console: Console, one: Certified) -> None:
    about = one.certificate.evidence.about
    console.print(f"[bold]{visual(about.business)}[/bold] · {about.number} · {about.version} · {about.at}")
    table = Table("", "", "", show_header=False)
    for section in one.certificate.sections:
        table.add_row(_SIGNS[section.verdict], f"{section.number}. {section.title.en}", "")
        for check in section.checks:
            shown = escape(visual(check.evidence.en))
            if check.verdict == "failed" and check.remedy is not None:
                shown += f"\n→ {check.remedy.en}"
            elif check.because is not None:
                shown = check.because.en
            table.add_row("", f"{_SIGNS[check.verdict]} {check.title.en}", shown)
    console.print(table)


def _write(path: Path, found: list[Certified]) -> None:
    if len(found) == 1 and path.suffix:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(found[0].page, encoding="utf-8")
        return
    path.mkdir(parents=True, exist_ok=True)
    for one in found:
        name = f"certificate-{one.certificate.evidence.about.business_id}.html"
        (path / name).write_text(one.page, encoding="utf-8")
