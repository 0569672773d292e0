"""Both galleries by any query: images find texts, texts find texts, and ids tell where they lie."""

import pytest
from PIL import Image

from indexer.writer import CollectionWriter
from retrieval.engine import SearchEngine
from retrieval.errors import QueryError
from retrieval.model import FIRST_ID, gallery_of
from retrieval.query.algebra import ImageFile, ItemRef, Query
from tests import collection_kit as kit
from tests.retrieval.test_engine import NumberEncoder, slow_order

NUMBERS = range(10)


@pytest.fixture
def engine(tmp_path):
    folder = kit.new_collection(tmp_path / "c", *NUMBERS)
    texts = [kit.text_item(100 + n, f"/photos/{n}.jpg", "/photos/l.csv") for n in NUMBERS]
    with CollectionWriter.open(folder, kit.ENCODER) as writer:
        writer.commit(kit.vectors(NUMBERS), texts, gallery="texts")
    with SearchEngine.open(folder, encoder=NumberEncoder()) as opened:
        yield opened


def texts_of(result):
    return [int(hit.item.captions[0].split()[-1]) - 100 for hit in result.hits]


def test_an_image_finds_texts(engine, tmp_path):
    Image.new("RGB", (16, 16), (4, 0, 0)).save(tmp_path / "q.png")
    result = engine.search(Query(ImageFile(tmp_path / "q.png")), 5, target="texts")
    assert texts_of(result) == slow_order(kit.vector(4), NUMBERS)[:5]
    assert {hit.path for hit in result.hits} <= {b"/photos/%d.jpg" % n for n in NUMBERS}
    assert all(gallery_of(hit.item.id) == "texts" for hit in result.hits)


def test_a_text_finds_texts_and_the_images_stay_apart(engine):
    assert texts_of(engine.search(Query.text("3"), 3, target="texts"))[0] == 3
    images = engine.search(Query.text("3"), 100)
    assert len(images.hits) == len(NUMBERS)
    assert all(gallery_of(hit.item.id) == "images" for hit in images.hits)


def test_an_item_of_one_gallery_asks_the_other(engine):
    text = ItemRef(FIRST_ID["texts"] + 2)
    assert engine.search(Query(text), 1).hits[0].item.id == 3
    image = ItemRef(3)
    assert texts_of(engine.search(Query(image), 1, target="texts")) == [2]
    both = Query(text + image)
    assert engine.search(both, 10).hits[0].item.id != 3, "its own items are not returned"


def test_an_unknown_text_is_refused(engine):
    with pytest.raises(QueryError, match=str(FIRST_ID["texts"] + 77)):
        engine.search(Query(ItemRef(FIRST_ID["texts"] + 77)))


def test_a_gallery_that_nothing_was_put_in_has_no_hits(tmp_path):
    folder = kit.new_collection(tmp_path / "c", 1)
    with SearchEngine.open(folder, encoder=NumberEncoder()) as engine:
        assert engine.search(Query.text("1"), 5, target="texts").hits == ()
        scores, ids = engine.search_vectors(kit.vectors([1]), 5, target="texts")
    assert scores.shape == ids.shape == (1, 0)


def test_vectors_rank_in_either_gallery(engine):
    _, ids = engine.search_vectors(kit.vectors([6]), 1, target="texts")
    assert ids.tolist() == [[FIRST_ID["texts"] + 6]]
