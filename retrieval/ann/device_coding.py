"""Lists and codes of vectors computed by torch on a device, the same ones as on a CPU.

A device sums in an order of its own, and may round the factors of a product to TF32, so it only
screens. Where it cannot tell which centroid is the nearest, `pair_scores` decides, as
`nearest_rows` does; where it cannot tell a value of a sub-space, FAISS codes the row itself. So
codes of one codebook may come from any device.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from retrieval.ann.exact import BoolArray, pair_scores, screening_margin
from retrieval.ann.faiss_io import load_faiss
from retrieval.ann.nearest import nearest_rows
from retrieval.model import Float32Array, Int64Array

if TYPE_CHECKING:
    import torch

_PRODUCTS = 1 << 26
"""Products of vectors and centroids in memory at a time: 256 MiB of float32."""

_MOST_RIVALS = 64
"""Rows near the best for each vector, in the mean over a step, that are fetched and scored: where
thousands of rows are equal, each with each vector would be more than any memory holds."""

_DISTANCE_TERMS = 1 << 24
"""Terms of distances to values in memory at a time: 64 MiB of float32, three times over."""

_TF32_ROUNDOFF = 2.0**-11
"""TF32 keeps ten bits behind the leading one; torch uses it for products where it is told to."""

_DISTANCE_SLACK = 2.0**-20
"""Of the squared lengths: sixteen times the roundoff of float32, for a sum of few terms."""


def nearest_rows_on(device: str, vectors: Float32Array, rows: Float32Array) -> Int64Array:
    """What `nearest_rows(vectors, rows)` gives, with the products taken on a device.

    Rounding both factors to TF32 moves a product by at most 2 * 2**-11 |q| |x|, and the cut by as
    much again; every row within that, and the margin of the sums, is scored on the CPU.

    Args:
        device: of torch.
        vectors: (n, dim) float32 unit rows.
        rows: (c, dim) float32 of norm at most 1.

    Returns:
        (n,) number of the best-scoring row of each vector, the lowest among equals.
    """
    import torch

    targets = torch.from_numpy(np.ascontiguousarray(rows)).to(device).T
    lengths = np.linalg.norm(vectors, axis=1)
    margins = screening_margin(vectors) + np.float32(4.2 * _TF32_ROUNDOFF) * lengths
    nearest = np.empty(len(vectors), np.int64)
    step = max(1, _PRODUCTS // len(rows))
    for start in range(0, len(vectors), step):
        here = slice(start, start + step)
        own = np.ascontiguousarray(vectors[here])
        products = _products(torch.from_numpy(own).to(device), targets)
        floor = products.max(dim=1).values - torch.from_numpy(margins[here]).to(device)
        is_near = products >= floor[:, None]
        if int(is_near.count_nonzero()) > _MOST_RIVALS * len(own):
            nearest[here] = nearest_rows(own, rows)
            continue
        numbers, near = (each.cpu().numpy() for each in is_near.nonzero(as_tuple=True))
        nearest[here] = _best(numbers, near, pair_scores(rows[near], own[numbers]))
    return nearest


def subspace_codes(device: str, quantizer: Any, residuals: Float32Array) -> npt.NDArray[np.uint8]:  # noqa: ANN401 - FAISS has no types
    """What FAISS's `ProductQuantizer.compute_codes` gives, with the distances taken on a device.

    Args:
        device: of torch.
        quantizer: a trained ProductQuantizer of 4 or 8 bits.
        residuals: (n, dim) float32.

    Returns:
        (n, bytes of a code).
    """
    import torch

    faiss = load_faiss()
    n_spaces, dim = quantizer.M, quantizer.dsub
    values = faiss.vector_to_array(quantizer.centroids).reshape(n_spaces, quantizer.ksub, dim)
    targets = torch.from_numpy(values).to(device)
    codes = np.empty((len(residuals), quantizer.code_size), np.uint8)
    step = max(1, _DISTANCE_TERMS // values.size)
    for start in range(0, len(residuals), step):
        here = slice(start, start + step)
        own = np.ascontiguousarray(residuals[here])
        names, unsure = _nearest_values(torch.from_numpy(own).to(device), targets)
        codes[here] = _packed(names, quantizer.nbits)
        if unsure.any():
            codes[start + np.flatnonzero(unsure)] = quantizer.compute_codes(own[unsure])
    return codes


def append_rows(
    to: Any,  # noqa: ANN401 - FAISS has no types
    numbers: Int64Array,
    lists: Int64Array,
    codes: npt.NDArray[np.uint8],
) -> None:
    """Add coded rows to plain inverted lists, as FAISS's `add_core` does.

    Args:
        to: ArrayInvertedLists.
        numbers: (n,) ascending, what the lists shall name.
        lists: (n,) of the rows.
        codes: (n, bytes of a code).
    """
    faiss = load_faiss()
    order = np.argsort(lists, kind="stable")
    names, firsts = np.unique(lists[order], return_index=True)
    for name, own in zip(names.tolist(), np.split(order, firsts[1:]), strict=True):
        own_numbers, own_codes = numbers[own], codes[own]
        to.add_entries(name, len(own), faiss.swig_ptr(own_numbers), faiss.swig_ptr(own_codes))


def _products(vectors: "torch.Tensor", targets: "torch.Tensor") -> "torch.Tensor":
    return vectors @ targets


def _best(numbers: Int64Array, rows: Int64Array, scores: Float32Array) -> Int64Array:
    """The best-scoring row of each vector, the lowest among equals; each has at least one."""
    order = np.lexsort((rows, -scores, numbers))
    firsts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    best: Int64Array = rows[order][firsts]
    return best


def _nearest_values(
    residuals: "torch.Tensor", values: "torch.Tensor"
) -> tuple[npt.NDArray[np.uint8], BoolArray]:
    """The nearest value in each sub-space, (n, m), and whether any of a row is in doubt, (n,).

    Differences are squared and summed one by one: no product that might be taken in TF32.
    """
    n_spaces, n_values, dim = values.shape
    spaces = residuals.reshape(-1, n_spaces, 1, dim)
    distances = (spaces - values).square().sum(dim=3)
    two = distances.topk(min(2, n_values), dim=2, largest=False)
    reach = spaces.square().sum(dim=3)[:, :, 0] + values.square().sum(dim=2).amax(dim=1)
    gap = two.values[:, :, -1] - two.values[:, :, 0]
    unsure = (gap <= _DISTANCE_SLACK * (dim + 4) * reach).any(dim=1)
    return two.indices[:, :, 0].byte().cpu().numpy(), unsure.cpu().numpy()


def _packed(names: npt.NDArray[np.uint8], bits: int) -> npt.NDArray[np.uint8]:
    """Codes of 4 bits two to a byte, the first in the lower half."""
    if bits == 8:
        return names
    packed = names[:, ::2].copy()
    packed[:, : names.shape[1] // 2] |= names[:, 1::2] << np.uint8(4)
    return packed
