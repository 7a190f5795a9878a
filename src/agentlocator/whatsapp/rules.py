"""What may be written to whom, and when. Pure: every rule takes its facts and the time.

Nobody is written to during a call with him, after he asked to stop, or out of the blue; what we begin ourselves waits
for a decent hour.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from agentlocator.domain.quiet_hours import quiet_until
from agentlocator.domain.text import clean
from agentlocator.domain.written_policy import WrittenPolicy
from agentlocator.whatsapp.messages import Channel

Reason = Literal["reply", "person", "notice", "last_word"]
"""Why something is written: the assistant answers, a person does, we begin, or a request to stop is confirmed."""

WINDOW: Final = timedelta(hours=24)
# A message that took longer to get here is not answered as if it were new: the world has moved on.
LATE: Final = timedelta(minutes=15)
# People send one thought in several messages: the answer waits until they have finished.
SETTLE: Final = timedelta(seconds=2.5)
ON_A_CALL_AGAIN: Final = timedelta(seconds=3)
IN_LINE_AGAIN: Final = timedelta(seconds=1)

_STOP = frozenset({"הסר", "הסירו", "הסירו אותי", "להסיר", "להסיר אותי", "עצור", "עצרו", "stop", "unsubscribe"})
_START = frozenset({"התחל", "התחילו", "חדש", "חדשו", "start", "unstop"})
_PERSON = re.compile(r"\b(?:נציג|נציגה|בן אדם|אדם אמיתי|מישהו אמיתי|לדבר עם מישהו)\b")


class Facts(msgspec.Struct, frozen=True):
    """What is known when something is about to be sent. Times are UTC."""

    channel: Channel
    reason: Reason
    has_template: bool
    is_on_call: bool
    is_in_line: bool
    answered_by: str
    opted_out: bool
    wrote_at: datetime | None


class Go(msgspec.Struct, frozen=True):
    """It may be sent now."""


class Wait(msgspec.Struct, frozen=True):
    """Not now; ask again then."""

    until: datetime
    why: str


class Never(msgspec.Struct, frozen=True):
    """It will not be sent."""

    why: str


def may_send(facts: Facts, policy: WrittenPolicy, timezone: str, now: datetime) -> Go | Wait | Never:
    """Whether a message may go out at this moment."""
    if facts.opted_out and facts.reason != "last_word":
        return Never("opted_out")
    if facts.answered_by == "person" and facts.reason == "reply":
        return Never("taken_over")
    if facts.is_on_call:
        return Wait(now + ON_A_CALL_AGAIN, "on_a_call")
    if facts.is_in_line:
        return Wait(now + IN_LINE_AGAIN, "in_line")
    if facts.reason == "notice" or (facts.reason == "reply" and not policy.replies_when_quiet):
        until = quiet_until(now, policy, timezone)
        if until > now:
            return Wait(until, "quiet")
    if facts.channel == "bridge":
        return Go() if facts.wrote_at is not None else Never("never_wrote")
    is_open = facts.wrote_at is not None and now - facts.wrote_at < WINDOW
    return Go() if is_open or facts.has_template else Never("window_closed")


def is_late(sent_at: datetime, now: datetime) -> bool:
    """Whether a message is too old to be answered by itself."""
    return now - sent_at > LATE


def wish(text: str) -> Literal["stop", "start", "person"] | None:
    """What somebody asks of the channel itself: to stop, to go on, to have a person answer."""
    words = re.sub(r"[^\w\s]", " ", clean(text)).casefold().strip()
    words = " ".join(words.split())
    if words in _STOP:
        return "stop"
    if words in _START:
        return "start"
    return "person" if _PERSON.search(words) else None
