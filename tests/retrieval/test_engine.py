"""The engine on real collections: small ones, searched exactly. Indexed: tests/indexer/build."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256

import numpy as np
import pytest
from PIL import Image

from indexer.writer import CollectionWriter, NewItem
from retrieval.encoders.registry import register_encoder
from retrieval.engine import SearchEngine
from retrieval.errors import (
    CatalogueError,
    CollectionMissingError,
    EncoderMismatchError,
    QueryError,
)
from retrieval.model import EncoderInfo, ImageMeta
from retrieval.query.algebra import ImageFile, ItemRef, Query, Text
from retrieval.query.encoding import QueryEncoder
from retrieval.query.plan import MadeOf
from retrieval.query.ways import Slerp
from retrieval.store.collection import Collection
from tests import collection_kit as kit


class NumberEncoder:
    """Knows the vector of every number: of a text's last word, of a picture's red."""

    input_px = 8

    def __init__(self, info=kit.ENCODER):
        self.info = info
        self.text_calls = []
        self.image_calls = 0
        self._busy = threading.Lock()

    def encode_texts(self, texts):
        with self._alone():
            self.text_calls.append(list(texts))
            return kit.vectors([int(text.split()[-1]) for text in texts])

    def encode_images(self, images):
        with self._alone():
            self.image_calls += 1
            return kit.vectors([image.getpixel((0, 0))[0] for image in images])

    def _alone(self):
        """Encoders are promised to be called from one thread at a time."""
        assert self._busy.acquire(blocking=False), "two threads in one encoder"
        self._busy.release()
        return self._busy


@pytest.fixture
def encoder():
    return NumberEncoder()


@pytest.fixture
def folder(tmp_path):
    return kit.new_collection(tmp_path / "c", *range(20))


@pytest.fixture
def engine(folder, encoder):
    with SearchEngine.open(folder, encoder=encoder) as opened:
        yield opened


def picture(path, number):
    Image.new("RGB", (16, 16), (number, 0, 0)).save(path)
    return path


def numbers_of(result):
    """The contents that were hit; the kit gives content n the id n + 1."""
    return [hit.item.id - 1 for hit in result.hits]


def slow_order(vector, numbers):
    """Score every content by its stored (float16) vector and sort."""
    stored = kit.vectors(numbers).astype(np.float16).astype(np.float32)
    scores = np.vecdot(stored, vector).tolist()
    return [number for _, number in sorted(zip([-s for s in scores], numbers, strict=True))]


def test_a_text_finds_its_picture_with_all_that_is_known_of_it(engine):
    result = engine.search(Query.text("number 7"), 3)
    assert numbers_of(result) == slow_order(kit.vector(7), range(20))[:3]
    first = result.hits[0]
    assert (first.rank, first.path, first.item.sha256) == (1, b"/photos/7.jpg", kit.digest(7))
    assert first.score == pytest.approx(1, abs=1e-3)
    assert first.score <= 1
    assert [hit.rank for hit in result.hits] == [1, 2, 3]
    assert result.exact
    assert result.generation == engine.collection.generation


def test_every_ranking_is_that_of_a_full_sort(engine):
    for number in (2, 40, 41):
        result = engine.search(Query.text(f"{number}"), 20)
        assert numbers_of(result) == slow_order(kit.vector(number), range(20))
        for hit in result.hits:
            stored = kit.vector(hit.item.id - 1).astype(np.float16).astype(np.float32)
            assert hit.score == pytest.approx(float(stored @ kit.vector(number)), abs=1e-6)


def test_equal_scores_are_ordered_by_id(tmp_path, encoder):
    with CollectionWriter.open(tmp_path / "c", kit.ENCODER) as writer:
        for number in (5, 3, 9):  # one segment each, all with one vector
            writer.commit(kit.vectors([1]), [kit.item(number)])
    with SearchEngine.open(tmp_path / "c", encoder=encoder) as engine:
        assert [hit.item.id for hit in engine.search(Query.text("1")).hits] == [1, 2, 3]


def test_a_batch_is_one_encoder_call_and_answers_as_each_query_alone(engine, encoder):
    queries = [Query.text("a 3"), Query.text("b 4"), Query(Text("a 3") + Text("c 5"))]
    queries += [Query(ItemRef(4) + Text("b 4") * -0.5, exclude=(9,))]
    together = engine.search_batch(queries, 4)
    assert encoder.text_calls == [["a 3", "b 4", "c 5"]]
    assert together == [engine.search(query, 4) for query in queries]
    assert engine.search_batch([], 4) == []


@pytest.mark.parametrize("k", [20, 21, 10**9])
def test_a_k_beyond_the_collection_gives_all_of_it(engine, k):
    assert len(engine.search(Query.text("1"), k).hits) == 20


@pytest.mark.parametrize("k", [0, -1])
def test_a_k_below_one_is_refused(engine, k):
    with pytest.raises(QueryError, match="at least 1"):
        engine.search(Query.text("1"), k)
    with pytest.raises(QueryError, match="at least 1"):
        engine.search_vectors(kit.vectors([1]), k)


def test_an_item_finds_its_neighbours_and_not_itself(engine, encoder):
    result = engine.search(Query(ItemRef(8)), 20)
    stored = kit.vector(7).astype(np.float16).astype(np.float32)
    assert numbers_of(result) == [n for n in slow_order(stored, range(20)) if n != 7]
    assert encoder.text_calls == []


@pytest.mark.parametrize("item_id", [21, 10**12])
def test_an_unknown_item_is_refused(engine, item_id):
    with pytest.raises(QueryError, match=f"no item {item_id}"):
        engine.search(Query(ItemRef(item_id)))


def test_a_deleted_item_neither_asks_nor_answers(folder, encoder):
    with CollectionWriter.open(folder, None) as writer:
        writer.delete_items([8])
    with SearchEngine.open(folder, encoder=encoder) as engine:
        answer = numbers_of(engine.search(Query.text("number 7"), 19))
        assert answer == [n for n in slow_order(kit.vector(7), range(20)) if n != 7]
        with pytest.raises(QueryError, match="no item 8"):
            engine.search(Query(ItemRef(8)))


def test_a_picture_of_the_collection_is_not_its_own_answer_wherever_it_lies(tmp_path, encoder):
    data = picture(tmp_path / "one.png", 7).read_bytes()
    own = NewItem(
        sha256(data).hexdigest(), ImageMeta("PNG", 16, 16), (kit.ref(str(tmp_path / "one.png")),)
    )
    with CollectionWriter.open(tmp_path / "c", kit.ENCODER) as writer:
        kit.put(writer, 1, 2)
        writer.commit(kit.vectors([7]), [own])
    copy = tmp_path / "copy elsewhere.png"
    copy.write_bytes(data)
    stranger = picture(tmp_path / "stranger.bmp", 7)  # the same pixels, other bytes
    with SearchEngine.open(tmp_path / "c", encoder=encoder) as engine:
        assert [hit.item.id for hit in engine.search(Query(ImageFile(stranger)), 1).hits] == [3]
        assert len(engine.search(Query(ImageFile(copy)), 9).hits) == 2
        both = Query(ImageFile(copy) + ImageFile(stranger) * 0.5 + ItemRef(1))
        assert [hit.item.id for hit in engine.search(both, 9).hits] == [2]
    assert encoder.image_calls == 3


def test_excluded_items_do_not_show_and_k_is_filled(engine):
    best = engine.search(Query.text("3"), 20).hits
    excluded = (*(hit.item.id for hit in best[:5]), 999)
    rest = engine.search(Query(Text("3"), exclude=excluded), 6).hits
    assert [hit.item.id for hit in rest] == [hit.item.id for hit in best[5:11]]
    scores, ids = engine.search_vectors(kit.vectors([3]), 6, exclude=excluded)
    assert ids[0].tolist() == [hit.item.id for hit in rest]
    assert scores[0].tolist() == pytest.approx([hit.score for hit in rest])
    everything = tuple(range(1, 21))
    assert engine.search(Query(Text("3"), exclude=everything)).hits == ()


def test_composition_of_image_and_text(engine, tmp_path):
    text, image = Text("number 5"), ImageFile(picture(tmp_path / "a.png", 30))
    at = {share: engine.search(Slerp(image, text, share), 20) for share in (0.0, 0.5, 1.0)}
    assert at[0.0].hits == engine.search(image, 20).hits
    assert at[1.0].hits == engine.search(text, 20).hits
    middle = kit.vector(5).astype(float) + kit.vector(30)
    middle = (middle / np.linalg.norm(middle)).astype(np.float32)
    assert numbers_of(at[0.5]) == slow_order(middle, range(20))
    assert engine.search(text + image, 20).hits == at[0.5].hits


def test_what_cancels_out_is_refused(engine):
    with pytest.raises(QueryError, match="cancels out"):
        engine.search(Query(Text("2") + -Text("2")))


def test_ten_thousand_words_and_odd_characters_reach_the_encoder(engine, encoder):
    engine.search(Query.text("dog " * 9_999 + "4"))
    engine.search(Query.text("a\0b\udcff 4"))
    assert encoder.text_calls[1] == ["a b\ufffd 4"]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [("page.jpg", b"<html></html>", "not an image"), ("empty.png", b"", "empty file")],
)
def test_a_query_image_that_is_none_is_refused_by_path_and_reason(
    engine, tmp_path, name, content, reason
):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(QueryError, match=f"{name}: {reason}"):
        engine.search(Query(ImageFile(path)))


@pytest.mark.parametrize("name", ["absent.jpg", ".", "a\0b.jpg"])
def test_a_query_image_that_cannot_be_read_is_refused(engine, tmp_path, name):
    with pytest.raises(QueryError, match="cannot read the query image"):
        engine.search(Query(ImageFile(tmp_path / name)))


def test_another_encoder_is_refused_at_opening(folder):
    stranger = NumberEncoder(EncoderInfo("geometry", kit.DIM, "e" * 64))
    with pytest.raises(EncoderMismatchError, match="geometry"):
        SearchEngine.open(folder, encoder=stranger)


def test_the_collections_own_encoder_is_made_by_name_when_first_needed(tmp_path):
    made = []

    def make(fingerprint):
        def factory(device):
            made.append(device)
            return NumberEncoder(EncoderInfo("engine-test", kit.DIM, fingerprint))

        return factory

    register_encoder("engine-test", make("a" * 64))
    for fingerprint in ("a" * 64, "b" * 64):
        folder = tmp_path / fingerprint[:1]
        info = EncoderInfo("engine-test", kit.DIM, fingerprint)
        with CollectionWriter.open(folder, info) as writer:
            kit.put(writer, 1, 2, 3)
    with SearchEngine.open(tmp_path / "a", device="cpu") as engine:
        assert engine.search_vectors(kit.vectors([2]), 1)[1].tolist() == [[2]]
        engine.search(Query(ItemRef(1)))
        assert made == []
        engine.search(Query.text("2"))
        engine.search(Query.text("3"))
        assert made == ["cpu"]
    with SearchEngine.open(tmp_path / "b") as engine, pytest.raises(EncoderMismatchError):
        engine.search(Query.text("2"))


def test_no_collection_is_an_error_of_its_own(tmp_path):
    with pytest.raises(CollectionMissingError):
        SearchEngine.open(tmp_path / "nowhere")


def test_an_empty_collection_gives_no_hits(tmp_path, encoder):
    kit.new_collection(tmp_path / "c")
    with SearchEngine.open(tmp_path / "c", encoder=encoder) as engine:
        assert engine.search(Query.text("1")).hits == ()


@pytest.mark.parametrize(
    "vectors",
    [
        kit.vectors([1]).astype(np.float64),
        kit.vector(1),
        np.ones((1, kit.DIM + 1), np.float32),
        np.full((1, kit.DIM), np.nan, np.float32),
    ],
)
def test_vectors_of_another_shape_or_kind_are_a_programmers_mistake(engine, vectors):
    with pytest.raises(ValueError, match=r"float32|NaN"):
        engine.search_vectors(vectors, 3)


def test_parts_of_vectors_change_nothing_where_all_is_looked_at_and_have_to_be_as_many(engine):
    rows = kit.vectors([1, 2])
    parts = [MadeOf(kit.vectors([5, 6]), ("text", "image"))] * 2
    given = engine.search_vectors(rows, 4, modality=parts)
    plain = engine.search_vectors(rows, 4)
    assert np.array_equal(given[0], plain[0])
    assert np.array_equal(given[1], plain[1])
    with pytest.raises(ValueError, match="2 vectors, but parts of 1"):
        engine.search_vectors(rows, 4, modality=parts[:1])
    for wrong in (kit.vectors([5, 6]) * np.float32(np.nan), kit.vectors([5, 6])[:, 1:]):
        with pytest.raises(ValueError, match=r"float32|NaN"):
            engine.search_vectors(rows, 4, modality=[parts[0], MadeOf(wrong, ("text", "image"))])


def test_vectors_may_be_strided_and_read_only_and_none(engine):
    rows = np.repeat(kit.vectors([1, 2, 3]), 2, axis=0)[::2]
    rows.setflags(write=False)
    assert engine.search_vectors(rows, 1)[1].tolist() == [[2], [3], [4]]
    assert len(engine.search_vectors(rows[:0], 1)[1]) == 0


def test_many_threads_get_the_answers_of_one(engine, tmp_path):
    pictures = [picture(tmp_path / f"{number}.png", number) for number in range(4)]
    queries = [Query.text(f"{number}") for number in range(16)]
    queries += [Query(ImageFile(path) + ItemRef(3)) for path in pictures]
    alone = [engine.search(query, 5) for query in queries]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda query: engine.search(query, 5), queries * 3)) == alone * 3


def test_the_engine_stays_at_the_generation_it_opened(folder, engine):
    before = engine.search(Query.text("30"), 30)
    with CollectionWriter.open(folder, kit.ENCODER) as writer:
        kit.put(writer, 30)
        writer.delete_items([1])
    assert engine.search(Query.text("30"), 30) == before


def test_any_number_of_hits_can_be_asked_for(engine):
    everything = engine.search(Query.text("1"), 20)
    assert len(everything.hits) == 20
    assert engine.search(Query.text("1"), 10**30) == everything


def outlive_the_opened_generation(folder):
    """Commit until the rows of the generation that is open now are gone."""
    with CollectionWriter.open(folder, kit.ENCODER) as writer:
        writer.delete_items([1])
        for number in (30, 31):
            kit.put(writer, number)
        writer.collect_garbage()


def test_an_engine_whose_generation_was_collected_goes_on_with_the_newest(folder, encoder):
    with SearchEngine.open(folder, encoder=encoder) as engine:
        opened = engine.collection.generation
        outlive_the_opened_generation(folder)
        result = engine.search(Query.text("30"), 30)
        with SearchEngine.open(folder, encoder=encoder) as fresh:
            assert result == fresh.search(Query.text("30"), 30)
    assert result.generation > opened


def test_threads_of_an_engine_whose_generation_was_collected_all_go_on(folder, encoder):
    with SearchEngine.open(folder, encoder=encoder) as engine:
        outlive_the_opened_generation(folder)
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: engine.search(Query.text("30"), 5), range(32)))
        assert found == [engine.search(Query.text("30"), 5)] * 32


def test_a_collection_that_is_another_ones_by_now_is_refused(folder, encoder, tmp_path):
    stranger = tmp_path / "stranger"
    with CollectionWriter.open(stranger, EncoderInfo("geometry", kit.DIM, "e" * 64)) as writer:
        kit.put(writer, 1)
    folders = iter([folder, stranger])
    encoder_for = partial(QueryEncoder, encoder=encoder)
    with SearchEngine(lambda: Collection.open(next(folders)), encoder_for, "cpu") as engine:
        outlive_the_opened_generation(folder)
        with pytest.raises(EncoderMismatchError, match="geometry"):
            engine.search(Query.text("30"))


def test_of_several_files_one_that_exists_is_shown(folder, encoder, tmp_path):
    there = tmp_path / "there.jpg"
    there.touch()
    with CollectionWriter.open(folder, kit.ENCODER) as writer:
        writer.commit(None, [], [kit.add(bytes(there), 3), kit.add("/gone.jpg", 3)])
    with SearchEngine.open(folder, encoder=encoder) as engine:
        hit = engine.search(Query.text("2"), 1).hits[0]
    assert hit.path == bytes(there)
    assert {file.path for file in hit.item.files} == {b"/photos/2.jpg", bytes(there), b"/gone.jpg"}


def test_a_catalogue_that_lost_a_row_is_no_shorter_answer(folder, encoder):
    with sqlite3.connect(folder / "catalogue.db") as database:
        database.execute("DELETE FROM file WHERE item_id = 5")
    database.close()
    with (
        SearchEngine.open(folder, encoder=encoder) as engine,
        pytest.raises(CatalogueError, match="item 5"),
    ):
        engine.search(Query.text("1"), 20)
