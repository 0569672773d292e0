"""Queries that are more than a sum: minus, product, filters of their own, ready vectors."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from indexer.writer import CollectionWriter
from retrieval.encoders.bank import caption_bank
from retrieval.engine import SearchEngine
from retrieval.errors import QueryError
from retrieval.planned import BROUGHT
from retrieval.query.algebra import DEEPEST, ImageFile, ItemRef, Minus, Query, Text, Vector
from retrieval.query.language import in_language
from retrieval.query.penalty import otsu_threshold
from retrieval.query.product import Fusion, Landmarks
from retrieval.query.ways import Feedback, Product, Residual, Slerp, Where
from retrieval.store.filters.grammar import parse_filter
from tests import collection_kit as kit
from tests.collection_kit import NumberEncoder, ids_of

N = 200
MARKED = 3
"""The content whose direction is the unwanted one."""


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = kit.new_collection(tmp_path_factory.mktemp("c") / "c", *range(N))
    with SearchEngine.open(folder, encoder=NumberEncoder()) as opened:
        yield opened


@pytest.fixture(scope="module")
def stored():
    """The vectors of the items, (N, dim); item n + 1 is in row n."""
    return kit.stored_vectors(N)


@pytest.mark.parametrize("weight", [0.5, 1.0, 20.0])
@pytest.mark.parametrize("k", [1, 10, N])
def test_minus_ranks_all_items_by_cosine_less_the_penalty(engine, stored, weight, k):
    sought, unwanted = kit.vector(500), kit.vector(MARKED)
    result = engine.search(Text("number 500") - Text(f"number {MARKED}") * weight, k)
    against = stored @ unwanted
    expected = stored @ sought - weight * np.maximum(against - otsu_threshold(against), 0)
    order = np.argsort(-expected, kind="stable")[:k]
    assert ids_of(result) == (order + 1).tolist()
    assert [hit.adjusted for hit in result.hits] == pytest.approx(expected[order], abs=1e-5)
    assert [hit.score for hit in result.hits] == pytest.approx((stored @ sought)[order], abs=1e-5)


def test_items_without_what_is_unwanted_keep_their_order(engine, stored):
    plain = ids_of(engine.search(Text("number 500"), N))
    found = ids_of(engine.search(Text("number 500") - Text(f"number {MARKED}"), N))
    against = stored @ kit.vector(MARKED)
    free = {number + 1 for number in np.flatnonzero(against <= otsu_threshold(against))}
    assert [each for each in found if each in free] == [each for each in plain if each in free]


def test_minus_twice_takes_both_away(engine):
    once = engine.search(Text("number 500") - Text("3") - Text("7"), N)
    other = engine.search(Text("number 500") - Text("7") - Text("3"), N)
    assert ids_of(once) == ids_of(other)


def test_an_unwanted_item_is_not_among_the_hits(engine):
    assert 5 not in ids_of(engine.search(Text("500") - ItemRef(5), N))
    assert 5 in ids_of(engine.search(Query(Text("500") - ItemRef(5), with_references=True), N))


def test_a_product_ranks_by_the_fused_score(engine, stored):
    result = engine.search(Product(ItemRef(9), Text("number 500")), 10)
    landmarks = Landmarks.of(stored, NumberEncoder().encode_texts(caption_bank()))
    parts = np.stack([stored[8], kit.vector(500)])
    fused = Fusion.of(parts, ("image", "text"), landmarks).of_items(stored)
    fused[8] = -np.inf  # the reference itself
    assert BROUGHT >= N  # so each part brings all items
    order = np.lexsort((np.arange(N), -fused))[:10]
    assert ids_of(result) == (order + 1).tolist()
    assert [hit.adjusted for hit in result.hits] == pytest.approx(fused[order], rel=1e-3)


def test_a_residual_without_a_start_uses_the_bank(engine):
    found = engine.search(Residual(ItemRef(9), (Text("500"),), gain=50.0), 3)
    away = NumberEncoder().encode_texts(caption_bank()).mean(axis=0)
    step = kit.vector(500) - away
    expected = engine.search(Vector.of(step), 3)
    assert found.hits[0].score == pytest.approx(expected.hits[0].score, abs=0.05)


def test_a_query_may_bring_its_filter(engine):
    some = parse_filter("width < 650")  # the first ten
    queries = [Where(Text("500"), some), Text("500"), Where(Text("501") - Text("3"), some)]
    first, second, third = engine.search_batch(queries, N)
    assert sorted(ids_of(first)) == sorted(ids_of(third)) == list(range(1, 11))
    assert (first.n_matching, second.n_matching, third.n_matching) == (10, None, 10)
    assert len(second.hits) == N
    odd = parse_filter("width in (641, 643, 800)")
    both = engine.search(queries[0], N, where=odd)
    assert sorted(ids_of(both)) == [2, 4]


def test_ready_vectors_are_terms(engine, stored):
    found = engine.search(Vector.of(kit.vector(500), "text"), 10)
    assert found.hits == engine.search(Text("500"), 10).hits


def test_a_vector_of_another_space_is_refused(engine):
    with pytest.raises(QueryError, match="9 numbers for a collection of 8 dimensions"):
        engine.search(Vector.of(np.ones(9)) + Text("3"))


def test_references_come_back_where_they_are_asked_for(engine, tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (4, 4), (7, 0, 0)).save(path)
    assert 4 not in ids_of(engine.search(ItemRef(4), N))
    assert ids_of(engine.search(Query(ItemRef(4), with_references=True), N))[0] == 4
    assert len(engine.search(ImageFile(path), N).hits) == N  # its bytes are none of the items'


def test_a_batch_of_all_kinds_answers_as_each_query_alone(engine):
    queries = [
        Text("500"),
        Text("500") - Text("3"),
        Product(ItemRef(9), Text("500")),
        ItemRef(7) + Text("501"),
        Query(ItemRef(7) - ItemRef(8) * 2, exclude=(1, 2)),
    ]
    assert engine.search_batch(queries, 7) == [engine.search(query, 7) for query in queries]


@pytest.mark.parametrize("unwanted", [Text("number 500"), Text("another 500")])
def test_what_is_sought_and_unwanted_at_once_is_refused(engine, unwanted):
    with pytest.raises(QueryError, match="cancels out"):
        engine.search(Text("number 500") - unwanted)


@pytest.mark.parametrize(
    "query",
    [
        Text("500"),
        Text("500") - Text("3"),
        Product(Text("500"), Text("501")),
        Residual(Text("500"), (Text("501"),)),
    ],
)
def test_a_collection_without_items_answers_with_nothing(tmp_path, query):
    with SearchEngine.open(kit.new_collection(tmp_path / "c"), encoder=NumberEncoder()) as empty:
        assert empty.search(query).hits == ()


def test_a_product_takes_nothing_away(engine):
    with pytest.raises(QueryError, match="takes nothing away"):
        engine.search(Product(ItemRef(9), Text("500")) - Text("3"))


@pytest.mark.parametrize("query", [Text("500") - Text("3"), Product(Text("500"), Text("501"))])
def test_where_every_item_is_left_out_nothing_is_found(engine, query):
    everything = tuple(range(1, N + 1))
    assert engine.search(Query(query, exclude=everything)).hits == ()
    assert engine.search(Where(query, parse_filter("width > 100000"))).hits == ()
    assert ids_of(engine.search(Query(query, exclude=everything[1:]))) == [1]


@pytest.mark.parametrize("wrong", ["a dog", Path("a.jpg"), None])
def test_what_is_no_query_is_a_programmers_mistake(engine, wrong):
    for ask in (engine.search, engine.languages_of, lambda each: engine.encode([each])):
        with pytest.raises(TypeError, match="wrap a text in Text"):
            ask(wrong)


def test_a_great_many_terms_are_answered(engine):
    many = [Text(f"number {number}") for number in range(1_000, 6_000)]
    total = kit.vectors(range(1_000, 6_000)).astype(float).sum(axis=0)
    found = engine.search(sum(many), N)
    expected = engine.search(Vector.of(total), N)
    assert ids_of(found)[:5] == ids_of(expected)[:5]
    taken = engine.search(Minus(Text("number 500"), many), N)
    assert len(taken.hits) == N
    assert np.isfinite([hit.adjusted for hit in taken.hits]).all()


def test_what_is_nested_too_deep_is_refused(engine):
    deep = Text("500")
    for _ in range(2_000):
        deep = deep * 1.0
    for ask in (engine.search, engine.languages_of):
        with pytest.raises(QueryError, match="inside of each other"):
            ask(deep)


@pytest.mark.parametrize(
    "around",
    [
        lambda inner: Slerp(Text("500"), inner) - Text("3"),
        lambda inner: Residual(Text("500"), (Text("501"),), (inner,)),
        lambda inner: Residual(Text("500"), (inner,), (Text("501"),)),
        lambda inner: Product(Text("500"), inner),
        lambda inner: Feedback(inner, (ItemRef(3),)),
    ],
)
def test_what_is_all_but_too_deep_is_answered(engine, around):
    inner = Text("503")
    for number in range(DEEPEST - 4):  # wordings are parts of a text
        inner = Slerp(inner, Text(f"{number}"), 0.3)
    assert len(engine.search(Query(around(inner), ensemble=True), 3).hits) == 3
    assert len(engine.languages_of(in_language(around(inner), "en")).choices) > DEEPEST / 2


@pytest.mark.parametrize("n_equal", [2, 50])
@pytest.mark.filterwarnings("error")
def test_a_product_among_equal_items_answers_with_all(tmp_path, n_equal):
    with CollectionWriter.open(tmp_path / "c", kit.ENCODER) as writer:
        items = [kit.item(number) for number in range(n_equal)]
        writer.commit(kit.vectors([7] * n_equal), items)
    with SearchEngine.open(tmp_path / "c", encoder=NumberEncoder()) as same:
        hits = same.search(Product(Text("500"), Text("501")), n_equal).hits
    assert len(hits) == n_equal
    assert np.isfinite([hit.adjusted for hit in hits]).all()
