"""TwiML documents: what the carrier is told to do with a call. Pure text building.

Does not know where a number to dial came from: it must be a business's own setting, never a caller's or a model's
word. What can be held here is held: the number's shape, and a time limit on every dialled leg.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from agentlocator.twilio.errors import LocalProtocolError

SORRY: Final = "מצטערים, אירעה תקלה ולא נוכל להמשיך את השיחה. אפשר להתקשר שוב בעוד מספר דקות. תודה."
"""Said when nobody else can speak any more."""


def connect_stream(
    url: str,
    parameters: Mapping[str, str],
    *,
    action: str | None = None,
    status_callback: str | None = None,
    fallback_e164: str | None = None,
    caller_id: str | None = None,
    sorry: str = SORRY,
) -> str:
    """The call's sound goes to `url` (`wss://`, no query); `parameters` come back in the stream's start.

    After the stream comes the net for a crash of ours: the fallback number is dialled, or `sorry` is spoken.
    With an `action` the carrier asks that URL first, so the number's own fallback URL stays necessary. Raises
    LocalProtocolError for what the carrier would refuse.
    """
    if not _is_stream_url(url):
        raise LocalProtocolError(f"a stream URL is wss:// without a query, not {url.partition('?')[0]}")
    said = "".join(_parameter(name, value) for name, value in parameters.items())
    stream = _element("Stream", {"url": url, "statusCallback": status_callback}, said)
    connect = _element("Connect", {"action": action, "method": "POST" if action else None}, stream)
    return _response(connect, _net(fallback_e164, caller_id, sorry))


def refuse(message: str) -> str:
    """Speaks one Hebrew sentence and hangs up."""
    return _response(_say(message), _HANG_UP)


def hang_up() -> str:
    return _response(_HANG_UP)


def transfer(
    e164: str,
    *,
    caller_id: str | None = None,
    action: str | None = None,
    whisper_url: str | None = None,
    ring_s: int = 25,
    time_limit_s: int = 3600,
) -> str:
    """Rings a human and bridges when he answers; he hears the whisper first. `action` is told how it went.

    `caller_id` is one of our numbers, or the caller's own on an inbound call. Raises LocalProtocolError for a
    number that is not E.164.
    """
    dial = _dial(e164, caller_id, action=action, whisper_url=whisper_url, ring_s=ring_s, time_limit_s=time_limit_s)
    return _response(dial)


def whisper(message: str) -> str:
    """What the human hears before he is bridged to the caller."""
    return _response(_say(message))


_HANG_UP: Final = "<Hangup/>"
_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_PARAMETER_LIMIT: Final = 500
# XML 1.0 has no way to write these, escaped or not.
_UNWRITABLE: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def _is_stream_url(url: str) -> bool:
    parts = urlsplit(url)
    # A carrier that runs on this machine, as in a rehearsal, needs no TLS.
    local = parts.scheme == "ws" and parts.hostname in ("127.0.0.1", "localhost", "::1")
    return (parts.scheme == "wss" or local) and "?" not in url and "#" not in url


def _parameter(name: str, value: str) -> str:
    if not name or len(name) + len(value) >= _PARAMETER_LIMIT:
        raise LocalProtocolError(f"parameter {name!r} and its value must stay under {_PARAMETER_LIMIT} characters")
    return _element("Parameter", {"name": name, "value": value})


def _net(fallback_e164: str | None, caller_id: str | None, sorry: str) -> str:
    if fallback_e164 is None:
        return _say(sorry) + _HANG_UP
    return _dial(fallback_e164, caller_id, action=None, whisper_url=None, ring_s=25, time_limit_s=3600)


def _dial(
    e164: str,
    caller_id: str | None,
    *,
    action: str | None,
    whisper_url: str | None,
    ring_s: int,
    time_limit_s: int,
) -> str:
    if not _E164.fullmatch(e164):
        raise LocalProtocolError("a number to dial is written as +, country code and digits")
    attributes = {
        "timeout": str(ring_s),
        "timeLimit": str(time_limit_s),
        "answerOnBridge": "true",
        "callerId": caller_id,
        "action": action,
    }
    return _element("Dial", attributes, _element("Number", {"url": whisper_url}, e164))


def _say(message: str) -> str:
    return _element("Say", {"language": "he-IL"}, _escaped(message))


def _element(name: str, attributes: Mapping[str, str | None], content: str = "") -> str:
    written = "".join(f' {key}="{_escaped(value)}"' for key, value in attributes.items() if value is not None)
    return f"<{name}{written}>{content}</{name}>" if content else f"<{name}{written}/>"


def _escaped(text: str) -> str:
    return html.escape(_UNWRITABLE.sub("", text))


def _response(*verbs: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{"".join(verbs)}</Response>'
