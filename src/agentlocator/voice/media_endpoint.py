"""The media WebSocket's door: nobody gets past it without a token that this server issued for this very call.

Until then nothing is opened, stored or used up for a stranger, and he has only moments.
"""

from __future__ import annotations

import asyncio

import structlog

from agentlocator import telemetry
from agentlocator.twilio.errors import RemoteProtocolError
from agentlocator.twilio.messages import Start
from agentlocator.voice.media_stream import MediaSocket, read
from agentlocator.voice.switchboard import Switchboard
from agentlocator.wire import WireClosed

_log = structlog.stdlib.get_logger(__name__)

POLICY_VIOLATION = 1008
# `connected` and `start` come first; whoever says this much before them is not the carrier.
MESSAGES_BEFORE_START = 20


class MediaEndpoint:
    """Accepts media streams. `start_timeout_s` is how long a stranger may keep us waiting."""

    def __init__(self, switchboard: Switchboard, start_timeout_s: float) -> None:
        self._switchboard = switchboard
        self._start_timeout_s = start_timeout_s

    async def serve(self, socket: MediaSocket) -> None:
        """One stream, from the handshake to its end."""
        try:
            start = await self._start(socket)
            joined = await self._switchboard.join(start, socket) if start is not None else None
            if start is None or joined is None:
                if start is not None:
                    _log.warning("media stream refused", call_id=start.call_sid, fault="no valid token")
                socket.close(POLICY_VIOLATION)
                return
        except WireClosed:
            return
        session, stream = joined
        with telemetry.call_bound(start.call_sid):
            await stream.listen(session.take)

    async def _start(self, socket: MediaSocket) -> Start | None:
        """The stream's `start`, or None when it does not come: why, is in the log."""
        fault = "no start came"
        try:
            async with asyncio.timeout(self._start_timeout_s):
                for _ in range(MESSAGES_BEFORE_START):
                    try:
                        message = read(await socket.receive())
                    except RemoteProtocolError as error:
                        fault = str(error)
                        continue
                    if isinstance(message, Start):
                        return message
        except TimeoutError:
            pass
        _log.warning("media stream refused", fault=fault)
        return None
