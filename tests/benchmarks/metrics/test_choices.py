"""Text, image and group scores of Winoground."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.metrics.choices import CHANCE, outcomes

COSINES = st.lists(st.integers(0, 3), min_size=4, max_size=4)
"""Few levels, so that some are often equal."""


def scored(cosines):
    """Outcomes of one item, from s(C0, I0), s(C1, I1), s(C0, I1), s(C1, I0)."""
    found = outcomes(np.array([cosines[:2]]), np.array([cosines[2:]]))
    return {name: bool(right[0]) for name, right in found.items()}


@pytest.mark.parametrize(
    ("cosines", "text", "image"),
    [
        ((4, 3, 2, 1), True, True),
        ((9, 2, 1, 3), True, False),  # the second text says the first picture rather
        ((9, 2, 3, 1), False, True),  # of the second picture the first text is said
        ((2, 2, 2, 2), False, False),
        ((2, 2, 2, 1), False, False),  # one equal pair spoils each
        ((1, 2, 3, 4), False, False),
    ],
)
def test_by_hand(cosines, text, image):
    expected = {"text_score": text, "image_score": image, "group_score": text and image}
    assert scored(cosines) == expected


@given(COSINES)
def test_it_is_the_same_whichever_side_goes_first(cosines):
    own0, own1, other0, other1 = cosines
    assert scored(cosines) == scored((own1, own0, other1, other0))


@given(COSINES)
def test_texts_for_pictures_are_pictures_for_texts(cosines):
    own0, own1, other0, other1 = cosines
    found, turned = scored(cosines), scored((own0, own1, other1, other0))
    assert found["text_score"] == turned["image_score"]
    assert found["group_score"] == turned["group_score"]


def test_chance_is_the_share_of_all_orders():
    orders = [scored(each) for each in itertools.permutations(range(4))]
    for name, share in CHANCE.items():
        assert np.mean([each[name] for each in orders]) == pytest.approx(share)
