"""`agentlocator doctor`: what would stop calls, before a caller finds out."""

from __future__ import annotations

from typing import Annotated

import httpx2
import msgspec
import typer

from agentlocator import doctor as house_call
from agentlocator.cli.setting import ENV_FILE, run
from agentlocator.config import SettingsError
from agentlocator.doctor import Finding

_MARKS = {
    "ok": ("ok", typer.colors.GREEN),
    "warning": ("warning", typer.colors.YELLOW),
    "failure": ("FAILED", typer.colors.RED),
    "skipped": ("-", typer.colors.BRIGHT_BLACK),
}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as one JSON object.")] = False,
) -> None:
    """Examine this deployment: settings, database, clock, address, numbers, model. Exit code 1 when anything failed.

    Run it beside the running server, with the same settings. It changes nothing and prints no secret.
    """
    findings = run(_examined(_print_nothing if as_json else _print))
    healthy = house_call.is_healthy(findings)
    if as_json:
        typer.echo(msgspec.json.encode({"healthy": healthy, "findings": findings}).decode())
    if not healthy:
        raise typer.Exit(1)


def _print_nothing(_finding: Finding) -> None:
    """For machines there is one object, at the end."""


def _print(finding: Finding) -> None:
    word, colour = _MARKS[finding.verdict]
    typer.echo(typer.style(f"{word:>8}", fg=colour) + f"  {finding.check}: {finding.said}")
    if finding.remedy:
        typer.echo(f"{'':>8}  → {finding.remedy}")


async def _examined(told: house_call.Told) -> list[Finding]:
    async with httpx2.AsyncClient() as http:
        try:
            async with house_call.admitted(ENV_FILE, http) as patient:
                return await house_call.examine(patient, told)
        except SettingsError as fault:
            finding = Finding("failure", str(fault), "Correct what is named.", "settings")
            told(finding)
            return [finding]
