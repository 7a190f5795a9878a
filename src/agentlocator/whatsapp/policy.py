"""What a business decided about WhatsApp: one part of its policy, under "whatsapp". Pure.

Reading it never fails: a value that makes no sense falls back to the default, for itself alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

FIELD: Final = "whatsapp"


class WhatsAppPolicy(msgspec.Struct, frozen=True):
    """A business's WhatsApp settings. Quiet hours are minutes of its day.

    `after_call`: what is written to a caller after a call. `templates`: the approved template for a notice, by the
    notice's name. `day_tokens`: what one conversation may cost in a day before a person is asked to take over.
    """

    after_call: Literal["off", "summary", "confirmation"] = "off"
    quiet_from_min: int = 21 * 60
    quiet_until_min: int = 8 * 60
    keeps_shabbat: bool = True
    replies_when_quiet: bool = True
    templates: dict[str, str] = {}
    day_tokens: int = 200_000

    def __post_init__(self) -> None:
        if not 13 * 60 <= self.quiet_from_min <= 24 * 60 or not 0 <= self.quiet_until_min <= 11 * 60:
            raise ValueError("quiet hours begin at 13:00 or later and end by 11:00, or there would be no decent hour")
        if self.day_tokens < 0:
            raise ValueError("a conversation cannot cost less than nothing")


def read(policy: Mapping[str, Any]) -> WhatsAppPolicy:
    """The WhatsApp part of a business's policy; each field that makes no sense is the default."""
    part = policy.get(FIELD)
    if not isinstance(part, Mapping):
        return WhatsAppPolicy()
    return msgspec.convert(
        {field: value for field, value in part.items() if _makes_sense(field, value)}, WhatsAppPolicy
    )


def _makes_sense(field: str, value: object) -> bool:
    try:
        msgspec.convert({field: value}, WhatsAppPolicy)
    except msgspec.ValidationError:
        return False
    return True
