"""The caller interrupts: the assistant falls silent, the session stays, and his first syllable is heard."""

from __future__ import annotations

import random

import pytest

from agentlocator.audio.frames import FRAME_BYTES, FRAME_MS, SILENCE_FRAME
from agentlocator.call.barge_in import BargeIn
from agentlocator.call.commands import (
    AddMessage,
    AppendAudio,
    CancelResponse,
    ClearPlayout,
    CloseModel,
    Command,
    OpenModel,
    PlayFrame,
    RecordTurn,
    ReportBargeIn,
    RequestResponse,
    ScoreSpeech,
    SendMark,
    TruncateItem,
)
from agentlocator.call.events import (
    AssistantAudioProduced,
    CallerAudio,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerTurnCommitted,
    MarkEchoed,
    ModelConnected,
    ModelDisconnected,
    ResponseFinished,
    SessionConfirmed,
    StreamStarted,
)
from agentlocator.call.floor import Commit
from agentlocator.call.gate import ResponseGate, Want
from agentlocator.call.listening import Listening
from agentlocator.call.playout import Playout
from agentlocator.call.policy import CallPolicy
from agentlocator.call.responses import Responses
from agentlocator.simulator import sounds
from call.playbook import GREETING, INTERRUPTION, VOICE, Like, answering, caller_frames, configured, greeted, speech


@pytest.mark.requirement("R10")
def test_an_answer_nobody_interrupts_is_heard_to_its_last_byte() -> None:
    audio = speech(6_000, 3)
    line = greeted().caller_turn()
    start = len(line.played)
    line.answers("תשובה ארוכה מאוד", audio=audio).after(6_500)
    assert line.played[start:] == audio
    assert line.verdicts == []
    assert line.last(RecordTurn).heard_ms == 6_000
    assert line.all(CancelResponse) == []
    assert line.all(TruncateItem) == []


@pytest.mark.requirement("R10")
def test_a_cough_does_not_end_the_assistants_sentence() -> None:
    line = answering(3_000)
    cough = sounds.cough(random.Random(4))
    quiet, line.caller_sound = line.caller_sound, None
    for at in range(0, len(cough), FRAME_BYTES):
        line.after(FRAME_MS).hears(CallerAudio(cough[at : at + FRAME_BYTES]))
    line.caller_sound = quiet
    line.after(4_000)
    assert line.all(ClearPlayout) == []
    assert line.last(RecordTurn).heard_ms == 3_000


@pytest.mark.requirement("R10")
def test_a_word_in_between_pauses_and_goes_on_from_the_very_frame() -> None:
    audio = speech(3_000, 5)
    line = greeted().caller_turn()
    start = len(line.played)
    line.answers("יש תור ביום ראשון", audio=audio).after(1_000).caller_says("כן", 180).after(4_000)
    assert line.verdicts == ["pause", "resume"]
    assert line.played[start:] == audio, "nothing is skipped and nothing said twice"
    assert line.last(RecordTurn).heard_ms == 3_000


@pytest.mark.requirement("R10")
@pytest.mark.parametrize("left_ms", range(0, 300, 20))
def test_who_begins_in_the_last_moment_of_a_sentence_hears_the_next_one(left_ms: int) -> None:
    """The sentence that was paused for him ends by itself: nothing may wait for a decision about it any more."""
    line = greeted().caller_turn().answers("רגע אחד בבקשה", 1_000, response="r5", item="i5")
    line.after(1_000 - left_ms).caller_says("רגע", 400).after(1_500)
    start = len(line.played)
    answer = speech(2_000, 9)
    line.caller_turn("אפשר תור אחר", item="u2").answers("יש תור אחר", audio=answer, response="r6", item="i6")
    line.after(3_000)
    assert line.played[start:].endswith(answer)


@pytest.mark.requirement("R14")
def test_an_interruption_stops_the_sound_and_not_the_session() -> None:
    line = greeted().caller_turn().answers("ארוך", 6_000, response="r5", item="i5", status=None).after(1_000)
    line.meanwhile().caller_interrupts()
    line.does(
        Like(ReportBargeIn, verdict="pause"),
        ClearPlayout(),
        Like(ReportBargeIn, verdict="commit", item_id="i5"),
        CancelResponse("r5"),
        Like(TruncateItem, item_id="i5", content_index=0),
        Like(RecordTurn, speaker="assistant", interrupted=True),
    )
    assert line.all(CloseModel) == []
    assert len(line.all(OpenModel)) == 1

    line.hears(AssistantAudioProduced("r5", "i5", speech(500))).after(100)
    assert line.times(PlayFrame)[-1] < line.times(ClearPlayout)[0], "what still comes of it is not played"
    line.hears(ResponseFinished("r5", "cancelled")).meanwhile()
    line.hears(CallerSpeechStarted("u2"), CallerSpeechStopped("u2"), CallerTurnCommitted("u2")).does(RequestResponse)


@pytest.mark.requirement("R14")
def test_the_model_hears_the_caller_from_before_his_first_syllable() -> None:
    line = answering(6_000)
    words = b"".join(caller_frames(INTERRUPTION)[:12])
    start = len(line.forwarded)
    line.caller_interrupts(text=INTERRUPTION)
    forwarded = line.forwarded[start:]
    assert words in forwarded
    before_ms = forwarded.index(words) // 8
    assert 200 <= before_ms <= 400, "with a pre-roll of silence, so that no beginning is cut"


@pytest.mark.requirement("R14")
def test_after_the_interruption_every_frame_reaches_the_model_once() -> None:
    line = answering(6_000)
    line.caller_interrupts()
    start = len(line.forwarded)
    frames = [speech(FRAME_MS, seed) for seed in range(10)]
    line.caller_sound = None
    for frame in frames:
        line.after(FRAME_MS).hears(CallerAudio(frame))
    assert line.forwarded[start:] == b"".join(frames)


@pytest.mark.requirement("R14")
def test_while_the_assistant_speaks_the_model_does_not_hear_the_line() -> None:
    line = answering(3_000)
    heard = len(line.all(AppendAudio))
    line.after(1_500)
    assert len(line.all(AppendAudio)) == heard


@pytest.mark.requirement("R14")
def test_a_caller_who_begins_on_the_assistants_last_word_keeps_his_first_syllable() -> None:
    line = answering(1_080)
    frames = caller_frames(INTERRUPTION)[:30]
    start = len(line.forwarded)
    line.caller_says(INTERRUPTION, 600)
    assert b"".join(frames[1:30]) in line.forwarded[start:]


def test_the_model_forgets_exactly_what_the_caller_did_not_hear() -> None:
    line = answering(6_000)
    sent_before = len(line.all(PlayFrame))
    line.caller_interrupts()
    cut, turn = line.last(TruncateItem), line.last(RecordTurn)
    assert cut.audio_end_ms == turn.heard_ms < turn.generated_ms == 6_000
    assert turn.text == "" or turn.generated_text.startswith(turn.text)
    assert line.all(PlayFrame)[-1].response_id == line.all(PlayFrame)[sent_before - 1].response_id
    assert line.all(AddMessage) == []


def test_truncating_never_goes_beyond_what_was_generated() -> None:
    # The last frame is filled up with silence that the model never made.
    line = greeted().caller_turn().answers("כן", audio=speech(1_010), item="i5")
    line.hears(AssistantAudioProduced("r9", "i6", speech(4_000))).after(1_500).caller_interrupts()
    assert [(cut.item_id, cut.audio_end_ms < 4_000) for cut in line.all(TruncateItem)] == [("i6", True)]
    assert [turn.heard_ms for turn in line.all(RecordTurn) if turn.item_id == "i5"] == [1_010]


def test_an_item_nobody_heard_yet_is_forgotten_whole() -> None:
    line = greeted().caller_turn().answers("ראשון", 2_000, response="r5", item="i5", status=None)
    line.hears(AssistantAudioProduced("r5", "i6", speech(1_000))).after(1_000).caller_interrupts()
    cuts = line.all(TruncateItem)
    assert [cut.item_id for cut in cuts] == ["i5", "i6"]
    assert cuts[0].audio_end_ms > 0
    assert cuts[1].audio_end_ms == 0


def test_the_part_of_an_item_that_spoke_is_the_part_that_is_cut() -> None:
    line = greeted().caller_turn().answers("ראשון", audio=b"", response="r5", item="i5", status=None)
    line.hears(AssistantAudioProduced("r5", "i5", speech(3_000), 1)).after(1_000).caller_interrupts()
    assert line.last(TruncateItem).content_index == 1


def test_marks_carry_their_generation_and_an_echo_after_a_clear_proves_nothing() -> None:
    line = answering(6_000)
    old = line.last(SendMark).name
    line.caller_interrupts().hears(ResponseFinished("r2", "cancelled"))
    line.after(900).hears(CallerTurnCommitted("u2")).answers("בסדר", 2_000).after(400)
    new = line.all(SendMark)[-1].name
    assert old.split(":")[0] != new.split(":")[0]
    booked = len(line.all(RecordTurn))
    line.hears(MarkEchoed(old)).hears(MarkEchoed("g0:99999"))
    assert len(line.all(RecordTurn)) == booked
    line.after(2_200)
    assert line.last(RecordTurn).heard_ms == 2_000


@pytest.mark.requirement("R11")
def test_the_first_moments_of_speech_are_not_interrupted() -> None:
    line = greeted().caller_turn().answers("התחלה", 4_000).meanwhile()
    began_ms = line.now_ms
    line.caller_says(ms=300)
    assert line.verdicts == []
    assert line.now_ms < began_ms + line.call.policy.floor.grace_ms


@pytest.mark.requirement("R13")
def test_the_sound_stops_in_under_200_ms_and_the_floor_changes_within_500() -> None:
    line = answering(6_000)
    began_ms = line.now_ms
    line.caller_interrupts()
    paused_ms, committed_ms = line.times(ReportBargeIn)[-2:]
    assert paused_ms - began_ms + line.call.policy.playout_lead_ms < 200 + FRAME_MS
    assert 300 <= committed_ms - began_ms <= 500


def test_an_interruption_after_a_lost_link_truncates_nothing_the_new_session_never_had() -> None:
    line = answering(8_000).hears(ModelDisconnected("reset")).after(100)
    line.hears(ModelConnected(), SessionConfirmed(VOICE)).after(300).caller_interrupts()
    assert line.all(TruncateItem) == []
    assert line.last(RecordTurn).interrupted


def test_the_greeting_can_be_interrupted_too() -> None:
    line = configured().hears(StreamStarted("MZ1")).answers(GREETING, 5_000).after(1_000)
    line.caller_interrupts()
    assert line.last(RecordTurn).interrupted


# By itself, between an ear and a ledger.


def telling(ms: int = 4_000, *, protected: bool = False) -> tuple[BargeIn, Playout]:
    """The assistant is in the second second of a long sentence; the grace in which nobody can interrupt is over."""
    policy = CallPolicy()
    playout = Playout(policy.playout_lead_ms, policy.mark_every_ms, policy.playout_gap_ms)
    playout.connect(0)
    playout.produce("r1", "i1", 0, speech(ms))
    playout.finish("i1")
    gate = ResponseGate()
    gate.want(Want("a long sentence", protected=protected))
    responses = Responses(policy, gate)
    responses.request(0)
    responses.started("r1", 0)
    barge_in = BargeIn(Listening(policy), playout, responses)
    for now_ms in range(0, 1_000, FRAME_MS):
        assert hear(barge_in, playout, SILENCE_FRAME, now_ms) == ([], None)
    return barge_in, playout


def hear(barge_in: BargeIn, playout: Playout, frame: bytes, now_ms: int) -> tuple[list[Command], Commit | None]:
    """One frame either way, and the neural detector's opinion where it is asked."""
    playout.settle(now_ms)
    playout.next_frame(now_ms)
    commands, commit = barge_in.hear(frame, True, now_ms)
    for wants in [command for command in commands if isinstance(command, ScoreSpeech)]:
        commands.remove(wants)
        more, later = barge_in.scored(0.97 if wants.audio.strip(b"\xff") else 0.02, now_ms)
        commands, commit = commands + more, commit or later
    return commands, commit


@pytest.mark.requirement("R10")
def test_what_is_suspected_holds_the_sound_back_and_what_is_certain_is_handed_on() -> None:
    barge_in, playout = telling()
    verdicts: list[Command] = []
    for at, frame in enumerate(caller_frames(INTERRUPTION)):
        commands, commit = hear(barge_in, playout, frame, 1_000 + at * FRAME_MS)
        verdicts += commands
        if commit:
            break
        assert playout.paused is bool(verdicts)
    assert commit
    assert verdicts == [Like(ReportBargeIn, verdict="pause", item_id="i1")]
    assert playout.paused, "what to do with the sound is not its business"
    assert barge_in.report("commit", commit.reason) == Like(ReportBargeIn, verdict="commit", item_id="i1", speech_ms=0)


@pytest.mark.requirement("R10")
def test_what_must_be_heard_is_not_even_paused() -> None:
    barge_in, playout = telling(protected=True)
    for at, frame in enumerate(caller_frames(INTERRUPTION)[:75]):
        assert hear(barge_in, playout, frame, 1_000 + at * FRAME_MS) == ([], None)
    assert not playout.paused


@pytest.mark.requirement("R14")
def test_in_his_own_turn_the_model_hears_him_and_while_the_assistant_speaks_it_does_not() -> None:
    barge_in, playout = telling(ms=1_100)
    forwarded: list[bool] = []
    for at, frame in enumerate(caller_frames(INTERRUPTION)[:30]):
        commands, _ = hear(barge_in, playout, frame, 1_000 + at * FRAME_MS)
        forwarded.append(any(isinstance(command, AppendAudio) for command in commands))
    assert forwarded[0] is False
    assert forwarded[-1] is True
    assert forwarded == sorted(forwarded)
