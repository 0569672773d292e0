"""Queries of which the right answers are known: captions and the images that they came with."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from indexer.measure import draw_items, fan_out_of
from retrieval.model import Float32Array, GalleryName, Int64Array, ItemId, gallery_of
from retrieval.store.collection import Collection

MAX_TEXTS = 8_192
"""Captions that are looked at, drawn from all."""


@dataclass(frozen=True, slots=True)
class Matches:
    """Queries with their right answers.

    Attributes:
        queries: (q, dim) float32 unit rows.
        wanted: (q,) ids of the items that each query means, ascending.
        groups: (q,) the image that each is about: captions of one image are no independent
            questions.
    """

    queries: Float32Array
    wanted: tuple[Int64Array, ...]
    groups: Int64Array


def captioned_images(view: Collection, rng: np.random.Generator) -> dict[ItemId, list[ItemId]]:
    """Living images and all captions of each, for up to MAX_TEXTS captions drawn from all.

    Args:
        view: of the collection.
        rng: decides which captions are taken.

    Returns:
        Ids of texts, ascending, by the id of their image, ascending.
    """
    texts = fan_out_of(view.gallery("texts"))
    if not texts.n_live:
        return {}
    drawn = [ItemId(each) for each in texts.ids[draw_items(texts, MAX_TEXTS, rng)].tolist()]
    records = view.catalogue.hydrate(drawn, view.generation)
    paths = {file.path for record in records.values() for file in record.files}
    image_at: dict[bytes, ItemId] = {}
    texts_at: dict[bytes, list[ItemId]] = defaultdict(list)
    for entry in view.catalogue.files_at(sorted(paths), view.generation):
        if gallery_of(entry.item_id) == "images":
            image_at[entry.file.path] = entry.item_id
        else:
            texts_at[entry.file.path].append(entry.item_id)
    found: dict[ItemId, set[ItemId]] = defaultdict(set)
    for path, image in image_at.items():
        found[image].update(texts_at[path])
    return {image: sorted(found[image]) for image in sorted(found) if found[image]}


def matches_of(
    view: Collection,
    target: GalleryName,
    images: Sequence[ItemId],
    captions: Mapping[ItemId, Sequence[ItemId]],
    most: int,
) -> Matches:
    """Questions about some images: their captions look for them, or they for their captions.

    A caption that several of the captioned images share is none that could tell them apart, and
    asks nothing.

    Args:
        view: of the collection.
        target: the gallery that is searched.
        images: to ask about, in this order until there are enough queries.
        captions: of all captioned images.
        most: queries.
    """
    if target == "texts":
        asked = list(images[:most])
        wanted = [captions[image] for image in asked]
        return _matches(view.gallery("images").gather(_ids(asked)), wanted, asked)
    said: dict[ItemId, int] = defaultdict(int)
    for texts in captions.values():
        for text in texts:
            said[text] += 1
    pairs = [(text, image) for image in images for text in captions[image] if said[text] == 1]
    pairs = pairs[:most]
    rows = view.gallery("texts").gather(_ids([text for text, _ in pairs]))
    return _matches(rows, [[image] for _, image in pairs], [image for _, image in pairs])


def _matches(
    queries: Float32Array, wanted: Sequence[Sequence[ItemId]], groups: Sequence[ItemId]
) -> Matches:
    return Matches(queries, tuple(map(_ids, wanted)), _ids(groups))


def _ids(ids: Sequence[ItemId]) -> Int64Array:
    return np.array(ids, np.int64)
