"""What a call costs, from what the model says it used."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentlocator.realtime.session import Transcription
from agentlocator.realtime.usage import (
    PRICES_AS_OF,
    TRANSCRIBER,
    Tokens,
    TranscriptionUsage,
    Usage,
    cost_micro_usd,
    costs_micro_usd,
    tokens,
    written_down,
)

SAMPLE = {
    "total_tokens": 253,
    "input_tokens": 132,
    "output_tokens": 121,
    "input_token_details": {
        "text_tokens": 119,
        "audio_tokens": 13,
        "image_tokens": 0,
        "cached_tokens": 64,
        "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 0, "image_tokens": 0},
    },
    "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
}


def usage(fields: object) -> Usage:
    return msgspec.json.decode(json.dumps(fields), type=Usage)


def test_cached_tokens_are_taken_out_of_the_totals_and_priced_apart() -> None:
    spent = tokens(usage(SAMPLE))
    assert spent == Tokens(text_in=55, text_cached=64, text_out=30, audio_in=13, audio_out=91)
    # 55*4 + 64*0.4 + 13*32 + 30*24 + 91*64 = 7205.6 millionths of a dollar.
    assert cost_micro_usd("gpt-realtime-2.1", spent) == 7206


@pytest.mark.parametrize(
    ("model", "cost"),
    [
        ("gpt-realtime-2", 7206),
        ("gpt-realtime-2.1-2026-08-01", 7206),
        ("gpt-realtime-2.1-mini", 2059),
        ("gpt-realtime-1.5", 6966),
    ],
)
def test_each_model_has_its_price(model: str, cost: int) -> None:
    assert cost_micro_usd(model, tokens(usage(SAMPLE))) == cost


def test_an_unknown_model_keeps_its_tokens_and_has_no_cost() -> None:
    spent = tokens(usage(SAMPLE))
    assert cost_micro_usd("gpt-realtime-9", spent) is None
    assert spent.audio_out == 91
    assert PRICES_AS_OF.year == 2026


def test_a_calls_tokens_add_up() -> None:
    spent = tokens(usage(SAMPLE))
    assert (spent + spent).audio_out == 182
    assert cost_micro_usd("gpt-realtime-2.1", spent + spent) == 14411


def test_every_field_may_be_missing() -> None:
    assert tokens(usage({})) == Tokens()
    assert tokens(usage({"input_tokens": 10, "output_tokens": 5})) == Tokens(audio_in=10, audio_out=5)


def test_cached_tokens_without_details_are_the_text_that_comes_first() -> None:
    details = {"text_tokens": 50, "audio_tokens": 30, "cached_tokens": 64}
    spent = tokens(usage({"input_tokens": 80, "input_token_details": details}))
    assert spent == Tokens(text_cached=50, audio_in=16, audio_cached=14)


def test_what_the_caller_said_is_written_down_at_a_price_of_its_own() -> None:
    minute = written_down(TranscriptionUsage(seconds=60.0))
    assert cost_micro_usd("gpt-realtime-2.1", minute) == 4_500
    assert cost_micro_usd("gpt-realtime-2.1-mini", minute) == 4_500
    assert cost_micro_usd("gpt-realtime-2.1", tokens(usage(SAMPLE)) + written_down(TranscriptionUsage(1.5))) == 7_318
    assert costs_micro_usd("gpt-realtime-2.1", minute) == {"transcribed_ms": 4_500}
    assert Transcription().model == TRANSCRIBER, "no other model's price is known here"


def test_a_transcription_of_no_told_length_has_no_price() -> None:
    assert written_down(TranscriptionUsage()) == Tokens()
    assert written_down(TranscriptionUsage(seconds=-3)) == Tokens()


_counts = st.none() | st.integers(0, 10**6)


@given(
    st.fixed_dictionaries(
        {
            "input_tokens": _counts,
            "output_tokens": _counts,
            "input_token_details": st.none()
            | st.fixed_dictionaries(
                {
                    "text_tokens": _counts,
                    "audio_tokens": _counts,
                    "image_tokens": _counts,
                    "cached_tokens": _counts,
                    "cached_tokens_details": st.none()
                    | st.fixed_dictionaries({"text_tokens": _counts, "audio_tokens": _counts}),
                }
            ),
        }
    )
)
def test_no_usage_makes_a_negative_count_or_loses_a_token(fields: dict[str, int | None]) -> None:
    spent = tokens(usage(fields))
    counts = msgspec.structs.astuple(spent)
    assert min(counts) >= 0
    assert sum(counts) >= (fields["input_tokens"] or 0) + (fields["output_tokens"] or 0)
