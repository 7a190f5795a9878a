import random

from hypothesis import given
from hypothesis import strategies as st

from agentlocator.simulator.network import Link


@given(
    st.integers(0, 300),
    st.integers(0, 200),
    st.integers(),
    st.lists(st.integers(0, 40), min_size=1, max_size=60),
)
def test_everything_arrives_later_within_the_jitter_and_in_order(
    delay_ms: int, jitter_ms: int, seed: int, gaps_ms: list[int]
) -> None:
    link = Link(delay_ms, jitter_ms, random.Random(seed))
    now_ms, latest_ms = 0, 0
    for gap_ms in gaps_ms:
        now_ms += gap_ms
        arrival_ms = link.send(now_ms)
        assert now_ms + delay_ms <= arrival_ms <= now_ms + delay_ms + jitter_ms or arrival_ms == latest_ms
        assert arrival_ms >= latest_ms
        latest_ms = arrival_ms


def test_the_same_seed_is_the_same_network() -> None:
    first, second = Link(60, 30, random.Random(3)), Link(60, 30, random.Random(3))
    assert [first.send(at) for at in range(0, 2000, 20)] == [second.send(at) for at in range(0, 2000, 20)]
