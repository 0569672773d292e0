"""Vectors that somebody else has made: .npy files, with what they belong to.

Two forms: one file with a file of ids, one a line; and the folder that clip-retrieval's inference
writes (img_emb/img_emb_0.npy, text_emb/text_emb_0.npy, metadata/metadata_0.parquet). Nothing is
held in memory but the ids.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.readers.files import opening_source, read_stable
from retrieval.errors import ImageError, MissingDependencyError, SourceError
from retrieval.model import GalleryName

_EMBEDDINGS = {"images": "img_emb", "texts": "text_emb"}
_PATH_COLUMN, _CAPTION_COLUMN, _URL_COLUMN = "image_path", "caption", "url"
_NUMBER = re.compile(r"_(\d+)\.npy")


@dataclass(frozen=True, slots=True)
class VectorPart:
    """One file of vectors and what its rows belong to.

    Attributes:
        name: of the file, for messages.
        vectors: (n, dim) float16, float32 or float64; read as it is used.
        ids: n paths, addresses or keys, as they are written.
        base: absolute folder that relative paths among them start from.
        captions: n texts ("" for none), or () if there are none at all.
        gallery: that the rows go into.
    """

    name: bytes
    vectors: npt.NDArray[np.floating[Any]]
    ids: Sequence[bytes]
    base: bytes
    gallery: GalleryName
    captions: Sequence[str] = ()


def read_pair(vectors: Path, ids: Path, gallery: GalleryName) -> VectorPart:
    """One .npy file and its file of ids, one a line.

    Raises:
        SourceError: one is missing or is not what it should be, or their lengths differ.
    """
    array = open_vectors(vectors)
    with opening_source(os.fsencode(ids), "file", "a text file"):
        _, content = read_stable(os.path.realpath(os.fsencode(ids)))
    lines = content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    if lines[-1] == b"":  # the end of the last line begins no other
        lines.pop()
    if len(lines) != len(array):
        raise SourceError(
            f"{vectors} has {len(array):,} rows, {ids} has {len(lines):,} lines",
            hint="line i of the ids has to name row i of the vectors",
        )
    base = os.path.dirname(os.path.realpath(os.fsencode(ids)))
    names = [line.removesuffix(b"\r") for line in lines]
    return VectorPart(os.fsencode(vectors), array, names, base, gallery)


def read_folder(folder: Path, galleries: Sequence[GalleryName]) -> list[VectorPart]:
    """The parts of a folder of clip-retrieval, in the order of their numbers.

    Args:
        folder: with img_emb or text_emb, and metadata.
        galleries: which of the two to take; those that are not there are left out.

    Raises:
        SourceError: there is none, a part has no metadata, or their lengths differ.
        MissingDependencyError: pyarrow is not installed.
    """
    parts = [
        _read_part(folder, vectors, gallery)
        for gallery in galleries
        for vectors in sorted((folder / _EMBEDDINGS[gallery]).glob("*.npy"), key=_number)
    ]
    if not parts:
        wanted = " or ".join(f"{_EMBEDDINGS[gallery]}/*.npy" for gallery in galleries)
        raise SourceError(
            f"no {wanted} in {folder}",
            hint="name a folder that clip-retrieval inference wrote, or a .npy file with --ids",
        )
    return parts


def open_vectors(path: Path) -> npt.NDArray[np.floating[Any]]:
    """A .npy file as an array (n, dim) that reads what is asked of it; n and dim at least 1.

    Raises:
        SourceError: it is missing, cut or no .npy file, or holds something else than vectors.
    """
    try:
        with opening_source(os.fsencode(path), "file", "a .npy file"):
            array = np.lib.format.open_memmap(path, mode="r")  # it takes no pickles
    except (ValueError, EOFError) as error:
        raise SourceError(
            f"{path} is no .npy file of numbers, or was cut", hint="write it again with numpy.save"
        ) from error
    if array.dtype.kind != "f" or array.dtype.itemsize > 8:
        raise SourceError(
            f"{path} holds {array.dtype}, not float16, float32 or float64",
            hint="save the vectors as numbers of one of these types",
        )
    if array.ndim != 2 or 0 in array.shape:
        raise SourceError(
            f"{path} has shape {array.shape}, not (number of vectors, dimension)",
            hint="one row is one vector",
        )
    return array


def _read_part(folder: Path, vectors: Path, gallery: GalleryName) -> VectorPart:
    number = _NUMBER.search(vectors.name)
    if number is None:
        raise SourceError(f"{vectors} has no number", hint="clip-retrieval writes img_emb_0.npy")
    table = folder / "metadata" / f"metadata_{number[1]}.parquet"
    array, columns = open_vectors(vectors), _read_metadata(table)
    n_rows = len(next(iter(columns.values())))
    if n_rows != len(array):
        raise SourceError(
            f"{vectors} has {len(array):,} rows, {table} has {n_rows:,}",
            hint="they belong to different runs, or one was cut",
        )
    ids = columns.get(_PATH_COLUMN) or columns[_URL_COLUMN]
    if _URL_COLUMN in columns:
        # The path of a picture that came from an archive is a key; where it came from says more.
        ids = [url or name for name, url in zip(ids, columns[_URL_COLUMN], strict=True)]
    return VectorPart(
        name=os.fsencode(vectors),
        vectors=array,
        ids=[os.fsencode(each) for each in ids],
        base=os.path.realpath(os.fsencode(folder)),
        gallery=gallery,
        captions=columns.get(_CAPTION_COLUMN, ()),
    )


def _read_metadata(table: Path) -> dict[str, list[str]]:
    """Columns that say what rows belong to, and what they say; at least one of the former."""
    try:
        from indexer.readers.parquet_table import column_names, read_columns
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"reading {table} needs the package {error.name}", hint="install polyseek[parquet]"
        ) from error
    path = os.path.realpath(os.fsencode(table))
    there = column_names(path)
    names = [n for n in (_PATH_COLUMN, _CAPTION_COLUMN, _URL_COLUMN) if n in there]
    if _PATH_COLUMN not in names and _URL_COLUMN not in names:
        raise SourceError(
            f"{table} has neither a column image_path nor url; its columns: {', '.join(there)}",
            hint="save the vectors and their ids as two files, for --embeddings and --ids",
        )
    columns: dict[str, list[str]] = {name: [] for name in names}
    try:
        for row in read_columns(path, names):
            for name, value in zip(names, row, strict=True):
                columns[name].append(value if isinstance(value, str) else "")
    except ImageError as error:
        raise SourceError(f"{table} is damaged", hint="download or write it again") from error
    return columns


def _number(path: Path) -> tuple[int, str]:
    number = _NUMBER.search(path.name)
    return (int(number[1]) if number else -1, path.name)
