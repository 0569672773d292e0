"""Files of items from SQLite, in one statement and past SQLAlchemy: what every answer waits for.

Behind a search nothing of this lies in the processor's caches any more, so that the code that runs
costs more than the rows do: ten rows take 1 ms by SQLAlchemy and 0.1 ms by the driver.
"""

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, TypeAlias

from sqlalchemy import Engine, PoolProxiedConnection

from retrieval.model import ItemId
from retrieval.store.statements import FILE_COLUMNS

_MOST_IDLE = 8
"""Connections kept for the next read, as many as SQLAlchemy's own pool of this engine keeps."""

_PADDED_UP_TO = 64
"""Longest IN list that is filled up to a power of two ids, so that its statement stays prepared."""

Values: TypeAlias = tuple[Any, ...]


class QuickRows:
    """Reads living files of one collection by their items; safe to use from several threads.

    It keeps connections of its own, one for each thread that is reading at the same time.
    """

    def __init__(self, engine: Engine, key: str) -> None:
        """Read from an engine of SQLite."""
        self._engine = engine
        self._key = key
        self._statements: dict[int, str] = {}
        self._idle: deque[PoolProxiedConnection] = deque()
        self._lock = threading.Lock()
        self._is_closed = False

    def read(self, ids: Sequence[ItemId], generation: int) -> Sequence[Values] | None:
        """The rows of those of `ids`, at most 10,000, that are alive, one a file.

        Returns:
            The values of FILE_COLUMNS and one more, by item and then in the order in which its
            files came. None where no row says whether the generation is known still: nothing was
            found, or its rows are gone.

        Raises:
            sqlite3.Error: the database fails.
        """
        values = _padded(ids)
        sql = self._statements.get(len(values)) or self._statement(len(values))
        connection = self._take()
        try:
            cursor = connection.cursor()
            cursor.execute(sql, (self._key, generation, *values))
            rows = cursor.fetchall()
        except BaseException:
            connection.close()
            raise
        self._give_back(connection)
        # One statement sees one state: what its first row says of the generation holds for all.
        if not rows or rows[0][-1] > generation:
            return None
        return rows

    def close(self) -> None:
        """Close the connections that are not in use now; the others follow when they are done."""
        with self._lock:
            self._is_closed = True
            idle, self._idle = self._idle, deque()
        for connection in idle:
            connection.close()

    def _statement(self, n_ids: int) -> str:
        """The statement that takes so many ids; short ones are kept."""
        sql = files_statement(n_ids)
        if n_ids <= _PADDED_UP_TO:
            self._statements[n_ids] = sql
        return sql

    def _take(self) -> PoolProxiedConnection:
        try:
            return self._idle.pop()  # the last one used is the warmest
        except IndexError:
            connection = self._engine.raw_connection()
            connection.detach()  # else a thread that waits for the pool could wait for ever
            return connection

    def _give_back(self, connection: PoolProxiedConnection) -> None:
        with self._lock:
            if not self._is_closed and len(self._idle) < _MOST_IDLE:
                self._idle.append(connection)
                return
        connection.close()


def _padded(ids: Sequence[ItemId]) -> tuple[ItemId, ...]:
    """The ids, the last one repeated, so that few lengths come about."""
    n = len(ids)
    if not 0 < n <= _PADDED_UP_TO:
        return tuple(ids)
    return (*ids, *(ids[-1],) * ((1 << (n - 1).bit_length()) - n))


_VISIBLE = "added_generation <= ? AND (removed_generation IS NULL OR removed_generation > ?)"
_FILE_COLUMNS = ", ".join(each.key for each in FILE_COLUMNS)


def files_statement(n: int) -> str:
    """SQLite's statement for the files of n items, with the oldest generation that is known.

    Its parameters: the collection's key, the generation, the ids. Files lie in the order asked for,
    so that nothing is left to sort. Subqueries that name no column of `file` run once, and cost
    less than a join does.
    """
    return (
        f"SELECT {_FILE_COLUMNS}, (SELECT oldest_generation FROM collection WHERE key = ?1)"
        " FROM file WHERE collection_id = (SELECT id FROM collection WHERE key = ?1)"
        " AND added_generation <= ?2 AND (removed_generation IS NULL OR removed_generation > ?2)"
        f" AND item_id IN ({_marks(n)}) ORDER BY item_id, added_generation, number"
    )


def contents_statement(n: int) -> str:
    """SQLite's statement for sha256 and id of items by n contents.

    Its parameters: collection_id, the generation twice, the contents. The index is named because
    SQLite, which counts on few items a collection, would read every item of it instead.
    """
    return (
        "SELECT sha256, id FROM item INDEXED BY ix_item_sha256"
        f" WHERE collection_id = ? AND {_VISIBLE} AND sha256 IN ({_marks(n)})"
    )


def paths_statement(n: int) -> str:
    """SQLite's statement for FILE_COLUMNS of the files at n paths; parameters as for contents."""
    return (
        f"SELECT {_FILE_COLUMNS} FROM file INDEXED BY ix_file_path"
        f" WHERE collection_id = ? AND {_VISIBLE} AND path IN ({_marks(n)})"
        " ORDER BY path, item_id, added_generation, number"
    )


def _marks(n: int) -> str:
    return ", ".join("?" * n)
