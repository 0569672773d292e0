"""Lists and codes come out the same on a device, whatever its products round to."""

import numpy as np
import pytest
import torch

from retrieval.ann import device_coding
from retrieval.ann.clustering import spherical_kmeans, subspace_kmeans
from retrieval.ann.codebook import Codebook
from retrieval.ann.device_coding import nearest_rows_on, subspace_codes
from retrieval.ann.exact import pair_scores
from retrieval.ann.faiss_io import load_faiss
from retrieval.ann.nearest import nearest_rows
from retrieval.ann.spec import IndexSpec
from retrieval.ann.training import train_codebook
from retrieval.learn.router import nearest_lists, train_router
from tests.retrieval.ann.arrays import clustered_rows, unit_rows

DIM, NLIST = 16, 32
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]
KINDS = ["ivf32,pq4", "ivf32,pq8x4fs", "opq4,ivf32,pq4", "opq8,ivf32_hnsw,pq8x4fs"]


@pytest.fixture(params=DEVICES)
def device(request):
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    return request.param


@pytest.fixture(scope="module")
def rows():
    return clustered_rows(np.random.default_rng(0), 11_000, DIM)


def in_tf32(matrix):
    """Rounded to ten bits behind the leading one, as the factors of a product in TF32 are."""
    bits = matrix.contiguous().view(torch.int32)
    return ((bits + 0x1000) & ~0x1FFF).view(torch.float32)


@pytest.mark.parametrize("spread", [1.0, 1e-3, 1e-6, 0.0])
def test_the_nearest_row_is_that_of_the_cpu_however_near_the_rivals(device, spread, monkeypatch):
    rng = np.random.default_rng(1)
    centre = unit_rows(rng, 1, DIM)
    near = centre + spread * rng.standard_normal((40, DIM))
    centroids = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
    vectors = unit_rows(rng, 500, DIM)
    monkeypatch.setattr(device_coding, "_PRODUCTS", 40 * 64)
    assert np.array_equal(
        nearest_rows_on(device, vectors, centroids), nearest_rows(vectors, centroids)
    )


def test_thousands_of_equal_rows_are_not_all_fetched_for_each_vector(device, monkeypatch):
    vectors = unit_rows(np.random.default_rng(4), 200, DIM)
    scored = []

    def spy(rows, own):
        scored.append(len(rows))
        return pair_scores(rows, own)

    monkeypatch.setattr(device_coding, "pair_scores", spy)
    centroids = np.repeat(vectors[:1], 1_000, axis=0)
    assert nearest_rows_on(device, vectors, centroids).tolist() == [0] * 200
    assert sum(scored) <= 64 * 200


def test_products_in_tf32_change_no_list(monkeypatch):
    rng = np.random.default_rng(2)
    vectors, centroids = unit_rows(rng, 4_000, DIM), unit_rows(rng, 900, DIM)
    expected = nearest_rows(vectors, centroids)
    rounded = in_tf32(torch.from_numpy(vectors)) @ in_tf32(torch.from_numpy(centroids)).T
    assert not np.array_equal(rounded.argmax(dim=1).numpy(), expected)  # else it shows nothing
    monkeypatch.setattr(
        device_coding, "_products", lambda left, right: in_tf32(left) @ in_tf32(right)
    )
    assert np.array_equal(nearest_rows_on("cpu", vectors, centroids), expected)


@pytest.mark.parametrize(("m", "bits"), [(8, 4), (5, 4), (1, 4), (4, 8), (2, 8)])
def test_codes_of_sub_spaces_are_those_of_faiss(device, m, bits, monkeypatch):
    rng = np.random.default_rng(m + bits)
    quantizer = load_faiss().ProductQuantizer(4 * m, m, bits)
    values = rng.standard_normal((m, 1 << bits, 4)).astype(np.float32)
    load_faiss().copy_array_to_vector(values.ravel(), quantizer.centroids)
    residuals = rng.standard_normal((300, 4 * m)).astype(np.float32)
    residuals[:50] = np.round(residuals[:50])
    monkeypatch.setattr(device_coding, "_DISTANCE_TERMS", 70 * values.size)
    expected = quantizer.compute_codes(residuals)
    assert np.array_equal(subspace_codes(device, quantizer, residuals), expected)


def test_rows_between_two_values_are_left_to_faiss():
    quantizer = load_faiss().ProductQuantizer(4, 2, 4)
    values = np.repeat(np.arange(16, dtype=np.float32), 2)  # each value (j, j), in both spaces
    load_faiss().copy_array_to_vector(np.tile(values, 2), quantizer.centroids)
    residuals = np.array([[2.5, 2.5, 7, 7], [2, 2, 7.5, 7.5], [2, 2, 7, 7]], np.float32)
    _, unsure = device_coding._nearest_values(
        torch.from_numpy(residuals), torch.from_numpy(np.tile(values, 2).reshape(2, 16, 2))
    )
    assert unsure.tolist() == [True, True, False]
    found = subspace_codes("cpu", quantizer, residuals)
    assert np.array_equal(found, quantizer.compute_codes(residuals))
    assert found[2].tolist() == [7 << 4 | 2]


@pytest.mark.parametrize("kind", KINDS)
def test_a_segment_is_coded_to_the_same_bytes(device, kind, rows, monkeypatch):
    book = Codebook(train_codebook(rows, IndexSpec.parse(kind), seed=5))
    chunks = [(start, rows[start : start + 700]) for start in range(0, 3_000, 700)]
    expected = book.encode(chunks)
    if device == "cpu":  # the same way, computed here
        monkeypatch.setattr("retrieval.ann.codebook.nearest_rows", None)
        device = "cpu:0"
    assert book.encode(chunks, device) == expected
    assert len(book.lists_of(rows[:9], device)) == 9


@pytest.mark.gpu
def test_a_device_trains_as_well_as_a_cpu(rows):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    near = {}
    for device in ("cpu", "cuda"):
        centroids = spherical_kmeans(rows, NLIST, seed=1, device=device)
        near[device] = (rows @ centroids.T).max(axis=1).mean()
        spaces = rows.reshape(len(rows), 8, 2)
        assert subspace_kmeans(spaces, 16, iterations=4, seed=1, device=device).shape == (8, 16, 2)
    assert abs(near["cuda"] - near["cpu"]) < 0.005


@pytest.mark.gpu
def test_a_router_learned_on_a_device_ranks_as_one_of_the_cpu(rows):
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    book = Codebook(train_codebook(rows, IndexSpec.parse("ivf32,pq4"), seed=5, device="cuda"))
    lists = book.lists_of(rows, "cuda")
    queries, sizes = unit_rows(np.random.default_rng(3), 2_000, DIM), np.bincount(lists)
    first = {}
    for device in ("cpu", "cuda"):
        targets = nearest_lists(queries, rows, lists, device=device)
        weight, bias = train_router(queries, targets, book.centroids, sizes, 0, device)
        first[device] = (queries @ weight.T + bias).argmax(axis=1)
    assert (first["cpu"] == first["cuda"]).mean() > 0.95
