"""What searches take by plan, what they take in truth, and that answers are the same."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.perf.search_memory import measured_search
from benchmarks.perf.search_ratio import ReadyVectors
from benchmarks.perf.synthetic import CrossModalSpace
from indexer.build import bring_index_up_to_date
from indexer.options import BuildOptions
from indexer.writer import CollectionWriter, NewItem, PathChange
from retrieval.ann.spec import IndexSpec
from retrieval.engine import SearchEngine
from retrieval.errors import SettingsError
from retrieval.model import FileRef, ImageMeta
from retrieval.query.algebra import ItemRef, Query, Text
from retrieval.search_budget import SearchPlan, plan_search
from retrieval.store.filters.grammar import parse_filter
from retrieval.store.manifest import FileEntry, GalleryEntry, SegmentEntry
from tests import collection_kit as kit
from tests import hub_kit
from tests.retrieval.test_memory import heap_limit

DIM, N, N_CODED = 64, 6_000, 4_500
SPACE = CrossModalSpace(DIM)
ENCODER = ReadyVectors(SPACE.texts(300))
FILTERS = [None, "width > 100000", "width > 3", "width > 90"]


def items(first, end):
    return [
        NewItem(
            f"{number:064x}",
            ImageMeta("JPEG", 1 + number % 100, 8),
            (FileRef(b"/p/%06d.jpg" % number, 1, 0),),
        )
        for number in range(first, end)
    ]


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    """Three coded segments, one without codes, and deleted items of all of them."""
    folder = tmp_path_factory.mktemp("budget") / "c"
    rows = SPACE.images(N)
    with CollectionWriter.open(folder, ENCODER.info) as writer:
        for first in range(0, N_CODED, 1_500):
            writer.commit(rows[first : first + 1_500], items(first, first + 1_500))
        options = BuildOptions(spec=IndexSpec.parse("ivf32,pq16x4fs"))
        assert bring_index_up_to_date(writer, ENCODER, options=options)
        gone = [
            PathChange("remove", FileRef(b"/p/%06d.jpg" % number, 1, 0), number + 1)
            for number in range(5, N_CODED, 97)
        ]
        writer.commit(rows[N_CODED:], items(N_CODED, N), changes=gone)
    return folder


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    """No index."""
    folder = tmp_path_factory.mktemp("budget") / "e"
    with CollectionWriter.open(folder, ENCODER.info) as writer:
        writer.commit(SPACE.images(3_000), items(0, 3_000))
    return folder


def least(folder):
    with pytest.raises(SettingsError) as refusal:
        SearchEngine.open(folder, max_memory=1)
    return 10**6 * int(re.search(r"--max-memory (\d+)MB or more", refusal.value.hint)[1])


def answers(folder, max_memory):
    """Everything that an engine can be asked for, as plain values."""
    found = []
    vectors = np.concatenate([SPACE.texts(12), SPACE.images(1_200)[::100]])
    queries = [
        *(Query.text(f"text {number}") for number in range(8)),
        Query(ItemRef(8)),
        Query(ItemRef(9) + Text("text")),
    ]
    with SearchEngine.open(folder, encoder=ENCODER, device="cpu", max_memory=max_memory) as engine:
        for text in FILTERS:
            where = None if text is None else parse_filter(text)
            for k in (10, 300) if where is None else (40,):
                found += engine.search_batch(queries, k, where=where)
                for modality in ("image", "text", "composed"):
                    scores, ids = engine.search_vectors(
                        vectors, k, [1, 7, 3_001], modality=modality, where=where
                    )
                    found.append((scores.tobytes(), ids.tobytes(), ids.shape))
    return found


@pytest.mark.parametrize("kind", ["collection", "exact"])
def test_answers_are_the_same_bit_for_bit_within_a_budget(kind, request):
    folder = request.getfixturevalue(kind)
    assert answers(folder, least(folder)) == answers(folder, None)


def test_searches_keep_to_the_least_budget_and_would_not_without_one(tmp_path):
    space = CrossModalSpace(512)
    with CollectionWriter.open(tmp_path, ReadyVectors(space.texts(1)).info) as writer:
        writer.commit(space.images(8_000), items(0, 8_000))
    budget = least(tmp_path)
    assert measured_search(tmp_path, budget).peak_bytes < budget
    assert measured_search(tmp_path, None).peak_bytes > 2 * budget


def test_searches_by_codes_keep_to_it_too(collection):
    budget = least(collection)
    assert measured_search(collection, budget).peak_bytes < budget


def test_queries_that_are_ranked_again_by_hubness_are_not_too_many_at_a_time(tmp_path):
    folder = hub_kit.hub_collection(tmp_path / "c")
    budget = least(folder)
    queries = [Query.text(f"another one of {number}") for number in range(150)]
    found = []
    for max_memory in (None, budget):
        with SearchEngine.open(
            folder, encoder=hub_kit.ConeEncoder(), device="cpu", max_memory=max_memory
        ) as engine:
            found.append(engine.search_batch(queries, 60))
            at_once = engine.queries_at_once(60)
    assert found[0] == found[1]
    assert found[0][0].hits[0].adjusted is not None
    assert 1 <= at_once < len(queries)


def test_an_engine_goes_on_with_a_new_generation_within_its_budget(tmp_path):
    folder = kit.new_collection(tmp_path / "c", *range(20))
    before = heap_limit()
    with SearchEngine.open(folder, max_memory=least(folder)) as engine:
        assert 0 < heap_limit() < 8 << 20
        opened = engine.collection.generation
        with CollectionWriter.open(folder, kit.ENCODER) as writer:
            writer.delete_items([5])
            for number in range(20, 23):
                kit.put(writer, number)
            writer.collect_garbage()
        hits = engine.search(Query(ItemRef(1)), 100).hits
        assert len(hits) == 21
        assert engine.collection.generation > opened
        assert 0 < heap_limit() < 8 << 20
    assert heap_limit() == before


def test_it_is_refused_before_anything_is_read(collection, monkeypatch):
    def read(*_, **__):
        raise AssertionError("the collection was read")

    monkeypatch.setattr("retrieval.engine.Collection.open", read)
    with pytest.raises(SettingsError, match=f"1 MB of memory are too little to search {N:,} items"):
        SearchEngine.open(collection, encoder=ENCODER, max_memory=10**6)


def gallery(n, n_segments=1, n_dead=0):
    segments = [SegmentEntry(f"{at}", n // n_segments, ()) for at in range(n_segments)]
    return GalleryEntry(
        n + 1, tuple(segments), None, FileEntry("t", 9, "0" * 64) if n_dead else None, n_dead
    )


def least_of(galleries, dim):
    with pytest.raises(SettingsError) as refusal:
        plan_search(galleries, dim, 1)
    return 10**6 * int(re.search(r"--max-memory (\d+)MB", refusal.value.hint)[1])


def test_no_budget_takes_what_is_fastest():
    assert plan_search({"images": gallery(1_000_000)}, 512, None) == SearchPlan()
    assert not SearchPlan().is_bounded
    assert SearchPlan().queries(1_000) is None


def test_what_is_refused_names_what_would_do():
    galleries = {"images": gallery(1_000_000)}
    needed = least_of(galleries, 512)
    assert plan_search(galleries, 512, needed).is_bounded
    with pytest.raises(SettingsError):
        plan_search(galleries, 512, needed - 2 * 10**6)


def test_more_is_needed_for_more_items_segments_and_deleted_ones():
    plain = least_of({"images": gallery(1_000_000)}, 64)
    assert least_of({"images": gallery(2_000_000)}, 64) > plain
    assert least_of({"images": gallery(1_000_000, 4)}, 64) > plain
    assert least_of({"images": gallery(1_000_000, n_dead=400_000)}, 64) > plain
    assert least_of({"images": gallery(1_000_000), "texts": gallery(1_000_000)}, 64) > plain
    with pytest.raises(SettingsError):
        plan_search({"images": gallery(1_000_000, 4)}, 64, plain + 15_000_000, ["images"])


@given(st.integers(0, 3_000_000), st.sampled_from([8, 64, 512, 1024]), st.integers(0, 1 << 33))
def test_a_plan_stays_within_what_there_is(n, dim, more):
    galleries = {"images": gallery(n)}
    budget = least_of(galleries, dim) + more
    plan = plan_search(galleries, dim, budget)
    reading = plan.at_once.rows * 10 * dim
    filters = plan.filters_kept * 8 * n
    assert plan.searches * (reading + plan.candidates * 48) + filters + 8 * n < budget
    assert 4 << 20 <= plan.catalogue_bytes <= 64 << 20
    assert plan.at_once.rows >= 128
    assert plan.at_once.threads >= 1
    assert plan.hits >= 100
    assert plan.queries(10**12) == 1
