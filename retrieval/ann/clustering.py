"""k-means: the centroids of the inverted lists, and the values of the sub-spaces of the codes.

FAISS has both, but trains hundreds of small sub-spaces one by one, each with all threads: on a busy
machine they wait for each other most of the time. Here all are trained side by side.
"""

from collections.abc import Sequence

import numpy as np

from retrieval.model import Float32Array, Int64Array

CHUNK_ROWS = 2_048
"""Points at a time: 16 MiB of bfloat16 products with 4,096 centroids."""

SHARES = (4,) * 8 + (2,) * 3 + (1,) * 3
"""Rounds over a fourth of the points, then over half, then over all. In a part of them more
centroids find no point, and go to where there are too many. That takes 0.6 of the time of 12 rounds
over all, and on a million vectors (clip_like, 3,906 centroids) images scan 46 % fewer of them for
the same recall, texts by the plain order 2 to 19 % (docs/design/index.md)."""

_LEAST_POINTS = 8
"""Of each centroid, in the mean, in a round over a part."""

PRODUCTS = 1 << 22
"""Products of points and values of sub-spaces at a time: 16 MiB."""


def spherical_kmeans(
    points: Float32Array,
    n_centroids: int,
    *,
    seed: int,
    shares: Sequence[int] = SHARES,
    device: str = "cpu",
    chunk_rows: int = CHUNK_ROWS,
) -> Float32Array:
    """Unit centroids that the points lie near, by inner product.

    Points are assigned by products in bfloat16: of centroids that are about as near, either will do
    while they move. Which list an item finally gets is decided exactly (`nearest_rows`).

    A centroid that no point is nearest to is put beside the one with the most points, which it then
    shares. Same points, numbers and seed: same centroids on one kind of processor.

    Args:
        points: (n, dim) float32 unit rows, n >= n_centroids.
        n_centroids: at least 1.
        seed: decides which points the centroids start from, and which ones a round sees.
        shares: one round of assignment and mean for each: over one point in so many, drawn anew.
        device: of torch, for the products; sums are taken on the CPU, in one order.
        chunk_rows: points that are multiplied at a time.

    Returns:
        (n_centroids, dim) float32.

    Raises:
        ValueError: there are fewer points than centroids.

    Source: I. Dhillon, D. Modha, "Concept Decompositions for Large Sparse Text Data Using
    Clustering", Machine Learning 42 (2001).
    """
    if len(points) < n_centroids:
        raise ValueError(f"{n_centroids} centroids of {len(points)} points")
    rng = np.random.default_rng(seed)
    centroids = points[np.sort(rng.choice(len(points), n_centroids, replace=False))]
    for share in shares:
        seen = _drawn(len(points), _n_seen(len(points), n_centroids, share), rng)
        sums, counts = _assigned_sums(points, seen, centroids, device, chunk_rows)
        centroids = _unit(np.where(counts[:, None] > 0, sums, centroids))
        _split_largest(centroids, counts, rng)
    return np.ascontiguousarray(centroids)


def subspace_kmeans(
    points: Float32Array,
    n_values: int,
    *,
    iterations: int,
    seed: int,
    device: str = "cpu",
    products: int = PRODUCTS,
) -> Float32Array:
    """Values of each sub-space that its points lie near, by Euclidean distance.

    A value that no point is nearest to takes the place of a point drawn at random.

    Args:
        points: (n, m, s) float32, n >= n_values: n points in m sub-spaces of s dimensions.
        n_values: of each sub-space.
        iterations: rounds of assignment and mean.
        seed: decides which points the values start from.
        device: of torch, for the products; sums are taken on the CPU, in one order.
        products: of points and values at a time.

    Returns:
        (m, n_values, s) float32.

    Source: S. Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28 (1982).
    """
    n, m, _ = points.shape
    rng = np.random.default_rng(seed)
    by_space = np.ascontiguousarray(points.transpose(1, 0, 2))
    values = by_space[:, np.sort(rng.choice(n, n_values, replace=False))]
    group = max(1, products // (n * n_values))
    for _ in range(iterations):
        for start in range(0, m, group):
            here = slice(start, start + group)
            nearest = _nearest_values(by_space[here], values[here], device, products)
            values[here] = _means(by_space[here], nearest, n_values, rng)
    return values


def _nearest_values(
    points: Float32Array, values: Float32Array, device: str, products: int
) -> Int64Array:
    """The value that each point is nearest to, (g, n): points (g, n, s), values (g, k, s)."""
    import torch

    targets = torch.from_numpy(values).to(device)
    # The nearest value is that with the largest <point, value> - |value|^2 / 2.
    halves = (targets * targets).sum(dim=2)[:, None, :] / 2
    n_spaces, n, _ = points.shape
    step = max(1, products // (n_spaces * values.shape[1]))
    nearest = np.empty((n_spaces, n), np.int64)
    for start in range(0, n, step):
        own = torch.from_numpy(points[:, start : start + step]).to(device)
        scores = torch.baddbmm(halves, own, targets.mT, beta=-1)
        nearest[:, start : start + step] = scores.max(dim=2).indices.cpu().numpy()
    return nearest


def _means(
    points: Float32Array, nearest: Int64Array, n_values: int, rng: np.random.Generator
) -> Float32Array:
    """Means of the points that are nearest to each value, (g, k, s): points (g, n, s)."""
    n_spaces, _, dim = points.shape
    names = (nearest + n_values * np.arange(n_spaces)[:, None]).ravel()
    counts = np.bincount(names, minlength=n_spaces * n_values)
    sums = np.stack(
        [np.bincount(names, points[:, :, at].ravel(), len(counts)) for at in range(dim)], axis=1
    )
    means = (sums / np.maximum(counts, 1)[:, None]).astype(np.float32)
    empty = np.flatnonzero(counts == 0)
    means[empty] = points[empty // n_values, rng.integers(points.shape[1], size=len(empty))]
    return means.reshape(n_spaces, n_values, dim)


def points_seen(n: int, n_centroids: int) -> int:
    """Points that are assigned to n_centroids, in all rounds of `spherical_kmeans` over n."""
    return sum(_n_seen(n, n_centroids, share) for share in SHARES)


def _n_seen(n: int, n_centroids: int, share: int) -> int:
    return min(n, max(n // share, _LEAST_POINTS * n_centroids))


def _drawn(n: int, n_wanted: int, rng: np.random.Generator) -> Int64Array:
    """Numbers of some of n points, ascending; of all if so many are wanted."""
    if n_wanted >= n:
        return np.arange(n)
    return np.sort(rng.choice(n, n_wanted, replace=False))


def _assigned_sums(
    points: Float32Array, seen: Int64Array, centroids: Float32Array, device: str, chunk_rows: int
) -> tuple[Float32Array, Int64Array]:
    """Sum and number of the points seen that each centroid is the nearest of."""
    import torch

    targets = torch.from_numpy(centroids).to(device).bfloat16().T
    sums = torch.zeros(centroids.shape)
    counts = np.zeros(len(centroids), np.int64)
    for start in range(0, len(seen), chunk_rows):
        rows = torch.from_numpy(points[seen[start : start + chunk_rows]])
        nearest = (rows.to(device).bfloat16() @ targets).max(dim=1).indices.cpu()
        sums.index_add_(0, nearest, rows)  # here: on CUDA the order of the sum is left to chance
        counts += np.bincount(nearest.numpy(), minlength=len(counts))
    return sums.numpy(), counts


def _split_largest(centroids: Float32Array, counts: Int64Array, rng: np.random.Generator) -> None:
    """Move centroids without points beside those with the most, in place."""
    empty = np.flatnonzero(counts == 0)
    if not empty.size:
        return
    largest = np.argsort(-counts, kind="stable")[: len(empty)]
    step = rng.standard_normal((len(largest), centroids.shape[1]), np.float32)
    step *= 0.01 / np.sqrt(centroids.shape[1])
    centroids[empty[: len(largest)]] = _unit(centroids[largest] + step)


def _unit(rows: Float32Array) -> Float32Array:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Float32Array = rows / np.maximum(lengths, np.finfo(np.float32).tiny)
    return unit
