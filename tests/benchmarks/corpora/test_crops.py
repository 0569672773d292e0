"""Crops of a photograph: inside of it, of the sizes asked for, apart from each other."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from benchmarks.corpora.crops import AREAS, MAX_OVERLAP, boxes, crops, overlap


@given(
    width=st.integers(1, 900),
    height=st.integers(1, 900),
    n=st.integers(0, 12),
    seed=st.text(max_size=8),
)
def test_boxes_lie_inside_and_overlap_little(width, height, n, seed):
    found = boxes((width, height), n, seed)
    assert len(found) <= n
    assert found == boxes((width, height), n, seed)
    for left, upper, right, lower in found:
        assert 0 <= left < right <= width
        assert 0 <= upper < lower <= height
        # Sides are rounded to whole pixels: half a pixel of 64 on each.
        share = (right - left) * (lower - upper) / (width * height)
        assert AREAS[0] * 0.98 <= share <= AREAS[1] * 1.02
    assert all(overlap(one, two) <= MAX_OVERLAP for one, two in combinations(found, 2))


def test_overlap_by_hand():
    assert overlap((0, 0, 2, 2), (1, 1, 3, 3)) == pytest.approx(1 / 7)
    assert overlap((0, 0, 2, 2), (2, 0, 4, 2)) == 0
    assert overlap((0, 0, 2, 2), (0, 0, 2, 2)) == 1


def test_a_photograph_has_room_for_ten_crops_that_differ_by_seed():
    photograph = Image.linear_gradient("L").resize((500, 375)).convert("RGB")
    found = list(crops(photograph, 10, "a"))
    assert len(found) == 10
    assert [each.size for each in found] != [each.size for each in crops(photograph, 10, "b")]
