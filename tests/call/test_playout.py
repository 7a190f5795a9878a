"""The ledger of speech: every byte generated is sent once or discarded, in order and unaltered."""

from __future__ import annotations

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agentlocator.audio.frames import FRAME_BYTES, FRAME_MS, SILENCE_FRAME
from agentlocator.call.commands import SendMark
from agentlocator.call.playout import Playout, Utterance
from call.playbook import speech

LEAD_MS = 80


def connected(lead_ms: int = LEAD_MS) -> Playout:
    playout = Playout(lead_ms, 200, 400)
    playout.connect(0)
    return playout


def sent(playout: Playout, now_ms: int) -> list[bytes]:
    return list(iter(lambda: playout.next_frame(now_ms), None))


def said(playout: Playout, item: str, ms: int) -> bytes:
    audio = speech(ms, len(item))
    playout.produce("r1", item, 0, audio)
    playout.finish(item)
    return audio


def test_nothing_leaves_before_the_carrier_is_there() -> None:
    playout = Playout(LEAD_MS, 200, 400)
    audio = said(playout, "i1", 100)
    assert playout.due_ms() is None
    assert sent(playout, 500) == []

    playout.connect(600)
    assert b"".join(sent(playout, 600)) == audio[: 4 * FRAME_BYTES]


def test_the_lead_leaves_at_once_and_the_rest_in_real_time() -> None:
    playout = connected()
    said(playout, "i1", 1_000)
    assert len(sent(playout, 0)) == LEAD_MS // FRAME_MS
    assert playout.due_ms() == 20
    assert sent(playout, 19) == []
    assert len(sent(playout, 20)) == 1
    assert playout.due_ms() == 40


def test_a_machine_that_was_held_up_does_not_flood_the_carrier() -> None:
    playout = connected()
    said(playout, "i1", 2_000)
    sent(playout, 0)
    assert len(sent(playout, 1_000)) == LEAD_MS // FRAME_MS, "what the carrier lacked meanwhile is not made up for"


@pytest.mark.requirement("R2")
def test_only_the_last_frame_of_an_utterance_is_filled_up() -> None:
    playout = connected(1_000)
    playout.produce("r1", "i1", 0, b"\x01" * 250)
    assert sent(playout, 0) == [b"\x01" * 160]

    playout.finish("i1")
    assert sent(playout, 0) == [b"\x01" * 90 + SILENCE_FRAME[90:]]
    playout.settle(40)
    assert playout.tx == 2


def test_items_are_heard_in_the_order_they_began_though_the_second_comes_first() -> None:
    playout = connected(1_000)
    playout.produce("r1", "i1", 0, b"\x01" * 160)
    playout.produce("r1", "i2", 0, b"\x02" * 160)
    assert sent(playout, 0) == [b"\x01" * 160], "the first item is not over"

    playout.produce("r1", "i1", 0, b"\x01" * 160)
    playout.finish("i1")
    assert sent(playout, 0) == [b"\x01" * 160, b"\x02" * 160]


def test_a_pause_keeps_the_very_next_frame() -> None:
    playout = connected()
    audio = said(playout, "i1", 400)
    before = sent(playout, 0)
    playout.pause()
    assert playout.due_ms() is None
    assert sent(playout, 100) == []

    playout.resume()
    frames = [frame for now_ms in range(100, 700, FRAME_MS) for frame in sent(playout, now_ms)]
    assert b"".join(before + frames) == audio


def test_the_clock_books_a_frame_as_heard_when_it_has_been_played() -> None:
    playout = connected()
    said(playout, "i1", 60)
    sent(playout, 0)
    assert playout.heard_at_ms() == 60
    assert playout.settle(59) == []
    assert playout.current is not None
    assert playout.current.heard_ms == 40
    (utterance,) = playout.settle(60)
    assert (utterance.heard_ms, utterance.generated_ms, utterance.discarded) == (60, 60, False)


def test_discarding_reports_what_was_heard_and_forgets_the_rest() -> None:
    playout = connected()
    said(playout, "i1", 1_000)
    said(playout, "i22", 500)
    sent(playout, 0)
    cut = playout.discard(50)

    assert [(u.item_id, u.heard_ms, u.discarded) for u in cut] == [("i1", 40, True), ("i22", 0, True)]
    assert playout.discarded_ms == 960 + 500
    assert not playout.speaking(50)
    assert playout.due_ms() is None


def test_a_mark_of_this_generation_proves_what_was_heard() -> None:
    playout = connected()
    said(playout, "i1", 80)
    sent(playout, 0)
    mark = playout.next_mark()
    assert mark == "g0:4"
    playout.mark_echoed(mark, 90)
    assert [utterance.heard_ms for utterance in playout.settle(90)] == [80]
    assert playout.round_trip_ms == 10


def test_a_mark_of_an_earlier_generation_proves_nothing() -> None:
    playout = connected()
    said(playout, "i1", 200)
    sent(playout, 0)
    mark = playout.next_mark()
    playout.discard(10)
    said(playout, "i22", 200)
    sent(playout, 10)

    playout.mark_echoed(mark or "g0:4", 11)
    assert playout.current is not None
    assert playout.current.heard_ms == 0


def test_marks_follow_every_tenth_frame_and_the_last_one_and_name_their_generation() -> None:
    playout = connected()
    said(playout, "i1", 500)
    marks = []
    for now_ms in range(0, 600, FRAME_MS):
        while playout.next_frame(now_ms) is not None:
            marks.append(playout.next_mark())
    assert [mark for mark in marks if mark] == ["g0:10", "g0:20", "g0:25"]

    playout.discard(600)
    said(playout, "i22", 20)
    sent(playout, 600)
    assert playout.next_mark() == "g1:26"


@pytest.mark.parametrize(
    "name",
    ["", "g", "g0", "g0:", "g0:x", "g0:-1", "0x1:2", "g0:1:2", "g0:²", pytest.param("g0:" + "9" * 5_000, id="huge")],
)
def test_a_mark_nobody_sent_is_survived_and_proves_nothing(name: str) -> None:
    playout = connected()
    said(playout, "i1", 200)
    sent(playout, 0)
    playout.mark_echoed(name, 5)
    assert playout.current is not None
    assert playout.current.heard_ms == 0


def test_a_mark_for_frames_never_sent_proves_nothing() -> None:
    playout = connected()
    said(playout, "i1", 200)
    sent(playout, 0)
    playout.mark_echoed("g0:9999", 5)
    assert playout.current is not None
    assert playout.current.heard_ms == 0


def test_late_generation_keeps_the_floor_for_a_moment_only() -> None:
    playout = connected()
    playout.produce("r1", "i1", 0, speech(80))
    sent(playout, 0)
    playout.settle(80)
    assert playout.speaking(479)
    assert not playout.speaking(480)


def test_sound_after_an_items_end_is_heard_all_the_same() -> None:
    # One item may have several parts of content, each with an end of its own.
    playout = connected(1_000)
    first, second = speech(40, 1), speech(40, 2)
    playout.produce("r1", "i1", 0, first)
    playout.finish("i1")
    frames = sent(playout, 0)
    playout.produce("r1", "i1", 1, second)
    playout.finish("i1")
    frames += sent(playout, 0)

    assert b"".join(frames) == first + second
    assert playout.settle(1_000), "it is over once it was heard"


def test_what_was_heard_of_the_words_ends_at_a_word() -> None:
    playout = connected()
    utterance = playout.utterance("r1", "i1")
    utterance.text = "אחת שתיים שלוש ארבע"
    said(playout, "i1", 400)
    utterance.heard_frames = 10
    assert utterance.heard_text == "אחת שתיים"
    utterance.heard_frames = 20
    assert utterance.heard_text == utterance.text


class Produced(NamedTuple):
    item: int
    size: int


Verb = Produced | str
verbs = st.lists(
    st.one_of(
        st.builds(Produced, st.integers(0, 2), st.integers(0, 3_000)),
        st.sampled_from(["finish", "settle", "mark", "pause", "resume", "discard", "wait", "wait", "long wait"]),
    ),
    max_size=80,
)


@given(verbs, st.integers(0, 2**16))
@settings(max_examples=400, deadline=None)
@pytest.mark.requirement("R2")
def test_every_byte_is_sent_once_in_order_or_discarded(script: list[Verb], seed: int) -> None:
    """Items are named anew after each discard, as a model's are; within a generation they may interleave."""
    playout = connected()
    source = speech(30_000, seed)
    used = now_ms = generation = 0
    generated: dict[str, bytes] = {}
    frames: dict[str, list[bytes]] = {}
    order: list[str] = []
    ended: set[str] = set()
    over: list[Utterance] = []
    marks: list[str] = []

    def play() -> None:
        for command in playout.leave(now_ms):
            if isinstance(command, SendMark):
                marks.append(command.name)
                continue
            assert len(command.audio) == FRAME_BYTES
            frames.setdefault(command.response_id, []).append(command.audio)

    for verb in script:
        if isinstance(verb, Produced):
            item = f"g{generation}i{verb.item}"
            if item not in ended:
                piece = (source[used:] + source)[: verb.size]
                used = (used + verb.size) % len(source)
                if item not in generated:
                    order.append(item)
                generated[item] = generated.get(item, b"") + piece
                playout.produce(item, item, 0, piece)
        elif verb == "finish":
            for item in generated:
                playout.finish(item)
                ended.add(item)
        elif verb == "settle":
            over += playout.settle(now_ms)
        elif verb == "mark" and marks:
            playout.mark_echoed(marks.pop(0), now_ms)
        elif verb == "pause":
            playout.pause()
        elif verb == "resume":
            playout.resume()
        elif verb == "discard":
            over += playout.discard(now_ms)
            ended.update(generated)
            generation += 1
        else:
            for _ in range(60 if verb == "long wait" else 3):
                now_ms += FRAME_MS
                play()
        play()

    playout.resume()
    for item in generated:
        playout.finish(item)
    for _ in range(20_000):
        now_ms += FRAME_MS
        play()
        over += playout.settle(now_ms)
        if playout.due_ms() is None and playout.heard_at_ms() is None:
            break

    assert playout.tx == sum(map(len, frames.values()))
    assert playout.produced_bytes == sum(map(len, generated.values()))
    booked = {utterance.item_id: utterance for utterance in over}
    assert len(booked) == len(over), "an utterance is over once"
    assert set(booked) == set(generated)
    assert [item for item in order if item in frames] == list(frames), "in the order they began"
    for item, audio in generated.items():
        played = b"".join(frames.get(item, []))
        whole = audio + SILENCE_FRAME[: -len(audio) % FRAME_BYTES]
        assert whole.startswith(played), "bit for bit, and only the end may be silence"
        assert booked[item].discarded or played == whole
        assert 0 <= booked[item].heard_ms <= booked[item].generated_ms == len(audio) // 8
    assert playout.discarded_ms == sum(u.generated_ms - u.heard_ms for u in over if u.discarded)
    assert playout.heard_ms == sum(u.heard_ms for u in over)
