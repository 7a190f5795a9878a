"""A WebSocket as a call wants it, at either end: what arrives is handed over where it was read, what is sent is gone.

Fifty frames a second and direction pass here for each call, so that a queue and a task in between would cost more than
all that the call decides about them. Therefore nothing here is awaited on a frame's way: a message goes to its taker in
the loop's own callback, and into the socket's own buffer when it leaves. It never looks into a message.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Final

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSProtocolError, WSTransport

Message = str | bytes
"""A text frame's text, or a binary frame's bytes."""

# Half a minute of a call's speech. A peer that leaves more unread than this has stopped reading.
MOST_UNSENT_BYTES: Final = 512 * 1024
# While nobody takes them. The peer is not read any further then, and waits in its own buffers.
MOST_UNREAD: Final = 64
# picows refuses every other code that no goodbye may have.
BROKEN_OFF: Final = 1006
LARGEST_CODE: Final = 4999

# What picows says in good order is a line for each connection, and one for each end; ours say more.
LOG: Final = logging.getLogger("picows")
LOG.setLevel(logging.ERROR)


class WireClosed(Exception):
    """The other side is gone."""


class Wire(WSListener):
    """One connection, from its handshake on: given to picows as the listener of its events.

    `opened` is called once both sides have agreed. `close_code` is what the peer closed it with, None when it did not
    say. A goodbye that is not answered within `goodbye_s` is cut short.
    """

    def __init__(
        self,
        *,
        most_bytes: int,
        goodbye_s: float = 10.0,
        opened: Callable[[Wire], None] = lambda _: None,
    ) -> None:
        self.closed = False
        self.close_code: int | None = None
        self.close_reason = ""
        self._most_bytes = most_bytes
        self._goodbye_s = goodbye_s
        self._opened = opened
        self._transport: WSTransport | None = None
        self._take: Callable[[Message], None] | None = None
        self._context: Context | None = None
        self._fault: BaseException | None = None
        self._unread: deque[Message] = deque()
        self._pieces = bytearray()
        self._pieces_of: WSMsgType | None = None
        self._congested = False
        self._news = asyncio.Event()
        self._goodbye: asyncio.TimerHandle | None = None

    async def receive(self) -> Message:
        """The next message, for whoever takes them one by one. Raises WireClosed when there will be none."""
        while not self._unread:
            if self.closed:
                raise WireClosed
            self._news.clear()
            await self._news.wait()
        message = self._unread.popleft()
        if len(self._unread) == MOST_UNREAD - 1:
            self._socket.resume_reading()
        return message

    async def deliver(self, take: Callable[[Message], None]) -> None:
        """Hands every message to `take` as it arrives, in the context of this call; returns when the peer is gone.

        What `take` raises is raised here, and nothing is taken after it.
        """
        self._context = copy_context()
        self._take = take
        try:
            if len(self._unread) >= MOST_UNREAD:
                self._socket.resume_reading()
            while self._unread:
                self._hand_over(self._unread.popleft())
            while not self.closed and self._fault is None:
                self._news.clear()
                await self._news.wait()
        finally:
            self._take = _nobody
        if self._fault is not None:
            raise self._fault

    def send(self, text: str) -> bool:
        """Sends a text; False when the peer has stopped reading and it is lost."""
        if self._congested and self._socket.get_write_buffer_size() > MOST_UNSENT_BYTES:
            return False
        assert self._transport is not None, "nothing is sent before the handshake"
        self._transport.send(WSMsgType.TEXT, text)
        return True

    def close(self, code: int = 1000) -> None:
        """Says goodbye behind all that was sent; nothing leaves after it. The second goodbye is none."""
        if self.closed or self._goodbye is not None or self._transport is None:
            return
        self._goodbye = asyncio.get_running_loop().call_later(self._goodbye_s, self._transport.disconnect, False)
        self._transport.send_close(WSCloseCode(code))

    # What picows tells.

    def on_ws_connected(self, transport: WSTransport) -> None:
        self._transport = transport
        self._opened(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        kind = frame.msg_type
        if kind is WSMsgType.CLOSE:
            self._goodbye_came(transport, frame)
        elif transport.is_close_frame_sent:
            pass  # ours was said, or picows has let go of a peer that broke the protocol
        elif kind is WSMsgType.TEXT and frame.fin and self._pieces_of is None:
            self._arrived(_text(frame))
        elif kind is WSMsgType.PING:
            if not self._congested:
                # Not picows: its answers would fill the memory for whoever asks without end and never reads.
                transport.send_pong(frame.get_payload_as_bytes())
        elif kind is not WSMsgType.PONG:
            self._piece_arrived(frame)

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self.closed = True
        if self._goodbye is not None:
            self._goodbye.cancel()
        self._news.set()

    def pause_writing(self) -> None:
        self._congested = True

    def resume_writing(self) -> None:
        self._congested = False

    def _piece_arrived(self, frame: WSFrame) -> None:
        """A binary message, or a part of one that its sender has cut."""
        begins = frame.msg_type is not WSMsgType.CONTINUATION
        if begins is (self._pieces_of is not None):
            raise WSProtocolError(WSCloseCode.PROTOCOL_ERROR, "a message inside another, or the end of none")
        if begins:
            self._pieces_of = frame.msg_type
        self._pieces += frame.get_payload_as_memoryview()
        if len(self._pieces) > self._most_bytes:
            raise WSProtocolError(WSCloseCode.MESSAGE_TOO_BIG, "a message in too many pieces")
        if frame.fin:
            whole, is_text = bytes(self._pieces), self._pieces_of is WSMsgType.TEXT
            self._pieces.clear()
            self._pieces_of = None
            self._arrived(_decoded(whole) if is_text else whole)

    def _goodbye_came(self, transport: WSTransport, frame: WSFrame) -> None:
        said = frame.get_payload_as_bytes()
        code = int.from_bytes(said[:2]) if said else None
        if code is not None and (code == BROKEN_OFF or code > LARGEST_CODE):
            raise WSProtocolError(WSCloseCode.PROTOCOL_ERROR, "a code that no goodbye may have")
        self.close_code = code
        self.close_reason = said[2:].decode(errors="replace")
        self.close(code or 1000)
        transport.disconnect()

    def _arrived(self, message: Message) -> None:
        if self._take is not None:
            self._hand_over(message)
            return
        self._unread.append(message)
        if len(self._unread) == MOST_UNREAD:
            self._socket.pause_reading()
        self._news.set()

    def _hand_over(self, message: Message) -> None:
        assert self._context is not None, "somebody takes what arrives"
        assert self._take is not None, "somebody takes what arrives"
        try:
            self._context.run(self._take, message)
        except BaseException as fault:
            # It belongs to whoever awaits `deliver`, not to the loop's callback that happens to be running.
            self._fault = fault
            self._take = _nobody
            self._news.set()

    @property
    def _socket(self) -> asyncio.Transport:
        assert self._transport is not None, "there is a socket once the handshake is over"
        return self._transport.underlying_transport


def _nobody(_message: Message) -> None:
    pass


def _text(frame: WSFrame) -> str:
    try:
        return frame.get_payload_as_utf8_text()
    except UnicodeDecodeError:
        raise WSProtocolError(WSCloseCode.INVALID_TEXT, "a text that is no UTF-8") from None


def _decoded(whole: bytes) -> str:
    try:
        return whole.decode()
    except UnicodeDecodeError:
        raise WSProtocolError(WSCloseCode.INVALID_TEXT, "a text that is no UTF-8") from None
