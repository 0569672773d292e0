"""A vector for each text, image, item and ready vector of queries."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from retrieval.errors import QueryError
from retrieval.model import Float32Array, GalleryName, ItemId
from retrieval.query.algebra import ImageFile, ItemRef, Leaf, Text, Vector
from retrieval.query.encoding import QueryEncoder
from retrieval.query.product import Landmarks
from retrieval.query.ways import Pseudo


class Items(Protocol):
    """What a plan asks of the collection."""

    @property
    def dim(self) -> int:
        """Of the embedding space."""
        ...

    def vectors_of_items(self, ids: Sequence[ItemId]) -> Float32Array:
        """Stored vectors, (n, dim); raises QueryError for an id that names no live item."""
        ...

    def items_by_sha256(self, hexes: Sequence[str]) -> Mapping[str, ItemId]:
        """Items by the sha256 of their content; contents without an item are left out."""
        ...

    def sample(self, target: GalleryName) -> Float32Array:
        """Vectors of items from all over a gallery, (m, dim), always the same ones."""
        ...

    def landmarks(self, target: GalleryName, captions: Callable[[], Float32Array]) -> Landmarks:
        """Of a gallery; captions are asked for once, (c, dim)."""
        ...


def embedded(
    wanted: Mapping[Leaf, None], encoder: QueryEncoder, items: Items
) -> tuple[dict[Leaf | Pseudo, Float32Array], dict[Leaf, ItemId]]:
    """A unit vector for each leaf, and for images and items the item of the same content.

    All texts are encoded in one call, all images in another.

    Args:
        wanted: leaves, each once.
        encoder: asked only if there is a text or an image.
        items: of the collection.

    Raises:
        QueryError: an image cannot be used, an item is unknown, or a vector has another width.
    """
    texts = [leaf for leaf in wanted if isinstance(leaf, Text)]
    files = [leaf for leaf in wanted if isinstance(leaf, ImageFile)]
    references = [leaf for leaf in wanted if isinstance(leaf, ItemRef)]
    vectors: dict[Leaf | Pseudo, Float32Array] = {
        leaf: leaf.values for leaf in wanted if isinstance(leaf, Vector)
    }
    twins: dict[Leaf, ItemId] = {leaf: leaf.item_id for leaf in references}
    if texts:
        words, languages = zip(*((leaf.text, leaf.lang) for leaf in texts), strict=True)
        vectors.update(zip(texts, encoder.encode_texts(words, languages), strict=True))
    if files:
        encoded = encoder.encode_files([leaf.path for leaf in files])
        vectors.update(zip(files, encoded.vectors, strict=True))
        known = items.items_by_sha256(encoded.sha256)
        digests = zip(files, encoded.sha256, strict=True)
        twins.update({leaf: known[digest] for leaf, digest in digests if digest in known})
    if references:
        stored = items.vectors_of_items([leaf.item_id for leaf in references])
        vectors.update(zip(references, stored, strict=True))
    _check_widths(vectors, items)
    return vectors, twins


def _check_widths(vectors: Mapping[Leaf | Pseudo, Float32Array], items: Items) -> None:
    given = {len(values) for leaf, values in vectors.items() if isinstance(leaf, Vector)}
    if given and given != (expected := {items.dim}):
        raise QueryError(
            f"a query vector of {max(given - expected)} numbers for a collection of "
            f"{items.dim} dimensions",
            hint="use the encoder of the collection",
        )
