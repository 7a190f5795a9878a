"""The certification call from a second number, through a REST API that dials and complains as the real one does."""

from __future__ import annotations

import asyncio
import base64
import random
from pathlib import Path
from urllib.parse import parse_qs

import httpx2
import pytest

from agentlocator.certificate import place as places
from agentlocator.certificate import script, second_number
from agentlocator.certificate.certification import Certified, certify
from agentlocator.certificate.place import Place
from agentlocator.rehearsal.wired_number import carrier_of
from agentlocator.simulator.carrier_twiml import read_twiml
from agentlocator.simulator.person import Person
from certificate.conftest import clinic_of
from certificate.saboteurs import PATIENT

pytestmark = pytest.mark.requirement("R52")

SECOND = "+972541230000"


class FakeTwilio:
    """The Calls resource of an account that owns one number beside the clinic's; what it dials, a person speaks."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.dialled: list[asyncio.Task[None]] = []

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if not request.url.path.startswith("/2010-04-01/"):
            async with httpx2.AsyncClient() as through:
                headers = {name: value for name, value in request.headers.items() if name != "host"}
                return await through.request(
                    request.method, str(request.url), content=await request.aread(), headers=headers
                )
        settings = self._place.settings
        token = settings.twilio_auth_token.get_secret_value()
        basic = base64.b64encode(f"{settings.twilio_account_sid}:{token}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {basic}":
            return refusal(401, 20003, "Authenticate")
        form = {name: values[0] for name, values in parse_qs((await request.aread()).decode()).items()}
        if form.get("From") != SECOND:
            return refusal(400, 21210, "From is not a verified phone number of this account")
        if not form.get("To", "").startswith("+"):
            return refusal(400, 21211, "The 'To' number is not a valid phone number")
        spoken = read_twiml(form["Twiml"]).before
        assert {verb.name for verb in spoken} == {"Pause", "Say", "Play", "Hangup"}
        self.dialled.append(asyncio.create_task(self._dial(form["To"])))
        return httpx2.Response(201, json={"sid": "CA" + "0" * 32, "status": "queued"})

    async def _dial(self, to_e164: str) -> None:
        place, settings = self._place, self._place.settings
        person = Person(script.lines(), place.voice, random.Random(1))
        async with httpx2.AsyncClient() as http:
            shell = carrier_of(
                settings.twilio_account_sid,
                settings.twilio_auth_token.get_secret_value(),
                http=http,
                public_origin=settings.public_url,
                local_origin=place.url,
            )
            await shell.place_call(from_e164=SECOND, to_e164=to_e164, watch=person.tick)


def refusal(status: int, code: int, message: str) -> httpx2.Response:
    return httpx2.Response(status, json={"code": code, "message": message, "status": status})


async def certified_from(folder: Path, from_e164: str) -> Certified:
    async with places.own(folder) as (place, _):
        fake = FakeTwilio(place)
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(fake)) as http:
            certified = await certify(
                place,
                await clinic_of(place.db),
                key="carrier",
                examine=lambda *given: second_number.examine(*given, from_e164=from_e164, http=http),
                caller_e164=from_e164,
                limits=PATIENT,
            )
            await asyncio.gather(*fake.dialled)
    return certified


async def test_a_call_from_the_second_number_is_certified_and_forgotten(tmp_path: Path) -> None:
    certified = await certified_from(tmp_path, SECOND)
    wrong = [
        (check.key, check.evidence.en)
        for section in certified.certificate.sections
        for check in section.checks
        if check.verdict != "passed"
    ]
    assert wrong == []
    assert certified.certificate.evidence.about.caller == SECOND


async def test_a_number_that_is_not_the_account_s_is_refused_with_the_carrier_s_code(tmp_path: Path) -> None:
    certified = await certified_from(tmp_path, "+972541239999")
    assert certified.certificate.failed == (8,)
    assert "21210" in certified.certificate.evidence.answered.fault
