"""Codes on a GPU, through FAISS where it was built for one: deletes are dropped here, not by FAISS.

Stock faiss-gpu takes the selector of a search and ignores it
(github.com/facebookresearch/faiss/issues/3114). So more codes are asked for than are wanted, the
hidden ones dropped from what comes back, and the search is repeated with twice as many where too
few are left. What a GPU cannot do, more lists or codes than its kernels take, goes the way of the
CPU, which is always there.

The calls follow FAISS's source (gpu/GpuIndexIVF.cu, gpu/GpuIndexIVFPQ.cu); no GPU was at hand to
run them.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from retrieval.ann.codebook import Codebook
from retrieval.ann.devices import computing_device
from retrieval.ann.exact import NO_ID, BoolArray, Ranking
from retrieval.ann.faiss_io import load_faiss
from retrieval.ann.ivfpq import IvfPq
from retrieval.model import Float32Array, Int64Array

logger = logging.getLogger(__name__)

MOST = 2048
"""Codes that a search may ask for, and lists that it may visit: `getMaxKSelection` of FAISS."""

QUERIES = 256
"""Asked at a time."""

_SPARE = 1.25
"""Times the codes that would do if the hidden rows were spread evenly."""

ToGpu: TypeAlias = Callable[[Any], Any]
"""Copies a plain IndexIVFPQ of the CPU to a device."""


class GpuCodes:
    """The codes of an `IvfPq` on a GPU; answers whole batches.

    Codes that tie at the cut may fall otherwise than on the CPU, and in another batch otherwise.
    """

    def __init__(self, codebook: Codebook, on_cpu: IvfPq, to_gpu: ToGpu) -> None:
        """Copy.

        Args:
            codebook: that the codes were made with.
            on_cpu: the codes; it also answers what a GPU cannot.
            to_gpu: how they get there.

        Raises:
            RuntimeError: FAISS cannot hold such codes on this GPU, or not so many.
        """
        self._codebook = codebook
        self._on_cpu = on_cpu
        self.n = on_cpu.n
        self._index = to_gpu(on_cpu.plain())
        self._lock = threading.Lock()  # the scratch memory of a GPU serves one search at a time

    def candidates(
        self,
        queries: Float32Array,
        lists: Sequence[Int64Array],
        k: int,
        *,
        allowed: BoolArray | None = None,
    ) -> Ranking:
        """The k best codes for each query, among those in its lists.

        Args:
            queries: (Q, dim) unit rows, in the space of the codes.
            lists: for each query the numbers of the lists to visit, distinct.
            k: at least 1.
            allowed: (n,) False for rows that must not show; None allows all.

        Returns:
            Scores of the codes and rows, (Q, min(k, n)), best first; NO_ID where lists ran out.
        """
        width = min(k, self.n)
        scores = np.full((len(queries), width), -np.inf, np.float32)
        rows = np.full((len(queries), width), NO_ID, np.int64)
        share = 1.0 if allowed is None or not self.n else float(allowed.mean())
        if not width or not share:
            return scores, rows
        depth = width if allowed is None else min(self.n, int(_SPARE * width / share) + 1)
        is_taken = np.array([len(own) <= MOST for own in lists], np.bool_)
        left: list[int] = np.flatnonzero(~is_taken).tolist()
        waiting: list[int] = np.flatnonzero(is_taken).tolist()
        while waiting and depth <= MOST:
            short: list[int] = []
            for at in range(0, len(waiting), QUERIES):
                block = waiting[at : at + QUERIES]
                found = self._search(queries[block], [lists[number] for number in block], depth)
                for number, own_scores, own_rows in zip(block, found[0], found[1], strict=True):
                    shown = _shown(own_rows, width, allowed)
                    if len(shown) < width and own_rows[-1] != NO_ID and depth < self.n:
                        short.append(number)
                        continue
                    scores[number, : len(shown)] = own_scores[shown]
                    rows[number, : len(shown)] = own_rows[shown]
            waiting, depth = short, min(2 * depth, self.n)
        for number in left + waiting:
            ranking = self._on_cpu.candidates(queries[number], lists[number], k, allowed=allowed)
            scores[number], rows[number] = ranking[0][0], ranking[1][0]
        return scores, rows

    def _search(
        self, queries: Float32Array, lists: Sequence[Int64Array], depth: int
    ) -> tuple[Float32Array, Int64Array]:
        """What the device finds, (Q, depth), hidden rows too; NO_ID behind the last."""
        faiss = load_faiss()
        most = max(map(len, lists))
        assigned = np.full((len(queries), most), NO_ID, np.int64)  # FAISS passes over -1
        coarse = np.zeros((len(queries), most), np.float32)
        for number, own in enumerate(lists):
            assigned[number, : len(own)] = own
            coarse[number, : len(own)] = np.vecdot(self._codebook.centroids[own], queries[number])
        scores = np.empty((len(queries), depth), np.float32)
        rows = np.empty((len(queries), depth), np.int64)
        queries = np.ascontiguousarray(queries)
        pointer = faiss.swig_ptr
        parameters = faiss.SearchParametersIVF(nprobe=most)  # no selector: it would be ignored
        with self._lock:
            self._index.search_preassigned_c(
                len(queries), pointer(queries), depth, pointer(assigned), pointer(coarse),
                pointer(scores), pointer(rows), False, parameters, None,
            )  # fmt: skip
        return scores, rows


def gpu_codes(codebook: Codebook, on_cpu: IvfPq, device: str) -> GpuCodes | None:
    """The codes on a GPU; None where FAISS has none, or cannot hold them there.

    Args:
        codebook: that the codes were made with.
        on_cpu: the codes.
        device: "cpu", "cuda" or "cuda:1"; see `computing_device`.
    """
    if not device.startswith("cuda") or not on_cpu.n or not n_gpus():
        return None
    number = int(device.partition(":")[2] or 0)
    try:
        return GpuCodes(codebook, on_cpu, lambda plain: _copied(plain, number))
    except RuntimeError as error:
        logger.warning("the codes are searched on the CPU: FAISS says %s", error)
        return None


def gpu_device(asked: str) -> str:
    """Where codes are searched for a `device` setting; torch is loaded only if FAISS has a GPU."""
    if not asked.startswith(("auto", "cuda")) or not n_gpus():
        return "cpu"
    return computing_device(asked)


def n_gpus() -> int:
    """GPUs that FAISS can search on; 0 for a build without them."""
    faiss = load_faiss()
    return int(faiss.get_num_gpus()) if hasattr(faiss, "StandardGpuResources") else 0


def _copied(plain: Any, number: int) -> Any:  # noqa: ANN401 - FAISS has no types
    faiss = load_faiss()
    config = faiss.GpuIndexIVFPQConfig()
    config.device = number
    config.use_cuvs = False  # cuVS takes no lists from outside
    config.interleavedLayout = True  # the layout of 4-bit codes, and of any number of sub-spaces
    config.useFloat16LookupTables = True  # else 64 bytes of code exceed 48 KiB of shared memory
    resources = faiss.StandardGpuResources()
    index = faiss.GpuIndexIVFPQ(resources, plain, config)
    index.referenced_objects = [resources]  # live as long as the index
    return index


def _shown(rows: Int64Array, width: int, allowed: BoolArray | None) -> Int64Array:
    """Places of the first rows that are there and allowed, at most `width`."""
    is_shown = rows != NO_ID
    if allowed is not None:
        is_shown &= allowed[np.where(is_shown, rows, 0)]
    return np.flatnonzero(is_shown)[:width]
