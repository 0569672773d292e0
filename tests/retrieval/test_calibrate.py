"""What a score says beside known matches: by hand, as laws, and what is refused."""

import math
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.calibrate import (
    MIN_MATCHES,
    Calibration,
    Sigmoid,
    Spread,
    at_least,
    is_mutual,
    looks_visual,
    part_of,
)
from retrieval.errors import QueryError
from retrieval.model import Hit, ImageMeta, ItemRecord, SearchResult

TENTHS = np.arange(1, 10, dtype=np.float32) / 10
SCORES = st.lists(st.floats(-1, 1, width=32), min_size=MIN_MATCHES, max_size=40)


def hit(rank, confidence):
    item = ItemRecord(rank, "0" * 64, ImageMeta("PNG", 1, 1))
    return Hit(rank, 0.5, item, confidence=confidence)


def test_confidence_counts_the_matches_that_score_no_more_and_the_hit_itself():
    nine = Calibration.of(TENTHS, "captions")
    assert nine.confidence(0.05) == 0.1
    assert nine.confidence(0.55) == 0.6
    assert nine.confidence(float(TENTHS[4])) == 0.6, "an equal one scores no more"
    assert nine.confidence(1.0) == 1.0


def test_too_few_matches_say_nothing():
    assert Calibration.of(TENTHS[1:], "bank") is None


@given(SCORES, st.floats(-1, 1, width=32), st.floats(-1, 1, width=32))
def test_confidence_grows_with_the_score_and_is_a_share(matches, one, other):
    known = Calibration.of(np.array(matches, np.float32), "bank")
    low, high = sorted((one, other))
    assert 0 < known.confidence(low) <= known.confidence(high) <= 1
    slow = (sum(match <= one for match in matches) + 1) / (len(matches) + 1)
    assert known.confidence(one) == slow


@given(SCORES, st.floats(0, 1))
def test_a_match_drawn_from_among_the_others_is_seldom_dropped(scores, least):
    """The conformal law: whichever of n + 1 equals is left out, at most that share falls below."""
    dropped = 0
    for left_out in range(len(scores)):
        others = np.sort(np.array(scores[:left_out] + scores[left_out + 1 :], np.float32))
        dropped += Calibration(others, "bank").confidence(scores[left_out]) < least
    assert dropped <= least * len(scores) + 1e-9


def test_a_text_as_long_as_a_caption_is_held_against_whole_captions():
    known = Calibration.of_captions(TENTHS + 0.05, TENTHS - 0.5, [5, *range(20, 29)])
    assert known.long_from == 5, "the lowest tenth of ten lengths ends with the first"
    known = Calibration.of_captions(TENTHS + 0.05, TENTHS - 0.5, [5, *range(20, 30)])
    assert known.long_from == 20
    assert known.among_texts_of(20).confidence(0.3) == 0.3
    assert known.among_texts_of(19).confidence(0.3) == (9 - 1 + 2 + 1) / 19
    assert known.among_texts_of(0) is known


def test_of_other_matches_length_says_nothing():
    known = Calibration.of(TENTHS, "bank")
    assert known.among_texts_of(10**6) is known


@given(SCORES, st.integers(0, 1000))
def test_a_calibration_survives_its_text(matches, length):
    scores = np.array(matches, np.float32)
    for known in (
        Calibration.of(scores, "bank"),
        Calibration.of_captions(scores, scores[:1], [length]),
    ):
        again = Calibration.from_json(known.to_json())
        assert (again.matches == known.matches).all()
        assert (again.whole == known.whole).all()
        assert (again.source, again.long_from) == (known.source, known.long_from)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"matches": 3}',
        '{"source": "bank", "long_from": 0, "whole": [], "matches": [1]}',
        '{"source": "bank", "long_from": 0, "whole": [], "matches": [9, 8, 7, 6, 5, 4, 3, 2, 1]}',
        '{"source": "captions", "long_from": 7, "whole": [], "matches": [1,2,3,4,5,6,7,8,9]}',
    ],
)
def test_what_is_no_calibration_is_refused(text):
    with pytest.raises(ValueError, match=r"Expecting|calibration|ascending"):
        Calibration.from_json(text)


def test_z_counts_standard_deviations_above_the_mean():
    sample = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]], np.float32)
    spread = Spread.of(sample, np.array([1, 0], np.float32))
    assert (spread.mean, spread.deviation) == (0.0, math.sqrt(0.5))
    assert spread.z(1.0) == pytest.approx(math.sqrt(2))


def test_no_z_where_all_are_alike():
    assert Spread.of(np.ones((3, 1), np.float32), np.ones(1, np.float32)).z(1.0) is None


def test_the_probability_is_the_sigmoid_of_the_logit():
    trained = Sigmoid(scale=10.0, bias=-5.0)
    assert trained.probability(0.5) == 0.5
    assert trained.probability(1.0) == pytest.approx(1 / (1 + math.exp(-5)))
    assert 0.0 <= Sigmoid(1e9, 0.0).probability(-1.0) < 1e-300


def test_of_equal_queries_one_makes_a_pair():
    queries = np.array([[0, 1], [1, 0], [1, 0]], np.float32)
    assert is_mutual(queries, queries).tolist() == [True, True, False]


def test_pairs_are_mutual_where_the_item_knows_no_better_query():
    queries = np.eye(3, dtype=np.float32)
    best = np.array([[0.9, 0.1, 0.0], [0.8, 0.6, 0.0], [0.4, 0.0, 0.5]], np.float32)
    assert is_mutual(queries, best).tolist() == [True, False, True]


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=9), st.integers())
def test_a_part_is_at_least_half_of_the_words_in_their_order(words, seed):
    part = part_of(" ".join(words), random.Random(seed)).split()
    assert len(words) <= 2 * len(part)
    places = range(len(words) - len(part) + 1)
    assert any(words[at : at + len(part)] == part for at in places)


def test_a_blank_text_has_a_blank_part():
    assert part_of(" ", random.Random(0)) == ""


def test_a_text_looks_visual_where_it_is_nearer_to_things():
    things, ideas = np.eye(2, dtype=np.float32)[[0, 0, 0]], np.eye(2, dtype=np.float32)[[1, 1, 1]]
    near, far = np.array([0.8, 0.6], np.float32), np.array([0.6, 0.8], np.float32)
    assert looks_visual(near, things, ideas)
    assert not looks_visual(far, things, ideas)


def test_hits_below_are_dropped_and_ranks_stay():
    result = SearchResult((hit(1, 0.2), hit(2, 0.05), hit(3, 0.1), hit(4, None)), 1, exact=True)
    assert [each.rank for each in at_least(result, 0.1).hits] == [1, 3, 4]
    assert at_least(result, 0.0) == result


@pytest.mark.parametrize("least", [-0.1, 1.5, math.nan])
def test_what_is_no_share_is_refused(least):
    with pytest.raises(QueryError, match=r"in \[0, 1\]") as caught:
        at_least(SearchResult((), 1, exact=True), least)
    assert caught.value.hint
