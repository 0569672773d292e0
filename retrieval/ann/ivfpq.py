"""Search of IVF-PQ codes through FAISS: gathers candidates from some of the inverted lists.

The scores of codes never leave retrieval.ann: candidates are re-scored from the vectors themselves
(fanout). Which lists a query visits is decided outside (routing) and handed in.
"""

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from retrieval.ann.codebook import Codebook
from retrieval.ann.codes_file import FAST_BLOCK, CodesSource, MappedCodes
from retrieval.ann.exact import NO_ID, BoolArray, Ranking, top_k
from retrieval.ann.faiss_io import load_faiss
from retrieval.errors import CorruptCollectionError
from retrieval.model import Float32Array, Int64Array

UInt32Array: TypeAlias = npt.NDArray[np.uint32]


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
        packed = self._codebook.packed(merged)
        if packed is not merged:  # which keeps it, and with it a copy of all codes
            nothing = load_faiss().ArrayInvertedLists(merged.nlist, merged.code_size)
            nothing.this.disown()  # the index owns it, and frees the lists that it had
            packed.orig_invlists = None
            merged.replace_invlists(nothing, True)
        return packed


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
