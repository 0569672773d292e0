"""The manifest: the one file that says what a collection holds at a generation.

Bytes in, values out, and back; plus the choice of the newest one in a folder. A manifest is JSON
in UTF-8 followed by one line `#sha256 <hex of the bytes above>`. It is published by one atomic
link and never changed, so a manifest that does not verify was damaged, not half written.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import cast

from retrieval.errors import CollectionMissingError, CorruptCollectionError, FormatVersionError
from retrieval.model import EncoderInfo, GalleryName
from retrieval.store.entries import (
    CatalogueLocation,
    GalleryEntry,
    SegmentEntry,
    Unknown,
    codebook_entry,
)
from retrieval.store.fields import (
    Section,
    as_section,
    get_int,
    get_list,
    get_section,
    get_text,
    get_texts,
    path_from_json,
    path_to_json,
)
from retrieval.store.file_entry import FileEntry
from retrieval.store.index_record import IndexRecord, ModeRecord, RecallRecord

__all__ = [
    "FORMAT_VERSION",
    "CatalogueLocation",
    "FileEntry",
    "GalleryEntry",
    "IndexRecord",
    "Manifest",
    "ModeRecord",
    "RecallRecord",
    "SegmentEntry",
    "codebook_entry",
    "decode_manifest",
    "encode_manifest",
    "manifest_path",
    "manifest_paths",
    "newest_manifest",
]

FORMAT_VERSION = 2
READABLE_SINCE = "0.1.0"
"""The first polyseek that reads FORMAT_VERSION; told to those who meet it with an older one."""

_NAME = re.compile(r"manifest-(\d{12})\.json")
_SEAL = b"#sha256 "
_SEAL_BYTES = len(_SEAL) + 64 + 1
_KNOWN = (
    "format_version",
    "readable_since",
    "generation",
    "key",
    "encoder",
    "catalogue",
    "roots",
    "galleries",
    "changes",
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that a collection holds at one generation.

    Attributes:
        format_version: of the collection on disk.
        generation: counts commits; a higher one is newer.
        key: UUID of the collection, given at its creation.
        encoder: the one embedding space of all vectors.
        catalogue: where the SQL rows are.
        roots: every SOURCE folder ever indexed, sorted.
        galleries: by name; a gallery without items may be absent.
        changes: logs of path changes, oldest first.
        unknown: sections of a later polyseek, kept as they are.
        digest: sha256 (hex) of the bytes it was read from; empty in one not yet encoded.
    """

    format_version: int
    generation: int
    key: str
    encoder: EncoderInfo
    catalogue: CatalogueLocation
    roots: tuple[bytes, ...] = ()
    galleries: Mapping[GalleryName, GalleryEntry] = field(default_factory=dict)
    changes: tuple[FileEntry, ...] = ()
    unknown: Unknown = field(default_factory=dict)
    digest: str = field(default="", compare=False)

    def files(self) -> Iterator[FileEntry]:
        """Every file that this generation consists of, the manifest and catalogue excepted."""
        yield from self.changes
        for gallery in self.galleries.values():
            for segment in gallery.segments:
                yield from segment.files
                yield from segment.derived
            if gallery.index is not None:
                yield gallery.index.codebook
                if gallery.index.router is not None:
                    yield gallery.index.router
            if gallery.hubness is not None and gallery.hubness.bank is not None:
                yield gallery.hubness.bank
            if gallery.tombstones is not None:
                yield gallery.tombstones

    def file_names(self) -> set[str]:
        """Names of all files it refers to, in sections unknown to this version too."""
        return set(_names(_to_json(self)))


def manifest_path(folder: Path, generation: int) -> Path:
    """Where the manifest of a generation lies."""
    return folder / f"manifest-{generation:012d}.json"


def manifest_paths(folder: Path) -> dict[int, Path]:
    """Every manifest in `folder` by generation, newest first; whether it verifies is not asked."""
    try:
        found = [
            (match, path) for path in folder.iterdir() if (match := _NAME.fullmatch(path.name))
        ]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return dict(sorted(((int(match[1]), path) for match, path in found), reverse=True))


def encode_manifest(manifest: Manifest) -> bytes:
    """The manifest as sealed bytes."""
    text = json.dumps(_to_json(manifest), ensure_ascii=False, indent=1, allow_nan=False)
    body = text.encode("utf-8") + b"\n"
    return body + _SEAL + sha256(body).hexdigest().encode("ascii") + b"\n"


def decode_manifest(data: bytes, path: Path) -> Manifest:
    """Check the seal of `data` and read it.

    Args:
        data: bytes of the file.
        path: of the file, for messages and for the generation in its name.

    Raises:
        CorruptCollectionError: the seal, the JSON or the generation is wrong.
        FormatVersionError: a newer polyseek wrote it.
    """
    body, seal = data[:-_SEAL_BYTES], data[-_SEAL_BYTES:]
    digest = sha256(body).hexdigest()
    if seal != _SEAL + digest.encode("ascii") + b"\n":
        raise CorruptCollectionError(f"{path} is damaged: its checksum does not match")
    try:
        section = as_section(json.loads(body), "manifest")
        _check_version(section)
        manifest = _from_json(section, digest)
    except (ValueError, TypeError) as error:
        raise CorruptCollectionError(f"{path} cannot be read: {error}") from error
    if path != manifest_path(path.parent, manifest.generation):
        raise CorruptCollectionError(
            f"{path} holds generation {manifest.generation}, which its name does not say"
        )
    return manifest


def newest_manifest(folder: Path) -> tuple[Manifest, tuple[str, ...]]:
    """The highest generation whose manifest verifies.

    Returns:
        The manifest, and one warning for every newer one that was passed over.

    Raises:
        CollectionMissingError: the folder holds no manifest.
        CorruptCollectionError: it holds some, and none verifies.
        FormatVersionError: the newest was written by a newer polyseek.
    """
    warnings: list[str] = []
    paths = manifest_paths(folder)
    for path in paths.values():
        try:
            manifest = decode_manifest(path.read_bytes(), path)
        except FileNotFoundError:
            continue  # collected since the listing; so a newer one exists, and was not in it
        except CorruptCollectionError as error:
            warnings.append(f"{error}; using an older generation instead")
            continue
        return manifest, tuple(warnings)
    if warnings:
        raise CorruptCollectionError(
            f"no manifest in {folder} verifies ({len(warnings)} tried)",
            hint="restore the folder from a backup, or delete it and index again",
        )
    if paths:
        return newest_manifest(folder)
    raise CollectionMissingError(
        f"no collection at {folder}", hint="make one with: polyseek index FOLDER"
    )


def _check_version(section: Section) -> None:
    version = get_int(section, "format_version")
    if version > FORMAT_VERSION:
        needed = get_text(section, "readable_since")
        raise FormatVersionError(
            f"the collection has format {version}; this polyseek reads up to {FORMAT_VERSION}",
            hint=f"install polyseek {needed} or newer",
        )


def _to_json(manifest: Manifest) -> dict[str, object]:
    encoder = manifest.encoder
    return {
        **manifest.unknown,
        "format_version": manifest.format_version,
        "readable_since": READABLE_SINCE,
        "generation": manifest.generation,
        "key": manifest.key,
        "encoder": {
            "name": encoder.name,
            "dim": encoder.dim,
            "fingerprint": encoder.fingerprint,
            "parts": dict(encoder.parts),
            "languages": list(encoder.languages),
        },
        "catalogue": manifest.catalogue.to_json(),
        "roots": [path_to_json(root) for root in manifest.roots],
        "galleries": {name: entry.to_json() for name, entry in manifest.galleries.items()},
        "changes": [entry.to_json() for entry in manifest.changes],
    }


def _from_json(section: Section, digest: str) -> Manifest:
    encoder = get_section(section, "encoder")
    parts = get_section(encoder, "parts")
    galleries = get_section(section, "galleries")
    return Manifest(
        format_version=get_int(section, "format_version"),
        generation=get_int(section, "generation"),
        key=get_text(section, "key"),
        encoder=EncoderInfo(
            name=get_text(encoder, "name"),
            dim=get_int(encoder, "dim"),
            fingerprint=get_text(encoder, "fingerprint"),
            parts={name: get_text(parts, name) for name in parts},
            languages=get_texts(encoder, "languages"),
        ),
        catalogue=CatalogueLocation.from_json(section.get("catalogue")),
        roots=tuple(map(path_from_json, get_list(section, "roots"))),
        galleries={
            cast(GalleryName, name): GalleryEntry.from_json(entry)
            for name, entry in galleries.items()
        },
        changes=tuple(map(FileEntry.from_json, get_list(section, "changes"))),
        unknown={name: value for name, value in section.items() if name not in _KNOWN},
        digest=digest,
    )


def _names(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "sha256" in value and isinstance(name := value.get("name"), str):
            yield name
        for inner in value.values():
            yield from _names(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _names(inner)
