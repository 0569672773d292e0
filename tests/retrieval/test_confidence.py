"""The engine weighs hits by known matches of the collection, and remembers them."""

import hashlib

import numpy as np
import pytest
from PIL import Image

from indexer.writer import CollectionWriter
from retrieval.confidence import ENOUGH_CAPTIONS
from retrieval.engine import SearchEngine
from retrieval.model import FIRST_ID
from retrieval.query.algebra import ImageFile, ItemRef, Query, Text
from retrieval.query.ways import Product
from tests import collection_kit as kit
from tests.retrieval.test_engine import NumberEncoder

N = ENOUGH_CAPTIONS + 20


class WordEncoder(NumberEncoder):
    """Knows the number that a text ends with; any other text lies wherever its hash says."""

    def encode_texts(self, texts):
        self.text_calls.append(list(texts))
        return kit.vectors([_number_of(text) for text in texts])


class SigmoidWords(WordEncoder):
    sigmoid = (10.0, -5.0)


def _number_of(text):
    last = text.split()[-1]
    if last.isdecimal():
        return int(last) - 1000
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def collection(folder, n, *, with_texts):
    kit.new_collection(folder, *range(n))
    if with_texts:
        texts = [kit.text_item(1000 + i, f"/photos/{i}.jpg", "/photos/l.csv") for i in range(n)]
        with CollectionWriter.open(folder, kit.ENCODER) as writer:
            writer.commit(kit.vectors(range(n)), texts, gallery="texts")
    return folder


@pytest.fixture(scope="module")
def captioned(tmp_path_factory):
    return collection(tmp_path_factory.mktemp("captioned") / "c", N, with_texts=True)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    return collection(tmp_path_factory.mktemp("bare") / "c", N, with_texts=False)


def asked(folder, query, *, encoder=None, cache_dir=None, target="images", k=3):
    encoder = encoder or WordEncoder()
    with SearchEngine.open(folder, encoder=encoder, cache_dir=cache_dir) as engine:
        return engine.search(query, k, target=target, weigh=True)


def test_nothing_is_weighed_unless_it_is_asked_for(captioned):
    encoder = WordEncoder()
    with SearchEngine.open(captioned, encoder=encoder) as engine:
        result = engine.search(Text("1003"))
    assert {(hit.confidence, hit.z, hit.probability) for hit in result.hits} == {(None,) * 3}
    assert result.looks_visual is None
    assert encoder.text_calls == [["1003"]]


def test_a_match_among_captions_is_sure_and_what_lies_elsewhere_is_not(captioned):
    best, *_ = asked(captioned, Text("1003")).hits
    assert best.item.id == 4
    # Whole captions, and parts that keep the number, score 1; so does this one, up to rounding.
    assert best.confidence > 0.1
    lost = asked(captioned, Text("elsewhere"))
    assert lost.hits[0].confidence < best.confidence


def test_confidence_falls_with_the_score(captioned):
    hits = asked(captioned, Text("1003"), k=N).hits
    confidences = [hit.confidence for hit in hits]
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[-1] == pytest.approx(1 / (N + 1)), "the farthest item is no match at all"


def test_without_captions_mutual_pairs_of_the_bank_are_the_matches(bare):
    result = asked(bare, Text("1003"))
    assert result.hits[0].confidence == 1.0, "no name of the bank fits its picture as well"
    assert result.hits[0].z > 2


def test_z_is_by_the_spread_of_the_gallery(bare):
    scores = kit.vectors(range(N)) @ kit.vector(3)
    hit = asked(bare, Text("1003")).hits[0]
    assert hit.z == pytest.approx((hit.score - scores.mean()) / scores.std(), abs=0.01)


@pytest.mark.parametrize("target", ["images", "texts"])
def test_an_item_is_held_against_nearest_neighbours_of_its_own_kind(captioned, target):
    first = FIRST_ID[target]
    hits = asked(captioned, Query(ItemRef(first)), target=target).hits
    nearest = kit.vectors(range(N)) @ kit.vectors(range(N)).T - 2 * np.eye(N)
    below = (nearest.max(axis=1) <= hits[0].score + 1e-3).sum()
    assert hits[0].confidence == pytest.approx((below + 1) / (N + 1), abs=3 / N)


def test_an_image_is_weighed_among_texts(captioned, tmp_path):
    Image.new("RGB", (16, 16), (4, 0, 0)).save(tmp_path / "q.png")
    hits = asked(captioned, Query(ImageFile(tmp_path / "q.png")), target="texts").hits
    assert hits[0].confidence > hits[1].confidence


def test_of_what_is_composed_nothing_is_known_but_z(captioned):
    both = asked(captioned, Product(Text("1003"), ItemRef(9)))
    assert {hit.confidence for hit in both.hits} == {None}
    assert all(hit.z is not None for hit in both.hits)
    assert both.looks_visual is None


def test_a_handful_of_pictures_knows_no_matches(tmp_path):
    few = collection(tmp_path / "c", 3, with_texts=True)
    assert {hit.confidence for hit in asked(few, Text("1001")).hits} == {None}


def test_an_empty_gallery_has_nothing_to_weigh(tmp_path):
    empty = collection(tmp_path / "c", 0, with_texts=False)
    assert asked(empty, Text("1001")).hits == ()


def test_a_batch_is_weighed_as_each_query_is(captioned):
    queries = [Text("1003"), Query(ItemRef(5)), Text("nothing")]
    with SearchEngine.open(captioned, encoder=WordEncoder()) as engine:
        together = engine.search_batch(queries, 3, weigh=True)
        assert together == [engine.search(each, 3, weigh=True) for each in queries]


def test_what_is_learnt_is_kept_for_the_next_process(bare, tmp_path):
    first = asked(bare, Text("1003"), cache_dir=tmp_path)
    encoder = WordEncoder()
    assert asked(bare, Text("1003"), cache_dir=tmp_path, encoder=encoder) == first
    assert encoder.text_calls == [["1003"]]


def test_a_new_generation_is_asked_anew(tmp_path):
    folder = collection(tmp_path / "c", N, with_texts=False)
    cache = tmp_path / "cache"
    asked(folder, Text("1003"), cache_dir=cache)
    before = set((cache / "confidence").glob("*.json"))
    with CollectionWriter.open(folder, kit.ENCODER) as writer:
        kit.put(writer, *range(N, N + 5))
    asked(folder, Text("1003"), cache_dir=cache)
    assert len(set((cache / "confidence").glob("*.json")) - before) == 1


@pytest.mark.parametrize("damage", [b"", b"\xff\xfe", b"[1, 2]"])
def test_a_damaged_cache_is_made_again(bare, tmp_path, damage):
    first = asked(bare, Text("1003"), cache_dir=tmp_path)
    for file in (tmp_path / "confidence").iterdir():
        file.write_bytes(damage)
    assert asked(bare, Text("1003"), cache_dir=tmp_path) == first


def test_a_cache_that_cannot_be_written_costs_time_only(bare, tmp_path):
    blocked = tmp_path / "file"
    blocked.touch()
    assert asked(bare, Text("1003"), cache_dir=blocked) == asked(bare, Text("1003"))


def test_a_model_trained_to_tell_gives_probabilities_across_kinds(bare):
    text = asked(bare, Text("1003"), encoder=SigmoidWords()).hits[0]
    assert text.probability == pytest.approx(1 / (1 + np.exp(-10 * text.score + 5)))
    item = asked(bare, Query(ItemRef(3)), encoder=SigmoidWords()).hits[0]
    assert item.probability is None
    assert asked(bare, Text("1003")).hits[0].probability is None


def test_whether_a_query_looks_visual_is_said_of_texts_alone(bare):
    assert asked(bare, Text("1003")).looks_visual in (True, False)
    assert asked(bare, Query(ItemRef(3))).looks_visual is None


def test_a_budget_changes_nothing(captioned):
    with SearchEngine.open(captioned, encoder=WordEncoder(), max_memory=200_000_000) as engine:
        bounded = engine.search(Text("1003"), 3, weigh=True)
    assert bounded == asked(captioned, Text("1003"))
