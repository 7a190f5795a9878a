"""What the core tells the model for one response: stage directions, never spoken themselves.

The session's own instructions say how to speak and for whom; a cue only says what this one response is for.
"""

from __future__ import annotations


def notify(notice: str) -> str:
    """What must be said before anything else."""
    return f'The caller has just been connected. Say exactly this, in Hebrew, and nothing else: "{notice}"'


def greet(greeting: str) -> str:
    """Opens the call with the business's own words (R4)."""
    return f'The caller has just been connected. Say exactly this, in Hebrew, and nothing else: "{greeting}"'


CONTINUE = (
    "Your last answer was cut off by a length limit. Continue it from the very word where it stopped; "
    "repeat nothing and do not apologise."
)
RESUME_AFTER_LOSS = (
    "The line between you and the caller was interrupted for a moment and is back. "
    "Do not greet again. Take up the conversation where it stopped, in one short sentence."
)
ONE_MOMENT = "You are still checking. Say in a few words that you need one moment; nothing else."
FAREWELL = "The conversation is over. Say a short, friendly goodbye; the call ends after it."
ANNOUNCE_TRANSFER = (
    "The caller is being put through to a person. Say in one short sentence that you are connecting him."
)
NOBODY_ANSWERED = (
    "You tried to put the caller through and nobody answered. Tell him so, do not greet again, and offer to take a "
    "message or to help him yourself."
)
STILL_THERE = "The caller has been silent for a while. Ask briefly whether he is still there and how you can help."
FAREWELL_SILENCE = "The caller has not answered. Say a short, friendly goodbye; the call ends after it."
FAREWELL_TIME = "The call has reached its maximum length. Say a short, friendly goodbye; the call ends after it."
FAREWELL_STOPPING = (
    "The line must be closed now for a technical reason. Apologise in one sentence, ask the caller to phone again in a "
    "minute, and say goodbye."
)
