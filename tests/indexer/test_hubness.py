"""Learning the hubness bias of a collection, keeping it, and mending it."""

import shutil

import numpy as np
import pytest

from indexer.build import bring_index_up_to_date
from indexer.compact import compact_collection
from indexer.gain import Gain
from indexer.matches import captioned_images, matches_of
from indexer.options import BuildOptions
from indexer.repair import repair_collection
from indexer.verify import verify_collection
from indexer.writer import CollectionWriter
from retrieval.ann.spec import IndexSpec
from retrieval.engine import SearchEngine
from retrieval.errors import CorruptCollectionError
from retrieval.learn.hubness import Bank
from retrieval.model import FIRST_ID
from retrieval.query.algebra import ItemRef, Query, Text
from retrieval.store.collection import Collection
from retrieval.store.manifest import newest_manifest
from tests import hub_kit as kit
from tests.hub_kit import ConeEncoder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return kit.hub_collection(tmp_path_factory.mktemp("hubs") / "c")


@pytest.fixture
def folder(made, tmp_path):
    return shutil.copytree(made, tmp_path / "c")


def entry_of(folder, name="images"):
    return newest_manifest(folder)[0].galleries[name]


def biases_of(folder):
    return sorted(folder.glob("galleries/images/segments/*/bias-*.npy"))


def open_writer(folder):
    return CollectionWriter.open(folder, ConeEncoder.info)


def flip(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


def right(folder, **options):
    """Share of captions that find their image first."""
    with SearchEngine.open(folder, encoder=ConeEncoder()) as engine:
        numbers = range(kit.N_IMAGES)
        queries = [Query.text(f"another one of {number}") for number in numbers]
        results = engine.search_batch(queries, 1, **options)
    return np.mean(
        [each.hits[0].item.id == number + 1 for number, each in zip(numbers, results, strict=True)]
    )


def test_hubs_are_found_out_and_the_record_says_what_it_wins(folder):
    record = entry_of(folder).hubness
    first = record.recall[0]
    assert record.alpha > 0
    assert (record.source, record.k) == ("generated", 16)
    assert first.adjusted - first.plain > first.standard_error > 0
    assert [each.k for each in record.recall] == [1, 5, 10]
    assert record.n_queries == kit.N_IMAGES // 2 * kit.N_CAPTIONS
    assert len(biases_of(folder)) == 2
    assert {record.bank.short in path.name for path in biases_of(folder)} == {True}
    assert right(folder) > right(folder, adjust=False) + 0.1


def test_scores_stay_cosines_and_the_order_is_that_of_a_full_sort(folder):
    with SearchEngine.open(folder, encoder=ConeEncoder()) as engine:
        query = Query.text("another one of 7")
        result = engine.search(query, 20)
        plain = {hit.item.id: hit.score for hit in engine.search(query, 1000, adjust=False).hits}
        gallery = engine.collection.gallery("images")
        record = gallery.entry.hubness
        penalty = {}
        for segment in gallery.segments:
            taken = np.float32(record.alpha) * segment.read_bias(record.bank.short)
            penalty.update(zip(segment.ids.tolist(), taken, strict=True))
    order = sorted(plain, key=lambda each: (-(np.float32(plain[each]) - penalty[each]), each))
    assert [hit.item.id for hit in result.hits] == order[:20]
    for hit in result.hits:
        assert hit.score == plain[hit.item.id]
        assert hit.adjusted == pytest.approx(plain[hit.item.id] - penalty[hit.item.id], abs=1e-6)


def test_only_queries_of_the_other_kind_are_adjusted(folder):
    with SearchEngine.open(folder, encoder=ConeEncoder()) as engine:
        text, item = Query.text("of 7"), Query(ItemRef(8))
        both = Query(ItemRef(8) + Text("of 9"))
        texts = engine.search(text, 3, target="texts")
        results = engine.search_batch([text, item, both, text], 3)
        alone = engine.search(text, 3)
        _, by_vector = engine.search_vectors(
            ConeEncoder().encode_texts(["of 7"]), 3, modality="text"
        )
        plain = engine.search(text, 3, adjust=False)
    has = [[hit.adjusted is not None for hit in each.hits] for each in results]
    assert has == [[True] * 3, [False] * 3, [False] * 3, [True] * 3]
    assert results[0] == results[3] == alone
    assert all(hit.adjusted is None for hit in (*texts.hits, *plain.hits))
    assert [hit.item.id for hit in plain.hits] == by_vector[0].tolist(), "vectors go by cosine"


def test_excluded_and_filtered_items_stay_away(folder):
    with SearchEngine.open(folder, encoder=ConeEncoder()) as engine:
        first = engine.search(Query.text("of 7"), 1).hits[0].item.id
        query = Query(Text("of 7"), exclude=frozenset({first}))
        found = [hit.item.id for hit in engine.search(query, 1000).hits]
    assert len(found) == kit.N_IMAGES - 1
    assert first not in found


def test_a_second_build_changes_nothing_and_asks_no_encoder(folder):
    before = newest_manifest(folder)[0].generation
    encoder = ConeEncoder()
    with open_writer(folder) as writer:
        kit.build(writer, encoder)
    assert newest_manifest(folder)[0].generation == before
    assert encoder.calls == 0


def test_new_segments_get_biases_of_the_same_bank(folder):
    record = entry_of(folder).hubness
    with open_writer(folder) as writer:
        kit.put_images(writer, [200, 201])
        assert right(folder) > right(folder, adjust=False), "until then they count with the mean"
        kit.build(writer, None)
    assert entry_of(folder).hubness == record
    assert len(biases_of(folder)) == 3
    check_biases(folder)


def check_biases(folder):
    """Every segment has the biases that its vectors and the bank make."""
    with Collection.open(folder) as view:
        gallery = view.gallery("images")
        bank = Bank.from_bytes(gallery.read_bank())
        for segment in gallery.segments:
            expected = bank.biases(len(segment.ids), segment.vectors)
            found = segment.read_bias(gallery.entry.hubness.bank.short)
            assert np.array_equal(found, expected)


def test_compaction_keeps_the_bias_and_garbage_goes(folder):
    compact_collection(folder)
    assert len(entry_of(folder).segments) == 1
    check_biases(folder)
    with open_writer(folder) as writer:
        writer.publish_again()
        writer.publish_again()
        writer.collect_garbage()
    assert len(biases_of(folder)) == 1
    assert len([*folder.glob("galleries/images/bank-*.safetensors")]) == 1


def test_four_times_as_many_captions_ask_again(folder):
    before = entry_of(folder).hubness
    with open_writer(folder) as writer:
        kit.put_captions(writer, range(1000, 1000 + 3 * kit.N_IMAGES + 1))  # of images unknown
        kit.build(writer)
    after = entry_of(folder).hubness
    assert after.n_texts >= 4 * before.n_texts


def test_where_it_does_not_win_nothing_is_stored(tmp_path, monkeypatch):
    monkeypatch.setattr(kit, "N_HUBS", 0)
    monkeypatch.setattr(kit, "NOISE", 0.0)  # every caption finds its image by cosine
    folder = kit.hub_collection(tmp_path / "c")
    record = entry_of(folder).hubness
    assert (record.alpha, record.bank) == (0.0, None)
    assert record.n_queries > 0
    assert not biases_of(folder)
    assert not [*folder.glob("galleries/images/bank-*")]
    generation = newest_manifest(folder)[0].generation
    with open_writer(folder) as writer:
        kit.build(writer)
    assert newest_manifest(folder)[0].generation == generation


def test_without_captions_or_without_an_encoder_nobody_looks(tmp_path):
    folder = kit.hub_collection(tmp_path / "c", is_built=False)
    with open_writer(folder) as writer:
        bring_index_up_to_date(writer, None)
    assert entry_of(folder).hubness is None
    bare = tmp_path / "bare"
    with open_writer(bare) as writer:
        kit.put_images(writer, range(kit.N_IMAGES))
        kit.build(writer)
    assert entry_of(bare).hubness is None


def test_many_captions_are_a_bank_of_their_own_and_ask_no_encoder(tmp_path):
    folder = kit.hub_collection(tmp_path / "c", n_captions=30, is_built=False)
    encoder = ConeEncoder()
    with open_writer(folder) as writer:
        kit.build(writer, encoder)
    record = entry_of(folder).hubness
    assert encoder.calls == 0
    assert (record.source, record.n_bank, record.k) == ("collection", 45 * 30, 128)
    assert record.alpha > 0


def test_texts_have_hubs_for_images_too(folder):
    record = entry_of(folder, "texts").hubness
    assert (record.source, record.n_bank, record.k) == ("collection", 45, 11)
    assert record.n_queries == 23, "half of the images that are not in the bank"


def test_candidates_of_codes_are_ranked_again_and_more_than_are_asked_for(folder):
    options = BuildOptions(IndexSpec.parse("ivf4,pq8x4fs"))
    with open_writer(folder) as writer:
        kit.put_images(writer, range(1000, 1650))
        bring_index_up_to_date(writer, ConeEncoder(), options=options)
    exact = right(folder)
    with SearchEngine.open(folder, encoder=ConeEncoder()) as engine:
        result = engine.search(Query.text("another one of 7"), 5)
        plain = engine.search(Query.text("another one of 7"), 5, adjust=False)
    assert not result.exact
    adjusted = [hit.adjusted for hit in result.hits]
    assert adjusted == sorted(adjusted, reverse=True)
    assert {hit.item.id for hit in result.hits} - {hit.item.id for hit in plain.hits}, (
        "hits that are none of the five best by cosine"
    )
    assert exact > right(folder, adjust=False) + 0.1
    assert entry_of(folder).hubness.n_items == kit.N_IMAGES + 650, "grown fourfold, learnt again"
    check_biases(folder)
    before = entry_of(folder).hubness
    with open_writer(folder) as writer:
        writer.drop_index("images")
    assert entry_of(folder).hubness == before
    check_biases(folder)


def test_verify_sees_damage_and_repair_makes_biases_again(folder):
    before = [path.read_bytes() for path in biases_of(folder)]
    assert verify_collection(folder).problems == ()
    flip(biases_of(folder)[0])
    assert any("bias-" in each for each in verify_collection(folder).problems)
    with pytest.raises(CorruptCollectionError, match="bias-"):
        right(folder)
    report = repair_collection(folder, encoder=ConeEncoder())
    assert report.after.problems == ()
    assert [each for each in report.repaired if "biases of segment" in each]
    assert [path.read_bytes() for path in biases_of(folder)] == before


def test_a_damaged_bank_takes_the_bias_along_until_it_is_learnt_again(folder):
    flip(next(folder.glob("galleries/images/bank-*.safetensors")))
    assert any("bank-" in each for each in verify_collection(folder).problems)
    report = repair_collection(folder, encoder=ConeEncoder())
    assert report.after.problems == ()
    assert entry_of(folder).hubness is None
    assert right(folder) == right(folder, adjust=False)
    with open_writer(folder) as writer:
        kit.build(writer)
    assert entry_of(folder).hubness.alpha > 0


def test_images_know_their_captions(folder):
    with Collection.open(folder) as view:
        captions = captioned_images(view, np.random.default_rng(0))
        assert len(captions) == kit.N_IMAGES
        first = FIRST_ID["texts"]
        assert captions[8] == [first + 21, first + 22, first + 23]
        asked = matches_of(view, "images", [8, 9], captions, 4)
        assert [each.tolist() for each in asked.wanted] == [[8], [8], [8], [9]]
        assert asked.groups.tolist() == [8, 8, 8, 9]
        asked = matches_of(view, "texts", [8, 9], captions, 4)
        assert [each.tolist() for each in asked.wanted] == [captions[8], captions[9]]
        assert np.array_equal(asked.queries, view.gallery("images").gather(np.array([8, 9])))


def test_captions_of_one_image_are_one_question():
    plain = np.zeros((6, 3), np.bool_)
    better = plain.copy()
    better[:3] = True  # all captions of one image of two
    grouped = Gain(plain, better, np.array([1, 1, 1, 2, 2, 2])).recall[0]
    # sums of (change - 1/2) by image: 1.5 and -1.5; sqrt(4.5 * 2 / 1) / 6
    assert grouped.standard_error == pytest.approx(0.5)
    apart = Gain(plain, better, np.arange(6)).recall[0]
    assert apart.standard_error == pytest.approx(np.sqrt(1.5 * 6 / 5) / 6)
    assert not Gain(plain, better, np.zeros(6)).is_clear, "one image says nothing"


def test_pictures_that_share_their_captions_teach_nothing(tmp_path):
    """Of an album that says the same of all its pictures, no caption has one answer."""
    with open_writer(tmp_path / "c") as writer:
        kit.put_images(writer, range(kit.N_IMAGES))
        albums = [kit.album(number) for number in range(45)]
        said = [each.captions[0] for each in albums]
        writer.commit(ConeEncoder().encode_texts(said), albums, gallery="texts")
        kit.build(writer)
    assert entry_of(tmp_path / "c").hubness is None
    assert right(tmp_path / "c") > 0
