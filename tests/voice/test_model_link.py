"""The way to the model's server: which proxy it takes is the environment's to say."""

from __future__ import annotations

import pytest
from picows import ws_create_server

from agentlocator.voice.model_link import RealtimeServer, Refused
from agentlocator.wire import Wire

NOBODY = "http://127.0.0.1:9"


@pytest.mark.parametrize(("without", "arrives"), [("127.0.0.1", True), ("", False)])
async def test_a_host_that_needs_no_proxy_is_reached_without(
    monkeypatch: pytest.MonkeyPatch, without: str, arrives: bool
) -> None:
    for name, value in {"http_proxy": NOBODY, "no_proxy": without}.items():
        monkeypatch.setenv(name, value)
        monkeypatch.delenv(name.upper(), raising=False)
    server = await ws_create_server(lambda _: Wire(most_bytes=100), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    there = RealtimeServer(f"ws://127.0.0.1:{port}", "a key")
    if arrives:
        (await there.open("gpt-realtime")).close()
    else:
        with pytest.raises(Refused):
            await there.open("gpt-realtime")
    server.close()
