"""What it takes to set a running deployment up from its dashboard: ways out to the accounts, and what it runs with.

It holds no credential that could be shown: the account is opened behind a call.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx2
import msgspec

from agentlocator.provision.wiring import Wiring
from agentlocator.twilio.account import CarrierAccount


class Setup(msgspec.Struct, frozen=True):
    """`account` is the one the server runs with. `said_elsewhere` names the settings of the environment, which win."""

    http: Callable[[], Awaitable[httpx2.AsyncClient]]
    account: Callable[[], Awaitable[CarrierAccount]]
    wiring: Callable[[str | None], Wiring]
    model: str
    openai_api_url: str
    twilio_api_url: str
    said_elsewhere: frozenset[str]
