"""The carrier's and the model's REST APIs under one HTTP client; what is meant for this machine really goes there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx2

from agentlocator.provision.setup import Setup
from agentlocator.provision.wiring import Wiring
from agentlocator.simulator.openai_account import OpenAIAccount
from agentlocator.simulator.twilio_account import TwilioAccount
from agentlocator.twilio.account import CarrierAccount

ACCOUNT = "AC" + "0" * 32
TOKEN = "simulated-auth-token"
SECONDARY = "simulated-secondary-token"
MODEL_KEY = "sk-simulated"


class Peers(httpx2.AsyncBaseTransport):
    """`ahead` is how far the peers' clock is ahead of ours. `asked` are the hosts that were reached for."""

    def __init__(self) -> None:
        self.twilio = TwilioAccount(ACCOUNT, TOKEN, SECONDARY)
        self.openai = OpenAIAccount(MODEL_KEY)
        self.ahead = timedelta()
        self.asked: list[str] = []
        self._network = httpx2.AsyncHTTPTransport()

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(transport=self)

    def setup(self, public_url: str, said_elsewhere: frozenset[str] = frozenset()) -> Setup:
        """What a dashboard at this address is given to set its deployment up."""
        client = self.client()

        async def http() -> httpx2.AsyncClient:
            return client

        async def account() -> CarrierAccount:
            return CarrierAccount(client, ACCOUNT, TOKEN)

        return Setup(
            http=http,
            account=account,
            wiring=lambda fallback: Wiring(f"{public_url}/in", f"{public_url}/status", fallback),
            model="gpt-realtime-2.1",
            openai_api_url="https://api.openai.com/v1",
            twilio_api_url="https://api.twilio.com",
            said_elsewhere=said_elsewhere,
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request.url.host)
        await request.aread()
        if request.url.host == "api.twilio.com":
            answer = self.twilio.answer(request)
        elif request.url.host == "api.openai.com":
            answer = self.openai.answer(request)
        else:
            return await self._network.handle_async_request(request)
        answer.headers["date"] = format_datetime(datetime.now(UTC) + self.ahead)
        return answer

    async def aclose(self) -> None:
        await self._network.aclose()
