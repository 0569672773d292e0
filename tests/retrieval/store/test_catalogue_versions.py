"""Versions of the catalogue's tables: migrations, and what becomes of other versions."""

import os
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from indexer.catalogue import CatalogueWriter
from indexer.maintain import repair_catalogue
from indexer.verify import verify_collection
from indexer.writer import CollectionWriter
from retrieval.errors import CatalogueError
from retrieval.store import schema
from retrieval.store.collection import Collection
from retrieval.store.database import connect, location_of
from retrieval.store.tags import TagChange
from tests.collection_kit import (
    ENCODER,
    add,
    change_row,
    digest,
    new_collection,
    put,
    read_state,
    remove,
)


def test_the_migrations_make_the_tables_of_the_schema(tmp_path, catalogue_url):
    key = f"schema-{os.getpid()}"
    location = location_of(catalogue_url, key)
    CatalogueWriter.open(location, tmp_path, catalogue_url).close()
    engine = connect(location, tmp_path, catalogue_url, is_writer=True)
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.Base.metadata) == []
    engine.dispose()


def test_tables_of_the_first_version_are_brought_up_to_date_by_the_next_writer(
    tmp_path, catalogue_url
):
    folder = new_collection(tmp_path / "c", 1, 2, url=catalogue_url)
    before = read_state(folder, catalogue_url)
    with Collection.open(folder, catalogue_url=catalogue_url) as collection:
        location = collection.manifest.catalogue
    engine = connect(location, folder, catalogue_url, is_writer=True)
    with engine.begin() as connection:
        downgrade(connection, "0001")
        # Rows of that version had another checksum.
        connection.execute(text("UPDATE item SET checksum = 0"))
    engine.dispose()
    with pytest.raises(CatalogueError, match="version 0001"):
        Collection.open(folder, catalogue_url=catalogue_url)
    CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url).close()
    assert read_state(folder, catalogue_url) == before


def downgrade(connection, revision):
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", "retrieval.store:migrations")
    command.downgrade(config, revision)


def test_rows_of_version_3_are_rebuilt_in_the_order_of_their_items(tmp_path, catalogue_url):
    with CollectionWriter.open(tmp_path / "c", ENCODER, catalogue_url=catalogue_url) as writer:
        put(writer, 1, 2, 3)
        writer.commit(None, [], [remove("/photos/2.jpg", 2)])
        writer.commit(None, [], [add("/z.jpg", 1), add("/a.jpg", 3), add("/b.jpg", 1)])
        writer.change_tags(TagChange("add", "dog", (digest(1),)))
        location = writer.manifest.catalogue
    folder = tmp_path / "c"
    before = records(folder, catalogue_url)
    assert [file.name for file in before[1].files] == ["1.jpg", "z.jpg", "b.jpg"]
    engine = connect(location, folder, catalogue_url, is_writer=True)
    with engine.begin() as connection:
        downgrade(connection, "0003")
        connection.execute(text(_FILE_OF_VERSION_3), {"key": location.key, "path": b"/old"})
    engine.dispose()
    CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url).close()
    assert records(folder, catalogue_url) == before
    assert verify_collection(folder, catalogue_url=catalogue_url).problems == ()


_FILE_OF_VERSION_3 = """
    INSERT INTO file (collection_id, item_id, path, display, size_bytes, mtime_ns, checksum,
                      added_generation)
    SELECT collection_id, item.id, :path, format, 7, 7, 7, 2
    FROM item JOIN collection ON collection.id = item.collection_id AND collection.key = :key
"""


def records(folder, url):
    with Collection.open(folder, catalogue_url=url) as view:
        return view.catalogue.hydrate([1, 2, 3], view.generation)


def test_the_schema_knows_the_newest_migration():
    folder = Path(schema.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_current_head() == schema.REVISION


def test_tables_of_another_version_are_refused_with_a_way_out(tmp_path):
    folder = new_collection(tmp_path / "c", 1)
    change_row(folder, "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(CatalogueError, match="version 0000") as refusal:
        Collection.open(folder)
    assert "`polyseek collection repair`" in refusal.value.hint


def test_repair_makes_tables_of_another_version_anew(tmp_path):
    """Also without an encoder and a folder to index: as it is with vectors made elsewhere."""
    folder = new_collection(tmp_path / "c", 1, 2)
    for version in ("0003", "0099"):
        before = read_state(folder)
        change_row(folder, f"UPDATE alembic_version SET version_num = '{version}'")
        assert repair_catalogue(folder).n_items == 2
        assert read_state(folder) == before


def test_a_writer_leaves_tables_of_a_newer_version_alone(tmp_path, catalogue_url):
    folder = tmp_path / "c"
    with CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url) as writer:
        put(writer, 1)
        location = writer.manifest.catalogue
    engine = connect(location, folder, catalogue_url, is_writer=True)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0099'"))
    with pytest.raises(CatalogueError, match="version 0099") as refusal:
        CollectionWriter.open(folder, ENCODER, catalogue_url=catalogue_url)
    assert "newer polyseek" in refusal.value.hint
    with engine.begin() as connection:  # other tests share a server
        connection.execute(text(f"UPDATE alembic_version SET version_num = '{schema.REVISION}'"))
    engine.dispose()
