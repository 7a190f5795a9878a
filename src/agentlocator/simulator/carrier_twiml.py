"""How the simulated carrier reads TwiML: what it will do, what it warns of, what it refuses. Pure.

It reads strictly and runs nothing: the carrier opens the stream, and reports the other verbs as read.
"""

import xml.etree.ElementTree as ET
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

PARAMETER_CHARS = 500


class TwimlRefused(Exception):
    """TwiML that the carrier cannot run; `code` is its error number."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class Verb(msgspec.Struct, frozen=True):
    """One element: its name, its attributes, its text and its children."""

    name: str
    attributes: Mapping[str, str]
    text: str
    children: tuple["Verb", ...] = ()


class StreamOrder(msgspec.Struct, frozen=True):
    """A `<Connect><Stream>`: where to connect and what to hand over. `action` is where to ask afterwards."""

    url: str
    parameters: Mapping[str, str] = {}
    action: str = ""
    name: str = ""
    status_callback: str = ""


class Twiml(msgspec.Struct, frozen=True):
    """A document as read.

    `before` and `after` are the verbs around the stream (all verbs are `before` when there is none); `notes` are
    12200 warnings.
    """

    before: tuple[Verb, ...]
    stream: StreamOrder | None
    after: tuple[Verb, ...]
    notes: tuple[str, ...]


def read_twiml(text: str, allow_plain_loopback: bool = False) -> Twiml:
    """Reads a document. A `ws:` stream is refused unless it stays on this machine and that was allowed.

    Raises TwimlRefused: 12100 for what is no TwiML, 31922 for a stream that is not `wss:`, 31923 for a malformed URL.
    """
    try:
        root = ET.fromstring(text)  # noqa: S314 - see above
    except ET.ParseError as fault:
        raise TwimlRefused(12100, f"The document is not XML: {fault}.") from fault
    if root.tag != "Response":
        raise TwimlRefused(12100, f"The document's element is <{root.tag}>, not <Response>.")
    verbs = tuple(_read_verb(element) for element in root)
    notes = tuple(f"12200: <{verb.name}> is not a verb." for verb in verbs if verb.name not in _VERBS)
    place = next((place for place, verb in enumerate(verbs) if verb.name == "Connect"), None)
    if place is None:
        return Twiml(verbs, None, (), notes)
    stream = _read_stream(verbs[place], allow_plain_loopback)
    notes += tuple(_strange_attributes(verbs[place]))
    return Twiml(verbs[:place], stream, verbs[place + 1 :], notes)


def _read_verb(element: ET.Element) -> Verb:
    children = tuple(_read_verb(child) for child in element)
    return Verb(element.tag, dict(element.attrib), (element.text or "").strip(), children)


def _read_stream(connect: Verb, allow_plain_loopback: bool) -> StreamOrder:
    streams = [child for child in connect.children if child.name == "Stream"]
    if len(streams) != 1:
        raise TwimlRefused(12100, f"<Connect> has {len(streams)} <Stream> elements, and a call carries one.")
    stream = streams[0]
    url = stream.attributes.get("url", "")
    _check_url(url, allow_plain_loopback)
    parameters = {child.attributes.get("name", ""): child.attributes.get("value", "") for child in stream.children}
    for name, value in parameters.items():
        if not name or len(name) + len(value) >= PARAMETER_CHARS:
            raise TwimlRefused(12100, f"<Parameter> {name!r} has no name, or {PARAMETER_CHARS} characters or more.")
    return StreamOrder(
        url=url,
        parameters=parameters,
        action=connect.attributes.get("action", ""),
        name=stream.attributes.get("name", ""),
        status_callback=stream.attributes.get("statusCallback", ""),
    )


def _check_url(url: str, allow_plain_loopback: bool) -> None:
    parts = urlsplit(url)
    if not parts.hostname:
        raise TwimlRefused(31923, f"The stream's URL {url!r} names no host.")
    plain_allowed = allow_plain_loopback and parts.scheme == "ws" and parts.hostname in _LOOPBACK
    if parts.scheme != "wss" and not plain_allowed:
        raise TwimlRefused(31922, f"A stream's URL must be wss, and {url!r} is not.")
    if parts.query or "?" in url:
        raise TwimlRefused(31923, f"A stream's URL carries no query string, and {url!r} does.")


def _strange_attributes(connect: Verb) -> list[str]:
    known = {"Connect": {"action", "method"}, "Stream": _STREAM_ATTRIBUTES, "Parameter": {"name", "value"}}
    notes: list[str] = []
    waiting = [connect]
    while waiting:
        verb = waiting.pop()
        allowed = known.get(verb.name)
        if allowed is None:
            notes.append(f"12200: <{verb.name}> does not belong into <Connect>.")
        else:
            notes += [f"12200: {name!r} is no attribute of <{verb.name}>." for name in verb.attributes.keys() - allowed]
        waiting += verb.children
    return notes


_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_STREAM_ATTRIBUTES = {"url", "name", "track", "statusCallback", "statusCallbackMethod"}
_VERBS = {
    "Connect",
    "Dial",
    "Gather",
    "Hangup",
    "Pause",
    "Play",
    "Record",
    "Redirect",
    "Reject",
    "Say",
    "Start",
    "Stop",
}
