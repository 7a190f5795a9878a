import itertools
import time
from typing import Any

import msgspec
import pybase64
import pytest

from agentlocator.audio.frames import SILENCE_FRAME
from agentlocator.simulator.carrier import INVALID_MESSAGE, CallFacts, Carrier, CarrierFault
from agentlocator.simulator.peer import Close, Out

SID = "MZ" + "0" * 32
CALL = CallFacts("AC1", "CA1", "+972501234567", "+97235550101")
TONE = bytes(range(1, 161))


class Line:
    """A server's end of the stream in virtual time, opened at 1000."""

    def __init__(self, *faults: CarrierFault, parameters: dict[str, str] | None = None) -> None:
        self.carrier = Carrier(CALL, SID, parameters, faults)
        self.now_ms = 1_000
        self.got: list[tuple[int, dict[str, Any]]] = []
        self.closed: Close | None = None
        self._take(self.carrier.open(self.now_ms))

    def run(self, ms: int) -> None:
        end_ms = self.now_ms + ms
        while (due_ms := self.carrier.next_ms()) is not None and due_ms <= end_ms:
            self.now_ms = due_ms
            self._take(self.carrier.timer(due_ms))
        self.now_ms = end_ms

    def send(self, event: str, **fields: Any) -> None:
        self.send_text(msgspec.json.encode({"event": event, "streamSid": SID, **fields}).decode())

    def send_text(self, text: str) -> None:
        self._take(self.carrier.receive(text, self.now_ms))

    def play(self, audio: bytes) -> None:
        self.send("media", media={"payload": pybase64.b64encode(audio).decode()})

    def mark(self, name: str) -> None:
        self.send("mark", mark={"name": name})

    def of(self, event: str) -> list[tuple[int, dict[str, Any]]]:
        return [(at_ms, message) for at_ms, message in self.got if message["event"] == event]

    def marks(self) -> list[tuple[int, str]]:
        return [(at_ms, message["mark"]["name"]) for at_ms, message in self.of("mark")]

    def _take(self, outs: list[Out]) -> None:
        for out in outs:
            if isinstance(out, Close):
                self.closed = out
            else:
                self.got.append((self.now_ms, msgspec.json.decode(out.text)))


def test_a_stream_begins_with_connected_and_start() -> None:
    line = Line(parameters={"token": "t1"})
    connected, start = (message for _, message in line.got)
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start == {
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": SID,
        "start": {
            "streamSid": SID,
            "accountSid": "AC1",
            "callSid": "CA1",
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
            "customParameters": {"token": "t1"},
        },
    }


def test_media_comes_every_20_ms_also_in_silence_with_numbers_as_strings() -> None:
    line = Line()
    line.run(1_000)
    media = line.of("media")
    assert [at_ms for at_ms, _ in media] == list(range(1_020, 2_020, 20))
    assert media[4][1] == {
        "event": "media",
        "sequenceNumber": "6",
        "streamSid": SID,
        "media": {
            "track": "inbound",
            "chunk": "5",
            "timestamp": "80",
            "payload": pybase64.b64encode(SILENCE_FRAME).decode(),
        },
    }


def test_the_caller_speaks_over_noise_from_the_moment_he_opens_his_mouth() -> None:
    line = Line()
    noise, speech = b"\x70" * 1600, TONE + SILENCE_FRAME + TONE
    line.carrier.speak(noise, 1_000)
    line.carrier.speak(speech, 1_060)
    line.run(240)
    sent = [pybase64.b64decode(message["media"]["payload"]) for _, message in line.of("media")]
    quiet = b"\x70" * 160
    assert sent == [quiet] * 3 + [TONE, quiet, TONE] + [quiet] * 4 + [SILENCE_FRAME] * 2


def test_keys_arrive_one_by_one() -> None:
    line = Line()
    line.carrier.press("5", 1_030)
    line.carrier.press("#", 1_200)
    line.run(300)
    keys = [(at_ms, message["dtmf"]) for at_ms, message in line.of("dtmf")]
    assert keys == [
        (1_040, {"track": "inbound_track", "digit": "5"}),
        (1_200, {"track": "inbound_track", "digit": "#"}),
    ]


def test_sound_is_played_in_real_time_and_marks_return_when_it_was_heard() -> None:
    line = Line()
    line.mark("nothing queued")
    line.play(TONE * 10)
    line.mark("after 200 ms")
    line.play(TONE[:80])
    line.mark("after 210 ms")
    assert line.carrier.queued_ms(line.now_ms) == 210
    line.run(400)

    assert line.marks() == [(1_000, "nothing queued"), (1_220, "after 200 ms"), (1_230, "after 210 ms")]
    heard = line.carrier.heard
    assert [at_ms for at_ms, frame in heard if frame == TONE] == list(range(1_020, 1_220, 20))
    assert heard[10] == (1_220, TONE[:80] + SILENCE_FRAME[80:])
    assert heard[11] == (1_240, SILENCE_FRAME)
    assert line.carrier.queued_ms(line.now_ms) == 0


def test_clear_silences_and_returns_every_mark_at_once() -> None:
    line = Line()
    line.play(TONE * 50)
    line.mark("a")
    line.play(TONE * 50)
    line.mark("b")
    line.run(105)
    line.send("clear")
    assert line.marks() == [(1_105, "a"), (1_105, "b")]
    line.run(200)
    assert line.marks() == [(1_105, "a"), (1_105, "b")]
    assert sum(frame == TONE for _, frame in line.carrier.heard) == 5

    line.play(TONE)
    line.mark("c")
    line.run(100)
    assert line.marks()[-1] == (1_340, "c")


def test_pieces_of_any_size_are_joined_without_a_seam() -> None:
    line = Line()
    for start in range(0, 1600, 100):
        line.play((TONE * 10)[start : start + 100])
    line.run(300)
    assert b"".join(frame for _, frame in line.carrier.heard[:10]) == TONE * 10
    assert line.carrier.frame_sizes == {100: 16}


def test_a_hole_in_the_speech_is_an_underrun_and_a_pause_is_none() -> None:
    line = Line()
    line.play(TONE * 2)
    line.run(100)
    line.play(TONE * 2)
    assert line.carrier.underruns == 1
    line.run(1_000)
    line.play(TONE)
    assert line.carrier.underruns == 1
    line.send("clear")
    line.run(60)
    line.play(TONE)
    assert line.carrier.underruns == 1


def test_media_of_another_shape_is_played_and_held_against_the_server() -> None:
    line = Line()
    payload = pybase64.b64encode(TONE).decode()
    line.send("media", media={"payload": payload})
    assert line.carrier.violations == []
    line.send("media", media={"payload": payload, "track": "outbound"})
    line.send("media", media={"payload": payload}, sequenceNumber=1)
    line.play(b"RIFF" + TONE)
    assert len(line.carrier.violations) == 3
    assert sum(line.carrier.frame_sizes.values()) == 4


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"event":"stop"}',
        '{"event":"mark","streamSid":"MZother","mark":{"name":"x"}}',
        f'{{"event":"mark","streamSid":"{SID}"}}',
        f'{{"event":"mark","streamSid":"{SID}","mark":{{"name":""}}}}',
        f'{{"event":"media","streamSid":"{SID}"}}',
        f'{{"event":"media","streamSid":"{SID}","media":{{"payload":"%%%"}}}}',
        f'{{"event":"media","streamSid":"{SID}","media":{{"payload":7}}}}',
        '{"event":"media","media":{"payload":"/w=="}}',
    ],
)
def test_a_bad_message_is_a_warning_and_the_stream_goes_on(text: str) -> None:
    line = Line()
    line.send_text(text)
    assert [warned.code for warned in line.carrier.warnings] == [INVALID_MESSAGE]
    line.run(100)
    assert len(line.of("media")) == 5
    assert not line.carrier.frame_sizes


def test_hanging_up_is_a_stop_and_a_close() -> None:
    line = Line()
    line.carrier.hang_up(1_090)
    line.run(500)
    assert line.got[-1][1]["stop"] == {"accountSid": "AC1", "callSid": "CA1"}
    assert line.closed == Close(1000)
    assert len(line.of("media")) == 5
    assert line.carrier.next_ms() is None


def test_after_the_server_closed_nothing_more_is_heard() -> None:
    line = Line()
    line.play(TONE * 50)
    line.run(100)
    line.carrier.peer_closed(line.now_ms)
    line.run(1_000)
    assert len(line.carrier.heard) == 5


def test_the_line_can_vanish_go_silent_or_never_start() -> None:
    vanishing = Line(CarrierFault("vanish", at_ms=200))
    vanishing.run(1_000)
    assert vanishing.closed == Close(1006)
    assert vanishing.of("stop") == []

    gap = Line(CarrierFault("media_gap", at_ms=200, lasting_ms=5_000))
    gap.run(6_000)
    stamps = [int(message["media"]["timestamp"]) for _, message in gap.of("media")]
    assert max(later - earlier for earlier, later in itertools.pairwise(stamps)) == 5_020

    mute = Line(CarrierFault("no_start"))
    mute.run(1_000)
    assert [message["event"] for _, message in mute.got] == ["connected"]


def test_an_idle_frame_costs_microseconds() -> None:
    carrier = Carrier(CALL, SID)
    carrier.open(0)
    frames = 20_000
    started_s = time.process_time()
    for at_ms in range(20, 20 * frames + 20, 20):
        carrier.timer(at_ms)
    assert (time.process_time() - started_s) / frames < 40e-6, "a generous bound: a slow machine is no fault"
