import os

import numpy as np
import pytest
from PIL import Image

from indexer import index_folders
from retrieval.encoders.blip import BlipMatcher
from retrieval.engine import SearchEngine
from retrieval.errors import QueryError
from retrieval.model import FileRef, Hit, ImageMeta, ItemId, ItemRecord
from retrieval.query.algebra import ImageFile, ItemRef, Minus, Query, Scale, Text
from retrieval.query.ways import EachOf, Feedback, Mean, Residual, Slerp
from retrieval.rerank.base import reranked, texts_of
from retrieval.rerank.captions import CaptionReranker
from retrieval.rerank.exact import ExactReranker
from retrieval.rerank.matching import MatchReranker
from retrieval.shaping import Shaping, search_shaped
from tests.factories import GeometryEncoder
from tests.retrieval.encoders.blip_kit import tiny_blip

PICTURES = {
    "one": ("#f00", "a red thing"),
    "two": ("#f11", "something green"),
    "three": ("#e00", None),
    "four": ("#00f", "a blue and red thing"),
}


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for name, (colour, caption) in PICTURES.items():
        Image.new("RGB", (32, 24), colour).save(folder / f"{name}.png")
        if caption:
            (folder / f"{name}.txt").write_text(caption)
    return folder


@pytest.fixture(scope="module")
def engine(photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("collection") / "c"
    index_folders([photos], folder, encoder=GeometryEncoder())
    with SearchEngine.open(folder, encoder=GeometryEncoder()) as opened:
        yield opened


def hit(rank, item_id, path=b"/p", score=0.5):
    meta = ImageMeta("PNG", 32, 24)
    return Hit(rank, score, ItemRecord(ItemId(item_id), "00", meta, (FileRef(path, 1, 0),)))


def names(hits):
    return [os.path.basename(os.fsdecode(each.path)).removesuffix(".png") for each in hits]


def test_scored_hits_go_first_then_those_without_a_score_then_the_rest():
    hits = [hit(rank, rank) for rank in range(1, 7)]
    found = reranked(hits, np.array([0.2, np.nan, 0.9, 0.2, np.nan], np.float32))
    assert [each.item.id for each in found] == [3, 1, 4, 2, 5, 6]
    assert [each.rank for each in found] == [1, 2, 3, 4, 5, 6]
    assert [each.reranked for each in found] == [
        pytest.approx(0.9), pytest.approx(0.2), pytest.approx(0.2), None, None, None,
    ]  # fmt: skip
    assert reranked([], np.empty(0)) == ()


@pytest.mark.parametrize(
    ("expression", "texts"),
    [
        (Text("a"), "a"),
        (Text("a") * 2 + Text("b") + ImageFile("p.jpg") - Text("c"), "ab"),
        (Text("a") + Scale(Text("b"), -1.0), "a"),
        (Slerp(ImageFile("p.jpg"), Text("a")), "a"),
        (Residual(ImageFile("p.jpg"), (Text("a"),), (Text("b"),)), "a"),
        (Feedback(Text("a"), (ItemRef(3), Text("b"))), "a"),
        (EachOf((Text("a"), Mean((Text("b"), Text("a"))))), "ab"),
        (Minus(ItemRef(3), Text("a")), ""),
    ],
)
def test_the_texts_of_a_query_are_those_that_it_goes_towards(expression, texts):
    assert "".join(each.text for each in texts_of(Query(expression))) == texts


def test_exact_scores_are_the_cosines(engine):
    query = Query(Text("red") + Text("blue"))
    hits = engine.search(query, 4).hits
    scores = ExactReranker(engine).score(query, hits)
    assert scores == pytest.approx([each.score for each in hits], abs=1e-6)
    assert ExactReranker(engine).score(query, ()).shape == (0,)


def test_captions_bring_up_what_they_speak_of(engine):
    """All of one, two and three are red; only of one it is said, and of two another thing is."""
    query = Query(Text("red"))
    shaping = Shaping(reranker=CaptionReranker(engine, share=0.9))
    found = search_shaped(engine, query, 4, shaping)
    assert names(found.result.hits)[0] == "one"
    assert names(found.result.hits)[-1] == "two"
    assert found.n_unscored == 0


def test_captions_by_hand(engine):
    query = Query(Text("red"))
    hits = engine.search(query, 4).hits
    own = np.array([each.score for each in hits])
    half = 0.5**0.5
    best = {"one": 1.0, "two": 0.0, "three": np.nan, "four": half}
    said = np.array([best[name] for name in names(hits)])
    standard = (said - np.nanmean(said)) / np.nanstd(said)
    expected = 0.5 * (own - own.mean()) / own.std() + 0.5 * np.nan_to_num(standard)
    assert CaptionReranker(engine).score(query, hits) == pytest.approx(expected, abs=1e-3)


def test_without_captions_the_order_is_that_of_the_cosine(engine):
    query = Query(Text("red"))
    hits = [each for each in engine.search(query, 4).hits if names([each]) == ["three"]]
    assert CaptionReranker(engine).score(query, hits) == pytest.approx([0.0])


def test_texts_as_hits_are_their_own_captions(engine):
    query = Query(Text("red"))
    hits = engine.search(query, 3, target="texts").hits
    scores = CaptionReranker(engine).score(query, hits)
    assert scores.tolist() == sorted(scores.tolist(), reverse=True)


@pytest.mark.parametrize("make", [CaptionReranker, MatchReranker])
def test_a_query_without_a_text_cannot_be_compared_with_texts(engine, make):
    query = Query(ItemRef(engine.search(Text("red"), 1).hits[0].item.id))
    with pytest.raises(QueryError, match="the query has none"):
        make(engine).score(query, [hit(1, 1)])


class Brightness:
    """Matches a picture by how blue it is; remembers what it was shown."""

    input_px = 8

    def __init__(self):
        self.seen = []

    def match(self, text, images):
        self.seen.append((text, len(images)))
        return np.array([image.getpixel((0, 0))[2] / 255 for image in images], np.float32)


def test_a_model_of_pairs_decides_over_the_best_hits(engine):
    model = Brightness()
    query = Query(Text("red") + Text("thing"))
    shaping = Shaping(reranker=MatchReranker(model), rerank_top=4)
    found = search_shaped(engine, query, 2, shaping).result.hits
    assert names(found)[0] == "four"
    assert found[0].reranked == pytest.approx(1.0)
    assert found[0].score == pytest.approx(engine.search(query, 4).hits[-1].score)
    assert model.seen == [("red, thing", 4)]


def test_what_has_no_readable_picture_follows_and_is_counted(engine, photos, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    there = os.fsencode(photos / "four.png")
    hits = [
        hit(1, 1, b"/gone.png"),
        hit(2, 2, os.fsencode(broken)),
        hit(3, 3, there),
        hit(4, 1 << 40),
    ]
    scores = MatchReranker(Brightness()).score(Query(Text("blue")), hits)
    assert np.isnan(scores).tolist() == [True, True, False, True]
    assert [each.item.id for each in reranked(hits, scores)] == [3, 1, 2, 1 << 40]


def test_blip_ranks_hits(engine, tmp_path):
    pytest.importorskip("transformers")
    reranker = MatchReranker(BlipMatcher(tiny_blip(tmp_path / "blip"), "cpu"))
    found = search_shaped(engine, Query(Text("a red dog")), 4, Shaping(reranker=reranker))
    values = [each.reranked for each in found.result.hits]
    assert values == sorted(values, reverse=True)
    assert all(0 < value < 1 for value in values)
