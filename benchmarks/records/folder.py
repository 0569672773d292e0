"""The folder of a run: records as JSON lines and in SQLite, and the ranks that they come from.

    records.jsonl        one record a line, in the order in which they were made
    records.sqlite       their figures, one a row, for queries; made of the lines
    ranks/SHA256.npz     the rank of the best right answer of every query, by direction, those of
                         all right answers, where there are several, and, where several queries are
                         of one picture, the picture of each
    submissions/         rankings for servers that keep the targets of a test split

A record is appended when all that it names is written. What a cut-off run left half written is the
last line at most, and is written anew.
"""

import hashlib
import io
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np

from benchmarks.records.run import RunRecord
from indexer.durable import write_file
from indexer.lock import locked
from retrieval.errors import BenchmarkError
from retrieval.model import Int64Array

_LINES, _DATABASE, _RANKS = "records.jsonl", "records.sqlite", "ranks"
_SUBMISSIONS = "submissions"

_FOLDER = "a run is a folder, new or old"
_ELSEWHERE = "what is in this folder is not measured again: measure into another"

_PICTURE = "_picture"
"""Behind the name of a direction: what is kept are the pictures of its queries."""

_TABLE = """
create table figure (
    dataset text, split text, language text, captions text, gallery text, folds integer,
    prompt text, rerank text, training text, model text, fingerprint text, system text,
    compose text, name text, value real, record integer
)
"""


class RunFolder:
    """Records of one run, or of several into one folder.

    Args:
        folder: made when the first record is written.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: tuple[RunRecord, ...] | None = None
        self._by_identity: dict[str, RunRecord] = {}

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs out of the folder meanwhile; makes it.

        Raises:
            LockedError: another process measures into it.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with locked(self._folder, timeout_s=0):
            self._known = None  # what others have added meanwhile is read
            self._by_identity.clear()
            yield

    def records(self) -> tuple[RunRecord, ...]:
        """All records, oldest first; a line that was cut off is left out.

        Raises:
            BenchmarkError: a line is no record, or one of another version.
        """
        if self._known is None:
            self._known = self._read()
            for each in self._known:
                self._by_identity.setdefault(each.identity, each)
        return self._known

    def same_as(self, wanted: RunRecord) -> RunRecord | None:
        """The oldest record of the same measurement, if there is one.

        Raises:
            BenchmarkError: as `records`.
        """
        self.records()
        return self._by_identity.get(wanted.identity)

    def _read(self) -> tuple[RunRecord, ...]:
        path = self._folder / _LINES
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise BenchmarkError(f"cannot read {path}: {error.strerror}", hint=_FOLDER) from error
        except UnicodeDecodeError as error:
            raise BenchmarkError(f"{path} is no UTF-8: {error}", hint=_ELSEWHERE) from error
        lines = text.split("\n")
        return tuple(self._record(line, number) for number, line in enumerate(lines[:-1], start=1))

    def add(self, record: RunRecord) -> None:
        """Append a record."""
        whole = (*self.records(), record)
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._folder / _LINES
        if _is_cut_off(path):  # what was cut off goes
            write_file(path, "".join(f"{_line(each)}\n" for each in whole).encode())
        else:
            with path.open("ab") as file:
                file.write(f"{_line(record)}\n".encode())
                file.flush()
                os.fsync(file.fileno())
        self._known = whole
        self._by_identity.setdefault(record.identity, record)

    def write_database(self) -> None:
        """Write the figures of all records into SQLite, whole or not at all."""
        path = self._folder / _DATABASE
        with closing(sqlite3.connect(":memory:")) as database:
            with database:
                database.execute(_TABLE)
                for number, each in enumerate(self.records(), start=1):
                    database.executemany(
                        f"insert into figure values ({', '.join('?' * 16)})",
                        [
                            (*_row(each), name, value, number)
                            for name, value in each.figures.items()
                        ],
                    )
            write_file(path, database.serialize())

    def add_ranks(
        self, ranks: Mapping[str, Int64Array], pictures: Mapping[str, Int64Array] | None = None
    ) -> str:
        """Keep ranks, one array a direction -> the sha256 of their file.

        Args:
            ranks: of every query, by direction.
            pictures: of every query, by direction, where several are of one picture.
        """
        buffer = io.BytesIO()
        whole = {**ranks, **{f"{name}{_PICTURE}": of for name, of in (pictures or {}).items()}}
        small = {name: each.astype(np.uint32) for name, each in sorted(whole.items())}
        np.savez_compressed(buffer, allow_pickle=False, **small)
        content = buffer.getvalue()
        digest = hashlib.sha256(content).hexdigest()
        write_file(self._folder / _RANKS / f"{digest}.npz", content)
        return digest

    def add_submission(self, name: str, content: bytes) -> Path:
        """Keep what is sent to a server, in the place of one of the same name -> its path."""
        path = self._folder / _SUBMISSIONS / name
        write_file(path, content)
        return path

    def ranks_of(self, record: RunRecord) -> dict[str, Int64Array]:
        """The ranks that a record comes from, by direction.

        Raises:
            BenchmarkError: their file is missing, or is not what the record names.
        """
        kept = self._kept(record)
        return {name: each for name, each in kept.items() if not name.endswith(_PICTURE)}

    def pictures_of(self, record: RunRecord) -> dict[str, Int64Array]:
        """The picture of every query, by direction ("t2i"), where it is not the query itself.

        Raises:
            BenchmarkError: as `ranks_of`.
        """
        kept = self._kept(record)
        ours = [name for name in kept if name.endswith(_PICTURE)]
        return {name.removesuffix(_PICTURE): kept[name] for name in ours}

    def _kept(self, record: RunRecord) -> dict[str, Int64Array]:
        path = self._folder / _RANKS / f"{record.ranks}.npz"
        try:
            content = path.read_bytes()
        except OSError as error:
            raise BenchmarkError(f"cannot read the ranks {path}: {error.strerror}") from error
        if hashlib.sha256(content).hexdigest() != record.ranks:
            raise BenchmarkError(f"{path} is not what was recorded", hint=_ELSEWHERE)
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: arrays[name].astype(np.int64) for name in arrays.files}

    def _record(self, line: str, number: int) -> RunRecord:
        path = self._folder / _LINES
        try:
            return RunRecord.of_json(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BenchmarkError(
                f"{path}, line {number}, is no record: {error}",
                hint="write to another folder, or use the polyseek that wrote this one",
            ) from error


def _is_cut_off(path: Path) -> bool:
    """Whether a file of lines ends within one; one that is empty or not there does not."""
    try:
        with path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
    except FileNotFoundError:
        return False


def _row(record: RunRecord) -> tuple[object, ...]:
    """What one record says beside its figures, in the order of the table."""
    key, model = record.key, record.model
    return (
        key.dataset, key.split, key.language, key.captions, key.gallery, key.folds, key.prompt,
        key.rerank, key.training, model["name"], model["fingerprint"], record.system,
        record.settings.get("compose", ""),
    )  # fmt: skip


def _line(record: RunRecord) -> str:
    return json.dumps(record.to_json(), ensure_ascii=False, allow_nan=False)
