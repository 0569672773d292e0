"""A catalogue is made from the segments: damaged, it is found, rebuilt, and nothing is lost."""

import errno
import shutil
import sqlite3

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from indexer.maintain import repair_catalogue
from indexer.verify import verify_collection
from indexer.writer import CollectionWriter
from retrieval.errors import (
    CollectionError,
    CollectionMissingError,
    CorruptCatalogueError,
    CorruptCollectionError,
)
from retrieval.model import EncoderInfo
from retrieval.store.collection import Collection
from retrieval.store.database import catalogue_errors
from retrieval.store.manifest import newest_manifest
from tests.collection_kit import DIM, change_row, new_collection, put, read_state
from tests.factories import GeometryEncoder
from tests.indexer.service import kit

N_FLIPS = 150


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repair") / "photos"
    for number in range(6):
        kit.paint(folder / f"{number}.png", number)
    return folder


@pytest.fixture(scope="module")
def sound(photos, tmp_path_factory):
    folder = tmp_path_factory.mktemp("repair") / "c"
    kit.index(photos, folder)
    return folder


def flipped(data, rng):
    """The bytes with one bit of a byte that is not zero turned over."""
    position = rng.choice(np.flatnonzero(np.frombuffer(data, np.uint8)))
    damaged = bytearray(data)
    damaged[position] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


@pytest.mark.slow
def test_any_flipped_bit_of_a_catalogue_is_mended_by_the_next_run_or_by_repair(
    photos, sound, tmp_path
):
    expected = read_state(sound)
    data = (sound / "catalogue.db").read_bytes()
    rng = np.random.default_rng(7)
    for number in range(N_FLIPS):
        folder = shutil.copytree(sound, tmp_path / str(number))
        (folder / "catalogue.db").write_bytes(flipped(data, rng))
        kit.index(photos, folder)
        if verify_collection(folder).problems:  # in a row that this run had no need to read
            repair_catalogue(folder)
        assert read_state(folder) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE file SET size_bytes = 7 WHERE item_id = 1",
        "DROP TABLE file",
        "ALTER TABLE file RENAME COLUMN mtime_ns TO mtime",
        "DROP TABLE alembic_version",
    ],
)
def test_a_run_that_meets_damage_rebuilds_the_catalogue_and_goes_on(
    photos, sound, tmp_path, statement
):
    folder = shutil.copytree(sound, tmp_path / "c")
    change_row(folder, statement)
    with pytest.raises(CollectionError):
        read_state(folder)
    assert kit.counts(kit.index(photos, folder)) == (0, 0, 0, 0, 6, 0)
    assert read_state(folder) == read_state(sound)


def test_repair_rebuilds_whatever_is_left_of_a_catalogue(sound, tmp_path):
    for number, content in enumerate([None, b"", b"no database at all" * 1000]):
        folder = shutil.copytree(sound, tmp_path / str(number))
        (folder / "catalogue.db").unlink()
        if content is not None:
            (folder / "catalogue.db").write_bytes(content)
        counts = repair_catalogue(folder)
        assert (counts.n_items, counts.n_files) == (6, 6)
        assert read_state(folder) == read_state(sound)


def test_repair_works_on_any_catalogue(tmp_path, catalogue_url):
    folder = new_collection(tmp_path / "c", 1, 2, 3, url=catalogue_url)
    before = read_state(folder, catalogue_url)
    assert repair_catalogue(folder, catalogue_url=catalogue_url).n_items == 3
    assert read_state(folder, catalogue_url) == before


def test_repair_leaves_the_catalogue_alone_where_it_could_not_be_rebuilt(sound, tmp_path):
    folder = shutil.copytree(sound, tmp_path / "c")
    rows = next(folder.glob("galleries/images/segments/*/rows.jsonl"))
    rows.write_bytes(rows.read_bytes()[:-5])
    catalogue = (folder / "catalogue.db").read_bytes()
    with pytest.raises(CorruptCollectionError, match=r"rows\.jsonl"):
        repair_catalogue(folder)
    assert (folder / "catalogue.db").read_bytes() == catalogue


def test_there_is_nothing_to_repair_without_a_collection(tmp_path):
    with pytest.raises(CollectionMissingError):
        repair_catalogue(tmp_path)


def test_verify_looks_at_the_indexes_of_the_catalogue_too(sound, tmp_path):
    folder = shutil.copytree(sound, tmp_path / "c")
    path = folder / "catalogue.db"
    with sqlite3.connect(path) as database:  # a path stands in its row and in an index
        database.execute("VACUUM")  # and in no page that is free
    database.close()
    data = path.read_bytes()
    places = [at for at in range(len(data)) if data.startswith(b"/3.png", at)]
    assert len(places) >= 2
    for at in places:
        damaged = bytearray(data)
        damaged[at + 1] ^= 1
        path.write_bytes(bytes(damaged))
        assert verify_collection(folder).problems


def test_a_damaged_segment_does_not_stop_new_pictures(photos, sound, tmp_path):
    folder = shutil.copytree(sound, tmp_path / "c")
    rows = next(folder.glob("galleries/images/segments/*/rows.jsonl"))
    rows.write_bytes(rows.read_bytes()[:-5])
    kit.paint(tmp_path / "more" / "new.png", 99)
    report = kit.index(tmp_path / "more", folder)
    assert report.added == 1
    assert kit.n_items(folder) == 7
    assert len([*folder.glob("manifest-*.json")]) == 2, "old generations are still collected"


def test_a_full_disk_is_no_damage(tmp_path):
    engine = create_engine(f"sqlite:///{tmp_path / 'full.db'}")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE t (x BLOB)"))
        connection.execute(text("PRAGMA max_page_count = 4"))
        with (
            pytest.raises(OSError, match="writing the catalogue failed") as caught,
            catalogue_errors("writing the catalogue"),
        ):
            connection.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))
        assert caught.value.errno == errno.ENOSPC
    engine.dispose()


def test_a_text_that_is_none_is_damage(tmp_path):
    database = sqlite3.connect(tmp_path / "odd.db")
    database.execute("CREATE TABLE t (x TEXT)")
    database.execute("INSERT INTO t VALUES (CAST(x'ff' AS TEXT))")
    database.commit()
    database.close()
    engine = create_engine(f"sqlite:///{tmp_path / 'odd.db'}")
    with (
        engine.connect() as connection,
        pytest.raises(CorruptCatalogueError),
        catalogue_errors("reading"),
    ):
        connection.execute(text("SELECT x FROM t")).all()
    engine.dispose()


def test_a_collection_that_nothing_was_put_in_takes_another_encoder(tmp_path):
    folder = new_collection(tmp_path / "c")
    other = EncoderInfo("other", DIM, "0" * 64)
    with CollectionWriter.open(folder, other) as writer:
        put(writer, 1)
    assert newest_manifest(folder)[0].encoder == other
    assert len(read_state(folder).items) == 1


def test_a_run_into_an_empty_collection_chooses_the_encoder_anew(photos, tmp_path):
    folder = tmp_path / "c"
    CollectionWriter.open(folder, EncoderInfo("never used", DIM, "0" * 64)).close()
    kit.index(photos, folder)
    assert newest_manifest(folder)[0].encoder == GeometryEncoder().info


def test_vectors_outlive_a_repair(sound, tmp_path):
    folder = shutil.copytree(sound, tmp_path / "c")
    with Collection.open(folder) as collection:
        gallery = collection.gallery("images")
        before = gallery.gather(gallery.segments[0].ids)
    repair_catalogue(folder)
    with Collection.open(folder) as collection:
        gallery = collection.gallery("images")
        assert np.array_equal(gallery.gather(gallery.segments[0].ids), before)
