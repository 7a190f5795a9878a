"""Where things stand on the page: nothing covers anything, and no page grows without bound."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agentlocator.microscope.scale import USUAL_PX_PER_S, WIDEST_PX, scale_for, stack

BOXES = st.lists(st.tuples(st.integers(0, 400), st.integers(1, 90), st.integers(1, 60)), max_size=30)


@given(BOXES)
def test_no_box_covers_another(boxes: list[tuple[int, int, int]]) -> None:
    placed = [(float(left), float(left + width), float(height)) for left, width, height in sorted(boxes)]
    tops = stack(placed)
    for later, (left, right, height) in enumerate(placed):
        for earlier in range(later):
            apart_across = placed[earlier][1] <= left or right <= placed[earlier][0]
            apart_down = tops[earlier] + placed[earlier][2] <= tops[later] or tops[later] + height <= tops[earlier]
            assert apart_across or apart_down


def test_boxes_that_do_not_meet_share_a_row() -> None:
    assert stack([(0, 10, 20), (5, 15, 20), (10, 20, 20)]) == [0, 20, 0]


def test_a_short_call_fills_the_screen_and_a_usual_one_is_not_squeezed() -> None:
    assert scale_for(6_000).px_per_s > 150
    assert scale_for(60_000).px_per_s == USUAL_PX_PER_S
    assert scale_for(6_000, 40).px_per_s == 40


@given(st.integers(0, 4 * 3_600_000), st.floats(1, 2_000))
def test_no_page_is_too_wide_to_scroll(duration_ms: int, px_per_s: float) -> None:
    assert scale_for(duration_ms, px_per_s).width <= WIDEST_PX + 400
