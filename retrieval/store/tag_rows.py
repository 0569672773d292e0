"""Reads of the catalogue's tags: those of now, of the items that a generation holds."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select

from retrieval.model import ItemId
from retrieval.store.catalogue import Catalogue
from retrieval.store.schema import CollectionRow, FileRow, ItemRow, TagRow
from retrieval.store.statements import batches, visible

_VALUES: ColumnElement[Any] = bindparam("values", expanding=True)
_MINE = TagRow.collection_id == bindparam("collection_id")
_ALIVE = ItemRow.id.in_(select(FileRow.item_id).where(visible(FileRow)))
_OF_ITEMS = (
    select(ItemRow.id, TagRow.name)
    .join(TagRow, TagRow.sha256 == ItemRow.sha256)
    .where(_MINE, visible(ItemRow), ItemRow.id.in_(_VALUES))
    .order_by(ItemRow.id, TagRow.folded)
)
_COUNTS = (
    select(func.min(TagRow.name), func.count())
    .join(ItemRow, ItemRow.sha256 == TagRow.sha256)
    .where(_MINE, visible(ItemRow), _ALIVE)
    .group_by(TagRow.folded)
    .order_by(TagRow.folded)
)
_ALL = select(TagRow.sha256, TagRow.folded, TagRow.name).where(_MINE)
_VERSION = select(CollectionRow.tags_bytes).where(CollectionRow.id == bindparam("collection_id"))


def tags_of(
    catalogue: Catalogue, ids: Collection[ItemId], generation: int
) -> dict[ItemId, tuple[str, ...]]:
    """Tags of those of `ids` that have any, in alphabetical order."""
    found: dict[ItemId, list[str]] = {}
    with catalogue.reading(generation) as (connection, here):
        for part in batches(ids):
            for item_id, name in connection.execute(_OF_ITEMS, {**here, "values": part}):
                found.setdefault(ItemId(item_id), []).append(name)
    return {item_id: tuple(names) for item_id, names in found.items()}


def tag_counts(catalogue: Catalogue, generation: int) -> Sequence[tuple[str, int]]:
    """Every tag that a living item has, with the number of such items, in alphabetical order."""
    with catalogue.reading(generation) as (connection, here):
        return [(name, n) for name, n in connection.execute(_COUNTS, here)]


def all_tags(catalogue: Catalogue, generation: int) -> Mapping[tuple[str, str], str]:
    """Names of tags by content and folded name, contents without an item included."""
    with catalogue.reading(generation) as (connection, here):
        rows = connection.execute(_ALL, here)
        return {(sha256, folded): name for sha256, folded, name in rows}


def tags_version(catalogue: Catalogue, generation: int) -> int:
    """A number that is another one once tags have changed."""
    with catalogue.reading(generation) as (connection, here):
        return int(connection.scalar(_VERSION, here) or 0)
