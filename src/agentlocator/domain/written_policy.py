"""What a business decided about WhatsApp: one part of its policy, under "whatsapp". Pure.

Reading it never fails: a value that makes no sense falls back to the default, for itself alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from agentlocator.domain.quiet_hours import QuietHours

FIELD: Final = "whatsapp"


class WrittenPolicy(QuietHours, frozen=True):
    """A business's WhatsApp settings.

    `after_call`: what is written to a caller after a call. `templates`: the approved template for a notice, by the
    notice's name. `day_tokens`: what one conversation may cost in a day before a person is asked to take over.
    """

    after_call: Literal["off", "summary", "confirmation"] = "off"
    replies_when_quiet: bool = True
    templates: dict[str, str] = msgspec.field(default_factory=dict)
    day_tokens: int = 200_000

    def __post_init__(self) -> None:
        QuietHours.__post_init__(self)
        if self.day_tokens < 0:
            raise ValueError("a conversation cannot cost less than nothing")


def read(policy: Mapping[str, Any]) -> WrittenPolicy:
    """The WhatsApp part of a business's policy; each field that makes no sense is the default."""
    part = policy.get(FIELD)
    if not isinstance(part, Mapping):
        return WrittenPolicy()
    return msgspec.convert({field: value for field, value in part.items() if _makes_sense(field, value)}, WrittenPolicy)


def _makes_sense(field: str, value: object) -> bool:
    try:
        msgspec.convert({field: value}, WrittenPolicy)
    except msgspec.ValidationError:
        return False
    return True
