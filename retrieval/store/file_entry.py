"""How a manifest names one file."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import PurePosixPath

from retrieval.store.fields import as_section, get_int, get_text

SHORT_HEX = 24
"""Digits of a sha256 that stand in file names: 96 bits, no collision below 10^14 files."""


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
