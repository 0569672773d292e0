"""How an index is built, measured and tuned: real collections, trained and searched."""

from dataclasses import replace

import numpy as np
import pytest

from indexer.build import bring_index_up_to_date, retune
from indexer.measure import fan_out_of
from indexer.options import BuildOptions
from indexer.verify import verify_collection
from indexer.writer import CollectionWriter
from retrieval.ann import tune
from retrieval.ann.spec import IndexSpec, choose_spec
from retrieval.engine import SearchEngine
from retrieval.errors import SettingsError
from retrieval.query.algebra import ItemRef, Query, Text
from retrieval.query.compose import weighted_sum
from retrieval.query.plan import MadeOf
from retrieval.store.entries import GalleryEntry
from tests import collection_kit as kit
from tests.indexer.build.kit import DIM, INFO, ConeEncoder, N, commit, index_of, item_rows, unit


def test_a_small_gallery_stays_exact(tmp_path):
    with CollectionWriter.open(tmp_path / "c", INFO) as writer:
        commit(writer, item_rows(50), 0)
        assert bring_index_up_to_date(writer, ConeEncoder()) is None
        assert writer.manifest.generation == writer.collection.generation
    assert index_of(tmp_path / "c") is None


def test_the_record_says_how_the_index_was_made_and_what_it_finds(built):
    record = index_of(built)
    assert record.spec == str(choose_spec(N - 3, DIM))
    assert (record.n_trained, record.seed) == (N - 3, 3)
    assert [mode.modality for mode in record.modes] == ["image", "text", "composed"]
    assert record.router is not None
    assert record.mode("text").routed
    for mode in record.modes:
        assert mode.target == 0.95
        assert mode.recall.mean >= 0.95 - 2 * mode.recall.standard_error
        assert mode.recall.standard_error < 0.02
        assert (mode.recall.k, mode.recall.modality) == (10, mode.modality)
        assert mode.recall.n_queries >= 200
        assert 0 < mode.ms < 1000
    assert 0 < record.seconds < 600


def test_verify_measures_the_recall_again_and_tells_the_recorded_one(built):
    report = verify_collection(built, encoder=ConeEncoder())
    assert report.problems == ()
    assert report.recorded_recall == {"images": index_of(built).recall}
    for then, now in zip(index_of(built).recall, report.recall["images"], strict=True):
        assert (now.modality, now.k) == (then.modality, then.k)
        assert now.mean == pytest.approx(then.mean, abs=4 * then.standard_error)


def test_verify_measures_with_the_items_that_came_since(built):
    with CollectionWriter.open(built, INFO) as writer:
        commit(writer, item_rows(2_000, seed=9), N)
        bring_index_up_to_date(writer, ConeEncoder())
        writer.delete_items(list(range(3, 9_000)))
    report = verify_collection(built, encoder=ConeEncoder())
    assert [each.modality for each in report.recall["images"]] == ["image", "text", "composed"]
    assert report.recall != report.recorded_recall


def test_verify_without_the_encoder_measures_image_queries_alone(built):
    recall = verify_collection(built).recall
    assert [each.modality for each in recall["images"]] == ["image"]


def test_a_gallery_of_texts_is_indexed_apart_and_asked_by_images_too(tmp_path):
    rows = item_rows(N)
    with CollectionWriter.open(tmp_path / "c", INFO) as writer:
        commit(writer, unit(item_rows(300, seed=4) + 2 * np.eye(DIM)[0]), 0)
        texts = [kit.text_item(number, f"/{number}.jpg", "/l.csv") for number in range(N)]
        writer.commit(rows, texts, gallery="texts")
        assert bring_index_up_to_date(writer, ConeEncoder(), name="images") is None
        record = bring_index_up_to_date(writer, ConeEncoder(), name="texts")
    assert [each.modality for each in record.recall] == ["text", "image", "composed"]
    assert all(each.mean >= 0.9 for each in record.recall)
    recall = verify_collection(tmp_path / "c").recall
    assert {name: [each.modality for each in found] for name, found in recall.items()} == {
        "texts": ["text", "image", "composed"]
    }


def test_the_recorded_recall_holds_for_other_queries(built):
    encoder = ConeEncoder()
    texts = [f"another caption {number}" for number in range(200)]
    with SearchEngine.open(built, encoder=encoder) as engine:
        found = engine.search_batch([Query.text(text) for text in texts])
        assert not found[0].exact
        exact = fan_out_of(engine.collection.gallery("images")).search(
            encoder.encode_texts(texts), 10
        )[1]
    shares = [
        len({hit.item.id for hit in result.hits} & set(ids)) / 10
        for result, ids in zip(found, exact.tolist(), strict=True)
    ]
    recorded = {each.modality: each for each in index_of(built).recall}["text"]
    assert np.mean(shares) == pytest.approx(recorded.mean, abs=0.03)


def test_the_same_seed_builds_the_same_index(plain, built):
    with CollectionWriter.open(plain, INFO) as writer:
        record = bring_index_up_to_date(writer, ConeEncoder(), options=BuildOptions(seed=3))
        again = bring_index_up_to_date(writer, ConeEncoder(), options=BuildOptions(seed=3))
    assert again == index_of(plain) == record
    assert record.codebook == index_of(built).codebook
    assert record.router == index_of(built).router
    assert [replace(mode, ms=0) for mode in record.modes] == [
        replace(mode, ms=0) for mode in index_of(built).modes
    ]


def test_without_an_encoder_image_queries_alone_are_measured(plain):
    stages = []
    with CollectionWriter.open(plain, INFO) as writer:
        record = bring_index_up_to_date(writer, None, on_progress=stages.append)
    assert [each.modality for each in record.recall] == ["image"]
    assert stages == [
        "training the index",
        "coding the vectors",
        "measuring the index",
        "publishing the index",
    ]


def test_an_index_of_another_kind_is_built_when_it_is_asked_for(built):
    with CollectionWriter.open(built, INFO) as writer:
        for kind in ("ivf40,pq8x4fs", "opq8,ivf30_hnsw,pq4"):
            asked = BuildOptions(spec=IndexSpec.parse(kind))
            assert bring_index_up_to_date(writer, None, options=asked).spec == kind
            generation = writer.manifest.generation
            bring_index_up_to_date(writer, None, options=asked)
            assert bring_index_up_to_date(writer, None).spec == kind  # auto keeps what is there
            assert writer.manifest.generation == generation
        exact = BuildOptions(spec=IndexSpec("exact"))
        assert bring_index_up_to_date(writer, None, options=exact) is None
    with SearchEngine.open(built) as engine:
        assert engine.search(Query(ItemRef(3))).exact


def test_a_tuned_build_keeps_the_cheapest_that_reaches_the_target(plain):
    tuned = BuildOptions(spec=IndexSpec("tuned"), seed=3)
    stages = []
    with CollectionWriter.open(plain, INFO) as writer:
        kept = bring_index_up_to_date(
            writer, ConeEncoder(), options=tuned, on_progress=stages.append
        )
        tried = IndexSpec("tuned").trials(N - 3, DIM)
        assert [each for each in stages if "trying" in each] == [f"trying {each}" for each in tried]
        assert kept.spec in map(str, tried)
        for mode in kept.modes:
            assert mode.recall.mean >= 0.95 - 2 * mode.recall.standard_error
        generation = writer.manifest.generation
        assert bring_index_up_to_date(writer, ConeEncoder(), options=tuned) is not None
        assert writer.manifest.generation == generation  # an index is there: it stays


@pytest.mark.parametrize("cheapest", [0, 1, 2])
def test_of_what_a_tuned_build_tries_the_cheapest_is_published(plain, monkeypatch, cheapest):
    tried = IndexSpec("tuned").trials(N - 3, DIM)
    costs = iter([1.0 if number // 3 == cheapest else 2.0 for number in range(3 * len(tried))])
    monkeypatch.setattr(
        "indexer.tuned.choose_settings",
        lambda *_: tune.Choice(tune.SearchSettings(9, 50), next(costs)),
    )
    with CollectionWriter.open(plain, INFO) as writer:
        options = BuildOptions(spec=IndexSpec("tuned"), seed=3)
        assert bring_index_up_to_date(writer, ConeEncoder(), options=options).spec == str(
            tried[cheapest]
        )
    with SearchEngine.open(plain) as engine:
        assert len(engine.search(Query(ItemRef(3))).hits) == 10


def test_an_index_that_does_not_fit_is_refused_and_nothing_is_lost(built):
    before = index_of(built)
    wrong = BuildOptions(spec=IndexSpec.parse("ivf40,pq7"))
    with CollectionWriter.open(built, INFO) as writer, pytest.raises(SettingsError, match="divide"):
        bring_index_up_to_date(writer, None, options=wrong)
    assert index_of(built) == before


def test_retuning_keeps_the_codes_and_changes_how_far_a_search_looks(built):
    before = index_of(built)
    with CollectionWriter.open(built, INFO) as writer:
        wide = retune(writer, ConeEncoder(), options=BuildOptions(target_recall=0.99, seed=3))
    assert index_of(built) == wide
    assert (wide.codebook, wide.router) == (before.codebook, before.router)
    for mode in wide.modes:
        assert mode.target == 0.99
        then = before.mode(mode.modality)
        assert (mode.nprobe, mode.candidates) > (then.nprobe, then.candidates)
        assert mode.recall.mean > then.recall.mean


def test_queries_of_a_kind_that_was_never_measured_visit_every_list(plain):
    with CollectionWriter.open(plain, INFO) as writer:
        bring_index_up_to_date(writer, None)
    texts = ConeEncoder().encode_texts([f"text {number}" for number in range(100)])
    with SearchEngine.open(plain) as engine:
        found = engine.search_vectors(texts, modality="text")[1]
        exact = fan_out_of(engine.collection.gallery("images")).search(texts, 10)[1]
    assert np.mean([np.isin(e, f).mean() for e, f in zip(exact, found, strict=True)]) > 0.97


def test_each_kind_of_query_in_a_batch_is_answered_as_alone(built):
    queries = [
        Query.text("a caption"),
        Query(ItemRef(3)),
        Query(ItemRef(4) + Text("another caption")),
        Query.text("a third one"),
    ]
    with SearchEngine.open(built, encoder=ConeEncoder()) as engine:
        together = engine.search_batch(queries)
        assert together == [engine.search(query) for query in queries]
        assert [len(result.hits) for result in together] == [10] * 4


def test_composed_vectors_with_their_parts_are_answered_as_the_query_of_these_terms(built):
    query = Query(ItemRef(4) + Text("another caption"))
    encoder = ConeEncoder()
    with SearchEngine.open(built, encoder=encoder) as engine:
        wanted = [hit.item.id for hit in engine.search(query).hits]
        image = engine.collection.gallery("images").segments[0].vectors.gather_half(np.array([3]))
        pair = np.concatenate([image.astype(np.float32), encoder.encode_texts(["another caption"])])
        made_of = [MadeOf(pair, ("image", "text"))]
        asked = weighted_sum(pair, [1.0, 1.0])[None]
        found = engine.search_vectors(asked, exclude=[4], modality=made_of)[1][0]
    assert found.tolist() == wanted


def test_an_index_of_the_first_format_is_built_anew(built):
    older = {"spec": "ivf1,pq1", "codebook": None, "nprobe": 1, "candidates": 1}
    entry = {"next_id": 2, "segments": [], "index": older, "n_tombstones": 0}
    assert GalleryEntry.from_json(entry).index is None


def test_foreign_queries_that_are_no_numbers_are_a_programmers_mistake():
    rows = np.ones((3, DIM), np.float32)
    rows[1, 2] = np.nan
    with pytest.raises(ValueError, match="foreign query holds NaN"):
        BuildOptions(foreign_queries=rows)


def test_kinds_of_query_that_cannot_be_measured_keep_their_settings(built):
    before = index_of(built).modes
    with CollectionWriter.open(built, INFO) as writer:
        retune(writer, None, options=BuildOptions(target_recall=0.99, seed=3))
    after = index_of(built).modes
    assert [mode.modality for mode in after] == [mode.modality for mode in before]
    assert [mode.target for mode in after] == [0.99, before[1].target, before[2].target]
    assert after[1:] == before[1:]
