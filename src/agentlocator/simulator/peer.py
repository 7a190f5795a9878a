"""What a simulated peer asks its socket to do.

Both simulated peers are machines without sockets; these two values are all they can ask for. Nothing here
sends, waits or knows which peer is speaking.
"""

import msgspec

ABORTED = 1006


class Send(msgspec.Struct, frozen=True):
    """One text frame to the other side."""

    text: str


class Close(msgspec.Struct, frozen=True):
    """The end of the connection. Code 1006 means that the transport vanishes without a closing handshake."""

    code: int
    reason: str = ""


Out = Send | Close
