"""The file that says a text, beside the picture that it belongs to."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("file", sa.Column("source", sa.LargeBinary))
    known = sa.text("source IS NOT NULL")
    op.create_index(
        "ix_file_source",
        "file",
        ["collection_id", "source"],
        sqlite_where=known,
        postgresql_where=known,
    )


def downgrade() -> None:
    op.drop_index("ix_file_source", "file")
    op.drop_column("file", "source")
