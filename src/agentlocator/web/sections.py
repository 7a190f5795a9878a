"""The parts of a business's dashboard, in the order in which an owner looks for them.

The first ones stand in a phone's bottom bar; the others are behind "More" there, and below them on a wide screen.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from agentlocator.web.words import said


class Section(msgspec.Struct, frozen=True):
    """`key` is also the last part of its address; `sign` is a symbol of `static/signs.svg`."""

    key: str
    words: str
    sign: str
    needs: Literal["viewer", "staff", "owner"] = "viewer"


FIRST: Final = (
    Section("today", said("Today"), "sun"),
    Section("inbox", said("Inbox"), "inbox"),
    Section("calls", said("Calls"), "phone"),
    Section("leads", said("Leads"), "people"),
)
MORE: Final = (
    Section("calendar", said("Calendar"), "calendar"),
    Section("live", said("Live"), "live"),
    Section("talk", said("Talk to it"), "talk", "staff"),
    Section("assistant", said("Assistant"), "assistant"),
    Section("booking", said("Booking settings"), "clock"),
    Section("members", said("Team"), "key", "owner"),
    Section("whatsapp", said("WhatsApp"), "chat", "owner"),
    Section("readiness", said("Readiness"), "shield"),
)
