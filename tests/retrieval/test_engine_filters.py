"""Filters through the engine: what is ranked, what stays full, and what changes under way."""

import numpy as np
import pytest

from indexer.tags import Wanted, change_tags
from indexer.writer import CollectionWriter
from retrieval.engine import SearchEngine
from retrieval.query.algebra import ItemRef, Query, Text
from retrieval.store.filters.grammar import parse_filter
from tests import collection_kit as kit
from tests.retrieval.test_engine import NumberEncoder

NUMBERS = range(1, 41)


@pytest.fixture
def folder(tmp_path, catalogue_url):
    folder = kit.new_collection(tmp_path / "c", *NUMBERS, url=catalogue_url)
    with CollectionWriter.open(folder, kit.ENCODER, catalogue_url=catalogue_url) as writer:
        texts = [kit.text_item(100 + n, f"/photos/{n}.jpg", "/captions.csv") for n in NUMBERS]
        writer.commit(kit.vectors([100 + n for n in NUMBERS]), texts, gallery="texts")
    return folder


@pytest.fixture
def engine(folder, catalogue_url):
    with SearchEngine.open(folder, encoder=NumberEncoder(), catalogue_url=catalogue_url) as engine:
        yield engine


def ask(engine, text, k=10, **options):
    return engine.search(Query(Text("item 7")), k, **options)


def ids(result):
    return [hit.item.id for hit in result.hits]


def test_a_filter_keeps_the_order_and_fills_k(engine):
    everything = ids(ask(engine, "7", 100))
    assert len(everything) == len(NUMBERS)
    result = ask(engine, "7", 5, where=parse_filter("width > 660"))
    assert ids(result) == [each for each in everything if each > 20][:5]
    assert (result.n_matching, [hit.rank for hit in result.hits]) == (20, [1, 2, 3, 4, 5])
    assert ask(engine, "7", 5).n_matching is None


def test_a_batch_and_ready_vectors_take_filters_too(engine):
    where = parse_filter("width between 645 and 648")
    queries = [Query(Text(f"item {n}")) for n in (6, 7, 30)]
    for query, result in zip(queries, engine.search_batch(queries, 3, where=where), strict=True):
        assert result == engine.search(query, 3, where=where)
        assert set(ids(result)) < {5, 6, 7, 8}
    _, found = engine.search_vectors(kit.vectors([6, 7]), 9, exclude=[6, 30], where=where)
    assert sorted(found[0].tolist()) == sorted(found[1].tolist()) == [5, 7, 8]


def test_what_the_query_shows_is_left_out_of_what_the_filter_keeps(engine):
    result = engine.search(Query(ItemRef(7)), 10, where=parse_filter("width in (646, 647)"))
    assert (ids(result), result.n_matching) == ([6], 2)


def test_a_filter_that_matches_nothing_gives_an_empty_answer(engine):
    result = ask(engine, "7", where=parse_filter("width > 100000"))
    assert (result.hits, result.n_matching) == ((), 0)
    _, found = engine.search_vectors(kit.vectors([1]), 5, where=parse_filter("has gps"))
    assert found.shape == (1, 0)


def test_texts_are_filtered_by_what_they_are(engine):
    result = ask(engine, "7", target="texts", where=parse_filter("caption ~ 'TEXT 11'"))
    assert sorted(hit.text for hit in result.hits) == [f"text {n}" for n in range(110, 120)]
    assert ask(engine, "7", target="texts", where=parse_filter("width >= 0")).n_matching == 0
    named = ask(engine, "7", target="texts", where=parse_filter("path ~ '/7.jpg'"))
    assert [hit.text for hit in named.hits] == ["text 107"]


def test_pictures_are_found_by_the_captions_that_belong_to_them(engine):
    result = ask(engine, "7", where=parse_filter("caption in ('text 107', 'Text 108')"))
    assert sorted(ids(result)) == [7, 8]


def test_an_open_engine_sees_new_tags_and_goes_on_after_its_generation(
    engine, folder, catalogue_url
):
    where = parse_filter("tag = good")
    assert ids(ask(engine, "7", where=where)) == []
    change_tags(folder, "add", "good", Wanted((3, 9)), catalogue_url=catalogue_url)
    assert sorted(ids(ask(engine, "7", where=where))) == [3, 9]
    with CollectionWriter.open(folder, kit.ENCODER, catalogue_url=catalogue_url) as writer:
        for number in (50, 51, 52):
            writer.delete_items([number - 47])  # 3, 4, 5
            kit.put(writer, number)
            writer.collect_garbage()
    _, found = engine.search_vectors(kit.vectors([7]), 5, where=where)
    assert found.tolist() == [[9]]
    assert ids(ask(engine, "7", where=where)) == [9]


def test_the_answer_of_a_kept_filter_cannot_be_changed(engine):
    only = engine._view.ids_where(parse_filter("width > 650"), "images")
    with pytest.raises(ValueError, match="read-only"):
        only[0] = 1
    assert engine._view.ids_where(parse_filter("width > 650"), "images") is only
    for n in range(20):
        engine._view.ids_where(parse_filter(f"width > {n}"), "images")
    assert len(engine._view._filtered) == 8
    assert np.array_equal(engine._view.ids_where(parse_filter("width > 650"), "images"), only)
