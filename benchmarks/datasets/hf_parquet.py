"""Tables of Hugging Face: a picture a row, with its captions, and often the picture itself.

    nlphuji/flickr30k                                 0000.parquet ... 0008.parquet
    nlphuji/flickr_1k_test_image_text_retrieval       the 1,000 pictures of the test split alone
    nlphuji/mscoco_2014_5k_test_image_text_retrieval  the 5,000 of COCO's

Columns: `filename`, `caption` (a list), and where they are there `split`, `sentids` and `image`.
All 31,014 rows of nlphuji/flickr30k are in one split called "test"; the true one is in the column
`split`, by which rows are taken. A table without that column is taken whole, and its counts tell
whether it is the split: lmms-lab/flickr30k has all 31,783 pictures under "test", and is refused.

Pictures that lie in the table and not in a file are written out once, byte for byte, into images/
below the folder: what measures them reads files. pyarrow comes with the extra `parquet`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.datasets.base import DatasetError
from benchmarks.datasets.captioned import Annotations, annotations
from benchmarks.datasets.hf_rows import captioned_rows
from indexer.durable import write_file
from retrieval.errors import MissingDependencyError

FOLDERS = (".", "data", "parquet", "TEST/test")
"""Below the folder of a data set: where its tables are looked for."""

_NEEDED = ("filename", "caption")
_ROWS_AT_ONCE = 16


def tables(folder: Path) -> tuple[Path, ...]:
    """All parquet files of the first folder that has some, by name."""
    found = (sorted((folder / each).glob("*.parquet")) for each in FOLDERS)
    return tuple(next((paths for paths in found if paths), ()))


def read_tables(folder: Path, split: str) -> Annotations | None:
    """The rows of a split; None where there is no table.

    Raises:
        DatasetError: a table is damaged, lacks a column, or a cell is of another kind.
        MissingDependencyError: pyarrow is not installed.
    """
    paths = tables(folder)
    if not paths or split == "all":
        return None
    columns = (*_NEEDED, "split", "sentids")
    pictures = [
        each for path in paths for each in captioned_rows(path, _rows(path, columns), split)
    ]
    return annotations(paths[0], pictures, {path.name: _digest(path) for path in paths})


def write_pictures(folder: Path, missing: Mapping[str, Path]) -> None:
    """Write pictures that lie in the tables of a folder to files; those that do not are left out.

    Each file is there whole or not at all.

    Args:
        folder: of the data set.
        missing: where each picture should be, by file name.

    Raises:
        DatasetError: a table is damaged, or a file cannot be written.
        MissingDependencyError: pyarrow is not installed.
    """
    wanted = dict(missing)
    for path in tables(folder) if wanted else ():
        for row in _rows(path, ("filename", "image")):
            image = row.get("image")
            content = image.get("bytes") if isinstance(image, dict) else image
            target = wanted.get(row["filename"])
            if target is None or not isinstance(content, bytes):
                continue
            del wanted[row["filename"]]
            try:
                write_file(target, content)
            except OSError as error:
                raise DatasetError(
                    f"cannot write the pictures of {path} to {target.parent}: {error.strerror}",
                    hint=f"make room there, or put the pictures into {target.parent} yourself",
                ) from error
        if not wanted:
            break


def is_table(read: Annotations) -> bool:
    """Whether captions came from a table, whose pictures may lie in it."""
    return read.place.suffix == ".parquet"


def _rows(path: Path, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of a table, with those columns that it has."""
    arrow, parquet = _pyarrow()
    try:
        with parquet.ParquetFile(path, pre_buffer=False) as table:
            names = table.schema_arrow.names
            if absent := [each for each in _NEEDED if each not in names]:
                raise DatasetError(
                    f"{path} has no column {absent[0]!r}",
                    hint=f"it has {', '.join(names)}; take nlphuji/flickr30k or its like",
                )
            known = [each for each in columns if each in names]
            for batch in table.iter_batches(_ROWS_AT_ONCE, columns=known, use_threads=False):
                yield from batch.to_pylist()
    except (arrow.ArrowException, OSError) as error:
        raise DatasetError(
            f"{path} is no parquet file, or is damaged: {error}", hint="get the file again"
        ) from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"reading parquet needs the package {error.name}",
            hint="pip install 'polyseek[parquet]'",
        ) from error
    return pyarrow, pyarrow.parquet
