"""What a manifest lists, as frozen values that know their JSON form; no I/O.

Every file a manifest refers to is one object {"name", "size_bytes", "sha256"}, its name relative to
the collection's folder. Garbage collection relies on this shape: it keeps every file so named,
in sections it does not know too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import PurePosixPath
from typing import Literal

from retrieval.model import GalleryName
from retrieval.store.fields import (
    Section,
    as_section,
    get_float,
    get_int,
    get_list,
    get_section,
    get_text,
)

SHORT_HEX = 24
"""Digits of a sha256 that stand in file names: 96 bits, no collision below 10^14 files."""

Unknown = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One immutable file of the collection.

    Attributes:
        name: path relative to the collection's folder, with "/".
        size_bytes: exact size.
        sha256: hex digest of the whole file.
    """

    name: str
    size_bytes: int
    sha256: str

    @classmethod
    def of(cls, name: str, data: bytes) -> "FileEntry":
        """The entry of a file with these bytes."""
        return cls(name, len(data), sha256(data).hexdigest())

    @classmethod
    def from_json(cls, value: object) -> "FileEntry":
        """Read one entry; ValueError for a name that leads out of the folder."""
        section = as_section(value, "file")
        name = get_text(section, "name")
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise ValueError(f"file name {name!r} leads out of the collection")
        return cls(name, get_int(section, "size_bytes"), get_text(section, "sha256"))

    def to_json(self) -> dict[str, object]:
        """The entry as a JSON object."""
        return {"name": self.name, "size_bytes": self.size_bytes, "sha256": self.sha256}

    @property
    def short(self) -> str:
        """First digits of the digest, as file names carry them."""
        return self.sha256[:SHORT_HEX]


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """One live segment.

    Attributes:
        name: 24 hex digits; the folder's name.
        n_items: rows in it, tombstoned ones too.
        files: vectors.npy, vectors.sums, ids.npy and rows.jsonl.
        derived: what was made from it since, e.g. codes-<codebook sha24>.faiss.
        unknown: fields of a later polyseek, kept as they are.
    """

    name: str
    n_items: int
    files: tuple[FileEntry, ...]
    derived: tuple[FileEntry, ...] = ()
    unknown: Unknown = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> "SegmentEntry":
        """Read one entry."""
        section = as_section(value, "segment")
        return cls(
            name=get_text(section, "name"),
            n_items=get_int(section, "n_items"),
            files=tuple(map(FileEntry.from_json, get_list(section, "files"))),
            derived=tuple(map(FileEntry.from_json, get_list(section, "derived"))),
            unknown=_rest(section, "name", "n_items", "files", "derived"),
        )

    def to_json(self) -> dict[str, object]:
        """The entry as a JSON object."""
        return {
            **self.unknown,
            "name": self.name,
            "n_items": self.n_items,
            "files": [file.to_json() for file in self.files],
            "derived": [file.to_json() for file in self.derived],
        }

    def file(self, base_name: str) -> FileEntry | None:
        """The file or derived file with this last path component."""
        wanted = "/" + base_name
        for entry in (*self.files, *self.derived):
            if entry.name.endswith(wanted):
                return entry
        return None

    def codes(self, codebook_short: str) -> FileEntry | None:
        """The PQ codes made with the codebook of this short digest."""
        return self.file(codes_name(codebook_short))


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
        nprobe: lists to visit.
        candidates: to re-score exactly, for k up to 10.
        routed: whether the router chooses the lists of foreign parts.
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


@dataclass(frozen=True, slots=True)
class GalleryEntry:
    """One gallery: its segments and what is known about all of them.

    Attributes:
        next_id: the first id never given out.
        segments: live segments.
        index: of the approximate index, or None while exact search serves.
        tombstones: sorted ids that are in a segment and no longer alive.
        n_tombstones: how many.
        unknown: fields of a later polyseek, kept as they are.
    """

    next_id: int
    segments: tuple[SegmentEntry, ...] = ()
    index: IndexRecord | None = None
    tombstones: FileEntry | None = None
    n_tombstones: int = 0
    unknown: Unknown = field(default_factory=dict)

    @classmethod
    def from_json(cls, value: object) -> "GalleryEntry":
        """Read one entry."""
        section = as_section(value, "gallery")
        index, tombstones = section.get("index"), section.get("tombstones")
        return cls(
            next_id=get_int(section, "next_id"),
            segments=tuple(map(SegmentEntry.from_json, get_list(section, "segments"))),
            index=_index_from_json(index),
            tombstones=None if tombstones is None else FileEntry.from_json(tombstones),
            n_tombstones=get_int(section, "n_tombstones"),
            unknown=_rest(section, "next_id", "segments", "index", "tombstones", "n_tombstones"),
        )

    def to_json(self) -> dict[str, object]:
        """The entry as a JSON object."""
        return {
            **self.unknown,
            "next_id": self.next_id,
            "segments": [segment.to_json() for segment in self.segments],
            "index": self.index.to_json() if self.index else None,
            "tombstones": self.tombstones.to_json() if self.tombstones else None,
            "n_tombstones": self.n_tombstones,
        }

    @property
    def n_rows(self) -> int:
        """Rows in all segments, tombstoned ones too."""
        return sum(segment.n_items for segment in self.segments)

    @property
    def n_items(self) -> int:
        """Living items."""
        return self.n_rows - self.n_tombstones


@dataclass(frozen=True, slots=True)
class CatalogueLocation:
    """Where the SQL catalogue is; never holds a user name or a password.

    Attributes:
        kind: "sqlite" (catalogue.db in the folder) or "postgresql".
        key: the collection's own key, which several collections in one database are told apart by.
    """

    kind: Literal["sqlite", "postgresql"]
    key: str
    host: str | None = None
    port: int | None = None
    database: str | None = None

    @classmethod
    def from_json(cls, value: object) -> "CatalogueLocation":
        """Read a location."""
        section = as_section(value, "catalogue")
        kind = get_text(section, "kind")
        if kind == "sqlite":
            return cls("sqlite", get_text(section, "key"))
        if kind != "postgresql":
            raise ValueError(f"catalogue kind {kind!r} is unknown")
        server = get_section(section, "server")
        return cls(
            kind="postgresql",
            key=get_text(section, "key"),
            host=get_text(server, "host") if server.get("host") else None,
            port=get_int(server, "port") if server.get("port") else None,
            database=get_text(server, "database") if server.get("database") else None,
        )

    def to_json(self) -> dict[str, object]:
        """The location as a JSON object."""
        section: dict[str, object] = {"kind": self.kind, "key": self.key}
        if self.kind == "postgresql":
            section["server"] = {"host": self.host, "port": self.port, "database": self.database}
        return section


def gallery_folder(gallery: GalleryName) -> str:
    """Folder of a gallery, relative to the collection's."""
    return f"galleries/{gallery}"


def segment_folder(gallery: GalleryName, name: str) -> str:
    """Folder of a segment, relative to the collection's."""
    return f"{gallery_folder(gallery)}/segments/{name}"


def codes_name(codebook_short: str) -> str:
    """Name of the file with a segment's codes, inside the segment's folder."""
    return f"codes-{codebook_short}.faiss"


def codebook_entry(gallery: GalleryName, codebook: bytes) -> FileEntry:
    """Entry of a codebook with these bytes, as `IndexRecord.codebook` holds it."""
    digest = sha256(codebook).hexdigest()
    name = f"{gallery_folder(gallery)}/codebook-{digest[:SHORT_HEX]}.faiss"
    return FileEntry(name, len(codebook), digest)


def router_entry(gallery: GalleryName, router: bytes) -> FileEntry:
    """Entry of a router with these bytes, as `IndexRecord.router` holds it."""
    digest = sha256(router).hexdigest()
    name = f"{gallery_folder(gallery)}/router-{digest[:SHORT_HEX]}.safetensors"
    return FileEntry(name, len(router), digest)


def _index_from_json(value: object) -> IndexRecord | None:
    """An index; None for one of format 1, whose codes name items instead of rows: it is rebuilt."""
    if value is None or "modes" not in as_section(value, "index"):
        return None
    return IndexRecord.from_json(value)


def _rest(section: Section, *known: str) -> Unknown:
    return {name: value for name, value in section.items() if name not in known}
