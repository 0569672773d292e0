"""The codebook of an IVF-PQ index, through FAISS: which list a vector belongs to, and its code."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from retrieval.ann.codes_file import written_pieces
from retrieval.ann.device_coding import append_rows, nearest_rows_on, subspace_codes
from retrieval.ann.exact import NO_ID
from retrieval.ann.faiss_io import load_faiss, read_index
from retrieval.ann.list_ranker import RankedRows
from retrieval.ann.nearest import nearest_rows
from retrieval.model import Float32Array, Int64Array

_GRAPH_EFFORT = 2
"""Centroids that the graph looks at, as a multiple of the lists that are asked for."""


class Codebook:
    """A trained, empty index: turns vectors into inverted lists of codes.

    Attributes:
        nlist: inverted lists.
        centroids: (nlist, dim) of the lists, in the space of the codes (rotated, if it is).
    """

    def __init__(self, codebook: bytes) -> None:
        """Read what `training.train_codebook` wrote.

        Raises:
            CorruptCollectionError: FAISS cannot read the bytes.
            MissingDependencyError: no FAISS is installed.
        """
        faiss = load_faiss()
        whole = owner = read_index(codebook)
        self._rotation: Float32Array | None = None
        if isinstance(whole, faiss.IndexPreTransform):
            matrix = faiss.downcast_VectorTransform(whole.chain.at(0))
            values = faiss.vector_to_array(matrix.A).reshape(matrix.d_out, matrix.d_in)
            self._rotation = values.copy()
            whole = faiss.downcast_index(whole.index)
        self._owner = owner
        self._index = whole
        self._index.by_residual = True  # not in the file of every kind
        self._is_fast = isinstance(whole, faiss.IndexIVFPQFastScan)
        self._quantizer = faiss.downcast_index(whole.quantizer)
        self._has_graph = isinstance(self._quantizer, faiss.IndexHNSW)
        self.nlist: int = whole.nlist
        self.centroids: Float32Array = np.asarray(_KeptRows(owner, self._quantizer))

    @property
    def unrotated_centroids(self) -> Float32Array:
        """(nlist, dim) of the lists, in the space of the vectors."""
        return self.centroids if self._rotation is None else self.centroids @ self._rotation

    @property
    def code_bytes(self) -> int:
        """Bytes of one code."""
        return int(self._index.code_size)

    @property
    def is_fast(self) -> bool:
        """Whether codes have 4 bits a sub-space and are scanned in registers."""
        return self._is_fast

    def rotated(self, rows: Float32Array) -> Float32Array:
        """Rows in the space of the codes; each on its own, whatever it comes with."""
        if self._rotation is None:
            return rows
        return np.stack([self._rotation @ row for row in rows]) if len(rows) else rows

    def nearest_lists(self, query: Float32Array, n_lists: int) -> RankedRows | None:
        """Lists that the graph finds for one rotated query; None where there is no graph."""
        if not self._has_graph:
            return None
        faiss = load_faiss()
        effort = faiss.SearchParametersHNSW(efSearch=_GRAPH_EFFORT * n_lists)
        scores, found = self._quantizer.search(query[None], n_lists, params=effort)
        is_there = found[0] != NO_ID
        return RankedRows(found[0][is_there], scores[0][is_there])

    def encode(self, chunks: Iterable[tuple[int, Float32Array]], device: str = "cpu") -> bytes:
        """The codes of one segment as the bytes of a file; see `encode_pieces`."""
        return b"".join(self.encode_pieces(chunks, device))

    def encode_pieces(
        self, chunks: Iterable[tuple[int, Float32Array]], device: str = "cpu"
    ) -> Iterator[bytes]:
        """The codes of one segment as a file, piece by piece; see `codes_file`.

        What a list names are row numbers of the segment. The list of a vector is that of its
        best-scoring centroid by the exact score, so a vector gets the same list and code whatever
        segment or chunk it comes in.

        Args:
            chunks: (number of the first row, unit rows (c, dim)), in order.
            device: of torch, for lists and codes; "cpu" leaves the codes to FAISS. The file is the
                same.
        """
        faiss = load_faiss()
        plain = self.plain_index()
        for start, rows in chunks:
            turned = np.ascontiguousarray(
                rows if self._rotation is None else rows @ self._rotation.T, np.float32
            )
            numbers = np.arange(start, start + len(rows), dtype=np.int64)
            lists = self._nearest(turned, device)
            if device != "cpu":
                codes = self._codes(turned, lists, device)
                append_rows(plain.invlists, numbers, lists, codes)
                continue
            # add_core takes the lists as given; add_with_ids would assign by a BLAS product.
            plain.add_core(
                len(rows), faiss.swig_ptr(turned), faiss.swig_ptr(numbers), faiss.swig_ptr(lists)
            )
        packed = self.packed(plain)
        if packed is not plain:
            plain.reset()  # its codes are in the other now
        yield from written_pieces(packed.invlists, self.code_bytes, is_fast=self._is_fast)

    def lists_of(self, rows: Float32Array, device: str = "cpu") -> Int64Array:
        """The list of each unit row, as `encode` assigns it, (n,)."""
        turned = rows if self._rotation is None else rows @ self._rotation.T
        return self._nearest(np.ascontiguousarray(turned), device)

    def searchable(self, lists: Any) -> Any:  # noqa: ANN401 - FAISS has no types
        """An index over lists that the caller keeps alive; it shares centroids and values."""
        faiss = load_faiss()
        index = self._like(faiss.IndexIVFPQFastScan) if self._is_fast else self.plain_index()
        index.replace_invlists(lists, False)
        index.ntotal = lists.compute_ntotal()
        return index

    def flat_lists(self, lists: Any) -> Any:  # noqa: ANN401 - FAISS has no types
        """A copy of lists as plain arrays of codes: FastScan's blocks are unpacked."""
        faiss = load_faiss()
        flat = faiss.ArrayInvertedLists(self.nlist, self.code_bytes)
        if self._is_fast:
            index = self.searchable(lists)
            index.orig_invlists = flat
            index.reconstruct_orig_invlists()
            index.orig_invlists = None
            flat.this.own(True)  # the first assignment took it from Python: it would never be freed
            return flat
        for number in filter(lists.list_size, range(self.nlist)):
            flat.add_entries(
                number, lists.list_size(number), lists.get_ids(number), lists.get_codes(number)
            )
        return flat

    def packed(self, plain: Any) -> Any:  # noqa: ANN401 - FAISS has no types
        """A plain index in the form that is searched; its `invlists` live as long as it does.

        Its lists must be its own: FAISS 1.15.1 crashes on replaced ones here.
        """
        plain.ntotal = plain.invlists.compute_ntotal()
        return load_faiss().IndexIVFPQFastScan(plain) if self._is_fast else plain

    def plain_index(self) -> Any:  # noqa: ANN401 - FAISS has no types
        """An empty index whose codes lie in plain arrays, whatever the kind of the codebook."""
        return self._like(load_faiss().IndexIVFPQ)

    def _nearest(self, turned: Float32Array, device: str) -> Int64Array:
        if device == "cpu":
            return nearest_rows(turned, self.centroids)
        return nearest_rows_on(device, turned, self.centroids)

    def _codes(self, turned: Float32Array, lists: Int64Array, device: str) -> npt.NDArray[np.uint8]:
        return subspace_codes(device, self._index.pq, turned - self.centroids[lists])

    def _like(self, kind: Any) -> Any:  # noqa: ANN401 - FAISS has no types
        faiss, own = load_faiss(), self._index
        bits = own.pq.nbits
        index = kind(own.quantizer, own.d, own.nlist, own.pq.M, bits, faiss.METRIC_INNER_PRODUCT)
        index.pq = own.pq
        index.by_residual = True
        index.is_trained = True
        return index


class _KeptRows:
    """The rows of a flat index, or of a graph over one, where they lie.

    An array made of this keeps it, and so the index that owns the memory.
    """

    def __init__(self, owner: Any, quantizer: Any) -> None:  # noqa: ANN401 - FAISS has no types
        faiss = load_faiss()
        is_graph = isinstance(quantizer, faiss.IndexHNSW)
        flat = faiss.downcast_index(quantizer.storage) if is_graph else quantizer
        rows = faiss.rev_swig_ptr(flat.get_xb(), flat.ntotal * flat.d)
        self._owner = owner
        self.__array_interface__ = rows.reshape(flat.ntotal, flat.d).__array_interface__
