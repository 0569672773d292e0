"""The database of a catalogue before a write: whole, and with tables of this version."""

from sqlalchemy import (
    Connection,
    inspect,
    text,
)

from retrieval.errors import CatalogueError, CorruptCatalogueError
from retrieval.store.schema import REVISION

_MIGRATIONS = "retrieval.store:migrations"
_MIGRATION_LOCK = 0x706F6C79  # any number, the same in every process: "poly"


def check_database(connection: Connection) -> None:
    """Let SQLite look at the whole of its file, about 0.3 s for 100,000 items.

    A damaged index answers with fewer rows and without an error, and a run would take files for new
    that are not. Rows themselves carry checksums; PostgreSQL looks after itself.

    Raises:
        CorruptCatalogueError: it is damaged.
    """
    if connection.dialect.name == "sqlite":
        found = connection.scalar(text("PRAGMA integrity_check(1)"))
        if found != "ok":
            raise CorruptCatalogueError(f"the catalogue is damaged: {found}")


def upgrade_tables(connection: Connection) -> None:
    """Bring the tables of a database to this version, inside the caller's transaction.

    Alembic takes longer to load than most commits take, so it is loaded only if there is work.
    CatalogueError is raised for a version to come.
    """
    if connection.dialect.name == "postgresql":
        # Writers of other collections may share this database and start at the same moment.
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATION_LOCK})
    is_made = inspect(connection).has_table("alembic_version")
    found = is_made and connection.scalar(text("SELECT version_num FROM alembic_version"))
    if found == REVISION:
        return
    if found and found > REVISION:  # four digits each
        raise CatalogueError(
            f"the catalogue's tables have version {found}; this polyseek knows up to {REVISION}",
            hint="use a newer polyseek; `polyseek collection repair` makes SQLite's anew",
        )
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", _MIGRATIONS)
    command.upgrade(config, "head")
