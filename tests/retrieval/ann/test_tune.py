from dataclasses import replace

import numpy as np
import pytest

from retrieval.ann import tune
from retrieval.ann.codebook import Codebook
from retrieval.ann.fanout import FanOut, Part, SearchSettings
from retrieval.ann.recall import (
    QuerySet,
    Recall,
    mean_visits,
    measure_recall,
    with_answers,
)
from retrieval.ann.routing import QueryParts, Router
from retrieval.ann.spec import IndexSpec
from retrieval.ann.training import train_codebook
from retrieval.ann.tune import (
    CANDIDATE_STEPS,
    TARGET_RECALL,
    choose_settings,
)
from tests.retrieval.ann.arrays import HalfRows, clustered_rows, unit_rows

N, DIM, NLIST = 10_400, 24, 64
IDS = np.arange(N) + 1


@pytest.fixture(scope="module")
def rows():
    return clustered_rows(np.random.default_rng(0), N, DIM)


@pytest.fixture(autouse=True)
def _nothing_is_cheap(monkeypatch):
    """So small an index would be searched nearly exactly, whatever the target."""
    monkeypatch.setattr(tune, "CHEAP_NS", 0.0)


@pytest.fixture(scope="module")
def codebook(rows):
    return train_codebook(rows, IndexSpec("ivfpq", nlist=NLIST, m=6), seed=1)


@pytest.fixture(scope="module")
def part(rows, codebook):
    return Part(IDS, HalfRows(rows), Codebook(codebook).encode([(0, rows)]))


@pytest.fixture(scope="module")
def index(part, codebook):
    return FanOut([part], codebook=codebook)


def as_foreign(vectors):
    return tuple(QueryParts.single(vector, is_foreign=True) for vector in vectors)


def visits_of(index, settings, queries):
    ranked = index.ranked_lists(queries.vectors, settings, queries.parts)
    return mean_visits(index, [each.above(settings.floor) for each in ranked])


def scanned_by(index, settings, queries):
    return visits_of(index, settings, queries)[0]


def learned_routes(queries, lists):
    """A router that knows which lists these queries need, by least squares."""
    hits = np.zeros((len(queries), NLIST), np.float32)
    for row, own in zip(hits, lists, strict=True):
        row[own] = 1
    weight = np.linalg.lstsq(queries, hits, rcond=None)[0].T
    return Router(np.ascontiguousarray(weight, np.float16), np.zeros(NLIST, np.float32))


@pytest.fixture(scope="module")
def near(index):
    """Items that ask for their neighbours, without themselves."""
    positions = np.random.default_rng(1).choice(N, 120, replace=False)
    return QuerySet(index.vectors_of(positions), tuple(IDS[positions][:, None]))


@pytest.fixture(scope="module")
def far():
    """Queries that lie nowhere near the items, as texts do in a gallery of images."""
    return QuerySet(unit_rows(np.random.default_rng(2), 120, DIM))


def slow_recall(index, settings, queries):
    """Reads like the definition: the share of the exact ten that came back."""
    values = []
    for number, vector in enumerate(queries.vectors):
        left_out = [queries.excluded[number]] if queries.excluded else []
        exact = index.search(vector[None], 10, None, left_out)[1][0]
        found = index.search(vector[None], 10, settings, left_out)[1][0]
        values.append(len(set(exact) & set(found)) / 10)
    return float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))


@pytest.mark.parametrize("settings", [SearchSettings(1, 20), SearchSettings(8, 50)])
def test_recall_is_the_share_of_the_exact_ten(index, near, far, settings):
    for queries in (near, far):
        recall = measure_recall(index, settings, queries)
        assert (recall.mean, recall.standard_error) == pytest.approx(
            slow_recall(index, settings, queries)
        )
        assert recall.n_queries == 120
        assert recall.mean < 1


def test_looking_everywhere_finds_everything(index, near):
    everything = SearchSettings(NLIST, N)
    assert measure_recall(index, everything, near) == Recall(1.0, 0.0, 120)


def test_each_kind_of_query_gets_settings_that_reach_its_target(index, near, far):
    easy, hard = choose_settings(index, near).settings, choose_settings(index, far).settings
    assert measure_recall(index, easy, near).mean >= TARGET_RECALL
    assert measure_recall(index, hard, far).mean >= TARGET_RECALL
    assert measure_recall(index, easy, far).mean < TARGET_RECALL  # what an average would hide
    assert scanned_by(index, hard, far) > scanned_by(index, easy, near)
    fewer = [step for step in CANDIDATE_STEPS if step < hard.candidates]
    narrower = measure_recall(index, replace(hard, candidates=fewer[-1]), far)
    assert narrower.mean - narrower.standard_error < TARGET_RECALL


def test_a_lower_target_costs_less(index, far):
    low, high = (
        choose_settings(index, far, 0.6).settings,
        choose_settings(index, far, 0.99).settings,
    )
    assert scanned_by(index, low, far) < scanned_by(index, high, far)
    assert 0.6 <= measure_recall(index, low, far).mean < 0.99


def test_recall_that_costs_next_to_nothing_is_taken(index, far, monkeypatch):
    asked = choose_settings(index, far, 0.6)
    monkeypatch.setattr(tune, "CHEAP_NS", 250_000.0)
    given = choose_settings(index, far, 0.6)
    assert asked.cost_ns < given.cost_ns < 250_000
    assert measure_recall(index, given.settings, far).mean > 0.97
    monkeypatch.setattr(tune, "CHEAP_NS", asked.cost_ns)
    assert choose_settings(index, far, 0.6) == asked


def test_a_target_out_of_reach_gives_the_widest_settings(index, far):
    assert choose_settings(index, far, 1.1).settings == SearchSettings(NLIST, CANDIDATE_STEPS[-1])


def test_a_floor_is_chosen_where_it_scans_less_at_the_same_recall(index, near, monkeypatch):
    chosen = choose_settings(index, near).settings
    monkeypatch.setattr(tune, "FLOOR_STEPS", ())
    fixed = choose_settings(index, near).settings
    assert fixed.floor == 0
    assert 0 < chosen.floor < 1
    assert chosen.nprobe <= 2 * fixed.nprobe
    (scanned, visited), (most_scanned, most_visited) = (
        visits_of(index, settings, near) for settings in (chosen, fixed)
    )
    assert scanned < 0.9 * most_scanned
    assert visited < most_visited == fixed.nprobe
    recall = measure_recall(index, chosen, near)
    assert recall.mean - recall.standard_error >= TARGET_RECALL


def test_a_router_is_used_where_it_wins_and_only_there(index, far, part, codebook):
    own = index.search(far.vectors, 10)[1]
    lists = index.lists_of(index.positions_of(own.ravel())).reshape(own.shape)
    right = learned_routes(far.vectors, lists)
    wrong = Router(-right.weight, right.bias)
    knows, errs = (FanOut([part], codebook=codebook, router=each) for each in (right, wrong))
    foreign = QuerySet(far.vectors, parts=as_foreign(far.vectors))
    chosen = choose_settings(knows, foreign).settings
    assert chosen.routed
    unrouted = scanned_by(index, choose_settings(index, far).settings, far)
    assert scanned_by(knows, chosen, foreign) < unrouted
    assert measure_recall(knows, chosen, foreign).mean >= TARGET_RECALL
    assert not choose_settings(errs, foreign).settings.routed
    assert not choose_settings(knows, far).settings.routed  # nobody says that these are foreign


def test_the_first_list_that_an_item_visits_is_its_own(index, near):
    sizes = index.list_sizes()
    assert sizes.sum() == N
    ranked = index.ranked_lists(near.vectors, SearchSettings(NLIST, 10))
    orders = np.stack([each.above(0.0) for each in ranked])
    assert np.array_equal(np.sort(orders, axis=1), np.tile(np.arange(NLIST), (len(orders), 1)))
    own_lists = index.lists_of(index.positions_of(np.concatenate(near.excluded)))
    # Lists are ranked by centroids in float16: of two that are as near, either may come first.
    scores = np.stack([each.of_parts[0][0].scores for each in ranked])
    is_clear = scores[:, 0] - scores[:, 1] > 1e-3
    assert np.array_equal(orders[is_clear, 0], own_lists[is_clear])
    assert is_clear.mean() > 0.9


def test_answers_are_those_of_one_search_whatever_is_excluded(monkeypatch):
    rows = unit_rows(np.random.default_rng(4), 10, DIM)
    index = FanOut([Part(np.arange(10), HalfRows(rows))])
    excluded = (np.array([3]),) * 20 + (np.empty(0, np.int64),) * 10
    queries = QuerySet(unit_rows(np.random.default_rng(5), 30, DIM), excluded)
    expected = index.search(queries.vectors, 10, None, excluded)[1]
    monkeypatch.setattr("retrieval.ann.recall._A_PASS", 20)
    assert np.array_equal(with_answers(index, {"image": queries})["image"].wanted, expected)


def test_settings_that_cannot_reach_the_target_are_not_searched(index, near, monkeypatch):
    asked = []
    real = type(index).candidate_ids

    def noted(self, queries, lists, k):
        asked.append(max(map(len, lists)))
        return real(self, queries, lists, k)

    monkeypatch.setattr(type(index), "candidate_ids", noted)
    chosen = choose_settings(index, near, 0.95).settings
    assert chosen.nprobe in asked
    assert min(asked) > 1  # a neighbour of an item often lies in another list


def test_halves_are_disjoint_and_keep_each_query_with_its_exclusions(near):
    tuning, held_out = near.halves()
    assert len(tuning.vectors) == len(held_out.vectors) == len(held_out.excluded) == 60
    assert held_out.excluded[0] == near.excluded[1]
    assert np.array_equal(tuning.vectors[1], near.vectors[2])
    assert QuerySet(near.vectors).halves()[0].excluded == ()


def test_one_query_has_no_standard_error(index, near):
    with pytest.raises(ValueError, match="two queries"):
        measure_recall(index, SearchSettings(1, 20), QuerySet(near.vectors[:1]))


def test_answers_of_several_sets_are_found_in_one_pass_and_go_with_their_halves(index, near, far):
    sets = with_answers(index, {"near": near, "far": far})
    for name, alone in (("near", near), ("far", far)):
        assert np.array_equal(sets[name].wanted, alone.answers(index))
    even, odd = sets["near"].halves()
    assert np.array_equal(even.wanted, sets["near"].wanted[::2])
    assert np.array_equal(odd.answers(index), near.halves()[1].answers(index))
