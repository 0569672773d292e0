"""Galleries whose right answers are known: all shapes, and photographs with captions."""

import itertools
import json
import shutil
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.shapes.grammar import phrase
from benchmarks.shapes.pictures import VALUES, Attributes
from benchmarks.shapes.world import GALLERY_SEED, draw_gallery, shown_by
from indexer import IndexOptions, index_folders
from retrieval.encoders.base import Encoder
from retrieval.engine import SearchEngine
from retrieval.model import ItemId, gallery_of

_VIEWS = 2

SAYS_ALL: dict[str, tuple[str, ...]] = {
    "the {colour} {shape}": ("colour", "shape"),
    "a {size} {shape}": ("size", "shape"),
    "a {shape} {place}": ("shape", "place"),
}
SAYS_HALF: dict[str, tuple[str, ...]] = {
    "a {shape}": ("shape", "colour"),
    "{colour}": ("colour", "place"),
    "{place}": ("place", "size"),
    "a {size} {shape}": ("size", "shape", "colour"),
}
"""Forms of queries, and the attributes that all that is wanted has in common."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A text, and the items that answer it."""

    text: str
    wanted: frozenset[ItemId]


@contextmanager
def shapes(encoder: Encoder, folder: Path, seed: int = 0) -> Iterator[SearchEngine]:
    """An engine over two pictures of every combination of attributes, named by it.

    Args:
        encoder: of the collection.
        folder: an empty one.
        seed: those of two seeds share no picture.
    """
    pictures = folder / "pictures"
    draw_gallery(pictures, _VIEWS, GALLERY_SEED + seed * _VIEWS)
    with indexed(pictures, folder / "collection", encoder, captions=False) as engine:
        yield engine


@contextmanager
def indexed(
    pictures: Path, folder: Path, encoder: Encoder, *, captions: bool
) -> Iterator[SearchEngine]:
    """An engine over the pictures of a folder, with what is written beside them or without."""
    index_folders([pictures], folder, encoder=encoder, options=IndexOptions(captions=captions))
    with SearchEngine.open(folder, encoder=encoder) as engine:
        yield engine


def attributes_of(engine: SearchEngine) -> dict[ItemId, Attributes]:
    """What each picture of a gallery of shapes shows."""
    return {item_id: shown_by(name) for name, item_id in _names(engine).items()}


def questions(engine: SearchEngine, forms: dict[str, tuple[str, ...]]) -> list[Asked]:
    """All queries of some forms, with the pictures that have the attributes that they are about."""
    shown = attributes_of(engine)
    asked = []
    for form, names in forms.items():
        for values in itertools.product(*(VALUES[name] for name in names)):
            known = dict(zip(names, values, strict=True))
            wanted = frozenset(
                item_id
                for item_id, attributes in shown.items()
                if all(getattr(attributes, name) == value for name, value in known.items())
            )
            said = {name: phrase(value) for name, value in known.items()}
            asked.append(Asked(form.format(**said), wanted))
    return asked


def long_texts(engine: SearchEngine) -> list[Asked]:
    """Texts that say colour, shape and size until the 77 tokens of a CLIP are full, then where."""
    early = "a {size} {colour} {shape}. the {colour} {shape}. a {size} {shape}. a {shape}. "
    form = early * 5 + "the {colour} {shape} {place}. a {shape} {place}. {place}."
    return questions(engine, {form: ("colour", "shape", "size", "place")})


@dataclass(frozen=True, slots=True)
class Photographs:
    """Photographs that are searched.

    Attributes:
        engine: over the photographs, with all their captions but the last.
        captions: of each photograph, all.
    """

    engine: SearchEngine
    captions: Mapping[ItemId, tuple[str, ...]]

    def last(self) -> list[Asked]:
        """The last caption of each photograph asks for it."""
        return [Asked(said[-1], frozenset([item])) for item, said in self.captions.items()]

    def joined(self) -> list[Asked]:
        """All captions of a photograph, one after another, ask for it."""
        return [
            Asked(" ".join(each.strip().rstrip(".") + "." for each in said), frozenset([item]))
            for item, said in self.captions.items()
        ]


@contextmanager
def photographs(
    source: Path, captions: Path, encoder: Encoder, folder: Path
) -> Iterator[Photographs]:
    """The photographs of a folder that COCO's caption JSON lists and that are there."""
    listed = json.loads(captions.read_text())
    said: dict[int, list[str]] = defaultdict(list)
    for each in listed["annotations"]:
        said[each["image_id"]].append(each["caption"].strip())
    pictures = folder / "pictures"
    pictures.mkdir()
    by_name = {}
    for each in listed["images"]:
        path = source / each["file_name"]
        if path.is_file() and len(said[each["id"]]) > 1:
            shutil.copyfile(path, pictures / path.name)
            by_name[path.stem] = said[each["id"]]
            (pictures / f"{path.stem}.txt").write_text("\n".join(by_name[path.stem][:-1]))
    with indexed(pictures, folder / "collection", encoder, captions=True) as engine:
        items = {name: item for name, item in _names(engine).items() if name in by_name}
        yield Photographs(engine, {items[name]: tuple(by_name[name]) for name in sorted(items)})


def _names(engine: SearchEngine) -> dict[str, ItemId]:
    collection = engine.collection
    files = collection.catalogue.files_under(b"/", collection.generation)
    return {
        each.file.name.partition(".")[0]: each.item_id
        for each in files
        if gallery_of(each.item_id) == "images"
    }
