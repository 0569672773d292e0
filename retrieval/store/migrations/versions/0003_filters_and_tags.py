"""When an item was added, texts folded for filters, and tags."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

BIG_INT = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column(
        "collection", sa.Column("tags_bytes", sa.BigInteger, nullable=False, server_default="0")
    )
    op.add_column("item", sa.Column("added", sa.Text))
    op.add_column("item", sa.Column("format_folded", sa.Text, nullable=False, server_default=""))
    op.add_column("item", sa.Column("camera_folded", sa.Text))
    op.add_column("item", sa.Column("captions_folded", sa.Text, nullable=False, server_default=""))
    op.add_column("file", sa.Column("display_folded", sa.Text, nullable=False, server_default=""))
    op.create_table(
        "tag",
        sa.Column(
            "collection_id",
            BIG_INT,
            sa.ForeignKey("collection.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("sha256", sa.String(64), primary_key=True),
        sa.Column("folded", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_tag_folded", "tag", ["collection_id", "folded"])
    # The new columns are filled, and the checksums made anew, where rows are rebuilt.
    op.execute("UPDATE collection SET manifest_sha256 = '', parent_sha256 = ''")


def downgrade() -> None:
    op.drop_table("tag")
    op.drop_column("file", "display_folded")
    for name in ("captions_folded", "camera_folded", "format_folded", "added"):
        op.drop_column("item", name)
    op.drop_column("collection", "tags_bytes")
