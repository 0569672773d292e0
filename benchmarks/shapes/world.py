"""A collection of the pictures of shapes, asked through the engine as users ask theirs."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.shapes.grammar import english
from benchmarks.shapes.pictures import ALL, Attributes, draw
from indexer.service import index_folders
from retrieval.encoders.base import Encoder
from retrieval.encoders.registry import get_encoder
from retrieval.engine import SearchEngine
from retrieval.learn.phi import PHI_NAME, Phi
from retrieval.model import Hit
from retrieval.query.algebra import Expression, Query

GALLERY_SEED = 1_000_000
"""Of the pictures that are searched; training draws with seeds far below."""

VIEWS = 3
"""Pictures of each combination of attributes."""


@dataclass(frozen=True, slots=True)
class World:
    """All combinations of attributes in a collection, several pictures of each, with captions.

    Attributes:
        engine: over the collection.
        views: pictures of each combination.
    """

    engine: SearchEngine
    views: int

    def answers(self, queries: Sequence[Expression], k: int) -> list[list[Attributes]]:
        """What the k best of each query show."""
        results = self.engine.search_batch([Query(each) for each in queries], k)
        return [[_shown(hit) for hit in result.hits] for result in results]


def encoder_of(model: str | None, folder: Path) -> Encoder:
    """The named encoder, or one that is trained now and kept in a folder that is not there yet."""
    if model is None:
        from benchmarks.shapes.training import Recipe, train, write_bundle

        folder.mkdir()
        write_bundle(train(Recipe()), folder)
        model = f"local-dir:{folder}"
    return get_encoder(model, device="cpu")


@contextmanager
def opened_world(
    encoder: Encoder,
    folder: Path,
    views: int = VIEWS,
    *,
    phi: Phi | None = None,
    among: Collection[Attributes] = ALL,
) -> Iterator[World]:
    """Draw and index the pictures, and open the collection.

    Args:
        encoder: of the collection.
        folder: an empty one.
        views: pictures of each combination.
        phi: of the collection.
        among: combinations that are drawn.
    """
    pictures = folder / "pictures"
    draw_gallery(pictures, views, among=among)
    for picture in pictures.glob("*.png"):
        said = english(shown_by(picture.name))
        picture.with_suffix(".txt").write_text(said, encoding="utf-8")
    index_folders([pictures], folder / "collection", encoder=encoder)
    if phi is not None:
        phi.save(folder / "collection" / PHI_NAME)
    with reopened(encoder, folder, views) as world:
        yield world


@contextmanager
def reopened(encoder: Encoder, folder: Path, views: int = VIEWS) -> Iterator[World]:
    """Open the collection that `opened_world` left in a folder, once more."""
    with SearchEngine.open(folder / "collection", encoder=encoder, device="cpu") as engine:
        yield World(engine, views)


def draw_gallery(
    pictures: Path,
    views: int,
    seed: int = GALLERY_SEED,
    among: Collection[Attributes] = ALL,
) -> None:
    """Draw pictures of combinations into a new folder, named by combination and view.

    Args:
        pictures: the folder.
        views: pictures of each combination.
        seed: of the first view; the next one has the next.
        among: combinations that are drawn.
    """
    pictures.mkdir()
    for one in among:
        number = ALL.index(one)
        for view in range(views):
            draw(one, seed + view).save(pictures / f"{number}-{view}.png")


def shown_by(name: str) -> Attributes:
    """What a picture of `draw_gallery` shows, by its name."""
    return ALL[int(name.partition("-")[0])]


def _shown(hit: Hit) -> Attributes:
    return shown_by(hit.item.files[0].name)
