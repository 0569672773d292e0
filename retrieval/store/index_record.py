"""How an approximate index was made and is searched, as a manifest holds it; no I/O."""

from dataclasses import dataclass

from retrieval.store.fields import as_section, get_float, get_int, get_list, get_text
from retrieval.store.file_entry import FileEntry


@dataclass(frozen=True, slots=True)
class RecallRecord:
    """Recall of an index against exact search, measured on held-out queries.

    Attributes:
        modality: of the queries, "image" or "text".
        k: depth of the ranking.
        mean: share of the exact top k found, in [0, 1].
        standard_error: of the mean, over queries.
        n_queries: how many were asked.
    """

    modality: str
    k: int
    mean: float
    standard_error: float
    n_queries: int

    @classmethod
    def from_json(cls, value: object) -> "RecallRecord":
        """Read one record."""
        section = as_section(value, "recall")
        return cls(
            modality=get_text(section, "modality"),
            k=get_int(section, "k"),
            mean=get_float(section, "mean"),
            standard_error=get_float(section, "standard_error"),
            n_queries=get_int(section, "n_queries"),
        )

    def to_json(self) -> dict[str, object]:
        """The record as a JSON object."""
        return {
            "modality": self.modality,
            "k": self.k,
            "mean": self.mean,
            "standard_error": self.standard_error,
            "n_queries": self.n_queries,
        }


@dataclass(frozen=True, slots=True)
class ModeRecord:
    """How queries of one kind are searched for, and what that finds.

    Attributes:
        modality: of the queries: "image", "text" or "composed".
        target: recall that was aimed at.
        nprobe: lists to visit, at most.
        candidates: to re-score exactly, for k up to 10.
        routed: whether the router chooses the lists of foreign parts.
        floor: share of the softmax over lists below which a list is not visited; 0 for none, and
            in collections of versions that knew no such thing.
        recall: on queries that took no part in the choice.
        ms: median time of such a query when it was measured, on that machine.
    """

    modality: str
    target: float
    nprobe: int
    candidates: int
    routed: bool
    recall: RecallRecord
    ms: float
    floor: float = 0.0

    @classmethod
    def from_json(cls, value: object) -> "ModeRecord":
        """Read one record."""
        section = as_section(value, "mode")
        return cls(
            modality=get_text(section, "modality"),
            target=get_float(section, "target"),
            nprobe=get_int(section, "nprobe"),
            candidates=get_int(section, "candidates"),
            routed=bool(section.get("routed")),
            recall=RecallRecord.from_json(section.get("recall")),
            ms=get_float(section, "ms"),
            floor=get_float(section, "floor") if "floor" in section else 0.0,
        )

    def to_json(self) -> dict[str, object]:
        """The record as a JSON object."""
        return {
            "modality": self.modality,
            "target": self.target,
            "nprobe": self.nprobe,
            "candidates": self.candidates,
            "routed": self.routed,
            "recall": self.recall.to_json(),
            "ms": self.ms,
            "floor": self.floor,
        }


@dataclass(frozen=True, slots=True)
class IndexRecord:
    """How a gallery's approximate index was made and how to search it.

    Attributes:
        spec: canonical text, e.g. "ivf1024,pq256x4fs".
        codebook: the trained, empty index.
        router: of foreign queries to the lists; None where none was learned.
        modes: how each kind of query is searched for. Queries of a kind that is not among them
            were never measured; they visit every list.
        n_trained: items in the gallery at training; four times as many ask for a new codebook.
        seed: of the training sample.
        seconds: that training and coding took.
    """

    spec: str
    codebook: FileEntry
    modes: tuple[ModeRecord, ...]
    n_trained: int
    seed: int
    seconds: float
    router: FileEntry | None = None

    @classmethod
    def from_json(cls, value: object) -> "IndexRecord":
        """Read one record."""
        section = as_section(value, "index")
        router = section.get("router")
        return cls(
            spec=get_text(section, "spec"),
            codebook=FileEntry.from_json(section.get("codebook")),
            modes=tuple(map(ModeRecord.from_json, get_list(section, "modes"))),
            n_trained=get_int(section, "n_trained"),
            seed=get_int(section, "seed"),
            seconds=get_float(section, "seconds"),
            router=None if router is None else FileEntry.from_json(router),
        )

    def to_json(self) -> dict[str, object]:
        """The record as a JSON object."""
        return {
            "spec": self.spec,
            "codebook": self.codebook.to_json(),
            "router": self.router.to_json() if self.router else None,
            "modes": [mode.to_json() for mode in self.modes],
            "n_trained": self.n_trained,
            "seed": self.seed,
            "seconds": self.seconds,
        }

    def mode(self, modality: str) -> ModeRecord | None:
        """How queries of this kind are searched for; None if that was never measured."""
        return next((mode for mode in self.modes if mode.modality == modality), None)

    @property
    def recall(self) -> tuple[RecallRecord, ...]:
        """What each kind of query finds."""
        return tuple(mode.recall for mode in self.modes)
