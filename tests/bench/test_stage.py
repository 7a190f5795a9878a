from bench.bargein.stage import Taped, Told, Verdict, cost_us

from agentlocator.audio.frames import SILENCE_FRAME


class Busy:
    """A design that takes the longer, the fewer of it there were before."""

    made = 0

    def __init__(self) -> None:
        Busy.made += 1
        self._steps = 200_000 // Busy.made
        self.told: list[Told] = []

    def frame(self, t_ms: int, media: bytes, agent_speaking: bool, agent_media: bytes) -> list[Verdict]:
        self.told.append((t_ms, media, agent_speaking, agent_media))
        sum(range(self._steps))
        return ["pause"]


def test_a_design_on_tape_decides_as_it_would_and_every_frame_is_kept() -> None:
    taped = Taped(Busy())
    assert taped.frame(20, SILENCE_FRAME, True, SILENCE_FRAME) == ["pause"]
    assert taped.told == [(20, SILENCE_FRAME, True, SILENCE_FRAME)]


def test_the_cost_is_that_of_the_cheapest_run_of_a_design_of_its_own() -> None:
    runs: list[Busy] = []

    def fresh() -> Busy:
        runs.append(Busy())
        return runs[-1]

    told: list[Told] = [(at, SILENCE_FRAME, True, SILENCE_FRAME) for at in range(0, 200, 20)]
    dearest_us = cost_us(told, Busy, runs=1)
    assert cost_us(told, fresh, runs=6) < dearest_us
    assert [run.told for run in runs] == [told] * 6
