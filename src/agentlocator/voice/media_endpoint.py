"""The media WebSocket's door: nobody gets past it without a token that this server issued for this very call.

Until then nothing is opened, stored or used up for a stranger, and he has only moments.
"""

from __future__ import annotations

import asyncio

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from agentlocator import telemetry
from agentlocator.twilio.errors import RemoteProtocolError
from agentlocator.twilio.messages import Start
from agentlocator.voice.media_stream import SocketClosed, read
from agentlocator.voice.switchboard import Switchboard

_log = structlog.stdlib.get_logger(__name__)

POLICY_VIOLATION = 1008
# `connected` and `start` come first; whoever says this much before them is not the carrier.
MESSAGES_BEFORE_START = 20


class StarletteSocket:
    """A Starlette WebSocket as a media socket."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def receive(self) -> str | bytes:
        try:
            message = await self._websocket.receive()
        except (WebSocketDisconnect, RuntimeError):
            raise SocketClosed from None
        if message["type"] == "websocket.disconnect":
            raise SocketClosed
        text: str | None = message.get("text")
        return text if text is not None else message.get("bytes") or b""

    async def send(self, text: str) -> None:
        try:
            await self._websocket.send_text(text)
        except (WebSocketDisconnect, RuntimeError):
            raise SocketClosed from None

    async def close(self, code: int, reason: str = "") -> None:
        if self._websocket.application_state is WebSocketState.DISCONNECTED:
            return
        try:
            await self._websocket.close(code, reason)
        except (WebSocketDisconnect, RuntimeError):
            raise SocketClosed from None


class MediaEndpoint:
    """Accepts media streams. `start_timeout_s` is how long a stranger may keep us waiting."""

    def __init__(self, switchboard: Switchboard, start_timeout_s: float) -> None:
        self._switchboard = switchboard
        self._start_timeout_s = start_timeout_s

    async def serve(self, websocket: WebSocket) -> None:
        """One stream, from the upgrade to its end."""
        await websocket.accept()
        socket = StarletteSocket(websocket)
        try:
            start = await self._start(socket)
            joined = await self._switchboard.join(start, socket) if start is not None else None
            if start is None or joined is None:
                _log.warning("media stream refused", call_id=start.call_sid if start else None)
                await socket.close(POLICY_VIOLATION, "no valid token")
                return
        except SocketClosed:
            return
        session, stream = joined
        with telemetry.call_bound(start.call_sid):
            await stream.listen(session.take)

    async def _start(self, socket: StarletteSocket) -> Start | None:
        """The stream's `start`, or None when it does not come."""
        try:
            async with asyncio.timeout(self._start_timeout_s):
                for _ in range(MESSAGES_BEFORE_START):
                    try:
                        message = read(await socket.receive())
                    except RemoteProtocolError:
                        continue
                    if isinstance(message, Start):
                        return message
        except TimeoutError:
            pass
        return None
