"""The simulated carrier with its number wired to a server of ours, as `provision` wires a real one."""

from __future__ import annotations

import httpx2

from agentlocator.simulator.carrier_socket import CarrierShell
from agentlocator.voice import webhook


def carrier_of(
    account_sid: str,
    auth_token: str,
    *,
    http: httpx2.AsyncClient,
    public_origin: str,
    local_origin: str = "",
    seed: int = 1,
) -> CarrierShell:
    """The server believes to be at `public_origin`; where it is reached is `local_origin`, by default the same."""
    return CarrierShell(
        account_sid,
        auth_token,
        http=http,
        webhook_url=public_origin + webhook.INCOMING,
        public_origin=public_origin,
        local_origin=local_origin or public_origin,
        status_url=public_origin + webhook.CALL_STATUS,
        seed=seed,
    )
