import numpy as np
import pytest

from retrieval.ann.fanout import FanOut, Part, SearchSettings
from retrieval.ann.ivfpq import Codebook, train_codebook
from retrieval.ann.spec import IndexSpec
from retrieval.ann.tune import (
    CANDIDATE_STEPS,
    TARGET_RECALL,
    QuerySet,
    Recall,
    choose_settings,
    measure_recall,
)
from tests.retrieval.ann.arrays import HalfRows, clustered_rows, unit_rows

N, DIM, NLIST = 10_400, 24, 64
IDS = np.arange(N) + 1


@pytest.fixture(scope="module")
def index():
    rows = clustered_rows(np.random.default_rng(0), N, DIM)
    codebook = train_codebook(rows, IndexSpec("ivfpq", nlist=NLIST, m=6), seed=1)
    codes = Codebook(codebook).encode([(0, rows)], IDS)
    return FanOut([Part(IDS, HalfRows(rows), codes)], codebook=codebook)


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


def test_chosen_settings_reach_the_target_for_every_kind_of_query(index, near, far):
    easy, both = choose_settings(index, [near]), choose_settings(index, [near, far])
    assert measure_recall(index, easy, near).mean >= TARGET_RECALL
    assert min(measure_recall(index, both, each).mean for each in (near, far)) >= TARGET_RECALL
    assert measure_recall(index, easy, far).mean < TARGET_RECALL  # what an average would hide
    assert both.nprobe > easy.nprobe
    fewer = [step for step in CANDIDATE_STEPS if step < both.candidates]
    narrower = SearchSettings(both.nprobe, fewer[-1])
    missed = [measure_recall(index, narrower, each) for each in (near, far)]
    assert any(each.mean - each.standard_error < TARGET_RECALL for each in missed)


def test_a_target_out_of_reach_gives_the_widest_settings(index, far, monkeypatch):
    monkeypatch.setattr("retrieval.ann.tune.TARGET_RECALL", 1.1)
    assert choose_settings(index, [far]) == SearchSettings(NLIST, CANDIDATE_STEPS[-1])


def test_halves_are_disjoint_and_keep_each_query_with_its_exclusions(near):
    tuning, held_out = near.halves()
    assert len(tuning.vectors) == len(held_out.vectors) == len(held_out.excluded) == 60
    assert held_out.excluded[0] == near.excluded[1]
    assert np.array_equal(tuning.vectors[1], near.vectors[2])
    assert QuerySet(near.vectors).halves()[0].excluded == ()


def test_one_query_has_no_standard_error(index, near):
    with pytest.raises(ValueError, match="two queries"):
        measure_recall(index, SearchSettings(1, 20), QuerySet(near.vectors[:1]))
