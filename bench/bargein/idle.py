"""`python -m bench.bargein.idle --seed 301`: what an idle, noisy line lets through to the model, and what it cuts.

Calls in which only noise is heard, and calls in which the caller answers, go through the very `Listening` that
calls use while the assistant is silent. Turns are counted on what passes, by a detector that hears energy alone.
"""

import argparse
import random

import msgspec
import numpy as np

from agentlocator.audio.frames import FRAME_BYTES, FRAME_MS, SILENCE_FRAME
from agentlocator.audio.g711 import encode
from agentlocator.call.listening import Listening
from agentlocator.call.policy import CallPolicy
from agentlocator.simulator.realtime_vad import ServerVad, SpeechStarted
from agentlocator.voice.scorer import SpeechModel, SpeechScorer
from bench.bargein import recordings, sounds
from bench.bargein.recordings import Samples, at_active_level

LINE_NOISE_DBFS = -66.0
LEAD_MS = 1500
TAIL_MS = 1200


class Passed(msgspec.Struct, frozen=True):
    """One line: how much sound of it went to the model, and the turns an energy detector would find in that."""

    frames: tuple[bytes, ...]
    sound_ms: int
    turns: int


class Count(msgspec.Struct):
    """The table's numbers, gathered over all lines."""

    noise_lines: int = 0
    noise_ms: int = 0
    noise_passed_ms: int = 0
    noise_turns: int = 0
    ungated_turns: int = 0
    answers: int = 0
    clipped: int = 0
    lost: int = 0


def main() -> None:
    options = _options()
    recordings.fetch()
    count = measure(options.seed, options.copies, SpeechModel.load())
    print(f"noise-only lines                       {count.noise_lines} ({count.noise_ms / 1000:.0f} s of noise)")
    print(f"noise that passed the gate             {count.noise_passed_ms / 1000:.1f} s")
    print(f"turns begun on it, gated / not gated   {count.noise_turns} / {count.ungated_turns}")
    print(f"answers                                {count.answers}")
    print(f"first syllables clipped                {count.clipped}")
    print(f"answers lost altogether                {count.lost}")


def measure(seed: int, copies: int, model: SpeechModel) -> Count:
    """Every kind of noise `copies` times, and as many answers as there are kinds."""
    half: recordings.Half = "tuning" if seed < 100 else "judging"
    library = recordings.Library(half)
    count = Count()
    for copy in range(copies):
        for name, noise in sounds.NOISES.items():
            rng = random.Random(f"idle {seed} {copy} {name}")
            drawn = np.random.default_rng(rng.getrandbits(32))
            sound = at_active_level(noise(drawn, rng.uniform(2, 6)), rng.uniform(-42, -18))
            line = _line(drawn, np.clip(sound, -0.98, 0.98))
            passed = _listen(line, model)
            count.noise_lines += 1
            count.noise_ms += len(sound) // 8
            count.noise_passed_ms += passed.sound_ms
            count.noise_turns += passed.turns
            count.ungated_turns += _turns(line)
            answer = at_active_level(library.utterance(rng, 250, 2500), rng.uniform(-33, -15))
            _judge_answer(count, _line(drawn, answer), model)
    return count


def _judge_answer(count: Count, line: list[bytes], model: SpeechModel) -> None:
    """Clipped: the frame in which the answer begins, or one of the next four, did not reach the model."""
    first = LEAD_MS // FRAME_MS
    passed = set(_listen(line, model).frames)
    count.answers += 1
    count.clipped += any(frame not in passed for frame in line[first : first + 5])
    count.lost += not any(frame in passed for frame in line[first:])


def _listen(line: list[bytes], model: SpeechModel) -> Passed:
    listening, scorer = Listening(CallPolicy()), SpeechScorer(model)
    frames: list[bytes] = []
    for number, frame in enumerate(line):
        now_ms = (number + 1) * FRAME_MS
        _, wants = listening.hear(frame, speaking=False, interruptible=False, now_ms=now_ms)
        if wants is not None:
            listening.scored(scorer.score(wants.audio, wants.fresh, wants.glance), now_ms)
        for sent in listening.pass_on(frame):
            frames += [sent[at : at + FRAME_BYTES] for at in range(0, len(sent), FRAME_BYTES)]
    return Passed(tuple(frames), sum(frame != SILENCE_FRAME for frame in frames) * FRAME_MS, _turns(frames))


def _turns(frames: list[bytes]) -> int:
    detector = ServerVad({})
    heard = [detector.hear(frame, (number + 1) * FRAME_MS) for number, frame in enumerate(frames)]
    return sum(isinstance(event, SpeechStarted) for event in heard)


def _line(drawn: np.random.Generator, sound: Samples) -> list[bytes]:
    whole = np.concatenate([np.zeros(LEAD_MS * 8), sound, np.zeros(TAIL_MS * 8)])
    whole += drawn.standard_normal(len(whole)) * 10 ** (LINE_NOISE_DBFS / 20)
    coded = encode((np.clip(whole, -1, 1) * 32767).astype(np.int16))
    return [coded[at : at + FRAME_BYTES] for at in range(0, len(coded) - FRAME_BYTES + 1, FRAME_BYTES)]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.bargein.idle", description=__doc__)
    parser.add_argument("--seed", type=int, default=301, help="below 100: the recordings that tuning may see")
    parser.add_argument("--copies", type=int, default=4)
    return parser.parse_args()


if __name__ == "__main__":
    main()
