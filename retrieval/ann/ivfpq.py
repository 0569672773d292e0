"""IVF-PQ through FAISS: code segments with a codebook, and gather candidates from the codes.

The scores of codes never leave retrieval.ann: candidates are re-scored from the vectors themselves
(fanout). Which lists a query visits is decided outside (routing) and handed in.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from retrieval.ann.codes_file import FAST_BLOCK, CodesSource, MappedCodes, written_pieces
from retrieval.ann.device_coding import append_rows, nearest_rows_on, subspace_codes
from retrieval.ann.exact import NO_ID, BoolArray, Ranking, top_k
from retrieval.ann.faiss_io import load_faiss, read_index
from retrieval.ann.list_ranker import RankedRows
from retrieval.ann.nearest import nearest_rows
from retrieval.errors import CorruptCollectionError
from retrieval.model import Float32Array, Int64Array

UInt32Array: TypeAlias = npt.NDArray[np.uint32]

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


class IvfPq:
    """The codes of some segments as one index, read-only from then on.

    Works in rows: row r is the r-th vector of the segments, one after the other. Lists keep rows
    ascending, so that ties at the cut fall the same way however the rows are cut into segments.
    """

    def __init__(
        self,
        codebook: Codebook,
        codes: Sequence[tuple[CodesSource, int]],
        order: Int64Array | None = None,
    ) -> None:
        """Merge.

        Args:
            codebook: that the codes were made with.
            codes: of each segment, from `Codebook.encode`, and the number of its rows.
            order: (n,) place of each row in the order that decides ties, e.g. by id; None is their
                own. Answers are places then.

        Raises:
            CorruptCollectionError: they are no codes, or belong to other rows.
        """
        self._codebook = codebook
        self.n = sum(n_rows for _, n_rows in codes)
        mapped = [self._read(data, n_rows) for data, n_rows in codes]
        self._mapped: MappedCodes | None = None
        if len(mapped) == 1 and order is None:
            self._mapped = mapped[0]
            self._lists = mapped[0].lists
        else:
            self._kept = self._merged(mapped, [n_rows for _, n_rows in codes], order)
            self._lists = self._kept.invlists
        self._index = codebook.searchable(self._lists)

    def candidates(
        self,
        query: Float32Array,
        lists: Int64Array,
        k: int,
        *,
        allowed: BoolArray | None = None,
    ) -> Ranking:
        """The k best codes in some lists for one query.

        Args:
            query: (dim,) unit row, in the space of the codes.
            lists: numbers of the lists to visit, distinct.
            k: at least 1.
            allowed: (n,) False for rows that must not show; None allows all.

        Returns:
            Scores of the codes and rows, (1, min(k, n)), best first; NO_ID where lists ran out.
        """
        faiss = load_faiss()
        width = min(k, self.n)
        scores = np.empty((1, width), np.float32)
        rows = np.empty((1, width), np.int64)
        if not width:
            return scores, rows
        if self._mapped is not None:
            self._mapped.check_size()
        coarse = np.vecdot(self._codebook.centroids[lists], query)
        parameters, _borrowed = _search_parameters(len(lists), allowed)
        query = np.ascontiguousarray(query)
        pointer = faiss.swig_ptr
        self._index.search_preassigned_c(
            1, pointer(query), width, pointer(lists), pointer(coarse),
            pointer(scores), pointer(rows), False, parameters, None,
        )  # fmt: skip
        return scores, rows

    @cached_property
    def list_sizes(self) -> Int64Array:
        """Codes in each list, (nlist,); FAISS takes 5 ms to tell those of 4,000."""
        sizes = (self._lists.list_size(number) for number in range(self._codebook.nlist))
        return np.fromiter(sizes, np.int64, self._codebook.nlist)

    @property
    def nlist(self) -> int:
        """Inverted lists."""
        return self._codebook.nlist

    @cached_property
    def list_of(self) -> UInt32Array:
        """The list of each row, (n,); 4 bytes a row from the first time on that it is asked for."""
        if self._mapped is not None:
            self._mapped.check_size()
        list_of = np.zeros(self.n, np.uint32)
        for number, size in enumerate(self.list_sizes.tolist()):
            if size:
                list_of[load_faiss().rev_swig_ptr(self._lists.get_ids(number), size)] = number
        return list_of

    def plain(self) -> Any:  # noqa: ANN401 - FAISS has no types
        """A copy as an IndexIVFPQ with a flat quantiser and plain lists, as a GPU takes them."""
        faiss, book = load_faiss(), self._codebook
        plain = book.plain_index()
        plain.invlists.merge_from(book.flat_lists(self._lists), 0)
        plain.ntotal = self.n
        flat = faiss.IndexFlatIP(plain.d)
        flat.add(book.centroids)
        plain.quantizer = flat
        plain.referenced_objects = [flat]  # lives as long as the index
        return plain

    def _read(self, data: CodesSource, n_rows: int) -> MappedCodes:
        mapped, book = MappedCodes(data), self._codebook
        layout = mapped.layout
        if (len(layout.sizes), layout.n_rows) != (book.nlist, n_rows):
            raise CorruptCollectionError(
                f"the codes of a segment are {layout.n_rows} in {len(layout.sizes)} lists;"
                f" it has {n_rows} rows, and the codebook {book.nlist} lists"
            )
        block = FAST_BLOCK if book.is_fast else 1
        if (layout.code_bytes, layout.block) != (book.code_bytes, block):
            raise CorruptCollectionError("the codes of a segment were made by another codebook")
        return mapped

    def _merged(
        self, codes: Sequence[MappedCodes], sizes: Sequence[int], order: Int64Array | None
    ) -> Any:  # noqa: ANN401 - FAISS has no types
        merged = self._codebook.plain_index()
        first_row = 0
        for each, n_rows in zip(codes, sizes, strict=True):
            merged.invlists.merge_from(self._codebook.flat_lists(each.lists), first_row)
            first_row += n_rows
        if order is not None:
            _renumber(merged.invlists, order)
        return self._codebook.packed(merged)


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


def merge_candidates(found: Sequence[Ranking], k: int) -> Int64Array:
    """The k best rows of several indexes by the scores of their codes, ties by row, (1, <= k)."""
    if len(found) == 1:
        return found[0][1]
    scores = np.hstack([scores for scores, _ in found])
    rows = np.hstack([rows for _, rows in found])
    scores[rows == NO_ID] = -np.inf
    return top_k(scores, rows, k)[1]


def _renumber(lists: Any, order: Int64Array) -> None:  # noqa: ANN401 - FAISS has no types
    """Replace rows by their place in `order`, ascending within each list."""
    faiss = load_faiss()
    for number in range(lists.nlist):
        size = lists.list_size(number)
        if size == 0:
            continue
        rows = faiss.rev_swig_ptr(lists.get_ids(number), size)
        places = order[rows]
        if (np.diff(places) < 0).any():
            by_place = np.argsort(places, kind="stable")
            codes = faiss.rev_swig_ptr(lists.get_codes(number), size * lists.code_size)
            codes.reshape(size, -1)[:] = codes.reshape(size, -1)[by_place]
            places = places[by_place]
        rows[:] = places


def _search_parameters(nprobe: int, allowed: BoolArray | None) -> tuple[Any, object]:
    """FAISS parameters of one call: the only place that makes them.

    nprobe is always among them: parameters that only hold a selector reset it to 1, and recall
    falls to an eighth (github.com/facebookresearch/faiss/issues/2204). The second value must
    outlive the search: FAISS borrows the bitmap.
    """
    faiss = load_faiss()
    if nprobe < 1:
        raise ValueError(f"nprobe must be at least 1, got {nprobe}")
    if allowed is None:
        return _plain_parameters(nprobe), None
    bitmap = np.packbits(allowed, bitorder="little")
    selector = faiss.IDSelectorBitmap(bitmap)
    return faiss.SearchParametersIVF(nprobe=nprobe, sel=selector), (bitmap, selector)


@lru_cache(maxsize=4096)
def _plain_parameters(nprobe: int) -> Any:  # noqa: ANN401 - FAISS has no types
    """Kept: nobody changes them, and making them takes as long as scanning a thousand codes."""
    return load_faiss().SearchParametersIVF(nprobe=nprobe)
