"""One gallery in memory, ready to be searched.

Opening reads what every search needs. The codes of large segments are searched where they lie, and
to hash them takes longer than all else together, so that is done beside, by other threads: the
first search waits for it. Nothing is answered from bytes that were not checked.
"""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from retrieval.ann.adjusted import Penalties
from retrieval.ann.coded import OWN_INDEX_ROWS
from retrieval.ann.fanout import RECALL_DEPTH, AtOnce, FanOut, Part, SearchSettings
from retrieval.ann.routing import Router
from retrieval.model import Int64Array
from retrieval.store.collection import Gallery
from retrieval.store.index_record import IndexRecord
from retrieval.store.segment import Segment

MANY_CANDIDATES = 400
"""Re-scored for a kind of query that no build has measured."""

_HASHING_THREADS = 2
"""A disk seldom feeds more."""


@dataclass(frozen=True, slots=True)
class SearchedGallery:
    """A gallery in memory.

    Attributes:
        fan_out: searches it; not before `wait` has returned.
        record: of its index; None while exact search serves it.
        measured: how far to look for each kind of query that the record knows.
        penalties: its hubness bias times alpha, of dead items too; None where there is none.
        checks: of files that are hashed meanwhile.
    """

    fan_out: FanOut
    record: IndexRecord | None
    measured: Mapping[str, SearchSettings]
    penalties: Penalties | None
    checks: tuple[Future[Path | None], ...] = ()

    @classmethod
    def open(cls, gallery: Gallery, device: str, at_once: AtOnce) -> Self:
        """Read a gallery's index; `device` and `at_once` as for `FanOut`.

        Raises:
            CorruptCollectionError: a file of the index is not what the manifest says.
            MissingDependencyError: the index needs FAISS, which is not installed.
        """
        index = gallery.entry.index
        short = index.codebook.short if index else ""
        checks = _begun_checks([each for each in gallery.segments if _is_large(each)], short)
        router = gallery.read_router()
        fan_out = FanOut(
            [
                Part(
                    each.ids,
                    each.vectors,
                    each.codes_file(short) if _is_large(each) else each.codes_path(short),
                )
                for each in gallery.segments
            ],
            codebook=gallery.read_codebook(),
            router=Router.from_bytes(router) if router else None,
            dead=gallery.tombstones,
            device=device,
            at_once=at_once,
        )
        penalties = _penalties(gallery, fan_out.ids)
        return cls(fan_out, index, _measured(index), penalties, checks)

    def wait(self) -> None:
        """Return when all files were checked.

        Raises:
            CorruptCollectionError: one is not what the manifest says.
        """
        for check in self.checks:
            check.result()

    def most_candidates(self, k: int) -> int:
        """Of any query for k items; each list that may be ranked for it counts as half of one."""
        modes = self.record.modes if self.record is not None else ()
        most = max((each.candidates for each in modes), default=MANY_CANDIDATES)
        per_hit = 1 if self.record is None else -(-most // RECALL_DEPTH)
        n_candidates = min(len(self.fan_out.ids), per_hit * max(k, RECALL_DEPTH))
        return n_candidates + self.fan_out.nlist // 2

    def settings(self, kind: str) -> SearchSettings | None:
        """How far to look for this kind of query; in every list if that was never measured."""
        if self.record is None:
            return None
        if kind in self.measured:
            return self.measured[kind]
        most = max((each.candidates for each in self.record.modes), default=MANY_CANDIDATES)
        return SearchSettings(self.fan_out.nlist, most)


def _measured(record: IndexRecord | None) -> dict[str, SearchSettings]:
    modes = () if record is None else record.modes
    return {
        each.modality: SearchSettings(each.nprobe, each.candidates, each.routed, each.floor)
        for each in modes
    }


def _is_large(segment: Segment) -> bool:
    """Whether its codes are only mapped; those of others are read, and are checked before."""
    return len(segment.ids) >= OWN_INDEX_ROWS


def _begun_checks(segments: list[Segment], short: str) -> tuple[Future[Path | None], ...]:
    """Checks of the codes of some segments, by threads that end with the last of them."""
    if not short or not segments:
        return ()
    threads = ThreadPoolExecutor(_HASHING_THREADS, thread_name_prefix="hash")
    checks = tuple(threads.submit(each.codes_path, short) for each in segments)
    threads.shutdown(wait=False)
    return checks


def _penalties(gallery: Gallery, ids: Int64Array) -> Penalties | None:
    """Alpha times the bias of each item, in the order of `ids`.

    Items of a segment that came since, and has no biases yet, count with the mean of the others.
    """
    record = gallery.entry.hubness
    if record is None or record.bank is None:
        return None
    values = np.full(len(ids), np.nan, np.float32)
    for segment in gallery.segments:
        bias = segment.read_bias(record.bank.short)
        if bias is not None:
            values[np.searchsorted(ids, segment.ids)] = np.float32(record.alpha) * bias
    is_known = ~np.isnan(values)
    if not is_known.any():
        return None
    values[~is_known] = values[is_known].mean()
    return Penalties(ids, values)
