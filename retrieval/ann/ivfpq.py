"""IVF-PQ through FAISS: train a codebook, code segments with it, gather candidates from the codes.

Owns every FAISS call of the query side. Its scores never leave it: candidates are re-scored from
the vectors themselves (retrieval.ann.fanout). Bytes that come in here were checked against the
manifest by the caller: FAISS loads and searches a flipped bit without noticing.
"""

import threading
from collections.abc import Iterable, Sequence
from types import ModuleType
from typing import Any

import numpy as np

from retrieval.ann.exact import BoolArray, nearest_rows
from retrieval.ann.spec import PQ_BITS, IndexSpec
from retrieval.errors import CorruptCollectionError, MissingDependencyError
from retrieval.model import Float32Array, Int64Array

SEARCH_BATCH = 16
"""Queries given to FAISS at a time. From 20 on it ranks the lists by a BLAS product, whose rounding
depends on the batch; below, a query gets the same candidates alone and in any company."""

_ITERATIONS = 12
_PQ_POINTS_PER_CENTROID = 64
"""Effort of both k-means, half of FAISS's own (25 rounds) and a quarter of its points: exact
re-scoring repairs what coarser codes blur."""

_FAST_SUBSPACE_DIM = 8

_TABLE_FACTOR = 2 << PQ_BITS
"""FAISS counts a table of nlist * m * 256 floats against the limit when it reads an IVF-PQ index,
though the inner product needs none; nlist * m floats lie in the file as centroids, at the least."""

_reading = threading.Lock()  # FAISS's limit is one setting of the process


def train_codebook(sample: Float32Array, spec: IndexSpec, seed: int) -> bytes:
    """Train the lists (spherical k-means) and the product quantiser of their residuals.

    Same sample, spec, seed and number of threads: same bytes.

    Args:
        sample: (s, dim) unit rows, drawn from all segments; at least 39 a list and MIN_IVFPQ_ITEMS.
        spec: of kind "ivfpq", its m dividing dim.
        seed: of both k-means.

    Returns:
        An empty IndexIVFPQ for the inner product, as FAISS writes it.

    Raises:
        MissingDependencyError: no FAISS is installed.
    """
    faiss = _faiss()
    dim = sample.shape[1]
    clustering = faiss.Clustering(dim, spec.nlist)
    clustering.spherical = True
    clustering.niter = _ITERATIONS
    clustering.seed = seed
    quantizer = faiss.IndexFlatIP(dim)
    clustering.train(np.ascontiguousarray(sample), quantizer)
    index = faiss.IndexIVFPQ(
        quantizer, dim, spec.nlist, spec.m, PQ_BITS, faiss.METRIC_INNER_PRODUCT
    )
    n_points = min(len(sample), _PQ_POINTS_PER_CENTROID << PQ_BITS)
    chosen = np.random.default_rng(seed).choice(len(sample), n_points, replace=False)
    points = sample[np.sort(chosen)]
    centroids: Float32Array = quantizer.reconstruct_n(0, spec.nlist)
    residuals = points - centroids[nearest_rows(points, centroids)]
    values = _train_subspaces(residuals.reshape(n_points, spec.m, -1), seed)
    faiss.copy_array_to_vector(values.ravel(), index.pq.centroids)
    index.is_trained = True
    return _written(faiss.write_index, index)


def _train_subspaces(residuals: Float32Array, seed: int) -> Float32Array:
    """The 256 values of each sub-space, (m, 256, s), from residuals (n, m, s).

    Sub-spaces of fewer than eight dimensions are padded with zeros, which moves no centroid:
    FAISS's k-means takes 25 times as long in four dimensions as in eight.
    """
    faiss = _faiss()
    n_points, m, subspace_dim = residuals.shape
    padded_dim = max(subspace_dim, _FAST_SUBSPACE_DIM)
    padded = np.zeros((n_points, m, padded_dim), np.float32)
    padded[:, :, :subspace_dim] = residuals
    quantizer = faiss.ProductQuantizer(m * padded_dim, m, PQ_BITS)
    quantizer.cp.niter = _ITERATIONS
    quantizer.cp.seed = seed
    quantizer.train(padded.reshape(n_points, -1))
    values = faiss.vector_to_array(quantizer.centroids).reshape(m, -1, padded_dim)
    return np.ascontiguousarray(values[:, :, :subspace_dim])


class Codebook:
    """A trained, empty index that turns vectors into inverted lists of codes."""

    def __init__(self, codebook: bytes) -> None:
        self._index = _read_index(codebook)
        quantizer = _faiss().downcast_index(self._index.quantizer)
        self._centroids: Float32Array = quantizer.reconstruct_n(0, self._index.nlist)

    def encode(self, chunks: Iterable[tuple[int, Float32Array]], ids: Int64Array) -> bytes:
        """The codes of one segment: FAISS inverted lists, without the codebook.

        The list of a vector is that of its best-scoring centroid by the exact score, so a vector
        gets the same list and code whatever segment or chunk it comes in.

        Args:
            chunks: (number of the first row, unit rows (c, dim)), in order.
            ids: (n,) of the rows, ascending.
        """
        faiss = _faiss()
        try:
            for start, rows in chunks:
                chunk_ids = np.ascontiguousarray(ids[start : start + len(rows)], np.int64)
                lists = nearest_rows(rows, self._centroids)
                # add_core takes the lists as given; add_with_ids would assign by a BLAS product.
                self._index.add_core(
                    len(rows),
                    faiss.swig_ptr(np.ascontiguousarray(rows, np.float32)),
                    faiss.swig_ptr(chunk_ids),
                    faiss.swig_ptr(lists),
                )
            return _written(faiss.write_InvertedLists, self._index.invlists)
        finally:
            self._index.reset()


class IvfPq:
    """The codes of many segments merged in memory into one index, read-only from then on.

    Works in positions, not ids: position p is the item ids[p]. Positions are dense, so that a
    selector is a small bitmap, and lists keep them ascending, so that ties at the cut fall the same
    way however the items are spread over segments.
    """

    def __init__(self, codebook: bytes, codes: Sequence[bytes], ids: Int64Array) -> None:
        """Merge.

        Args:
            codebook: from `train_codebook`.
            codes: from `Codebook.encode` with this codebook, one for each coded segment.
            ids: all ids of the gallery, ascending; those of `codes` are among them.

        Raises:
            CorruptCollectionError: FAISS cannot read the bytes, or they belong to other items.
            MissingDependencyError: no FAISS is installed.
        """
        faiss = _faiss()
        self._index = _read_index(codebook)
        merged = faiss.ArrayInvertedLists(self._index.nlist, self._index.code_size)
        for segment_codes in codes:
            lists = _read_lists(segment_codes)
            if (lists.nlist, lists.code_size) != (merged.nlist, merged.code_size):
                raise CorruptCollectionError("the codes of a segment were made by another codebook")
            merged.merge_from(lists, 0)
        _number_by_position(merged, ids)
        self._index.replace_invlists(merged, False)
        self._lists = merged  # the index only borrows them
        self.n = self._index.ntotal = merged.compute_ntotal()
        self.nlist: int = self._index.nlist

    def candidates(
        self, queries: Float32Array, k: int, *, nprobe: int, allowed: BoolArray | None = None
    ) -> Int64Array:
        """Positions of the k best codes of each query, best first; NO_ID where lists ran out.

        Args:
            queries: (Q, dim) unit rows.
            k: at least 1.
            nprobe: lists to visit, at least 1; more than nlist means all.
            allowed: (number of ids,) False for positions that must not show; None allows all.

        Returns:
            (Q, min(k, n)).
        """
        width = min(k, self.n)
        if not len(queries) or not width:
            return np.empty((len(queries), width), np.int64)
        parameters, _bitmap = self._search_parameters(nprobe, allowed)
        found = [
            self._index.search(queries[at : at + SEARCH_BATCH], width, params=parameters)[1]
            for at in range(0, len(queries), SEARCH_BATCH)
        ]
        positions: Int64Array = np.vstack(found)
        return positions

    def _search_parameters(self, nprobe: int, allowed: BoolArray | None) -> tuple[Any, object]:
        """FAISS parameters of one call: the only place that makes them.

        nprobe is always among them: parameters that only hold a selector reset it to 1, and recall
        falls to an eighth (github.com/facebookresearch/faiss/issues/2204). The second value
        must outlive the search: FAISS borrows the bitmap.
        """
        faiss = _faiss()
        if nprobe < 1:
            raise ValueError(f"nprobe must be at least 1, got {nprobe}")
        nprobe = min(nprobe, self.nlist)
        if allowed is None:
            return faiss.SearchParametersIVF(nprobe=nprobe), None
        bitmap = np.packbits(allowed, bitorder="little")
        selector = faiss.IDSelectorBitmap(bitmap)
        return faiss.SearchParametersIVF(nprobe=nprobe, sel=selector), (bitmap, selector)


def _number_by_position(lists: Any, ids: Int64Array) -> None:  # noqa: ANN401 - FAISS has no types
    """Replace the ids of inverted lists by positions in `ids`, ascending within each list."""
    faiss = _faiss()
    for number in range(lists.nlist):
        size = lists.list_size(number)
        if size == 0:
            continue
        list_ids = faiss.rev_swig_ptr(lists.get_ids(number), size)
        positions = np.searchsorted(ids, list_ids)
        if positions[-1] >= len(ids) or not np.array_equal(ids[positions], list_ids):
            raise CorruptCollectionError("the codes of a segment name items it does not hold")
        if (np.diff(positions) < 0).any():
            order = np.argsort(positions, kind="stable")
            codes = faiss.rev_swig_ptr(lists.get_codes(number), size * lists.code_size)
            codes.reshape(size, -1)[:] = codes.reshape(size, -1)[order]
            positions = positions[order]
        list_ids[:] = positions


def _faiss() -> ModuleType:
    """FAISS, imported at the first use: small galleries and text encoding start without it."""
    try:
        import faiss
    except ImportError as error:
        raise MissingDependencyError(
            "searching or building an IVF-PQ index needs FAISS, which is not installed",
            hint="install polyseek[cpu], or polyseek[gpu] on a machine with a CUDA device",
        ) from error
    module: ModuleType = faiss
    return module


def _written(write: Any, thing: Any) -> bytes:  # noqa: ANN401 - FAISS has no types
    faiss = _faiss()
    writer = faiss.VectorIOWriter()
    write(thing, writer)
    written: bytes = faiss.vector_to_array(writer.data).tobytes()
    return written


def _read_index(checked: bytes) -> Any:  # noqa: ANN401 - FAISS has no types
    return _read("read_index", checked, limit_bytes=_TABLE_FACTOR * len(checked))


def _read_lists(checked: bytes) -> Any:  # noqa: ANN401 - FAISS has no types
    return _read("read_InvertedLists", checked, limit_bytes=2 * len(checked))


def _read(function: str, checked: bytes, *, limit_bytes: int) -> Any:  # noqa: ANN401
    """Let FAISS read bytes, with no array larger than such bytes can ask for."""
    faiss = _faiss()
    reader = faiss.VectorIOReader()
    faiss.copy_array_to_vector(np.frombuffer(checked, np.uint8), reader.data)
    with _reading:
        before = faiss.get_deserialization_vector_byte_limit()
        faiss.set_deserialization_vector_byte_limit(limit_bytes)
        try:
            return getattr(faiss, function)(reader)
        except RuntimeError as error:
            raise CorruptCollectionError(
                f"FAISS {faiss.__version__} cannot read a file of the index: {error}",
                hint="index again to rebuild it; was it written by a newer FAISS?",
            ) from error
        finally:
            faiss.set_deserialization_vector_byte_limit(before)
