"""Where a catalogue is: URLs without secrets, file systems without locks."""

import errno
import sqlite3

import pytest
from sqlalchemy.exc import OperationalError

from retrieval.errors import CatalogueError
from retrieval.store.database import (
    catalogue_errors,
    connect,
    location_of,
    refuse_network_file_system,
)
from retrieval.store.manifest import CatalogueLocation

MOUNTS = b"""\
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/vdb /home/local ext4 rw 0 0
//nas/photos /mnt/my\\040photos cifs rw 0 0
tmpfs /homestead tmpfs rw 0 0
"""


@pytest.fixture
def mounts(tmp_path):
    path = tmp_path / "mounts"
    path.write_bytes(MOUNTS)
    return path


@pytest.mark.parametrize("folder", ["/home", "/home/me/photos", "/mnt/my photos/2024"])
def test_a_network_file_system_is_refused_with_a_way_out(mounts, folder, tmp_path):
    with pytest.raises(CatalogueError, match="network file system") as caught:
        refuse_network_file_system(type(tmp_path)(folder), mounts)
    assert "PostgreSQL" in (caught.value.hint or "")


@pytest.mark.parametrize("folder", ["/", "/srv", "/home/local/x", "/homestead/y", "/mnt"])
def test_a_local_file_system_is_fine(mounts, folder, tmp_path):
    refuse_network_file_system(type(tmp_path)(folder), mounts)


def test_a_system_without_a_table_of_mounts_is_trusted(tmp_path):
    refuse_network_file_system(tmp_path, tmp_path / "absent")


def test_a_location_never_holds_who_or_with_what_password():
    location = location_of("postgresql://me:secret@db.example:5433/photos", "key")
    assert location == CatalogueLocation("postgresql", "key", "db.example", 5433, "photos")
    assert "secret" not in repr(location)
    assert location_of(None, "key") == CatalogueLocation("sqlite", "key")


def test_a_unix_socket_is_a_location_too(tmp_path):
    location = location_of("postgresql+psycopg://me@/photos?host=/run/pg&port=5433", "key")
    assert location == CatalogueLocation("postgresql", "key", "/run/pg", 5433, "photos")
    engine = connect(location, tmp_path)
    assert dict(engine.url.query) == {"host": "/run/pg", "port": "5433"}
    assert engine.url.host is None


def test_without_a_url_the_driver_fills_in_the_user(tmp_path):
    location = CatalogueLocation("postgresql", "key", "db.example", 5433, "photos")
    url = connect(location, tmp_path).url
    assert url.render_as_string() == "postgresql+psycopg://db.example:5433/photos"


@pytest.mark.parametrize(
    "url",
    [
        *("sqlite:///x.db", "mysql://me@host/db", "no url", ""),
        *("postgresql://me@host:port/db", "postgresql:///db?host=/run&port=x"),
    ],
)
def test_another_kind_of_url_is_refused_without_repeating_it(url):
    with pytest.raises(CatalogueError, match="URL") as caught:
        location_of(url, "key")
    assert caught.value.hint


@pytest.mark.postgres
def test_a_server_that_cannot_be_reached_is_an_error_without_the_password(tmp_path):
    from indexer.writer import CollectionWriter
    from tests.collection_kit import ENCODER

    with pytest.raises(CatalogueError) as caught:
        CollectionWriter.open(
            tmp_path / "c", ENCODER, catalogue_url="postgresql://me:secret@127.0.0.1:1/x"
        )
    assert "secret" not in str(caught.value)
    assert "server" in caught.value.hint
    assert "repair" not in caught.value.hint
    assert not [*(tmp_path / "c").glob("manifest-*")]


@pytest.mark.parametrize(
    ("code", "number"),
    [(sqlite3.SQLITE_FULL, errno.ENOSPC), (sqlite3.SQLITE_IOERR_WRITE, errno.EIO)],
)
def test_a_disk_that_is_full_or_fails_is_no_damage(code, number):
    cause = sqlite3.OperationalError("disk I/O error")
    cause.sqlite_errorcode = code
    with pytest.raises(OSError, match="writing failed: ") as caught, catalogue_errors("writing"):
        raise OperationalError("INSERT ...", {}, cause)
    assert caught.value.errno == number
