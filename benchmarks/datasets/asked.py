"""Composed queries and their gallery, put together without the pictures that are not there."""

from collections import Counter
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from benchmarks.datasets.base import Composed, ComposedQuery, DatasetError, Origin, Picture


def composed_of(
    origin: Origin,
    gallery: Sequence[Picture],
    queries: Sequence[ComposedQuery],
    *,
    removes_reference: bool,
) -> Composed:
    """Keep the pictures that are there, and the queries that need no other.

    Args:
        origin: of them.
        gallery: in its order.
        queries: all.
        removes_reference: see `Composed`.

    Raises:
        DatasetError: a picture or a query is named twice, a query has no words or names a picture
            outside the gallery, or no query is left.
    """
    for what, keys in (
        ("picture", [each.key for each in gallery]),
        ("query", [each.key for each in queries]),
    ):
        if len(set(keys)) < len(keys):
            again, _ = Counter(keys).most_common(1)[0]
            raise DatasetError(f"{origin.name}: the {what} {again} is named twice")
    named = {each.key for each in gallery}
    for query in queries:
        if not query.texts or not all(isinstance(each, str) for each in query.texts):
            raise DatasetError(f"{origin.name}: query {query.key} has no words")
        if outside := {*needed(query), *query.subset} - named:
            raise DatasetError(
                f"{origin.name}: query {query.key} names {min(outside)}, which is in no gallery",
                hint="take queries and gallery of one version and split",
            )
    there = tuple(each for each in gallery if each.path.is_file())
    found = {each.key for each in there}
    asked = tuple(each for each in queries if needed(each) <= found)
    if not asked:
        raise DatasetError(
            f"{origin.name}: no query has its pictures: {len(gallery) - len(there):,} of "
            f"{len(gallery):,} are not there"
            + (f"; the first is looked for at {gallery[0].path}" if gallery else ""),
            hint="give the folder that holds them with --data",
        )
    return Composed(
        origin,
        there,
        asked,
        removes_reference,
        tuple(each.key for each in gallery if each.key not in found),
        len(queries) - len(asked),
    )


def first_queries(data: Composed, count: int) -> Composed:
    """The first queries in a gallery of the pictures that they name; all if there are no more."""
    asked = data.queries[:count]
    named = {name for query in asked for name in (*needed(query), *query.subset)}
    pictures = tuple(each for each in data.pictures if each.key in named)
    return replace(data, queries=asked, pictures=pictures)


def answerable(data: Composed, there: AbstractSet[str]) -> Composed:
    """What is left among some pictures, by name: queries that need another one are left out.

    Raises:
        DatasetError: no query is left.
    """
    asked = tuple(each for each in data.queries if needed(each) <= there)
    if not asked:
        raise DatasetError(f"no query of {data.origin.name} is left", hint="look at the files")
    return replace(
        data,
        pictures=tuple(each for each in data.pictures if each.key in there),
        queries=asked,
        n_left_out=data.n_left_out + len(data.queries) - len(asked),
    )


def needed(query: ComposedQuery) -> set[str]:
    """The pictures without which a query cannot be asked or answered."""
    return {query.reference, *query.targets}
