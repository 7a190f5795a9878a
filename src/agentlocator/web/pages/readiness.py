"""Readiness: what the certifications of a business's phone proved, night after night, and each one's own page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from starlette.responses import HTMLResponse, Response

from agentlocator.db.schema import Certificate
from agentlocator.domain import readiness
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

SECTIONS: Final = (
    said("Realtime only"),
    said("Format of the sound"),
    said("System prompt"),
    said("Interruptions"),
    said("Lead and appointment"),
    said("Keypad"),
    said("Greeting"),
    said("The call itself"),
    said("Silent WhatsApp"),
    said("Businesses kept apart"),
)
# The certificate styles itself, runs nothing, and is shown inside our own page only.
_POLICY: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"


class Line(msgspec.Struct, frozen=True):
    """A certification in the list; `verdicts` are the ten sections' in their order, empty where it broke off."""

    row_id: int
    state: str
    started_at: datetime
    version: str
    verdicts: tuple[str, ...]
    has_page: bool


async def show(visit: Visit) -> Response:
    async with visit.reading() as scope:
        rows: Sequence[Certificate] = await readiness.listed(scope)
    lines = [_line(row) for row in rows]
    latest = next((line for line in lines if line.state != "running"), None)
    return visit.render("readiness.html", section="readiness", lines=lines, latest=latest, names=SECTIONS)


async def read(visit: Visit) -> Response:
    """One certificate, in the frame of the dashboard."""
    async with visit.reading() as scope:
        row = await readiness.find(scope, visit.request.path_params["certificate_id"])
    if row is None:
        visit.missing()
    return visit.render("certificate.html", section="readiness", line=_line(row), names=SECTIONS)


async def page(visit: Visit) -> Response:
    """The certificate itself, as it was drawn then."""
    async with visit.reading() as scope:
        row = await readiness.find(scope, visit.request.path_params["certificate_id"])
    if row is None or not row.page:
        visit.missing()
    return HTMLResponse(row.page, headers={"Content-Security-Policy": _POLICY})


def _line(row: Certificate) -> Line:
    verdicts = tuple(str(row.verdicts.get(str(number), "untried")) for number in range(1, len(SECTIONS) + 1))
    return Line(row.id, row.state, row.started_at, row.version, verdicts if row.verdicts else (), bool(row.page))
