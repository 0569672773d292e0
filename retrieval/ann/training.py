"""Train the codebook of an IVF-PQ index: rotation, lists, and the values of the sub-spaces."""

from typing import Any

import numpy as np

from retrieval.ann.clustering import spherical_kmeans, subspace_kmeans
from retrieval.ann.faiss_io import load_faiss, written_index
from retrieval.ann.nearest import nearest_rows
from retrieval.ann.spec import IndexSpec
from retrieval.model import Float32Array

_ITERATIONS = 12
_PQ_POINTS_PER_CENTROID = {8: 64, 4: 1024}
"""Effort of both k-means, half of FAISS's own (25 rounds) and at 8 bits a quarter of its points:
exact re-scoring repairs what coarser codes blur. 16 values take little time with many points."""

_OPQ_ITERATIONS = 12
_GRAPH_LINKS = 32
_GRAPH_EFFORT = 200


def train_codebook(sample: Float32Array, spec: IndexSpec, seed: int, device: str = "cpu") -> bytes:
    """Train the rotation, the lists (spherical k-means) and the quantiser of their residuals.

    Same sample, spec, seed, device and number of threads: same bytes.

    Args:
        sample: (s, dim) unit rows, drawn from all segments; at least 39 a list and a value of a
            sub-space.
        spec: resolved, of kind "ivfpq".
        seed: of all k-means.
        device: of torch, for both k-means. Codebooks of two devices differ in the last bits.

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
    dim = sample.shape[1]
    points = _drawn(sample, _PQ_POINTS_PER_CENTROID[spec.bits] << spec.bits, seed)
    rotation = _train_rotation(points, spec, seed) if spec.opq else None
    if rotation is not None:
        sample, points = rotation.apply(sample), rotation.apply(points)
    centroids = spherical_kmeans(
        np.ascontiguousarray(sample),
        spec.nlist,
        iterations=_ITERATIONS,
        seed=seed,
        device=device,
    )
    flat = faiss.IndexFlatIP(dim)
    flat.add(centroids)
    index = _empty_index(_graph(centroids) if spec.graph else flat, dim, spec)
    residuals = points - centroids[nearest_rows(points, centroids)]
    values = subspace_kmeans(
        residuals.reshape(len(points), spec.m, -1),
        1 << spec.bits,
        iterations=_ITERATIONS,
        seed=seed,
        device=device,
    )
    faiss.copy_array_to_vector(values.ravel(), index.pq.centroids)
    index.is_trained = True
    return written_index(index if rotation is None else faiss.IndexPreTransform(rotation, index))


def _drawn(sample: Float32Array, n_points: int, seed: int) -> Float32Array:
    if len(sample) <= n_points:
        return sample
    chosen = np.random.default_rng(seed).choice(len(sample), n_points, replace=False)
    return sample[np.sort(chosen)]


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
