"""Files lie in the order of their items, and carry what an answer says of them."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

BIG_INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")
KNOWN = sa.text("source IS NOT NULL")


def upgrade() -> None:
    op.drop_table("file")
    op.create_table(
        "file",
        sa.Column("collection_id", BIG_INT, primary_key=True, autoincrement=False),
        sa.Column("item_id", BIG_INT, primary_key=True, autoincrement=False),
        sa.Column("added_generation", BIG_INT, primary_key=True, autoincrement=False),
        sa.Column("number", BIG_INT, primary_key=True, autoincrement=False),
        sa.Column("removed_generation", sa.BigInteger),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("source", sa.LargeBinary),
        sa.Column("packed_item", sa.LargeBinary, nullable=False),
        sa.Column("checksum", sa.BigInteger, nullable=False),
        sa.Column("display_folded", sa.Text, nullable=False),
        _to_items(),
        sqlite_with_rowid=False,
    )
    _index_files()


def downgrade() -> None:
    op.drop_table("file")
    op.create_table(
        "file",
        sa.Column("row_id", BIG_INT, primary_key=True),
        sa.Column("collection_id", BIG_INT, nullable=False),
        sa.Column("item_id", BIG_INT, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("display", sa.Text, nullable=False),
        sa.Column("display_folded", sa.Text, nullable=False, server_default=""),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("source", sa.LargeBinary),
        sa.Column("checksum", sa.BigInteger, nullable=False),
        sa.Column("added_generation", sa.BigInteger, nullable=False),
        sa.Column("removed_generation", sa.BigInteger),
        _to_items(),
    )
    op.create_index("ix_file_item", "file", ["collection_id", "item_id"])
    _index_files()


def _to_items() -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["collection_id", "item_id"], ["item.collection_id", "item.id"], ondelete="CASCADE"
    )


def _index_files() -> None:
    """The indexes that both versions have; and let the rows be rebuilt from the segments."""
    op.create_index("ix_file_path", "file", ["collection_id", "path"])
    op.create_index(
        "ix_file_source",
        "file",
        ["collection_id", "source"],
        sqlite_where=KNOWN,
        postgresql_where=KNOWN,
    )
    # A catalogue that belongs to no manifest is rebuilt.
    op.execute("UPDATE collection SET manifest_sha256 = '', parent_sha256 = ''")
