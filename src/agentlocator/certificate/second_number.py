"""The certification call placed by the real carrier, from a second number of the account.

The caller's side is a script that the carrier speaks and plays; nothing of it can be heard here, so the frames, the
sound and the interruptions are read from the call's journal. It dials one number, once, for two minutes at most.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final
from xml.etree import ElementTree as ET

import httpx2
import msgspec
from sqlalchemy import select

from agentlocator.certificate import doors, engines, recorded, script
from agentlocator.certificate.evidence import Answered, Evidence, Interruption
from agentlocator.certificate.inquiry import SeenFromOutside, about_of, gathered
from agentlocator.certificate.place import Place
from agentlocator.certificate.strangers import strangers_of
from agentlocator.db.schema import Call
from agentlocator.domain.profile import BusinessProfile
from agentlocator.domain.readiness import Found
from agentlocator.simulator.carrier import CallFacts
from agentlocator.simulator.carrier_socket import CallReport
from agentlocator.simulator.person import Person
from agentlocator.twilio.account import raise_for_refusal
from agentlocator.twilio.errors import CarrierRefused, CarrierUnreachable
from agentlocator.voice.records import journal_path

LONGEST_S: Final = 120
# What the carrier still plays when the server has stopped sending.
CARRIER_QUEUE_MS: Final = 80


async def examine(
    place: Place,
    profile: BusinessProfile,
    before: Found,
    *,
    from_e164: str,
    http: httpx2.AsyncClient,
    patience_s: float = LONGEST_S + 30,
) -> Evidence:
    """One call from the second number, everything gathered that can be seen from here."""
    about = about_of(place, profile, caller=from_e164)
    evidence = Evidence(about=about, other_engines=tuple(engines.reachable(place.settings, profile)))
    others = await strangers_of(place.db, profile)
    started = datetime.now(UTC)
    try:
        await _dial(http, place, from_e164, about.number)
    except (CarrierRefused, CarrierUnreachable, httpx2.HTTPError) as fault:
        return msgspec.structs.replace(evidence, answered=Answered(f"the carrier did not dial: {fault}"))
    call_sid = await _arrived(place, profile.business_id, from_e164, started, patience_s)
    if call_sid is None:
        return msgspec.structs.replace(evidence, answered=Answered("the carrier dialled and no call came here"))
    settings = place.settings
    house = doors.House.of(settings, place.url, about.number)
    forged = await doors.forged_webhooks(http, house)
    facts = CallFacts(settings.twilio_account_sid, call_sid, from_e164, about.number)
    ours = (profile.fallback_number or "", *(target.e164 for target in profile.transfer_numbers))
    tries = await doors.other_businesses(http, house, facts, [one.number for one in others], ours)
    nobody = Person((), place.voice, random.Random(0))  # noqa: S311 - he does nothing
    seen = SeenFromOutside(CallReport(facts), nobody, started, tuple(forged), tuple(tries), tuple(others), 0)
    evidence = await gathered(place, profile, before, evidence, seen)
    path = journal_path(place.journals, profile.business_id, call_sid)
    noted = recorded.read(path.read_bytes()) if path.is_file() else None
    return msgspec.structs.replace(
        evidence,
        answered=Answered("", 200, (), 1),
        keys_pressed=script.KEYS,
        interrupting=True,
        interruptions=tuple(_interruptions(noted.barge_ins)) if noted else (),
    )


def caller_twiml() -> str:
    """What the second number's leg does: the script's lines, spoken by the carrier, with time for answers."""
    response = ET.Element("Response")
    for act, wait_s in _acts():
        ET.SubElement(response, "Pause", {"length": str(wait_s)})
        if act.startswith("#"):
            ET.SubElement(response, "Play", {"digits": act.removeprefix("#")})
        else:
            ET.SubElement(response, "Say", {"language": "he-IL"}).text = act
    ET.SubElement(response, "Pause", {"length": "8"})
    ET.SubElement(response, "Hangup")
    return ET.tostring(response, encoding="unicode")


def _acts() -> Iterator[tuple[str, int]]:
    """Each thing to say or press, with the seconds before it: an interruption comes into the answer."""
    yield f"שלום, קוראים לי {script.NAME}", 8
    yield "אני רוצה לקבוע תור", 6
    for text in script.INTERRUPTIONS:
        yield text, 4
    yield f"#{script.KEYS}", 12
    yield script.PROBE, 6
    yield "התור הראשון מתאים לי", 7
    yield "כן, לקבוע בבקשה. תודה", 8


async def _dial(http: httpx2.AsyncClient, place: Place, from_e164: str, to_e164: str) -> None:
    settings = place.settings
    account = settings.twilio_account_sid
    answer = await http.post(
        f"{settings.twilio_api_url.rstrip('/')}/2010-04-01/Accounts/{account}/Calls.json",
        data={"From": from_e164, "To": to_e164, "Twiml": caller_twiml(), "TimeLimit": str(LONGEST_S)},
        auth=httpx2.BasicAuth(account, settings.twilio_auth_token.get_secret_value()),
    )
    raise_for_refusal(answer)


async def _arrived(place: Place, business_id: int, from_e164: str, since: datetime, patience_s: float) -> str | None:
    """The call's own SID on our side, once it is over: the carrier gives both legs different ones."""
    deadline = asyncio.get_running_loop().time() + patience_s
    call: Call | None = None
    while asyncio.get_running_loop().time() < deadline:
        async with place.db.reading(business_id) as scope:
            call = await scope.first(
                select(Call).where(Call.from_raw == from_e164, Call.started_at >= since).order_by(Call.id.desc())
            )
        if call is not None and call.status == "finished" and call.tx is not None:
            break
        await asyncio.sleep(0.5)
    return call.call_sid if call is not None else None


def _interruptions(reports: Sequence[dict[str, Any]]) -> Iterator[Interruption]:
    """Each committed one, with the pause that it began with: how long he had spoken, and what was still queued."""
    paused_ms = 0
    for report in reports:
        if report["verdict"] == "pause":
            paused_ms = int(report["speech_ms"])
        elif report["verdict"] == "commit" and report["reason"] != "keypad":
            stop_ms = paused_ms + CARRIER_QUEUE_MS
            yield Interruption(int(report["at_ms"]), committed=True, stop_ms=stop_ms, answered=True)
