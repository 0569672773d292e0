"""Float16 rows in memory that FAISS ranks for one query, without a thread besides the caller's.

They are the one list of an index with inverted lists: a search in those by a single query starts no
threads. What a flat index of float16 starts waits for each other, 10 ms on a machine that is busy.
"""

from typing import Any

import numpy as np

from retrieval.ann.exact import Ranking
from retrieval.ann.faiss_io import load_faiss
from retrieval.model import Float16Array, Float32Array

_THE_LIST = np.zeros(1, np.int64)
_ITS_SCORE = np.zeros(1, np.float32)


class HalfRows:
    """Room for rows, which the caller fills; one thread at a time writes and ranks them."""

    def __init__(self, most: int, dim: int) -> None:
        """Make room.

        Args:
            most: rows at a time, at least 1.
            dim: numbers of a row; FAISS is quickest with a multiple of 16.
        """
        faiss = load_faiss()
        everything = faiss.IndexFlatIP(dim)
        everything.add(np.zeros((1, dim), np.float32))
        kind, product = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        self._index: Any = faiss.IndexIVFScalarQuantizer(everything, dim, 1, kind, product, False)
        self._index.referenced_objects = [everything]  # lives as long as the index
        self._index.is_trained = True
        self._lists = faiss.downcast_InvertedLists(self._index.invlists)
        self._parameters = faiss.SearchParametersIVF(nprobe=1)
        self._lists.resize(0, most)  # from here on, no size moves them
        numbers = faiss.rev_swig_ptr(self._lists.get_codes(0), most * 2 * dim).view(np.float16)
        self._rows: Float16Array = numbers.reshape(most, dim)  # lives as long as this object
        self._numbers = faiss.rev_swig_ptr(self._lists.get_ids(0), most)
        self._numbers[:] = np.arange(most)
        self._n = most

    def of(self, n: int) -> Float16Array:
        """The first n rows, (n, dim), to be filled; they are what is ranked until the next call."""
        if n != self._n:
            self._lists.resize(0, n)
            self._numbers[self._n : n] = np.arange(self._n, n)  # which FAISS has set to zero
            self._n = n
        return self._rows[:n]

    def best(self, query: Float32Array, count: int) -> Ranking:
        """The best rows by their products with a query, and their numbers, (count,) each.

        The products are sums of float32 in FAISS's order.

        Args:
            query: (dim,) float32, C order.
            count: 1 to the rows that there are.
        """
        scores = np.empty(count, np.float32)
        numbers = np.empty(count, np.int64)
        pointer = load_faiss().swig_ptr
        self._index.search_preassigned_c(
            1, pointer(query), count, pointer(_THE_LIST), pointer(_ITS_SCORE),
            pointer(scores), pointer(numbers), False, self._parameters, None,
        )  # fmt: skip
        return scores, numbers
