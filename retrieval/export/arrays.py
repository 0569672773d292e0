"""Vectors as .npy files with their ids and paths beside them, and as a parquet table."""

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from retrieval.export.columns import split_path
from retrieval.export.records import VectorChunk
from retrieval.export.tables import import_pyarrow
from retrieval.model import GalleryName, ItemRecord

Precision = Literal["float16", "float32"]

ARRAY_FILES: dict[GalleryName, tuple[str, ...]] = {
    "images": ("vectors.npy", "ids.npy", "paths.txt"),
    "texts": ("vectors.npy", "ids.npy", "paths.txt", "texts.txt"),
}
"""Row i of vectors.npy is the item of the i-th id, path and text."""


@dataclass(frozen=True, slots=True)
class VectorShape:
    """What the files are to hold.

    Attributes:
        n: number of vectors.
        dim: length of one.
        precision: of their numbers; float16 is how they are stored, and float32 adds nothing.
        gallery: that they come from.
    """

    n: int
    dim: int
    precision: Precision
    gallery: GalleryName


def write_arrays(paths: Iterable[Path], shape: VectorShape, chunks: Iterable[VectorChunk]) -> int:
    """Write vectors, ids and lines; nothing but one chunk is in memory.

    Args:
        paths: of the files of ARRAY_FILES, in that order.
        shape: that all chunks make together.
        chunks: at least of one row each.

    Returns:
        How many paths no line can hold, having line ends in them: theirs is `item:ID`.

    Raises:
        OSError: a file cannot be written.
    """
    n_unsayable = 0
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(path.open("wb")) for path in paths]
        vectors, ids, *lines = files
        _begin_array(vectors, shape.precision, (shape.n, shape.dim))
        _begin_array(ids, "int64", (shape.n,))
        for chunk in chunks:
            vectors.write(chunk.vectors.astype(shape.precision, copy=False).tobytes())
            ids.write(chunk.ids.tobytes())
            said = [_path_line(record) for record in chunk.records]
            n_unsayable += said.count(None)
            for line, record in zip(said, chunk.records, strict=True):
                lines[0].write((line or b"item:%d" % record.id) + b"\n")
            if shape.gallery == "texts":
                for record in chunk.records:
                    lines[1].write(" ".join(record.captions[0].split()).encode() + b"\n")
    return n_unsayable


def write_vector_table(path: Path, shape: VectorShape, chunks: Iterable[VectorChunk]) -> None:
    """Write id, path, path_bytes (for names that are no UTF-8), of texts text, and vector.

    Raises:
        MissingDependencyError: pyarrow is not installed.
        OSError: the file cannot be written.
    """
    pa = import_pyarrow()
    import pyarrow.parquet as pq

    number = pa.float16() if shape.precision == "float16" else pa.float32()
    fields = [("id", pa.int64()), ("path", pa.string()), ("path_bytes", pa.binary())]
    if shape.gallery == "texts":
        fields.append(("text", pa.string()))
    schema = pa.schema([*fields, ("vector", pa.list_(number, shape.dim))])
    with path.open("wb") as file, pq.ParquetWriter(file, schema) as writer:
        for chunk in chunks:
            names = [split_path(record.files[0].path) for record in chunk.records]
            columns: list[Any] = [chunk.ids, [n[0] for n in names], [n[1] for n in names]]
            if shape.gallery == "texts":
                columns.append([record.captions[0] for record in chunk.records])
            flat = chunk.vectors.astype(shape.precision, copy=False).reshape(-1)
            arrays = [pa.array(each, schema.types[at]) for at, each in enumerate(columns)]
            arrays.append(pa.FixedSizeListArray.from_arrays(pa.array(flat), shape.dim))
            writer.write_batch(pa.record_batch(arrays, schema=schema))


def _begin_array(file: BinaryIO, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> None:
    """Write the head of a .npy file, format 1.0; its rows follow."""
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(dtype)),
        "fortran_order": False,
        "shape": shape,
    }
    np.lib.format.write_array_header_1_0(file, header)


def _path_line(record: ItemRecord) -> bytes | None:
    """The first path of an item, if a line can hold it and be read back."""
    path = record.files[0].path
    return None if b"\n" in path or path.endswith(b"\r") else path
