import numpy as np
import pytest

from retrieval.ann.codebook import Codebook
from retrieval.ann.routing import ROUTER_SHARPNESS, SHARPNESS, QueryParts, Router, Routing
from retrieval.ann.spec import IndexSpec
from retrieval.ann.training import train_codebook
from retrieval.errors import CorruptCollectionError
from tests.retrieval.ann.arrays import clustered_rows, unit_rows

DIM, NLIST = 16, 32
QUERIES = unit_rows(np.random.default_rng(1), 20, DIM)
ROUTER = Router(
    unit_rows(np.random.default_rng(2), NLIST, DIM).astype(np.float16),
    np.linspace(0, 1, NLIST, dtype=np.float32),
)


def trained(kind):
    rows = clustered_rows(np.random.default_rng(0), 10_000, DIM)
    return Codebook(train_codebook(rows, IndexSpec.parse(kind), seed=5))


@pytest.fixture(scope="module", params=["ivf32,pq4", "opq4,ivf32,pq4"])
def book(request):
    return trained(request.param)


def best(scores, count):
    return np.argsort(-scores, kind="stable")[:count].tolist()


def scores_of_centroids(book, query):
    """Of centroids in float16, which lists are ranked by."""
    return book.centroids.astype(np.float16).astype(np.float32) @ book.rotated(query[None])[0]


@pytest.mark.parametrize("nprobe", [1, 7, NLIST - 1])
def test_own_queries_visit_the_lists_of_the_nearest_centroids(book, nprobe):
    routing = Routing(book, ROUTER)
    for query in QUERIES:
        lists = routing.lists(QueryParts.single(query), nprobe, routed=True)
        assert lists.tolist() == best(scores_of_centroids(book, query), nprobe)


def test_foreign_queries_go_by_the_router_if_it_is_asked(book):
    routing = Routing(book, ROUTER)
    for query in QUERIES:
        parts = QueryParts.single(query, is_foreign=True)
        expected = best(ROUTER.weight @ query + ROUTER.bias, 5)
        assert routing.lists(parts, 5, routed=True).tolist() == expected
        plain = best(scores_of_centroids(book, query), 5)
        assert routing.lists(parts, 5, routed=False).tolist() == plain
        assert Routing(book).lists(parts, 5, routed=True).tolist() == plain


def test_the_parts_of_a_composed_query_take_turns(book):
    routing = Routing(book, ROUTER)
    image, text = QUERIES[:2]
    lists = routing.lists(QueryParts(np.stack([image, text]), (False, True)), 9, routed=True)
    assert len(set(lists.tolist())) == 9
    by_image = best(scores_of_centroids(book, image), NLIST)
    by_text = best(ROUTER.weight @ text + ROUTER.bias, NLIST)
    assert set(lists.tolist()) >= {*by_image[:4], *by_text[:4]}
    in_turns = [number for pair in zip(by_image, by_text, strict=True) for number in pair]
    assert lists.tolist() == list(dict.fromkeys(in_turns))[:9]


def test_as_many_as_there_are_or_more_are_all_lists(book):
    for nprobe in (NLIST, 10 * NLIST):
        lists = Routing(book).lists(QueryParts.single(QUERIES[0]), nprobe, routed=False)
        assert lists.tolist() == best(book.centroids @ book.rotated(QUERIES[:1])[0], NLIST)


def test_a_graph_over_the_centroids_finds_nearly_the_same_lists():
    book = trained("ivf200_hnsw,pq4")
    for query in QUERIES:
        found = Routing(book).lists(QueryParts.single(query), 20, routed=False)
        assert len(np.intersect1d(found, best(book.centroids @ query, 20))) >= 18


def test_a_router_reads_back_and_damage_is_told(book):
    again = Router.from_bytes(ROUTER.to_bytes())
    assert np.array_equal(again.weight, ROUTER.weight)
    assert np.array_equal(again.bias, ROUTER.bias)
    with pytest.raises(CorruptCollectionError, match="router cannot be read"):
        Router.from_bytes(ROUTER.to_bytes()[:40])
    with pytest.raises(CorruptCollectionError, match="ranks 31 lists; there are 32"):
        Routing(book, Router(ROUTER.weight[1:], ROUTER.bias[1:]))


def test_a_router_of_other_dimensions_is_told_before_a_query_meets_it(book):
    with pytest.raises(CorruptCollectionError, match=r"weights \(32, 15\) and biases \(32,\)"):
        Routing(book, Router(ROUTER.weight[:, 1:], ROUTER.bias))
    with pytest.raises(CorruptCollectionError, match=r"biases \(31,\)"):
        Routing(book, Router(ROUTER.weight, ROUTER.bias[1:]))


def test_a_router_that_was_kept_in_float32_still_reads(book):
    single = ROUTER.weight.astype(np.float32)
    again = Router.from_bytes(Router(single, ROUTER.bias).to_bytes())
    assert again.weight.dtype == np.float16
    assert np.array_equal(again.weight, ROUTER.weight)


def test_nprobe_below_one_is_a_programmers_mistake(book):
    with pytest.raises(ValueError, match="nprobe"):
        Routing(book).lists(QueryParts.single(QUERIES[0]), 0, routed=False)


def shares(scores, sharpness):
    weights = np.exp(sharpness * (scores.astype(np.float64) - scores.max()))
    return weights / weights.sum()


@pytest.mark.parametrize("by_router", [True, False])
def test_a_floor_leaves_out_the_lists_that_are_unlikely(book, by_router):
    routing, lengths = Routing(book, ROUTER), set()
    for query in QUERIES:
        parts = QueryParts.single(query, is_foreign=by_router)
        learned = ROUTER.weight @ query + ROUTER.bias
        scores = learned if by_router else scores_of_centroids(book, query)
        share = shares(scores, ROUTER_SHARPNESS if by_router else SHARPNESS)
        lists = routing.lists(parts, NLIST, routed=True, floor=0.01)
        assert lists.tolist() == best(scores, int((share >= 0.01).sum()))
        assert routing.lists(parts, 2, routed=True, floor=0.01).tolist() == lists[:2].tolist()
        lengths.add(len(lists))
    assert len(lengths) > 1  # each query by itself


def test_the_best_list_is_visited_whatever_the_floor(book):
    parts = QueryParts.single(QUERIES[0])
    lists = Routing(book).lists(parts, 5, routed=False, floor=1.0)
    assert lists.tolist() == best(scores_of_centroids(book, QUERIES[0]), 1)


def test_a_part_that_is_sure_leaves_its_turns_to_the_other(book):
    routing = Routing(book, ROUTER)
    image, text = QueryParts.single(QUERIES[0]), QueryParts.single(QUERIES[1], is_foreign=True)
    own = [routing.lists(each, NLIST, routed=True, floor=0.01).tolist() for each in (image, text)]
    both = QueryParts(QUERIES[:2], (False, True))
    lists = routing.lists(both, NLIST, routed=True, floor=0.01).tolist()
    assert len(lists) == len(set(lists))
    assert set(lists) == {*own[0], *own[1]}
    assert lists[0] == own[0][0]
