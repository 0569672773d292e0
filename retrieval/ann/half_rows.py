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
    """Room for rows, which the caller fills; then many threads may rank them.

    Attributes:
        rows: (n, dim), to be filled.
    """

    def __init__(self, n: int, dim: int) -> None:
        """Make room.

        Args:
            n: rows, at least 1.
            dim: numbers of a row; FAISS is quickest with a multiple of 16.
        """
        faiss = load_faiss()
        everything = faiss.IndexFlatIP(dim)
        everything.add(np.zeros((1, dim), np.float32))
        kind, product = faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        self._index: Any = faiss.IndexIVFScalarQuantizer(everything, dim, 1, kind, product, False)
        self._index.referenced_objects = [everything]  # lives as long as the index
        self._index.is_trained = True
        self._parameters = faiss.SearchParametersIVF(nprobe=1)
        lists = faiss.downcast_InvertedLists(self._index.invlists)
        lists.resize(0, n)
        faiss.rev_swig_ptr(lists.get_ids(0), n)[:] = np.arange(n)
        numbers = faiss.rev_swig_ptr(lists.get_codes(0), n * 2 * dim).view(np.float16)
        self.rows: Float16Array = numbers.reshape(n, dim)  # lives as long as this object

    def best(self, query: Float32Array, count: int) -> Ranking:
        """The best products of rows with a query, best first, and their rows, (count,) each.

        Args:
            query: (dim,) float32, C order.
            count: 1 to n.
        """
        scores = np.empty(count, np.float32)
        rows = np.empty(count, np.int64)
        pointer = load_faiss().swig_ptr
        self._index.search_preassigned_c(
            1, pointer(query), count, pointer(_THE_LIST), pointer(_ITS_SCORE),
            pointer(scores), pointer(rows), False, self._parameters, None,
        )  # fmt: skip
        return scores, rows
