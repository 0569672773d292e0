"""An index while its collection goes on: new segments, deletions, damage, compaction."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from indexer import build, due
from indexer.build import bring_index_up_to_date
from indexer.compact import compact_collection
from indexer.measure import fan_out_of
from indexer.options import BuildOptions
from indexer.repair import repair_collection
from indexer.verify import verify_collection
from indexer.writer import CollectionWriter
from retrieval.ann.spec import MIN_IVFPQ_ITEMS
from retrieval.engine import SearchEngine
from retrieval.errors import CorruptCollectionError, MissingDependencyError
from retrieval.query.algebra import ItemRef, Query
from retrieval.store.collection import Collection
from tests.collection_kit import text_item
from tests.indexer.build.kit import INFO, ConeEncoder, N, commit, index_of, item_rows


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
        assert all(segment.codes_path(short) for segment in segments)
    with SearchEngine.open(built) as engine:
        found = engine.search_vectors(rows, 1)[1][:, 0]
        assert np.mean(found == new_ids) > 0.9


def test_a_gallery_that_grew_gets_a_new_codebook_and_keeps_the_old_files(built, monkeypatch):
    before = index_of(built)
    with CollectionWriter.open(built, INFO) as writer:
        commit(writer, item_rows(600, seed=9), N)
        assert bring_index_up_to_date(writer, None) == before
        monkeypatch.setattr(due, "RETRAIN_GROWTH", 1.05)
        after = bring_index_up_to_date(writer, None)
    assert after.n_trained == N - 3 + 600
    assert after.codebook.name != before.codebook.name
    assert (built / before.codebook.name).is_file()
    assert index_of(built) == after


def test_deleted_items_and_the_reference_stay_out_and_k_is_filled(built):
    with SearchEngine.open(built) as engine:
        for item_id in (3, 4000, N):
            hits = engine.search(Query(ItemRef(item_id)), 10).hits
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


@pytest.mark.parametrize(("budget", "n_left"), [(None, 1), (1 << 30, 2)])
def test_the_first_codes_of_a_large_gallery_are_of_few_segments(
    tmp_path, monkeypatch, budget, n_left
):
    monkeypatch.setattr(build, "OWN_INDEX_ROWS", N)
    rows, options = item_rows(N), BuildOptions(max_memory=budget)
    with CollectionWriter.open(tmp_path / "c", INFO) as writer:
        commit(writer, rows[:6_000], 0)
        commit(writer, rows[6_000:], 6_000)
        bring_index_up_to_date(writer, None, options=options)
        assert len(writer.collection.gallery("images").segments) == n_left
        commit(writer, item_rows(40, seed=9), N)
        bring_index_up_to_date(writer, None, options=replace(options, retrain=True))
        assert len(writer.collection.gallery("images").segments) == n_left + 1, "the first codes"
        assert writer.collection.gallery("images").n_uncoded == 0


def test_the_first_codes_of_one_gallery_leave_those_of_another(built, monkeypatch):
    before = hits_of(built)
    monkeypatch.setattr(build, "OWN_INDEX_ROWS", N)
    rows = item_rows(N, seed=4)
    with CollectionWriter.open(built, INFO) as writer:
        texts_of = [text_item(N + number, f"/p/{number}.jpg", "/p.csv") for number in range(N)]
        writer.commit(rows[:6_000], texts_of[:6_000], gallery="texts")
        writer.commit(rows[6_000:], texts_of[6_000:], gallery="texts")
        bring_index_up_to_date(writer, None, name="texts")
        assert len(writer.collection.gallery("texts").segments) == 1
        assert len(writer.collection.gallery("images").segments) == 3
    assert hits_of(built) == before, "a gallery that is coded stays so"


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
