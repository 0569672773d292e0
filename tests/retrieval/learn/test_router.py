"""A gap between two cones, as between texts and images, and a router that learns to cross it."""

import numpy as np
import pytest
import torch

from retrieval.ann.codebook import Codebook
from retrieval.ann.spec import IndexSpec
from retrieval.ann.training import train_codebook
from retrieval.learn.router import _best_of_groups, nearest_lists, train_router

N, DIM, NLIST = 10_000, 24, 64


def unit(rows):
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((80, DIM))
    meanings = centres[rng.integers(80, size=N + 3000)] + 0.4 * rng.standard_normal((N + 3000, DIM))
    items = unit(meanings[:N] + 3 * np.eye(DIM)[0])
    queries = unit(0.6 * meanings[N:] + 0.8 * rng.standard_normal((3000, DIM)) + 3 * np.eye(DIM)[1])
    book = Codebook(train_codebook(items, IndexSpec("ivfpq", NLIST, 6), seed=0))
    return items, queries[:2500], queries[2500:], book, book.lists_of(items)


def lists_needed(scores, targets, share):
    """Lists to visit, in the order of the scores, until that share of the targets is found."""
    order = np.argsort(-scores, axis=1)
    rank = np.argsort(order, axis=1)
    return np.quantile(np.take_along_axis(rank, targets, axis=1), share)


def test_neighbours_lists_are_those_of_exact_search(world):
    items, training, _, _, lists = world
    found = nearest_lists(training[:50], items, lists, k=10)
    exact = np.argsort(-(training[:50] @ items.T), axis=1)[:, :10]
    agreement = [
        len(np.intersect1d(row, own)) / len(np.unique(own))
        for row, own in zip(found, lists[exact], strict=True)
    ]
    assert np.mean(agreement) > 0.9  # bfloat16 swaps neighbours that are about as near


@pytest.mark.parametrize("width", [7, 63, 639, 640, 641, 703, 768])
def test_the_best_products_are_found_in_blocks_of_any_width(width):
    products = torch.randn(20, width, generator=torch.Generator().manual_seed(width)).bfloat16()
    values, places = _best_of_groups(products, 10)
    expected = products.float().topk(min(10, width), dim=1).values
    assert torch.equal(values, expected)
    assert torch.equal(products.float().gather(1, places), expected)
    assert all(len(set(row)) == len(row) for row in places.tolist())


def test_a_learned_router_needs_far_fewer_lists_on_queries_it_never_saw(world):
    items, training, held_out, book, lists = world
    sizes = np.bincount(lists, minlength=NLIST)
    targets = nearest_lists(training, items, lists)
    weight, bias = train_router(training, targets, book.centroids, sizes, seed=0)
    assert (weight.shape, weight.dtype, bias.dtype) == ((NLIST, DIM), np.float32, np.float32)
    wanted = lists[np.argsort(-(held_out @ items.T), axis=1)[:, :10]]
    plain = lists_needed(held_out @ book.centroids.T, wanted, 0.95)
    routed = lists_needed(held_out @ weight.T + bias, wanted, 0.95)
    assert routed <= 0.7 * plain


def test_the_same_seed_learns_the_same_weights_and_changes_no_input(world):
    items, training, _, book, lists = world
    sizes = np.bincount(lists, minlength=NLIST)
    centroids = book.centroids.copy()
    targets = nearest_lists(training[:600], items, lists)
    first, second, other = (
        train_router(training[:600], targets, book.centroids, sizes, seed) for seed in (1, 1, 2)
    )
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[1], second[1])
    assert not np.array_equal(first[0], other[0])
    assert np.array_equal(book.centroids, centroids)


@pytest.mark.parametrize("n_lists", [1, 8])
def test_lists_that_no_score_tells_apart_get_finite_weights_in_half_precision(world, n_lists):
    queries = world[1][:600]
    centroids = np.repeat(unit(np.ones((1, DIM))), n_lists, axis=0)
    weight, bias = train_router(
        queries, np.zeros((600, 10), np.int64), centroids, np.full(n_lists, 9), 0
    )
    assert np.isfinite(weight.astype(np.float16)).all()
    assert np.isfinite(bias).all()
