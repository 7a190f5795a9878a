"""Where a number's calls should go, and how that differs from where they go. Pure.

It never touches what has nothing to do with calls: a number's messages stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from agentlocator.twilio.account import Number


class Wiring(msgspec.Struct, frozen=True):
    """Our addresses for a number. Without a `fallback_url` the number keeps the one it has."""

    voice_url: str
    status_callback: str
    fallback_url: str | None = None


class Change(msgspec.Struct, frozen=True):
    """One field of a number, as it is and as it should be. An empty text is none."""

    field: str
    before: str
    after: str


class Difference(msgspec.Struct, frozen=True):
    """What would be changed of one number. No changes: it is wired already."""

    number_sid: str
    e164: str
    changes: tuple[Change, ...]

    @property
    def before(self) -> dict[str, str]:
        return {change.field: change.before for change in self.changes}

    @property
    def after(self) -> dict[str, str]:
        return {change.field: change.after for change in self.changes}


def difference(number: Number, wiring: Wiring) -> Difference:
    """What it takes to bring a number's calls to us."""
    wanted = {
        "voice_url": wiring.voice_url,
        "voice_method": "POST",
        "status_callback": wiring.status_callback,
        "status_callback_method": "POST",
        # Either of these wins over the URLs.
        "voice_application_sid": "",
        "trunk_sid": "",
    }
    if wiring.fallback_url is not None:
        wanted |= {"voice_fallback_url": wiring.fallback_url, "voice_fallback_method": "POST"}
    return between(number, wanted)


def between(number: Number, wanted: Mapping[str, str]) -> Difference:
    """How a number differs from fields of it as somebody wants them."""
    changes = (Change(field, getattr(number, field) or "", after) for field, after in wanted.items())
    return Difference(number.sid, number.phone_number, tuple(one for one in changes if one.before != one.after))


def rings_here(number: Number, wiring: Wiring) -> bool:
    """Whether a number's calls come to us, and nothing else wins."""
    return number.voice_url == wiring.voice_url and not number.voice_application_sid and not number.trunk_sid
