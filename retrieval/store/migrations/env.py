"""Runs migrations on the connection that indexer.catalogue hands over; no alembic.ini exists."""

from alembic import context

from retrieval.store.schema import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite alters a table by copying it
)
context.run_migrations()
