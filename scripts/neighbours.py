"""Whom a pictured deployment asks: a carrier's account with numbers, and a bridge with a phone that is connected.

Simulated, and true to their own interfaces: the dashboard asks over HTTP, as it asks the real ones.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agentlocator.db.engine import Database
from agentlocator.domain.seed import CLINIC_NUMBER, GARAGE_NUMBER
from agentlocator.rehearsal import theatre
from agentlocator.simulator.twilio_account import TwilioAccount
from agentlocator.simulator.whatsapp_http import serving
from agentlocator.voice.webhook import number_wiring
from agentlocator.whatsapp import lines

FREE_NUMBER: Final = "+97235550404"
_BRIDGE_SECRET: Final = "simulated-bridge-secret-of-32-letters"  # noqa: S105 - both ends are in this process
_PHONE: Final = {"state": "open", "score": 94, "reason": "", "qr": "", "code": "", "sent_today": 7, "day_limit": 40}


class Neighbours:
    """`settings` is what a deployment is told of them."""

    def __init__(self, twilio: TwilioAccount, settings: dict[str, Any]) -> None:
        self.settings = settings
        self._twilio = twilio

    async def greet(self, house: theatre.Theatre, business_id: int) -> None:
        """The numbers ring at the deployment, one of them at no business yet; the business has paired its phone."""
        wiring = number_wiring(house.origin)
        here = {"voice_url": wiring.voice_url, "status_callback": wiring.status_callback}
        for e164 in (CLINIC_NUMBER, GARAGE_NUMBER):
            self._twilio.add(e164, **here)
        self._twilio.add(FREE_NUMBER)
        await _write_to(house.deployment.db, business_id)


@asynccontextmanager
async def opened() -> AsyncIterator[Neighbours]:
    twilio = TwilioAccount(theatre.ACCOUNT_SID, theatre.AUTH_TOKEN)
    async with serving(_over_http(twilio)) as twilio_url, serving(_bridge()) as bridge_url:
        yield Neighbours(
            twilio, {"twilio_api_url": twilio_url, "bridge_url": bridge_url, "bridge_secret": _BRIDGE_SECRET}
        )


def _over_http(twilio: TwilioAccount) -> Starlette:
    async def answer(request: Request) -> Response:
        asked = httpx2.Request(
            request.method, str(request.url), headers=dict(request.headers), content=await request.body()
        )
        told = twilio.answer(asked)
        return Response(told.content, told.status_code, media_type="application/json")

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


def _bridge() -> Starlette:
    async def status(request: Request) -> Response:
        return JSONResponse({"session": (await request.json())["session"], **_PHONE})

    return Starlette(routes=[Route("/status", status, methods=["POST"])])


async def _write_to(db: Database, business_id: int) -> None:
    now = datetime.now(UTC)
    async with db.scope(business_id) as scope:
        await lines.add(scope, "bridge", f"business-{business_id}", now=now)
        await lines.add(scope, "twilio", f"whatsapp:{CLINIC_NUMBER}", now=now)
