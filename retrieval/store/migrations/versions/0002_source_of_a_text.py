"""The file that says a text, beside the picture that it belongs to; checksums in plain notation."""

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
    # Rows carry another checksum from here on; a catalogue that belongs to no manifest is rebuilt.
    op.execute("UPDATE collection SET manifest_sha256 = '', parent_sha256 = ''")


def downgrade() -> None:
    op.drop_index("ix_file_source", "file")
    op.drop_column("file", "source")
