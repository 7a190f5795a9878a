"""One call: what was said and heard, what the tools answered, what it cost; its microscope and its journal."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog
from sqlalchemy import select
from starlette.responses import FileResponse, HTMLResponse, Response

from agentlocator.call.journal import JournalError, part
from agentlocator.db.schema import Call, ToolCall
from agentlocator.db.scope import Scope
from agentlocator.domain import calls
from agentlocator.domain.text import clean
from agentlocator.microscope import read_picture, render
from agentlocator.realtime.usage import Tokens, costs_micro_usd
from agentlocator.web import byte_range, lanes
from agentlocator.web.pages.calls import lines_of
from agentlocator.web.recordings import Replay
from agentlocator.web.visit import Visit
from agentlocator.web.words import said

_log = structlog.stdlib.get_logger(__name__)

# A longer one is an hour's call and more: it is for downloading.
MAX_PICTURED_BYTES = 64 * 1024 * 1024

# The microscope brings its own style and script, and its own policy that names them; a sandbox keeps it from the
# dashboard's cookies whatever it holds.
_MICROSCOPE_POLICY = (
    "sandbox allow-scripts; default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "frame-ancestors 'self'"
)


_VERDICTS: Final = {"commit": said("Interrupted"), "resume": said("Went on speaking")}
_REASONS: Final = {
    "continuous speech": said("the caller really spoke"),
    "keypad": said("a key was pressed"),
    "quiet": said("it was quiet again"),
    "undecided": said("it never became speech"),
    "over": said("the sentence had ended by itself"),
}
_KINDS: Final = {
    "text_in": said("Text read"),
    "text_cached": said("Text read again"),
    "text_out": said("Text written"),
    "audio_in": said("Sound listened to"),
    "audio_cached": said("Sound listened to again"),
    "audio_out": said("Sound spoken"),
    "image_in": said("Pictures"),
    "image_cached": said("Pictures again"),
    "transcribed_ms": said("The caller's words, written down"),
}


class Receipt(msgspec.Struct, frozen=True):
    """A tool the assistant called, and what it was told."""

    name: str
    arguments: str
    said: str
    ok: bool | None


async def show(visit: Visit) -> Response:
    async with visit.reading() as scope:
        row = await _call(visit, scope)
        (line,) = await lines_of(scope, [row])
        turns = await calls.turns(scope, row.call_sid)
        tools: Sequence[ToolCall] = await scope.all(
            select(ToolCall).where(ToolCall.call_sid == row.call_sid).order_by(ToolCall.id)
        )
    latencies = sorted(turn.latency_ms for turn in turns if turn.latency_ms is not None)
    replay = await _replay(visit, row)
    return visit.render(
        "call.html",
        section="calls",
        call=row,
        line=line,
        turns=[turn for turn in turns if turn.speaker != "tool"],
        lanes=lanes.draw(replay.picture) if replay else None,
        at_ms=lanes.clock,
        summary=replay.picture.summary if replay else None,
        verdicts=_VERDICTS,
        reasons=_REASONS,
        costs=_costs(visit, row),
        prompt=str(row.facts.get("prompt", "")) if visit.may("staff") else "",
        has_sound=replay is not None and visit.may("staff"),
        tools=[_receipt(tool) for tool in tools],
        median_ms=latencies[len(latencies) // 2] if latencies else None,
        alarms=[str(alarm) for alarm in row.facts.get("alarms", [])],
        has_journal=_journal(visit, row).is_file(),
        part=_part(visit),
        parts=_parts(visit, row),
    )


async def microscope(visit: Visit) -> Response:
    """The call replayed and drawn, as a page of its own."""
    async with visit.reading() as scope:
        path = _journal(visit, await _call(visit, scope))
    page = await asyncio.to_thread(_picture, path)
    if page is None:
        visit.missing()
    return HTMLResponse(page, headers={"Content-Security-Policy": _MICROSCOPE_POLICY})


async def sound(visit: Visit) -> Response:
    """The call as a stereo recording, whole or the part a player asks for."""
    async with visit.reading() as scope:
        row = await _call(visit, scope)
    replay = await _replay(visit, row)
    if replay is None:
        visit.missing()
    return byte_range.respond(replay.wav, visit.request.headers.get("range"), "audio/wav")


async def journal(visit: Visit) -> Response:
    """The call's journal as a file, for whoever has to find out what happened."""
    async with visit.reading() as scope:
        path = _journal(visit, await _call(visit, scope))
    if not path.is_file():
        visit.missing()
    return FileResponse(path, media_type="application/x-ndjson", filename=path.name)


async def _call(visit: Visit, scope: Scope) -> Call:
    row = await calls.find(scope, clean(visit.request.path_params["call_sid"]))
    return row or visit.missing()


def _journal(visit: Visit, row: Call) -> Path:
    return part(visit.house.journal_of(visit.business_id, row.call_sid), _part(visit))


def _part(visit: Visit) -> int:
    """Which part of a call that came back from a person is looked at; the first where none is named."""
    asked = visit.request.query_params.get("part", "")
    return int(asked) if asked.isascii() and asked.isdecimal() and 0 < len(asked) < 3 and int(asked) else 1


def _parts(visit: Visit, row: Call) -> int:
    first = visit.house.journal_of(visit.business_id, row.call_sid)
    return sum(1 for _ in itertools.takewhile(lambda number: part(first, number).is_file(), itertools.count(1)))


async def _replay(visit: Visit, row: Call) -> Replay | None:
    """The recording of a call that is over: of one that goes on there is not all yet."""
    return await visit.house.recordings.of(_journal(visit, row)) if row.status == "finished" else None


def _costs(visit: Visit, row: Call) -> list[tuple[str, int]]:
    """What the call cost by kind, the dearest first."""
    try:
        spent = msgspec.convert(row.usage, Tokens)
    except msgspec.ValidationError:
        return []
    parts = costs_micro_usd(str(row.facts.get("model", "")), spent)
    return sorted(((visit.gettext(_KINDS[kind]), cost) for kind, cost in parts.items()), key=lambda one: -one[1])


def _picture(path: Path) -> str | None:
    """The page of a journal; None for one that is not there, too long, or not readable."""
    if not path.is_file() or path.stat().st_size > MAX_PICTURED_BYTES:
        return None
    try:
        return render(read_picture(path.read_bytes().splitlines(keepends=True)))
    except JournalError as fault:
        _log.warning("a journal cannot be read", detail=str(fault))
        return None


def _receipt(tool: ToolCall) -> Receipt:
    reply = tool.reply or {}
    ok = reply.get("ok")
    return Receipt(
        tool.name, tool.arguments[:2_000], str(reply.get("say", ""))[:2_000], ok if isinstance(ok, bool) else None
    )
