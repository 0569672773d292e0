"""Ways to compose: as users' queries, by name."""

import numpy as np
import pytest

from benchmarks.datasets.base import ComposedQuery
from benchmarks.protocols.composed import ranks_of, scores_of
from benchmarks.protocols.composing import BASELINES, Method, plan_in_words, plan_of, sentences_of
from indexer.writer import CollectionWriter
from retrieval.encoders.registry import get_encoder
from retrieval.engine import SearchEngine
from retrieval.errors import QueryError, SettingsError
from retrieval.learn.phi_lessons import Lessons
from retrieval.learn.phi_ridge import train_ridge
from retrieval.query.algebra import ItemRef, Query, Text
from retrieval.query.compose import slerp
from retrieval.query.encoding import QueryEncoder
from retrieval.query.modes import Mode, composed
from tests import bundles
from tests import collection_kit as kit
from tests.benchmarks.protocols.composed_kit import random_rows, unit
from tests.collection_kit import NumberEncoder, ids_of

N = 200
WAYS = ("auto", "sum", "slerp", "slerp:0.3", "residual", "residual:0.5", "product")


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    folder = kit.new_collection(tmp_path_factory.mktemp("c") / "c", *range(N))
    with SearchEngine.open(folder, encoder=NumberEncoder()) as opened:
        yield opened


def planned(name, images, texts, pictures):
    encoder = QueryEncoder(kit.ENCODER, NumberEncoder())
    return plan_of(Method.parse(name), images, texts, pictures, encoder)


@pytest.mark.parametrize("way", WAYS)
def test_the_ranking_is_that_of_a_users_query(engine, way):
    """An item and a text, asked of a collection: the same pictures in the same places."""
    stored = kit.stored_vectors(N)
    query = composed(ItemRef(6) + Text("number 500"), Mode.parse(way))
    expected = ids_of(engine.search(Query(query, with_references=True), N))
    asked = planned(way, stored[[5]], [kit.vectors([500])], stored)
    every = np.arange(N)
    ranks = ranks_of(asked, stored, (np.zeros(N, np.int64), every), np.array([-1])).best
    assert (every[np.argsort(ranks)] + 1).tolist() == expected
    assert sorted(ranks.tolist()) == list(range(1, N + 1))


def test_baselines_are_the_parts_and_the_direction_of_their_sum():
    rows, text = random_rows(5, 8), random_rows(1, 8, seed=1)
    vectors = {name: planned(name, rows[[2]], [text], rows).vectors[0] for name in BASELINES}
    np.testing.assert_array_equal(vectors["image-only"], rows[2])
    np.testing.assert_array_equal(vectors["text-only"], text[0])
    np.testing.assert_allclose(vectors["image+text"], unit(rows[2] + text[0]), atol=1e-7)


def test_the_number_of_a_slerp_is_the_weight_of_the_text():
    rows, text = random_rows(5, 8), random_rows(1, 8, seed=1)
    asked = planned("slerp:0.8", rows[[2]], [text], rows)
    np.testing.assert_array_equal(asked.vectors[0], slerp(rows[2], text[0], 0.8))
    near = planned("slerp:1", rows[[2]], [text], rows)
    np.testing.assert_array_equal(near.vectors[0], text[0])


def test_of_two_sentences_the_mean_counts():
    rows, texts = random_rows(5, 8), random_rows(2, 8, seed=1)
    asked = planned("text-only", rows[[2]], [texts], rows)
    np.testing.assert_allclose(asked.vectors[0], unit(texts.mean(axis=0)), atol=1e-7)
    for way in WAYS:
        one = planned(way, rows[[2]], [asked.vectors], rows)
        two = planned(way, rows[[2]], [texts], rows)
        np.testing.assert_allclose(
            scores_of(two, 0, rows), scores_of(one, 0, rows), atol=1e-5, err_msg=way
        )


def test_what_cancels_out_is_said():
    rows = random_rows(2, 8)
    with pytest.raises(QueryError, match="cancels out"):
        planned("image+text", rows[[0]], [-rows[[0]]], rows)


def test_sentences_are_joined_in_both_orders():
    queries = [
        ComposedQuery("0", "a", ("Is red, ", "has no sleeves?"), ("b",)),
        ComposedQuery("1", "a", ("is 3.5 times longer.", ""), ("b",)),
        ComposedQuery("2", "a", ("Show three bottles.",), ("b",)),
    ]
    assert sentences_of(queries) == (
        ("Is red and has no sleeves", "has no sleeves and Is red"),
        ("is 3.5 times longer and ", " and is 3.5 times longer"),
        ("Show three bottles.",),
    )


def test_a_picture_as_a_word_is_that_of_a_users_query(tmp_path):
    (tmp_path / "native").mkdir()
    native = get_encoder(f"local-dir:{bundles.native(tmp_path / 'native')}", device="cpu")
    phi = tmp_path / "phi.safetensors"
    texts = [f"a {colour} car" for colour in ("red", "green", "blue", "black", "white")]
    train_ridge(Lessons.of(native, texts, template="{text} {image}")).save(phi)
    rows = random_rows(30, native.info.dim)
    with CollectionWriter.open(tmp_path / "c", native.info) as writer:
        writer.commit(rows, [kit.item(number) for number in range(30)])
    stored = rows.astype(np.float16).astype(np.float32)
    mode, template = Mode.parse("pseudo"), "{text} {image}"
    query = composed(ItemRef(6) + Text("is bluer"), mode, template)
    with SearchEngine.open(tmp_path / "c", encoder=native, phi=phi) as engine:
        expected = ids_of(engine.search(Query(query, with_references=True), 30))
    encoder = QueryEncoder(native.info, native, phi=phi)
    said = [("is bluer",), ("is bluer and big", "big and is bluer"), ("",)]
    asked = plan_in_words(stored[[5, 5, 5]], said, stored, encoder)
    ranks = ranks_of(asked, stored, (np.zeros(30, np.int64), np.arange(30)), np.array([-1] * 3))
    assert (np.argsort(ranks.best) + 1).tolist() == expected
    orders = [plan_in_words(stored[[5]], [(each,)], stored, encoder).vectors for each in said[1]]
    np.testing.assert_allclose(asked.vectors[1], unit(np.sum(orders, axis=0))[0], atol=1e-6)
    assert not np.array_equal(asked.vectors[2], asked.vectors[0])


@pytest.mark.parametrize(
    ("name", "done"),
    [
        ("image-only", "image-only"),
        ("image+text", "image+text"),
        ("sum", "sum"),
        ("auto", "slerp:0.75"),
        ("slerp", "slerp:0.75"),
        ("slerp:.8", "slerp:0.8"),
        ("residual", "residual:2"),
        ("product", "product"),
        ("pseudo", "pseudo"),
    ],
)
def test_what_a_name_stands_for(name, done):
    assert Method.parse(name).stands_for() == done


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("both", "--compose both: no way to compose: 'both'"),
        ("slerp:2", "must lie between 0 and 1, got 2"),
        ("residual:0", "the gain of a residual must be more than 0"),
        ("image-only:1", "no way to compose"),
        ("pseudo:2", "pseudo takes no number"),
    ],
)
def test_what_is_no_way_is_refused(name, said):
    with pytest.raises(SettingsError, match=said):
        Method.parse(name)
