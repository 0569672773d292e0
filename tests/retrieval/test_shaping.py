"""Answers in stages, and queries that marks, wordings and long texts make; on the real engine."""

import logging

import numpy as np
import pytest

from retrieval.encoders.base import TextLimit
from retrieval.engine import SearchEngine
from retrieval.errors import QueryError
from retrieval.query.algebra import ItemRef, Query, Text, Vector
from retrieval.query.ensemble import ensembled
from retrieval.query.feedback import Marks, moved
from retrieval.query.ways import EachOf, Feedback, Mean, analogy
from retrieval.rerank.diversity import diverse_order
from retrieval.shaping import Among, PseudoFeedback, Shaping, search_shaped
from retrieval.store.filters.grammar import parse_filter
from tests import collection_kit as kit
from tests.collection_kit import NumberEncoder, ids_of

N = 150
WORDS_READ = 4


class ShortSighted(NumberEncoder):
    """Reads four words."""

    def encode_texts(self, texts):
        assert all(self.text_limit().fits(text) for text in texts)
        return super().encode_texts(texts)

    def text_limit(self):
        return TextLimit(WORDS_READ, "words", lambda text: len(text.split()))


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = kit.new_collection(tmp_path_factory.mktemp("c") / "c", *range(N))
    with SearchEngine.open(folder, encoder=ShortSighted()) as opened:
        yield opened


@pytest.fixture(scope="module")
def stored():
    """The vectors of the items, (N, dim); item n + 1 is in row n."""
    return kit.stored_vectors(N)


def by_cosine(stored, vector, leave_out=()):
    """Ids of all items, best first."""
    scores = stored @ vector
    scores[[item_id - 1 for item_id in leave_out]] = -9
    return (1 + np.argsort(-scores, kind="stable")).tolist()


@pytest.mark.parametrize(
    ("liked", "disliked"),
    [((4,), ()), ((4, 9), ()), ((), (4,)), ((4, 9), (17, 2)), ((4, 9, 5), ())],
)
def test_feedback_asks_for_the_vector_that_the_marks_make(engine, stored, liked, disliked):
    mean = stored.mean(axis=0)
    marks = Marks(*(stored[[each - 1 for each in some]] - mean for some in (liked, disliked)))
    expected = by_cosine(stored, moved(kit.vector(7), marks, stored), liked + disliked)
    query = Feedback(Text("say 7"), tuple(map(ItemRef, liked)), tuple(map(ItemRef, disliked)))
    found = engine.search(query, 10)
    assert ids_of(found) == expected[:10]


def test_marked_items_come_back_when_they_are_asked_for(engine):
    query = Feedback(Text("say 7"), (ItemRef(4),), (ItemRef(5),))
    assert not {4, 5} & set(ids_of(engine.search(query, N)))
    assert {4, 5} <= set(ids_of(engine.search(Query(query, with_references=True), N)))


def test_marks_alone_are_a_query(engine, stored):
    mark = stored[3] - stored.mean(axis=0)
    expected = by_cosine(stored, mark / np.linalg.norm(mark), (4,))
    assert ids_of(engine.search(Feedback(None, (ItemRef(4),)), 10)) == expected[:10]


def test_an_unknown_mark_is_refused(engine):
    with pytest.raises(QueryError, match="no item 999"):
        engine.search(Feedback(Text("say 7"), (ItemRef(999),)))


def test_an_analogy_is_the_third_and_the_second_less_the_first(engine, stored):
    expected = kit.vector(3) + kit.vector(2) - kit.vector(1)
    found = engine.search(analogy(Text("say 1"), Text("say 2"), Text("say 3")), 10)
    assert ids_of(found) == by_cosine(stored, expected)[:10]
    with_items = engine.search(analogy(ItemRef(1), ItemRef(2), Text("say 3")), N)
    assert not {1, 2} & set(ids_of(with_items))


def test_a_mean_is_one_term_whatever_it_is_made_of(engine, stored):
    mean = kit.vector(1) + kit.vector(2)
    expected = mean / np.linalg.norm(mean) + kit.vector(3)
    found = engine.search(Mean((Text("say 1"), Text("say 2"))) + Text("say 3"), 10)
    assert ids_of(found) == by_cosine(stored, expected)[:10]


def test_an_ensemble_asks_for_the_mean_of_all_wordings(engine):
    asked = ensembled(Text("say 7"))
    assert ids_of(engine.search(Query(Text("say 7"), ensemble=True), 9)) == ids_of(
        engine.search(asked, 9)
    )
    assert np.array_equal(
        engine.encode([Query(Text("say 7"), ensemble=True)]), engine.encode([asked])
    )


def test_each_of_ranks_by_the_part_that_fits_least(engine, stored):
    parts = kit.vectors([1, 2])
    cosines = stored @ parts.T
    weakest = (cosines - cosines.mean(axis=0)).min(axis=1)
    found = engine.search(EachOf((Text("say 1"), Text("say 2"))), 10)
    assert ids_of(found) == (1 + np.argsort(-weakest, kind="stable"))[:10].tolist()
    values = [hit.adjusted for hit in found.hits]
    assert values == pytest.approx(np.sort(weakest)[::-1][:10].tolist(), abs=1e-5)
    middle = parts.sum(axis=0) / np.linalg.norm(parts.sum(axis=0))
    assert found.hits[0].score == pytest.approx(
        stored[found.hits[0].item.id - 1] @ middle, abs=1e-5
    )


def test_each_of_one_part_ranks_as_that_part(engine):
    assert ids_of(engine.search(EachOf((Text("say 1"),)), 9)) == ids_of(
        engine.search(Text("say 1"), 9)
    )


def test_each_of_less_something(engine, stored):
    unwanted = Vector.of(stored[3])
    plain = ids_of(engine.search(EachOf((Text("say 1"), Text("say 2"))), N))
    less = ids_of(engine.search(EachOf((Text("say 1"), Text("say 2"))) - unwanted * 5, N))
    assert less.index(4) > plain.index(4)


LONG = "This is 1. There goes 2."


def test_a_long_text_is_asked_in_parts_and_that_is_said(engine, stored, caplog):
    with caplog.at_level(logging.WARNING):
        found = engine.search(Text(LONG), 10)
    assert ids_of(found) == by_cosine(stored, kit.vector(1) + kit.vector(2))[:10]
    (record,) = caplog.records
    assert record.getMessage() == (
        "a query of 6 words is longer than the 4 words that geometry reads: split into 2 parts"
    )


def test_every_part_of_a_long_text_can_be_asked_to_fit(engine):
    found = engine.search(Query(Text(LONG), long="min"), 10)
    parts = EachOf((Text("This is 1."), Text("There goes 2.")))
    assert ids_of(found) == ids_of(engine.search(parts, 10))
    short = Query(Text("say 1"), long="min")
    assert ids_of(engine.search(short, 10)) == ids_of(engine.search(Text("say 1"), 10))


def test_the_least_of_parts_is_asked_of_one_text_alone(engine):
    with pytest.raises(QueryError, match="one text and nothing else"):
        engine.search(Query(Text(LONG) + Text("say 3"), long="min"))


def test_ten_thousand_words_are_refused_with_a_hint(engine):
    with pytest.raises(QueryError, match="10,000 words") as caught:
        engine.search(Text("dog " * 10_000))
    assert "summary" in caught.value.hint


def test_without_stages_the_answer_is_that_of_a_search(engine):
    query = Query(Text("say 7"))
    assert search_shaped(engine, query, 5, Shaping()).result == engine.search(query, 5)


def test_the_best_hits_count_as_marked_where_the_first_stands_out(engine, stored):
    query = Query(Text("say 7"))
    best = ids_of(engine.search(query, 3))
    marked = Feedback(Text("say 7"), tuple(Vector.of(stored[each - 1]) for each in best))
    expected = ids_of(engine.search(marked, 8))
    fed = search_shaped(engine, query, 8, Shaping(PseudoFeedback(3, stands_out=1.0)))
    assert (ids_of(fed.result), fed.n_fed_back) == (expected, 3)
    assert best[0] in expected
    calm = search_shaped(engine, query, 8, Shaping(PseudoFeedback(3, stands_out=50.0)))
    assert (calm.result, calm.n_fed_back) == (engine.search(query, 8), 0)


def test_diverse_hits_are_chosen_among_a_hundred(engine, stored):
    query = Query(Text("say 7"))
    hundred = engine.search(query, 100).hits
    rows = stored[[hit.item.id - 1 for hit in hundred]]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    order = diverse_order(np.array([hit.score for hit in hundred], np.float32), rows, 0.4, 6)
    found = search_shaped(engine, query, 6, Shaping(diverse=0.4)).result
    assert ids_of(found) == [hundred[at].item.id for at in order]
    assert [hit.rank for hit in found.hits] == [1, 2, 3, 4, 5, 6]
    assert [hit.score for hit in found.hits] == [hundred[at].score for at in order]


class Backwards:
    """The later a hit came, the better; the first it does not know."""

    def score(self, query, hits):
        return np.array([np.nan, *range(1, len(hits))], np.float32)


def test_stages_come_one_after_another(engine):
    query = Query(Text("say 7"))
    plain = ids_of(engine.search(query, 7))
    shaping = Shaping(reranker=Backwards(), rerank_top=5)
    shaped = search_shaped(engine, query, 7, shaping)
    assert ids_of(shaped.result) == [plain[at] for at in (4, 3, 2, 1, 0, 5, 6)]
    assert shaped.n_unscored == 1
    few = search_shaped(engine, query, 2, shaping).result
    assert ids_of(few) == [plain[4], plain[3]]
    mixed = search_shaped(engine, query, 3, Shaping(reranker=Backwards(), diverse=1e-9))
    assert ids_of(mixed.result) == ids_of(
        search_shaped(engine, query, 3, Shaping(reranker=Backwards())).result
    )


def test_filters_hold_in_every_stage(engine):
    narrow = Among(where=parse_filter("width < 660"))
    shaping = Shaping(PseudoFeedback(3, 0.0), Backwards(), 5, 0.3)
    found = search_shaped(engine, Query(Text("say 7")), 50, shaping, narrow).result
    assert sorted(ids_of(found)) == list(range(1, 21))
    assert found.n_matching == 20


def test_nothing_found_is_no_trouble_for_any_stage(engine):
    none = Among(where=parse_filter("width < 10"))
    shaping = Shaping(PseudoFeedback(), Backwards(), 5, 0.3)
    assert search_shaped(engine, Query(Text("say 7")), 5, shaping, none).result.hits == ()


@pytest.mark.parametrize(
    "make",
    [
        lambda: Shaping(diverse=1.0),
        lambda: Shaping(rerank_top=0),
        lambda: PseudoFeedback(n_hits=0),
        lambda: PseudoFeedback(stands_out=float("nan")),
    ],
)
def test_numbers_out_of_range_are_refused(make):
    with pytest.raises(QueryError):
        make()


def test_fewer_than_one_hit_is_refused(engine):
    with pytest.raises(QueryError, match="k must be at least 1"):
        search_shaped(engine, Query(Text("say 7")), 0, Shaping(diverse=0.3))
