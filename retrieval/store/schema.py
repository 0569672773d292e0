"""The catalogue's tables.

Rows carry the generation that added them and the one that removed them, and a reader of generation
g sees those with added <= g and (removed is null or removed > g). A commit can so write its rows
before its manifest: nobody sees them until the manifest makes g the newest generation.

Nothing here is the only copy of anything: all of it is rebuilt from segments and change logs.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

REVISION = "0004"
"""Alembic's head, known here so that opening a current catalogue need not load Alembic."""

BigInt = BigInteger().with_variant(Integer, "sqlite")
"""64 bits everywhere; on SQLite only an INTEGER key is the row id itself."""


class Base(DeclarativeBase):
    """Base of the tables."""


class CollectionRow(Base):
    """One collection: several can share a PostgreSQL database.

    `manifest_sha256` is the manifest these rows belong to, `parent_sha256` the one before it: a
    crash between the rows and their manifest is told by parent_sha256 being the newest's digest.
    Generations below `oldest_generation` cannot be answered for any more. `tags_bytes` is how
    much of the log of tags the rows of tags hold.
    """

    __tablename__ = "collection"

    id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    key: Mapped[str] = mapped_column(String(36), unique=True)
    generation: Mapped[int] = mapped_column(BigInteger)
    oldest_generation: Mapped[int] = mapped_column(BigInteger)
    manifest_sha256: Mapped[str] = mapped_column(String(64))
    parent_sha256: Mapped[str] = mapped_column(String(64))
    tags_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")


class ItemRow(Base):
    """One item. It is alive at g while it has a file at g.

    What ends in _folded is for filters only; see folding.py.
    """

    __tablename__ = "item"
    __table_args__ = (
        Index("ix_item_sha256", "collection_id", "sha256"),
        {"sqlite_with_rowid": False},
    )

    collection_id: Mapped[int] = mapped_column(
        BigInt, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    sha256: Mapped[str] = mapped_column(String(64))
    format: Mapped[str] = mapped_column(Text)
    width_px: Mapped[int]
    height_px: Mapped[int]
    taken: Mapped[str | None] = mapped_column(Text)
    camera: Mapped[str | None] = mapped_column(Text)
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    captions: Mapped[list[str]] = mapped_column(JSON)
    added: Mapped[str | None] = mapped_column(Text)
    format_folded: Mapped[str] = mapped_column(Text, server_default="")
    camera_folded: Mapped[str | None] = mapped_column(Text)
    captions_folded: Mapped[str] = mapped_column(Text, server_default="")
    checksum: Mapped[int] = mapped_column(BigInteger)
    added_generation: Mapped[int] = mapped_column(BigInteger)
    removed_generation: Mapped[int | None] = mapped_column(BigInteger)


class FileRow(Base):
    """One file that holds, or held, an item; `path` as the file system gives it.

    Rows lie in the order of their items, and carry all that an answer says of an item, so that the
    records of an answer are read from this table alone. An item never changes: the copy is exact.
    `number` counts the files of a generation in the order in which they came.
    """

    __tablename__ = "file"
    __table_args__ = (
        ForeignKeyConstraint(
            ["collection_id", "item_id"], ["item.collection_id", "item.id"], ondelete="CASCADE"
        ),
        Index("ix_file_path", "collection_id", "path"),
        Index(
            "ix_file_source",
            "collection_id",
            "source",
            sqlite_where=text("source IS NOT NULL"),
            postgresql_where=text("source IS NOT NULL"),
        ),
        {"sqlite_with_rowid": False},
    )

    collection_id: Mapped[int] = mapped_column(BigInt, primary_key=True)
    item_id: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    added_generation: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(BigInt, primary_key=True, autoincrement=False)
    removed_generation: Mapped[int | None] = mapped_column(BigInteger)
    path: Mapped[bytes]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int] = mapped_column(BigInteger)
    source: Mapped[bytes | None]
    packed_item: Mapped[bytes]
    checksum: Mapped[int] = mapped_column(BigInteger)
    display_folded: Mapped[str] = mapped_column(Text)


class TagRow(Base):
    """One tag of one content, as of now: tags belong to no generation.

    The rows are a copy of tags.jsonl, which see tags.py for. A content keeps its tags while no item
    of the collection has it.
    """

    __tablename__ = "tag"
    __table_args__ = (
        Index("ix_tag_folded", "collection_id", "folded"),
        {"sqlite_with_rowid": False},
    )

    collection_id: Mapped[int] = mapped_column(
        BigInt, ForeignKey("collection.id", ondelete="CASCADE"), primary_key=True
    )
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    folded: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
