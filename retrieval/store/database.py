"""Connections to the catalogue's database, SQLite or PostgreSQL; no query is made here."""

import contextlib
import errno
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError

from retrieval.errors import CatalogueError, CorruptCatalogueError, MissingDependencyError
from retrieval.store.entries import CatalogueLocation

SQLITE_NAME = "catalogue.db"
_REPAIR_HINT = "`polyseek collection repair` rebuilds it from the segments"
_OTHER_HINT = "if it is missing, `polyseek collection repair` rebuilds it from the segments"
_SERVER_HINT = "check the catalogue's URL, and that its server is running and lets you in"
_DAMAGE = frozenset(
    (
        *(sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT),
        *(sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_CONSTRAINT),
    )
)
"""What SQLite says of a damaged file. Its tables and our statements fit each other, so a missing
column or a broken constraint is damage, too."""
_BUSY_TIMEOUT_MS = 10_000
_PSYCOPG = "postgresql+psycopg"
_NETWORK_TYPES = frozenset(
    (
        *("9p", "afs", "beegfs", "ceph", "cifs", "coda", "fuse.ceph", "fuse.glusterfs"),
        *("fuse.rclone", "fuse.s3fs", "fuse.sshfs", "gfs2", "glusterfs", "gpfs", "lustre"),
        *("ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "pvfs2", "smb3", "smbfs", "virtiofs"),
    )
)
"""File systems that other machines write to as well. SQLite's WAL keeps its index in shared
memory, which two machines do not share. Source: https://sqlite.org/wal.html, "Overview"."""


def location_of(url: str | None, key: str) -> CatalogueLocation:
    """Where a catalogue URL points, as a manifest records it: without user and password.

    Args:
        url: of a PostgreSQL database, or None for SQLite in the collection's folder.
        key: the collection's key.

    Raises:
        CatalogueError: the URL is malformed or of another kind of database.
    """
    if url is None:
        return CatalogueLocation("sqlite", key)
    parsed = _parse(url)
    host = parsed.query.get("host", parsed.host)  # a Unix socket is named in the query
    port = parsed.query.get("port", parsed.port)
    return CatalogueLocation(
        kind="postgresql",
        key=key,
        host=host if isinstance(host, str) else None,
        port=int(port) if isinstance(port, str | int) else None,
        database=parsed.database,
    )


def connect(
    location: CatalogueLocation, folder: Path, url: str | None = None, *, is_writer: bool = False
) -> Engine:
    """An engine for the catalogue; opens no connection yet.

    Args:
        location: what the manifest says.
        folder: of the collection.
        url: with user and password, of a PostgreSQL catalogue; without it libpq's own defaults
            (PGUSER, ~/.pgpass) fill in what `location` does not say.
        is_writer: whether rows may be written.

    Raises:
        CatalogueError: SQLite on a network file system, or a bad URL.
        MissingDependencyError: the PostgreSQL driver is not installed.
    """
    if location.kind == "sqlite" and url is None:
        return _connect_sqlite(folder / SQLITE_NAME, is_writer=is_writer)
    target = _parse(url) if url is not None else _url_of(location)
    try:
        # Several statements of one read must see one state, as they do in SQLite.
        return create_engine(target, isolation_level="REPEATABLE READ", pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            "the PostgreSQL driver is not installed", hint="pip install 'polyseek[pg]'"
        ) from error


@contextlib.contextmanager
def catalogue_errors(doing: str) -> Iterator[None]:
    """Turn what the database raises into an error that says what was being done.

    Raises:
        CorruptCatalogueError: SQLite's file is damaged, or its tables are not ours any more.
        OSError: the disk is full or fails.
        CatalogueError: anything else the database complains of.
    """
    try:
        yield
    except FAILURES as error:
        raise in_our_words(error, doing) from error


FAILURES = (UnicodeDecodeError, json.JSONDecodeError, SQLAlchemyError, sqlite3.Error)
"""What a database raises, and what reading its values does."""


def in_our_words(error: Exception, doing: str) -> Exception:
    """What to raise for one of FAILURES; see `catalogue_errors`, which costs a small read more."""
    if isinstance(error, UnicodeDecodeError | json.JSONDecodeError):
        # Of a value, or of SQLite's own message, which quotes what it read.
        return CorruptCatalogueError(f"{doing} failed: it is damaged", hint=_REPAIR_HINT)
    cause = getattr(error, "orig", None) or error
    reason = str(cause).strip().partition("\n")[0]
    code = getattr(cause, "sqlite_errorcode", -1) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return OSError(errno.ENOSPC, f"{doing} failed: {os.strerror(errno.ENOSPC)}")
    if code == sqlite3.SQLITE_IOERR:  # so it calls a disk without room for its shared memory
        return OSError(errno.EIO, f"{doing} failed: {reason}")
    if code in _DAMAGE or "decode to UTF-8" in reason:
        return CorruptCatalogueError(f"{doing} failed: {reason}", hint=_REPAIR_HINT)
    is_server = isinstance(error, OperationalError) and not isinstance(cause, sqlite3.Error)
    hint = _SERVER_HINT if is_server else _OTHER_HINT
    return CatalogueError(f"{doing} failed: {reason}", hint=hint)


def refuse_network_file_system(folder: Path, mounts: Path = Path("/proc/mounts")) -> None:
    """Raise CatalogueError where SQLite's write-ahead log is not safe.

    Args:
        folder: that will hold the database.
        mounts: the kernel's table; a system without one is trusted.
    """
    try:
        table = mounts.read_bytes().splitlines()
    except OSError:
        return
    target = os.fsencode(folder.resolve())
    best, kind = b"", ""
    for line in table:
        _, point, fs_type, *_ = line.split(b" ")
        point = point.replace(rb"\040", b" ").replace(rb"\011", b"\t").replace(rb"\134", b"\\")
        is_above = target == point or target.startswith(point.rstrip(b"/") + b"/")
        if is_above and len(point) >= len(best):  # of two mounts on one point the later one counts
            best, kind = point, fs_type.decode()
    if kind in _NETWORK_TYPES:
        raise CatalogueError(
            f"{folder} is on a network file system ({kind}), where SQLite's locks are not safe",
            hint="keep the collection on a local disk, or use a PostgreSQL catalogue by its URL",
        )


def _connect_sqlite(path: Path, *, is_writer: bool) -> Engine:
    refuse_network_file_system(path.parent)
    # A reader creates no database. In a folder that it may not write, SQLite cannot make its
    # shared-memory file, and only an immutable database opens; without a log there it is one.
    wal = path.with_name(path.name + "-wal")
    is_frozen = not os.access(path.parent, os.W_OK) and not wal.exists()
    mode = "rwc" if is_writer else "ro&immutable=1" if is_frozen else "rw"
    target = f"{path.absolute().as_uri()}?mode={mode}"

    def open_database() -> sqlite3.Connection:
        # BEGIN is ours to send (below): the driver's own comes too late, or not at all.
        return sqlite3.connect(
            target,
            uri=True,
            timeout=_BUSY_TIMEOUT_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
        )

    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        creator=open_database,
        pool_size=8,
        json_deserializer=captions_of,
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: sqlite3.Connection, _record: object) -> None:
        if is_writer:
            connection.execute("PRAGMA journal_mode = WAL")
            # NORMAL may lose the last rows with the power, never tear them; the manifest tells,
            # and they are rebuilt. FULL would pay an fsync a commit for what is no truth anyway.
            connection.execute("PRAGMA synchronous = NORMAL")
            # KiB at most. Contents come in no order, so that a large commit writes on every page of
            # their index, 85 MB for a million items: what does not fit is read and written again.
            connection.execute("PRAGMA cache_size = -131072")
        else:
            connection.execute("PRAGMA query_only = ON")
            # KiB at most, filled as pages are read. SQLite's own 2 MiB hold no index of 100,000
            # items: ten rows took 1.3 ms with it and take 0.95 ms with this.
            connection.execute("PRAGMA cache_size = -65536")
        connection.execute("PRAGMA foreign_keys = ON")

    if is_writer:  # a reader's statements stand alone: see `Catalogue`

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def captions_of(text: str) -> object:
    """The one JSON column: most items have no captions, and parsing that 10,000 times shows."""
    return [] if text == "[]" else json.loads(text)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        int(str(parsed.query.get("port", 0)))
    except (ArgumentError, ValueError) as error:
        raise CatalogueError(
            "the catalogue URL cannot be read",
            hint="write it as postgresql://USER@HOST:PORT/DATABASE",
        ) from error
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise CatalogueError(
            f"a catalogue URL must start with postgresql://, not {parsed.drivername}://",
            hint="leave it out to use SQLite in the collection's folder",
        )
    return parsed.set(drivername=_PSYCOPG)


def _url_of(location: CatalogueLocation) -> URL:
    is_socket = location.host is not None and location.host.startswith("/")
    query = {"host": location.host, "port": str(location.port or "")} if is_socket else {}
    return URL.create(
        _PSYCOPG,
        host=None if is_socket else location.host,
        port=None if is_socket else location.port,
        database=location.database,
        query={name: value for name, value in query.items() if value},
    )
