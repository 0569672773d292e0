"""What a manifest lists, as frozen values that know their JSON form; no I/O.

Every file a manifest refers to is one object {"name", "size_bytes", "sha256"}, its name relative to
the collection's folder. Garbage collection relies on this shape: it keeps every file so named,
in sections it does not know too.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Literal

from retrieval.model import GalleryName
from retrieval.store.fields import (
    Section,
    as_section,
    get_int,
    get_list,
    get_section,
    get_text,
)
from retrieval.store.file_entry import SHORT_HEX, FileEntry
from retrieval.store.hubness_record import HubnessRecord
from retrieval.store.index_record import IndexRecord

Unknown = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """One live segment.

    Attributes:
        name: 24 hex digits; the folder's name.
        n_items: rows in it, tombstoned ones too.
        files: vectors.npy, vectors.sums, ids.npy and rows.jsonl.
        derived: what was made from it since, e.g. codes-<codebook sha24>.lists.
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

    def bias(self, bank_short: str) -> FileEntry | None:
        """The hubness biases made with the bank of this short digest."""
        return self.file(bias_name(bank_short))


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
        hubness: of the hubness bias; None where it was never looked for.
    """

    next_id: int
    segments: tuple[SegmentEntry, ...] = ()
    index: IndexRecord | None = None
    tombstones: FileEntry | None = None
    n_tombstones: int = 0
    unknown: Unknown = field(default_factory=dict)
    hubness: HubnessRecord | None = None

    @classmethod
    def from_json(cls, value: object) -> "GalleryEntry":
        """Read one entry."""
        section = as_section(value, "gallery")
        index, tombstones = section.get("index"), section.get("tombstones")
        hubness = section.get("hubness")
        return cls(
            next_id=get_int(section, "next_id"),
            segments=tuple(map(SegmentEntry.from_json, get_list(section, "segments"))),
            index=_index_from_json(index),
            tombstones=None if tombstones is None else FileEntry.from_json(tombstones),
            n_tombstones=get_int(section, "n_tombstones"),
            hubness=None if hubness is None else HubnessRecord.from_json(hubness),
            unknown=_rest(
                section, "next_id", "segments", "index", "tombstones", "n_tombstones", "hubness"
            ),
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
            **({"hubness": self.hubness.to_json()} if self.hubness else {}),
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
    return f"codes-{codebook_short}.lists"


def bias_name(bank_short: str) -> str:
    """Name of the file with a segment's hubness biases, inside the segment's folder."""
    return f"bias-{bank_short}.npy"


def is_codes(file: FileEntry) -> bool:
    """Whether a derived file of a segment holds codes."""
    return "/codes-" in file.name


def without_biases(segment: SegmentEntry, *, but: str | None = None) -> SegmentEntry:
    """A segment that names no hubness biases, those in the file of one base name excepted."""
    kept = tuple(
        file
        for file in segment.derived
        if "/bias-" not in file.name or (but is not None and file.name.endswith("/" + but))
    )
    return replace(segment, derived=kept)


def bank_entry(gallery: GalleryName, bank: bytes) -> FileEntry:
    """Entry of a bank with these bytes, as `HubnessRecord.bank` holds it."""
    digest = sha256(bank).hexdigest()
    name = f"{gallery_folder(gallery)}/bank-{digest[:SHORT_HEX]}.safetensors"
    return FileEntry(name, len(bank), digest)


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
