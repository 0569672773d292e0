"""Composed queries: one attribute changes, and exactly one picture of a full gallery is right."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.shapes.pictures import ALL, HELD_OUT, VALUES, Attributes
from benchmarks.shapes.triplets import Triplet, changed_again, sample_triplets, triplets_of

RING = Attributes("red", "ring", "large", "top left")
members = st.sampled_from(ALL)


def test_a_triplet_by_hand():
    blue = Triplet(RING, "colour", Attributes("blue", "ring", "large", "top left"))
    assert blue in triplets_of(RING)
    assert (blue.change, blue.undone) == ("blue", "red")
    assert blue.captions == (
        "a large red ring at the top left",
        "a large blue ring at the top left",
    )
    moved = Triplet(RING, "place", Attributes("red", "ring", "large", "middle"))
    assert (moved.change, moved.undone) == ("in the middle", "at the top left")


@given(members)
def test_all_changes_of_one_attribute_and_no_others(reference):
    triplets = triplets_of(reference)
    others = [one for one in ALL if sum(_differs(reference, one).values()) == 1]
    assert sorted(triplet.target for triplet in triplets) == sorted(others)
    for triplet in triplets:
        changed = [name for name, differs in _differs(reference, triplet.target).items() if differs]
        assert changed == [triplet.attribute]


@given(members, st.data())
def test_what_was_changed_can_be_changed_back(reference, data):
    triplet = data.draw(st.sampled_from(triplets_of(reference)))
    back = Triplet(triplet.target, triplet.attribute, triplet.reference)
    assert back in triplets_of(triplet.target)
    assert (back.change, back.undone) == (triplet.undone, triplet.change)


@given(members)
def test_no_two_triplets_of_a_reference_ask_the_same(reference):
    triplets = triplets_of(reference)
    assert len({triplet.change for triplet in triplets}) == len(triplets) == 7 + 7 + 2 + 4


def test_a_sample_is_balanced_different_and_the_same_for_a_seed():
    sample = sample_triplets(50, seed=3)
    assert len(set(sample)) == len(sample) == 200
    assert [sum(t.attribute == name for t in sample) for name in VALUES] == [50] * 4
    assert sample == sample_triplets(50, seed=3)
    assert sample != sample_triplets(50, seed=4)


def test_a_sample_stays_in_its_gallery():
    for triplet in sample_triplets(10, seed=0, gallery=HELD_OUT):
        assert {triplet.reference, triplet.target} <= set(HELD_OUT)


def test_a_second_change_is_of_another_attribute_and_said_as_a_caption_says_it():
    once = sample_triplets(10, seed=0)
    twice = changed_again(once, seed=0)
    assert twice == changed_again(once, seed=0) != changed_again(once, seed=1)
    for one, two in zip(once, twice, strict=True):
        assert (one.reference, one.attribute) == (two.reference, two.attribute)
        assert sum(_differs(two.reference, two.target).values()) == 2
        assert getattr(one.target, one.attribute) == getattr(two.target, two.attribute)
    both = Triplet(RING, "place", Attributes("blue", "ring", "large", "middle"))
    assert (both.change, both.undone) == ("blue in the middle", "red at the top left")


def test_more_than_there_are_is_refused():
    with pytest.raises(ValueError, match="0 changes of colour, 1 asked"):
        sample_triplets(1, seed=0, gallery=[RING])


def _differs(one, other):
    return {name: getattr(one, name) != getattr(other, name) for name in VALUES}
