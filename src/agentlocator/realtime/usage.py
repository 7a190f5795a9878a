"""What a response used and what that costs. Never guesses: an unknown model has tokens and no cost.

Prices are the vendor's published list, in thousandths of a micro-dollar per token, so that sums are integers. What
the caller said is written down by another model, billed by the length of his speech: $0.0045 a minute, see
https://developers.openai.com/api/docs/models/gpt-transcribe.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

import msgspec

PRICES_AS_OF: Final = dt.date(2026, 11, 21)
# The model that writes down what the caller says: the one that is asked for, and the one whose price is known.
TRANSCRIBER: Final = "gpt-transcribe"


class CachedDetails(msgspec.Struct, frozen=True):
    text_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None


class InputDetails(msgspec.Struct, frozen=True):
    text_tokens: int | None = None
    audio_tokens: int | None = None
    image_tokens: int | None = None
    cached_tokens: int | None = None
    cached_tokens_details: CachedDetails | None = None


class OutputDetails(msgspec.Struct, frozen=True):
    text_tokens: int | None = None
    audio_tokens: int | None = None


class Usage(msgspec.Struct, frozen=True):
    """`response.done`'s usage, as on the wire. Any field may be missing; cached counts are part of totals."""

    total_tokens: int | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_token_details: InputDetails | None = None
    output_token_details: OutputDetails | None = None


class TranscriptionUsage(msgspec.Struct, frozen=True):
    """What the separate transcription model used, as on the wire. One that is billed by the token says no seconds."""

    seconds: float | None = None


class Tokens(msgspec.Struct, frozen=True):
    """Tokens by the kind they are billed as, and the milliseconds of speech that TRANSCRIBER wrote down.

    `*_in` is what was not cached. Adds up over a call.
    """

    text_in: int = 0
    text_cached: int = 0
    text_out: int = 0
    audio_in: int = 0
    audio_cached: int = 0
    audio_out: int = 0
    image_in: int = 0
    image_cached: int = 0
    transcribed_ms: int = 0

    def __add__(self, other: Tokens) -> Tokens:
        names = self.__struct_fields__
        return Tokens(**{name: getattr(self, name) + getattr(other, name) for name in names})


def tokens(usage: Usage) -> Tokens:
    """The usage by billed kind. Tokens of no stated kind count as audio, the dearest, and never as free."""
    spent = usage.input_token_details or InputDetails()
    made = usage.output_token_details or OutputDetails()
    text, audio, image = spent.text_tokens or 0, spent.audio_tokens or 0, spent.image_tokens or 0
    audio += max(0, (usage.input_tokens or 0) - text - audio - image)
    text_cached, audio_cached, image_cached = _cached(spent, text, audio, image)
    text_out, audio_out = made.text_tokens or 0, made.audio_tokens or 0
    audio_out += max(0, (usage.output_tokens or 0) - text_out - audio_out)
    return Tokens(
        text_in=text - text_cached,
        text_cached=text_cached,
        text_out=text_out,
        audio_in=audio - audio_cached,
        audio_cached=audio_cached,
        audio_out=audio_out,
        image_in=image - image_cached,
        image_cached=image_cached,
    )


def written_down(usage: TranscriptionUsage) -> Tokens:
    """The usage of a transcription by TRANSCRIBER. Without its length there is no price for it."""
    return Tokens(transcribed_ms=round(1000 * max(0, usage.seconds or 0)))


def cost_micro_usd(model: str, spent: Tokens) -> int | None:
    """Millionths of a dollar, rounded half up; None when the model's price is not known."""
    parts = _thousandths(model, spent)
    return None if parts is None else (sum(parts.values()) + 500) // 1000


def costs_micro_usd(model: str, spent: Tokens) -> dict[str, int]:
    """Millionths of a dollar for each kind that was used; empty when the model's price is not known."""
    parts = _thousandths(model, spent) or {}
    return {name: (part + 500) // 1000 for name, part in parts.items() if part}


def _thousandths(model: str, spent: Tokens) -> dict[str, int] | None:
    price = _PRICES.get(_DATED.sub("", model))
    if price is None:
        return None
    return {name: int(getattr(spent, name)) * int(getattr(price, name)) for name in spent.__struct_fields__}


def _cached(spent: InputDetails, text: int, audio: int, image: int) -> tuple[int, int, int]:
    details = spent.cached_tokens_details
    if details is None:
        # Instructions and tools come first in the context, so what is cached is text before it is sound.
        details = CachedDetails(
            text_tokens=spent.cached_tokens,
            audio_tokens=max(0, (spent.cached_tokens or 0) - text),
        )
    return (
        min(text, details.text_tokens or 0),
        min(audio, details.audio_tokens or 0),
        min(image, details.image_tokens or 0),
    )


# $0.0045 a minute.
_TRANSCRIBED_MS: Final = 75
_FULL: Final = Tokens(
    text_in=4_000,
    text_cached=400,
    text_out=24_000,
    audio_in=32_000,
    audio_cached=400,
    audio_out=64_000,
    image_in=5_000,
    image_cached=500,
    transcribed_ms=_TRANSCRIBED_MS,
)
_MINI: Final = Tokens(
    text_in=600,
    text_cached=60,
    text_out=2_400,
    audio_in=10_000,
    audio_cached=300,
    audio_out=20_000,
    image_in=800,
    image_cached=80,
    transcribed_ms=_TRANSCRIBED_MS,
)
_PRICES: Final = {
    "gpt-realtime-2.1": _FULL,
    "gpt-realtime-2": _FULL,
    "gpt-realtime-2.1-mini": _MINI,
    "gpt-realtime-1.5": msgspec.structs.replace(_FULL, text_out=16_000),
}

# A snapshot is billed as the model it is a snapshot of.
_DATED: Final = re.compile(r"-\d{4}-\d{2}-\d{2}$")
