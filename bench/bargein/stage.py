"""Plays a scenario to a design, frame by frame, and does what the design decides: pauses, goes on, falls silent.

The loop is closed: what is not played makes no echo, and what was paused goes on from the frame where it stopped.
What a design costs is measured apart, on the frames that it was told: so the stage does not count, nor does its clock.
"""

import time
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import msgspec
import numpy as np

from agentlocator.audio.frames import FRAME_BYTES, FRAME_MS, SILENCE_FRAME
from agentlocator.audio.g711 import decode, encode
from bench.bargein.recordings import Samples
from bench.bargein.scenarios import Scenario

Verdict = Literal["pause", "commit", "resume"]
Told = tuple[int, bytes, bool, bytes]


class Design(Protocol):
    """Anything that decides about the floor: ours, or the reference."""

    def frame(self, t_ms: int, media: bytes, agent_speaking: bool, agent_media: bytes) -> list[Verdict]: ...


class Outcome(msgspec.Struct, frozen=True):
    """What a design did; times are the ends of the frames after which it decided, on the scenario's clock."""

    scenario: str
    pauses_ms: tuple[int, ...]
    commits_ms: tuple[int, ...]
    resumes_ms: tuple[int, ...]
    frames: int
    # The least that all of them cost the design, where that was measured.
    cpu_us: float = 0.0


def play(scenario: Scenario, design: Design) -> Outcome:
    """Runs to the scenario's end."""
    local = scenario.local
    spoken = _frames(scenario.assistant)
    played = np.zeros(len(local) + FRAME_BYTES)
    heard: dict[Verdict, list[int]] = {"pause": [], "commit": [], "resume": []}
    speaking_from: int | None = scenario.assistant_from_ms
    position, paused = 0, False
    frames = len(local) // FRAME_BYTES
    for number in range(frames):
        t_ms, at = number * FRAME_MS, number * FRAME_BYTES
        speaking = speaking_from is not None and t_ms >= speaking_from
        agent_media = SILENCE_FRAME
        if speaking and not paused:
            agent_media = spoken[position % len(spoken)]
            position += 1
        played[at : at + FRAME_BYTES] = decode(agent_media) / 32768
        caller = local[at : at + FRAME_BYTES]
        if scenario.echo is not None:
            caller = caller + _echo(played, scenario.echo, at)
        media = encode((np.clip(caller, -1, 1) * 32767).astype(np.int16))
        for verdict in design.frame(t_ms, media, speaking, agent_media):
            heard[verdict].append(t_ms + FRAME_MS)
            paused = verdict == "pause"
            if verdict == "commit":
                again = scenario.again_ms
                speaking_from = None if again is None else t_ms + FRAME_MS + again
    return Outcome(
        scenario.name,
        tuple(heard["pause"]),
        tuple(heard["commit"]),
        tuple(heard["resume"]),
        frames,
    )


class Taped:
    """A design that keeps what it is told, so that its cost can be measured afterwards."""

    def __init__(self, design: Design) -> None:
        self._design = design
        self.told: list[Told] = []

    def frame(self, t_ms: int, media: bytes, agent_speaking: bool, agent_media: bytes) -> list[Verdict]:
        self.told.append((t_ms, media, agent_speaking, agent_media))
        return self._design.frame(t_ms, media, agent_speaking, agent_media)


def cost_us(told: Sequence[Told], fresh: Callable[[], Design], runs: int = 3) -> float:
    """The process's CPU time for all the frames: the cheapest of some runs, because a busy machine only adds to it."""
    return min(_run_us(told, fresh()) for _ in range(runs))


def _run_us(told: Sequence[Told], design: Design) -> float:
    began = time.process_time()
    for frame in told:
        design.frame(*frame)
    return (time.process_time() - began) * 1e6


def _frames(sound: Samples) -> list[bytes]:
    coded = encode((np.clip(sound, -1, 1) * 32767).astype(np.int16))
    return [coded[at : at + FRAME_BYTES] for at in range(0, len(coded) - FRAME_BYTES + 1, FRAME_BYTES)]


def _echo(played: Samples, path: Samples, at: int) -> Samples:
    """The echo of one frame; the path's leading zeros are the delay, so only its tail is convolved."""
    first = int(np.flatnonzero(path)[0])
    tail = path[first:]
    end = at + FRAME_BYTES - first
    begin = end - FRAME_BYTES - len(tail) + 1
    if end <= 0:
        return np.zeros(FRAME_BYTES)
    piece = played[max(begin, 0) : end]
    piece = np.concatenate([np.zeros(FRAME_BYTES + len(tail) - 1 - len(piece)), piece])
    echo: Samples = np.convolve(piece, tail, "valid")
    return echo
