"""First tables: collection, item, file."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

BIG_INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "collection",
        sa.Column("id", BIG_INT, primary_key=True),
        sa.Column("key", sa.String(36), nullable=False, unique=True),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("oldest_generation", sa.BigInteger, nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
        sa.Column("parent_sha256", sa.String(64), nullable=False),
    )
    op.create_table(
        "item",
        sa.Column(
            "collection_id",
            BIG_INT,
            sa.ForeignKey("collection.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("id", BIG_INT, primary_key=True, autoincrement=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("format", sa.Text, nullable=False),
        sa.Column("width_px", sa.Integer, nullable=False),
        sa.Column("height_px", sa.Integer, nullable=False),
        sa.Column("taken", sa.Text),
        sa.Column("camera", sa.Text),
        sa.Column("latitude", sa.Double),
        sa.Column("longitude", sa.Double),
        sa.Column("captions", sa.JSON, nullable=False),
        sa.Column("checksum", sa.BigInteger, nullable=False),
        sa.Column("added_generation", sa.BigInteger, nullable=False),
        sa.Column("removed_generation", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_item_sha256", "item", ["collection_id", "sha256"])
    op.create_table(
        "file",
        sa.Column("row_id", BIG_INT, primary_key=True),
        sa.Column("collection_id", BIG_INT, nullable=False),
        sa.Column("item_id", BIG_INT, nullable=False),
        sa.Column("path", sa.LargeBinary, nullable=False),
        sa.Column("display", sa.Text, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger, nullable=False),
        sa.Column("checksum", sa.BigInteger, nullable=False),
        sa.Column("added_generation", sa.BigInteger, nullable=False),
        sa.Column("removed_generation", sa.BigInteger),
        sa.ForeignKeyConstraint(
            ["collection_id", "item_id"], ["item.collection_id", "item.id"], ondelete="CASCADE"
        ),
    )
    op.create_index("ix_file_item", "file", ["collection_id", "item_id"])
    op.create_index("ix_file_path", "file", ["collection_id", "path"])


def downgrade() -> None:
    op.drop_table("file")
    op.drop_table("item")
    op.drop_table("collection")
