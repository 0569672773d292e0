"""Put tags on items, and take them off."""

from collections.abc import Collection as AbstractCollection
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from indexer.writer import CollectionWriter
from retrieval.errors import QueryError
from retrieval.model import ItemId, display_path
from retrieval.store.collection import Collection
from retrieval.store.filters.predicates import Predicate
from retrieval.store.folding import fold
from retrieval.store.manifest import newest_manifest
from retrieval.store.tag_rows import tags_of
from retrieval.store.tags import TagChange, tag_name


@dataclass(frozen=True, slots=True)
class TagReport:
    """What a change of tags came to.

    Attributes:
        n_items: that were named.
        n_changed: of them, those that did not have the tag before, or had it.
    """

    n_items: int
    n_changed: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items are meant.

    Attributes:
        items: ids; absolute paths of indexed files; absolute paths of folders, which stand for
            the pictures below them.
        where: a filter for images, or None.
    """

    items: tuple[bytes | ItemId, ...] = ()
    where: Predicate | None = None


def change_tags(
    folder: Path,
    op: Literal["add", "remove"],
    tag: str,
    wanted: Wanted,
    *,
    catalogue_url: str | None = None,
    cache_dir: Path | None = None,
) -> TagReport:
    """Put a tag on items of a collection, or take it off; all of them or, after an error, none.

    Args:
        folder: of the collection.
        op: what to do.
        tag: tags that differ in case only are one.
        wanted: items that have the tag already, or lack it, are passed over.
        catalogue_url: of a PostgreSQL catalogue; None is SQLite inside the collection.
        cache_dir: where receipts of checked files are kept; None keeps none.

    Raises:
        QueryError: the tag is none, or an id or path is not in the collection.
        CollectionMissingError: there is no collection.
        LockedError: another process is writing.
    """
    name = tag_name(tag)
    newest_manifest(folder)  # where there is no collection, a lock must not make a folder for one
    writer = CollectionWriter.open(folder, None, catalogue_url=catalogue_url, cache_dir=cache_dir)
    with writer:
        view = writer.collection
        ids = resolve(view, wanted)
        tagged = _tagged(view, ids, name)
        changed = [each for each in ids if (each in tagged) == (op == "remove")]
        if changed:
            records = view.catalogue.hydrate(changed, view.generation)
            contents = tuple(record.sha256 for record in records.values())
            writer.change_tags(TagChange(op, name, contents))
        return TagReport(len(ids), len(changed))


def resolve(view: Collection, wanted: Wanted) -> list[ItemId]:
    """Ids of living items, ascending.

    Raises:
        QueryError: an id or path is not in the collection.
    """
    catalogue, generation = view.catalogue, view.generation
    found: set[ItemId] = set()
    if wanted.where is not None:
        found |= {ItemId(each) for each in catalogue.ids_where(wanted.where, generation).tolist()}
    named = [each for each in wanted.items if not isinstance(each, bytes)]
    known = catalogue.hydrate(named, generation)
    unknown = [str(each) for each in named if each not in known]
    found |= set(known)
    for path in (each for each in wanted.items if isinstance(each, bytes)):
        files = catalogue.files_at([path], generation)
        files = files or list(catalogue.files_under(path, generation))
        pictures = {each.item_id for each in files if each.file.source is None}
        if not pictures:
            unknown.append(display_path(path))
        found |= pictures
    if unknown:
        raise QueryError(
            f"not in the collection: {', '.join(sorted(unknown))}",
            hint="give ids or paths as a query's answer shows them",
        )
    return sorted(found)


def _tagged(view: Collection, ids: Sequence[ItemId], name: str) -> AbstractCollection[ItemId]:
    """Those of the items that have the tag, in whatever case."""
    folded = fold(name)
    return {
        item_id
        for item_id, names in tags_of(view.catalogue, ids, view.generation).items()
        if folded in map(fold, names)
    }
