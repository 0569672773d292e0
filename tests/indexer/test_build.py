"""Indexed collections for real: some ten thousand items in a few segments, trained and searched."""

import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest

from indexer import build
from indexer.build import bring_index_up_to_date, retune
from indexer.compact import compact_collection
from indexer.measure import fan_out_of
from indexer.options import BuildOptions
from indexer.repair import repair_collection
from indexer.verify import verify_collection
from indexer.writer import CollectionWriter, NewItem
from retrieval.ann import tune
from retrieval.ann.spec import MIN_IVFPQ_ITEMS, IndexSpec, choose_spec
from retrieval.engine import SearchEngine
from retrieval.errors import CorruptCollectionError, MissingDependencyError, SettingsError
from retrieval.model import EncoderInfo, ImageMeta
from retrieval.query.algebra import Query, Term
from retrieval.store.collection import Collection
from retrieval.store.entries import GalleryEntry
from tests import collection_kit as kit

N, DIM = 10_400, 16
INFO = EncoderInfo("cones", DIM, "c" * 64)
META = ImageMeta("JPEG", 640, 480)


class ConeEncoder:
    """Texts in a cone of their own, away from the items: as far out of distribution as captions."""

    info = INFO

    def __init__(self):
        self.calls = 0

    def encode_texts(self, texts):
        self.calls += 1
        rows = [np.random.default_rng(list(text.encode())).standard_normal(DIM) for text in texts]
        return unit(np.array(rows) + 2 * np.eye(DIM)[0])


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def item_rows(n, seed=0):
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((40, DIM))
    return unit(centres[rng.integers(40, size=n)] + 0.5 * rng.standard_normal((n, DIM)))


def commit(writer, rows, first):
    items = [
        NewItem(kit.digest(number), META, (kit.ref(f"/photos/{number}.jpg"),))
        for number in range(first, first + len(rows))
    ]
    writer.commit(rows, items)


@pytest.fixture(scope="session")
def plain_folder(tmp_path_factory):
    """N items in three segments, a few of them deleted, no index."""
    folder = tmp_path_factory.mktemp("plain") / "c"
    rows = item_rows(N)
    with CollectionWriter.open(folder, INFO) as writer:
        for first, last in [(0, 5000), (5000, 9000), (9000, N)]:
            commit(writer, rows[first:last], first)
        writer.delete_items([1, 2, 9001])
    return folder


@pytest.fixture(scope="session")
def built_folder(plain_folder, tmp_path_factory):
    folder = shutil.copytree(plain_folder, tmp_path_factory.mktemp("built") / "c")
    with pytest.MonkeyPatch.context() as patch, CollectionWriter.open(folder, INFO) as writer:
        patch.setattr(tune, "CHEAP_NS", 0.0)
        bring_index_up_to_date(writer, ConeEncoder(), options=BuildOptions(seed=3))
    return folder


@pytest.fixture(autouse=True)
def _nothing_is_cheap(monkeypatch):
    """So few items would be searched nearly exactly, whatever the target."""
    monkeypatch.setattr(tune, "CHEAP_NS", 0.0)


@pytest.fixture
def plain(plain_folder, tmp_path):
    return shutil.copytree(plain_folder, tmp_path / "plain")


@pytest.fixture
def built(built_folder, tmp_path):
    return shutil.copytree(built_folder, tmp_path / "built")


def index_of(folder):
    with Collection.open(folder) as collection:
        return collection.gallery("images").entry.index


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
    assert stages == ["training the index", "coding the vectors", "measuring the index"]


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
        assert engine.search(Query((Term.item(3),))).exact


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
        "indexer.build.choose_settings",
        lambda *_: tune.Choice(tune.SearchSettings(9, 50), next(costs)),
    )
    with CollectionWriter.open(plain, INFO) as writer:
        options = BuildOptions(spec=IndexSpec("tuned"), seed=3)
        assert bring_index_up_to_date(writer, ConeEncoder(), options=options).spec == str(
            tried[cheapest]
        )
    with SearchEngine.open(plain) as engine:
        assert len(engine.search(Query((Term.item(3),))).hits) == 10


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
        Query((Term.item(3),)),
        Query((Term.item(4), Term.text("another caption"))),
        Query.text("a third one"),
    ]
    with SearchEngine.open(built, encoder=ConeEncoder()) as engine:
        together = engine.search_batch(queries)
        assert together == [engine.search(query) for query in queries]
        assert [len(result.hits) for result in together] == [10] * 4


def test_an_index_of_the_first_format_is_built_anew(built):
    older = {"spec": "ivf1,pq1", "codebook": None, "nprobe": 1, "candidates": 1}
    entry = {"next_id": 2, "segments": [], "index": older, "n_tombstones": 0}
    assert GalleryEntry.from_json(entry).index is None


def test_nothing_new_is_no_new_generation_and_asks_no_encoder(built):
    encoder = ConeEncoder()
    with CollectionWriter.open(built, INFO) as writer:
        before = writer.manifest.generation
        bring_index_up_to_date(writer, encoder)
        assert writer.manifest.generation == before
    assert encoder.calls == 0


def test_new_segments_are_found_before_and_after_they_are_coded(built):
    rows = item_rows(30, seed=8)
    with CollectionWriter.open(built, INFO) as writer:
        commit(writer, rows, N)
    new_ids = list(range(N + 1, N + 31))
    with SearchEngine.open(built) as engine:
        assert engine.search_vectors(rows, 1)[1][:, 0].tolist() == new_ids
    before = index_of(built)
    with CollectionWriter.open(built, INFO) as writer:
        assert bring_index_up_to_date(writer, None) == before
        short = before.codebook.short
        segments = writer.collection.gallery("images").segments
        assert all(segment.read_codes(short) for segment in segments)
    with SearchEngine.open(built) as engine:
        found = engine.search_vectors(rows, 1)[1][:, 0]
        assert np.mean(found == new_ids) > 0.9


def test_a_gallery_that_grew_gets_a_new_codebook_and_keeps_the_old_files(built, monkeypatch):
    before = index_of(built)
    with CollectionWriter.open(built, INFO) as writer:
        commit(writer, item_rows(600, seed=9), N)
        assert bring_index_up_to_date(writer, None) == before
        monkeypatch.setattr(build, "RETRAIN_GROWTH", 1.05)
        after = bring_index_up_to_date(writer, None)
    assert after.n_trained == N - 3 + 600
    assert after.codebook.name != before.codebook.name
    assert (built / before.codebook.name).is_file()
    assert index_of(built) == after


def test_deleted_items_and_the_reference_stay_out_and_k_is_filled(built):
    with SearchEngine.open(built) as engine:
        for item_id in (3, 4000, N):
            hits = engine.search(Query((Term.item(item_id),)), 10).hits
            ids = {hit.item.id for hit in hits}
            assert len(ids) == 10
            assert not ids & {item_id, 1, 2, 9001}
        assert engine.search_vectors(item_rows(1), 10**6)[1].shape == (1, N - 3)


@pytest.mark.parametrize("kind", ["codebook", "codes"])
def test_a_flipped_bit_is_found_before_faiss_reads_it(built, kind):
    path = sorted(built.glob(f"galleries/images/**/{kind}-*"))[0]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    with pytest.raises(CorruptCollectionError):
        SearchEngine.open(built)


def test_without_faiss_the_error_says_what_to_install(plain, built, monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with (
        CollectionWriter.open(plain, INFO) as writer,
        pytest.raises(MissingDependencyError, match="FAISS"),
    ):
        bring_index_up_to_date(writer, None)
    with pytest.raises(MissingDependencyError, match="FAISS"):
        SearchEngine.open(built)
    with SearchEngine.open(plain) as engine:  # an exact gallery needs none
        assert engine.search_vectors(item_rows(1), 1)[1].shape == (1, 1)


def test_the_tests_collection_is_just_large_enough():
    assert MIN_IVFPQ_ITEMS < N - 3 < 1.1 * MIN_IVFPQ_ITEMS


# -- the life of an index --------------------------------------------------------------------------


def hits_of(folder):
    """What some items find, ids and scores."""
    with SearchEngine.open(folder) as engine:
        scores, ids = engine.search_vectors(item_rows(N)[5:300:7], 10)
        return ids.tolist(), scores.tolist(), engine.collection.gallery("images").n_uncoded


def exact_hits(folder):
    with Collection.open(folder) as view:
        scores, ids = fan_out_of(view.gallery("images")).search(item_rows(N)[5:300:7], 10)
        return ids.tolist(), scores.tolist()


def agreement(found, expected):
    pairs = zip(found, expected, strict=True)
    return np.mean([len(set(one) & set(other)) / len(other) for one, other in pairs])


def test_compaction_merges_first_and_codes_then(built):
    before = hits_of(built)
    with CollectionWriter.open(built, INFO) as writer:
        writer.compact(1 << 20)
        gallery = writer.collection.gallery("images")
        assert (len(gallery.segments), gallery.n_uncoded) == (1, N - 3)
    ids, scores, n_uncoded = hits_of(built)  # somebody who searches meanwhile
    assert (ids, scores) == exact_hits(built)
    assert n_uncoded == N - 3
    report = compact_collection(built)
    assert report.segments_after == 1
    after = hits_of(built)
    assert after[2] == 0
    assert after[:2] == before[:2], "the answer does not depend on the segments"
    assert len([*built.glob("galleries/images/segments/*")]) == 1


@pytest.mark.parametrize("name", ["codes-*", "codebook-*"])
@pytest.mark.parametrize("damage", ["flip", "remove"])
def test_damaged_files_of_an_index_are_made_again(built, name, damage):
    expected = exact_hits(built)
    path = sorted(built.rglob(name))[0]
    if damage == "remove":
        path.unlink()
    else:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 8
        path.write_bytes(data)
    assert verify_collection(built).problems
    report = repair_collection(built, encoder=ConeEncoder())
    assert report.after.problems == ()
    assert len(report.repaired) == 1
    assert (report.lost, report.hopeless) == ((), ())
    ids, _, n_uncoded = hits_of(built)
    assert n_uncoded == 0
    assert agreement(ids, expected[0]) >= 0.9
    assert index_of(built) is not None


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_random_history_through_an_index_agrees_with_exact_search(built, seed):
    """Deleted items never show, k is filled, whatever was added, deleted, merged and reopened."""
    rng = np.random.default_rng(seed)
    n = N
    alive = set(range(1, N + 1)) - {1, 2, 9001}
    for _ in range(6):
        with CollectionWriter.open(built, INFO) as writer:
            for _ in range(int(rng.integers(1, 4))):
                match int(rng.integers(4)):
                    case 0:
                        size = int(rng.integers(1, 400))
                        commit(writer, item_rows(size, seed=n), n)
                        alive |= set(range(n + 1, n + size + 1))
                        n += size
                    case 1:
                        gone = rng.choice(sorted(alive), int(rng.integers(1, 1500)), replace=False)
                        writer.delete_items(gone.tolist())
                        alive -= set(gone.tolist())
                    case 2:
                        writer.merge_small_segments(int(rng.integers(1, 4096)))
                    case 3:
                        bring_index_up_to_date(writer, None)
            writer.collect_garbage()
        if rng.random() < 0.4:
            compact_collection(built)
        found, _, _ = hits_of(built)
        expected, _ = exact_hits(built)
        for one in found:
            assert len(set(one)) == 10, "k is filled"
            assert set(one) <= alive, "nothing deleted shows"
        assert agreement(found, expected) >= 0.9
    with SearchEngine.open(built) as engine:
        _, everything = engine.search_vectors(item_rows(1), n)
        assert set(everything[0].tolist()) == alive
