"""Train the codebook of an IVF-PQ index: rotation, lists, and the values of the sub-spaces."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from retrieval.ann.clustering import CHUNK_ROWS, PRODUCTS, spherical_kmeans, subspace_kmeans
from retrieval.ann.faiss_io import load_faiss, written_index
from retrieval.ann.nearest import nearest_rows
from retrieval.ann.scratch import scratch_rows
from retrieval.ann.spec import IndexSpec
from retrieval.model import Float32Array

_ITERATIONS = 12
_PQ_POINTS_PER_CENTROID = {8: 64, 4: 1024}
"""Effort of both k-means, half of FAISS's own (25 rounds) and at 8 bits a quarter of its points:
exact re-scoring repairs what coarser codes blur. 16 values take little time with many points."""

_OPQ_ITERATIONS = 12
_GRAPH_LINKS = 32
_GRAPH_EFFORT = 200


@dataclass(frozen=True, slots=True)
class TrainingLimits:
    """How much a training holds in memory at a time.

    Attributes:
        chunk_rows: points of the sample.
        most_points: that the quantiser is trained on; None is the number that is worth the time.
        products: of points and values of sub-spaces.
        scratch: folder where copies of the sample lie in a file; None keeps them in memory.
    """

    chunk_rows: int = CHUNK_ROWS
    most_points: int | None = None
    products: int = PRODUCTS
    scratch: Path | None = None


def points_wanted(spec: IndexSpec) -> int:
    """Points of the sample that the quantiser of an "ivfpq" is trained on."""
    return _PQ_POINTS_PER_CENTROID[spec.bits] << spec.bits


def train_codebook(
    sample: Float32Array,
    spec: IndexSpec,
    seed: int,
    device: str = "cpu",
    limits: TrainingLimits | None = None,
) -> bytes:
    """Train the rotation, the lists (spherical k-means) and the quantiser of their residuals.

    Same sample, spec, seed, device and number of threads: same bytes.

    Args:
        sample: (s, dim) unit rows, drawn from all segments; at least 39 a list and a value of a
            sub-space.
        spec: resolved, of kind "ivfpq".
        seed: of all k-means.
        device: of torch, for both k-means. Codebooks of two devices differ in the last bits.
        limits: on memory; None takes what is fastest.

    Returns:
        An empty FAISS index for the inner product: IndexIVFPQ or IndexIVFPQFastScan, behind an
        IndexPreTransform where the spec has a rotation.

    Raises:
        MissingDependencyError: no FAISS is installed.

    Source: H. Jegou et al., "Product Quantization for Nearest Neighbor Search", PAMI 2011; T. Ge et
    al., "Optimized Product Quantization", CVPR 2013; F. Andre et al., "Cache locality is not
    enough: High-Performance Nearest Neighbor Search with Product Quantization Fast Scan", 2015.
    """
    faiss = load_faiss()
    limits = limits or TrainingLimits()
    dim = sample.shape[1]
    points = _drawn(sample, limits.most_points or points_wanted(spec), seed)
    rotation = _train_rotation(points, spec, seed) if spec.opq else None
    if rotation is not None:
        sample, points = _rotated(rotation, sample, limits), rotation.apply(points)
    centroids = spherical_kmeans(
        np.ascontiguousarray(sample),
        spec.nlist,
        seed=seed,
        device=device,
        chunk_rows=limits.chunk_rows,
    )
    flat = faiss.IndexFlatIP(dim)
    flat.add(centroids)
    index = _empty_index(_graph(centroids) if spec.graph else flat, dim, spec)
    residuals = _residuals(points, centroids, limits.chunk_rows)
    del sample, points
    values = subspace_kmeans(
        residuals.reshape(len(residuals), spec.m, -1),
        1 << spec.bits,
        iterations=_ITERATIONS,
        seed=seed,
        device=device,
        products=limits.products,
    )
    faiss.copy_array_to_vector(values.ravel(), index.pq.centroids)
    index.is_trained = True
    return written_index(index if rotation is None else faiss.IndexPreTransform(rotation, index))


def _drawn(sample: Float32Array, n_points: int, seed: int) -> Float32Array:
    if len(sample) <= n_points:
        return sample
    chosen = np.random.default_rng(seed).choice(len(sample), n_points, replace=False)
    return sample[np.sort(chosen)]


def _rotated(rotation: Any, sample: Float32Array, limits: TrainingLimits) -> Float32Array:  # noqa: ANN401
    turned = scratch_rows(len(sample), sample.shape[1], limits.scratch)
    for start in range(0, len(sample), limits.chunk_rows):
        here = slice(start, start + limits.chunk_rows)
        turned[here] = rotation.apply(np.ascontiguousarray(sample[here]))
    return turned


def _residuals(points: Float32Array, centroids: Float32Array, chunk_rows: int) -> Float32Array:
    """What is left of points after the centroid that each is nearest to, (n, dim)."""
    left = np.empty_like(points)
    nearest = nearest_rows(points, centroids, chunk_rows)
    for start in range(0, len(points), chunk_rows):
        here = slice(start, start + chunk_rows)
        np.subtract(points[here], centroids[nearest[here]], out=left[here])
    return left


def _empty_index(quantizer: Any, dim: int, spec: IndexSpec) -> Any:  # noqa: ANN401
    faiss = load_faiss()
    kind = faiss.IndexIVFPQFastScan if spec.bits == 4 else faiss.IndexIVFPQ
    index = kind(quantizer, dim, spec.nlist, spec.m, spec.bits, faiss.METRIC_INNER_PRODUCT)
    index.by_residual = True
    return index


def _graph(centroids: Float32Array) -> Any:  # noqa: ANN401 - FAISS has no types
    faiss = load_faiss()
    graph = faiss.IndexHNSWFlat(centroids.shape[1], _GRAPH_LINKS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = _GRAPH_EFFORT
    graph.add(centroids)
    return graph


def _train_rotation(points: Float32Array, spec: IndexSpec, seed: int) -> Any:  # noqa: ANN401
    faiss = load_faiss()
    rotation = faiss.OPQMatrix(points.shape[1], spec.opq)
    rotation.niter = _OPQ_ITERATIONS
    rotation.verbose = False
    quantizer = faiss.ProductQuantizer(points.shape[1], spec.opq, 8)
    quantizer.cp.seed = seed
    quantizer.cp.niter = 4
    rotation.pq = quantizer
    rotation.train(np.ascontiguousarray(points))
    rotation.pq = None
    return rotation
