"""Places the certification call and gathers what it showed. Judges nothing, and leaves nothing behind.

The call goes in through the deployment's own door, signed with its own token; what it wrote is read, and taken back.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import msgspec
from sqlalchemy import select

from agentlocator import telemetry
from agentlocator.assistant import instructions
from agentlocator.audio.frames import SILENCE_FRAME
from agentlocator.call.journal import JournalError
from agentlocator.certificate import doors, engines, recorded, script
from agentlocator.certificate.evidence import (
    BUILT_IN,
    About,
    Answered,
    Evidence,
    Frames,
    Interruption,
    Knock,
    Strangers,
    Written,
)
from agentlocator.certificate.place import Place
from agentlocator.certificate.recorded import Recorded
from agentlocator.certificate.strangers import Stranger, leaks, strangers_of
from agentlocator.db.schema import Appointment, Call, Lead, Message, Outbox
from agentlocator.db.scope import Scope
from agentlocator.domain import localtime
from agentlocator.domain.profile import BusinessProfile
from agentlocator.domain.readiness import Found
from agentlocator.realtime import lifetimes
from agentlocator.rehearsal.evidence import card_of, is_bit_exact, stop_ms
from agentlocator.rehearsal.wired_number import carrier_of
from agentlocator.simulator.carrier import Carrier
from agentlocator.simulator.carrier_socket import CallReport
from agentlocator.simulator.person import Person
from agentlocator.version import VERSION
from agentlocator.voice.records import journal_path, session_path

# A caller who hears nothing for so long hangs up, and nobody stays longer than this.
DEAF_MS: Final = 8_000
LONGEST_MS: Final = 90_000
# For a call's last lines and rows to be written.
SETTLE_S: Final = 8.0
_IN_GOOD_ORDER: Final = 1000


async def examine(place: Place, profile: BusinessProfile, before: Found, *, seed: int = 1) -> Evidence:
    """One call to one business, everything gathered, everything it wrote taken back."""
    about = about_of(place, profile, caller=BUILT_IN)
    others = await strangers_of(place.db, profile)
    settings = place.settings
    house = doors.House.of(settings, place.url, about.number)
    person = Person(
        script.lines(real_model=place.real_model),
        place.voice,
        random.Random(f"certificate/{seed}"),  # noqa: S311 - guards nothing
    )
    evidence = Evidence(about=about, other_engines=tuple(engines.reachable(settings, profile)))
    started = datetime.now(UTC)
    sessions_before = len(place.hub.servers) if place.hub else 0
    async with httpx2.AsyncClient(timeout=10) as http:
        shell = carrier_of(
            house.account_sid,
            house.auth_token,
            http=http,
            public_origin=settings.public_url,
            local_origin=place.url,
            seed=secrets.randbits(32),
        )
        try:
            report = await shell.place_call(
                from_e164=script.CALLER, to_e164=about.number, watch=_patient(person), signing="right"
            )
        except httpx2.HTTPError as fault:
            return msgspec.structs.replace(evidence, answered=Answered(f"{type(fault).__name__}: {fault}"))
        forged = await doors.forged_webhooks(http, house)
        tries: list[Knock] = []
        if report.orders:
            forged += await doors.forged_streams(shell, report.orders[0], report.call)
            ours = (profile.fallback_number or "", *(target.e164 for target in profile.transfer_numbers))
            tries = await doors.other_businesses(http, house, report.call, [one.number for one in others], ours)
    return await gathered(
        place,
        profile,
        before,
        evidence,
        SeenFromOutside(report, person, started, tuple(forged), tuple(tries), tuple(others), sessions_before),
    )


def about_of(place: Place, profile: BusinessProfile, *, caller: str) -> About:
    settings = place.settings
    ends_on = lifetimes.announced_end(settings.openai_realtime_model)
    now = datetime.now(UTC)
    return About(
        business_id=profile.business_id,
        business=profile.name,
        number=profile.numbers[0] if profile.numbers else "",
        url=place.url,
        caller=caller,
        version=VERSION,
        at=now.isoformat(timespec="seconds"),
        today=now.date().isoformat(),
        timezone=profile.timezone,
        model=settings.openai_realtime_model,
        model_host=urlsplit(settings.openai_realtime_url).hostname or "",
        model_ends_on=ends_on.isoformat() if ends_on else "",
    )


class SeenFromOutside(msgspec.Struct, frozen=True):
    """What was seen from the caller's end."""

    report: CallReport
    person: Person
    started: datetime
    forged: tuple[Knock, ...]
    tries: tuple[Knock, ...]
    others: tuple[Stranger, ...]
    sessions_before: int


def _patient(person: Person) -> Any:
    """Acts the script, and hangs up where there is nobody to talk to."""

    def watch(carrier: Carrier, now_ms: int) -> None:
        person.tick(carrier, now_ms)
        is_deaf = now_ms > DEAF_MS and all(frame == SILENCE_FRAME for _, frame in carrier.heard)
        if is_deaf or now_ms > LONGEST_MS:
            carrier.hang_up(now_ms)

    return watch


async def gathered(
    place: Place, profile: BusinessProfile, before: Found, evidence: Evidence, seen: SeenFromOutside
) -> Evidence:
    call_sid = seen.report.call.call_sid
    journal = journal_path(place.journals, profile.business_id, call_sid)
    await _settled(place, profile.business_id, call_sid)
    log = tuple(telemetry.milestones_of(place.settings.milestones(), call_sid))
    async with place.db.reading(profile.business_id) as scope:
        rows = await _rows(scope, call_sid, profile.timezone)
        during = await _written_during(scope, seen.started)
    evidence = msgspec.structs.replace(
        evidence,
        answered=_answered(seen.report),
        doors=seen.forged,
        call_sid=call_sid,
        log=log,
        lead_was_there=bool(before.fields),
        lead=rows.lead,
        appointment=rows.appointment,
        tx=rows.tx,
        rx=rows.rx,
        custom_prompt=profile.custom_prompt,
        greeting=profile.greeting,
        complaints=tuple(seen.person.complaints),
        written=Written(during, _transports(place), _hook_on(profile)),
        noise_made=any(said.text == "*" for said in seen.person.spoken),
        keys_pressed="".join(said.text.strip("[]") for said in seen.person.spoken if said.text.startswith("[")),
        journal=journal.name,
    )
    evidence = _with_journal(place, profile, evidence, seen)
    return msgspec.structs.replace(
        evidence,
        strangers=Strangers(
            len(seen.others),
            sum(len(one.words) for one in seen.others),
            tuple(leaks(evidence, seen.others)),
            seen.tries,
        ),
    )


def _with_journal(place: Place, profile: BusinessProfile, evidence: Evidence, seen: SeenFromOutside) -> Evidence:
    path = journal_path(place.journals, profile.business_id, evidence.call_sid)
    try:
        noted = recorded.read(path.read_bytes())
    except (FileNotFoundError, JournalError):
        return evidence
    asked_path = session_path(path)
    asked = msgspec.json.decode(asked_path.read_bytes()) if asked_path.is_file() else {}
    # What was opened before or after this call is not this call's.
    opened = place.hub.servers[seen.sessions_before :] if place.hub else []
    server = opened[0] if opened else None
    session = msgspec.structs.replace(noted.session, asked=asked, got=dict(server.session) if server else {})
    carrier = seen.report.carriers[-1] if seen.report.carriers else None
    expected = instructions.build(profile, "call", datetime.fromisoformat(noted.started_at))
    # A call that lost its model is over before its stream comes, which is then refused: the stream is not to blame.
    lost = noted.outcome == "model_lost"
    return msgspec.structs.replace(
        evidence,
        answered=msgspec.structs.replace(evidence.answered, fault="") if lost else evidence.answered,
        outcome=noted.outcome,
        duration_ms=noted.duration_ms,
        session=session,
        expected_prompt=expected,
        frames=_frames(noted, carrier),
        sound=noted.sound,
        greeted=noted.greeted,
        greeted_by_model=noted.greeted_by_model,
        turns=noted.turns,
        tools=noted.tools,
        keys_arrived=noted.keys,
        keys_to_model=noted.keys_to_model,
        alarms=noted.alarms,
        **_interruptions(noted, carrier, seen.person),
    )


def _frames(noted: Recorded, carrier: Carrier | None) -> Frames:
    if carrier is None:
        return noted.frames
    return msgspec.structs.replace(
        noted.frames,
        sizes=dict(carrier.frame_sizes),
        bit_exact=is_bit_exact(noted.produced, (frame for _, frame in carrier.heard)),
        violations=(*carrier.violations, *(f"{warned.code}: {warned.reason}" for warned in carrier.warnings)),
    )


def _interruptions(noted: Recorded, carrier: Carrier | None, person: Person) -> dict[str, Any]:
    """Who spoke into whose sentence, and what came of it. The caller's clock is the carrier's."""
    said = [one for one in person.spoken if one.interrupting]
    heard = carrier.heard if carrier else []
    commits = [report for report in noted.barge_ins if report["verdict"] == "commit" and report["reason"] != "keypad"]
    seen = tuple(
        Interruption(
            at_ms=one.at_ms,
            committed=len(commits) > number,
            stop_ms=stop_ms(heard, one.at_ms),
            answered=any(at_ms > one.until_ms and frame != SILENCE_FRAME for at_ms, frame in heard),
        )
        for number, one in enumerate(said)
    )
    first = said[0].at_ms if said else LONGEST_MS
    coughs = [one.at_ms for one in person.spoken if one.text == "*"]
    # The journal's clock began with the call, the carrier's with its stream, a moment later.
    early = [report for report in commits if report["at_ms"] < first and coughs and report["at_ms"] >= coughs[0]]
    return {"interruptions": seen, "interrupting": bool(said), "noise_stopped_it": bool(early)}


class _Rows(msgspec.Struct):
    lead: dict[str, Any] | None = None
    appointment: dict[str, Any] | None = None
    tx: int | None = None
    rx: int | None = None


async def _rows(scope: Scope, call_sid: str, timezone: str) -> _Rows:
    """The cards, as the dashboard has them."""
    call: Call | None = await scope.first(select(Call).where(Call.call_sid == call_sid))
    if call is None:
        return _Rows()
    rows = _Rows(tx=call.tx, rx=call.rx)
    lead = await scope.get(Lead, call.lead_id) if call.lead_id is not None else None
    if lead is not None:
        rows.lead = card_of(lead)
    visit: Appointment | None = await scope.first(
        select(Appointment).where(Appointment.call_sid == call_sid).order_by(Appointment.id.desc())
    )
    if visit is not None:
        rows.appointment = {
            "id": visit.id,
            "status": visit.status,
            "starts_local": localtime.to_wall(visit.starts_at, timezone).isoformat(),
            "lead_id": visit.lead_id,
            "call_sid": visit.call_sid,
            "booked_by": visit.booked_by,
        }
    return rows


async def _written_during(scope: Scope, since: datetime) -> tuple[str, ...]:
    """Messages of ours that left on WhatsApp while the call ran, whoever they went to."""
    messages: Sequence[Message] = await scope.all(
        select(Message).where(Message.channel == "whatsapp", Message.author == "assistant", Message.at >= since)
    )
    sent: Sequence[Outbox] = await scope.all(
        select(Outbox).where(Outbox.kind.startswith("whatsapp"), Outbox.done_at >= since)
    )
    return (
        *(f"message {one.id} at {one.at.isoformat(timespec='seconds')}" for one in messages),
        *(f"{one.kind} {one.key}" for one in sent),
    )


async def _settled(place: Place, business_id: int, call_sid: str) -> None:
    """Waits until the call's end is in its row and in the log, or for so long that it never will be."""
    deadline = asyncio.get_running_loop().time() + SETTLE_S
    while asyncio.get_running_loop().time() < deadline:
        async with place.db.reading(business_id) as scope:
            call: Call | None = await scope.first(select(Call).where(Call.call_sid == call_sid))
            over = call is None or call.tx is not None
        if call is None or (over and _logged_its_end(place, call_sid)):
            return
        await asyncio.sleep(0.1)


def _logged_its_end(place: Place, call_sid: str) -> bool:
    return any(" WS_STOP " in line for line in telemetry.milestones_of(place.settings.milestones(), call_sid))


def _answered(report: CallReport) -> Answered:
    verbs = tuple(verb.name for verb in report.before)
    refused = [code for code in report.close_codes if code != _IN_GOOD_ORDER]
    if refused and not any(carrier.frame_sizes for carrier in report.carriers):
        return Answered(f"31921: the media stream was closed with {refused[0]}", 200, verbs, 0)
    if report.carriers:
        return Answered("", 200, verbs, len(report.carriers))
    note = "; ".join(report.notes)
    status = next((int(word.rstrip(".")) for word in note.split() if word.rstrip(".").isdigit()), 200)
    return Answered(note or "no media stream was ordered", status, verbs, 0)


def _transports(place: Place) -> tuple[str, ...]:
    settings = place.settings
    found: Mapping[str, bool] = {
        "cloud": settings.whatsapp_access_token is not None,
        "twilio": settings.whatsapp_over_twilio,
        "bridge": settings.bridge_url is not None,
    }
    return tuple(name for name, there in found.items() if there)


def _hook_on(profile: BusinessProfile) -> bool:
    policy = profile.policy.get("whatsapp")
    return isinstance(policy, dict) and policy.get("after_call", "off") != "off"
