"""The checks in their order, and what comes of each. A check whose ground is missing is left out, and says why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import msgspec
import structlog

from agentlocator.doctor import carrier, front, machine, model, stored
from agentlocator.doctor.finding import Finding, failure
from agentlocator.doctor.patient import Patient

_log = structlog.stdlib.get_logger(__name__)

Look = Callable[[Patient], Awaitable[Finding]]
Told = Callable[[Finding], None]


class Check(msgspec.Struct, frozen=True):
    """What is looked at, and the checks without which there is nothing to look at."""

    name: str
    look: Look
    needs: tuple[str, ...] = ()


CHECKS = (
    Check("settings", machine.settings),
    Check("files", machine.files),
    Check("disk", machine.disk),
    Check("database", stored.database),
    Check("vault", stored.vault, ("database",)),
    Check("time zones", stored.time_zones, ("database",)),
    Check("businesses", stored.businesses, ("database",)),
    Check("people", stored.people, ("database",)),
    Check("clock", machine.clock, ("settings",)),
    Check("model", model.listed, ("settings",)),
    Check("model lifetime", model.lifetime, ("model",)),
    Check("model session", model.session, ("model",)),
    Check("voice", model.voice, ("settings",)),
    Check("prices", model.prices, ("settings",)),
    Check("carrier account", carrier.account, ("settings",)),
    Check("signature secret", carrier.signature_secret, ("carrier account",)),
    Check("numbers", carrier.numbers, ("carrier account", "businesses")),
    Check("number webhooks", carrier.webhooks, ("numbers",)),
    Check("number fallback", carrier.fallback, ("numbers",)),
    Check("server", front.server, ("settings",)),
    Check("public address", front.address, ("server",)),
    Check("signed requests", front.signed_requests, ("public address",)),
    Check("media socket", front.media_socket, ("public address",)),
)


async def examine(patient: Patient, told: Told = lambda _: None) -> list[Finding]:
    """Everything, one after the other; `told` hears of each finding at once."""
    found: dict[str, Finding] = {}
    for check in CHECKS:
        missing = [name for name in check.needs if found[name].verdict in ("failure", "skipped")]
        finding = _left_out(missing[0]) if missing else await _looked(check, patient)
        found[check.name] = msgspec.structs.replace(finding, check=check.name)
        told(found[check.name])
    return list(found.values())


def is_healthy(findings: list[Finding]) -> bool:
    """Whether nothing failed. What was left out is left out because of something that did."""
    return all(finding.verdict != "failure" for finding in findings)


async def _looked(check: Check, patient: Patient) -> Finding:
    try:
        return await check.look(patient)
    except Exception as fault:
        # One check's surprise must not cost the others; what it says might quote a secret.
        _log.exception("a check broke off", check=check.name)
        return failure(
            f"The check itself broke off: {type(fault).__name__}.",
            "Run it again with LOG_LEVEL=debug; if it breaks off again, that is a fault of this product.",
        )


def _left_out(because_of: str) -> Finding:
    return Finding("skipped", f"Not looked at, because of: {because_of}.")
