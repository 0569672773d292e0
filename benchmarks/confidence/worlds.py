"""Galleries with queries that they answer, and queries for what they do not hold."""

import itertools
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.label_scale import embed_photographs, read_names
from benchmarks.shapes.grammar import FORMS, english
from benchmarks.shapes.pictures import ALL, VALUES, Attributes, draw
from retrieval.encoders.base import Encoder
from retrieval.images import decode_image
from retrieval.model import Float32Array

N_QUERIES = 200
"""Of each kind, at most."""

SHORT, MIDDLE, FULL = "the {colour} {shape}", "a {size} {colour} {shape}", FORMS[0]
_VIEWS = 2
_FIRST_ANIMAL_FREE = 398
"""ImageNet-1k classes 0 to 397 are animals."""


@dataclass(frozen=True, slots=True)
class World:
    """A gallery whose answers are known.

    Attributes:
        name: of the row.
        gallery: (n, dim) unit rows.
        captions: texts that came with the gallery's pictures, if any did.
        answered: queries that a picture answers.
        absent: queries that none does.
    """

    name: str
    gallery: Float32Array
    captions: tuple[str, ...]
    answered: tuple[str, ...]
    absent: tuple[str, ...]


def shapes(encoder: Encoder, seeds: Sequence[int]) -> Iterator[World]:
    """Shapes without two colours and two shapes, or some pairs of these, or half of everything.

    Each combination has one caption, in a form drawn by chance.
    """
    pictures = [draw(one, 1_000 + view) for one in ALL for view in range(_VIEWS)]
    vectors = encoder.encode_images(pictures).reshape(len(ALL), _VIEWS, -1)
    for seed in seeds:
        chance = random.Random(seed)
        for name, kept, forms in _left_out(chance):
            gallery = np.concatenate(list(vectors[kept]))
            captions = tuple(english(ALL[one], chance.choice(FORMS)) for one in kept)
            present = [ALL[one] for one in kept]
            for form in forms:
                inside = {english(one, form) for one in present}
                outside = {english(one, form) for one in ALL} - inside
                asked = (_some(inside, chance), _some(outside, chance))
                words = form.replace("{", "").replace("}", "")
                yield World(f"shapes, {name}: {words}", gallery, captions, *asked)


def photographs(
    encoder: Encoder, folder: Path, labels: Path, seeds: Sequence[int]
) -> Iterator[World]:
    """One photograph of each class: a random half of the classes, only animals, all but animals."""
    names = read_names(labels, "EN")
    embedded = embed_photographs(folder, names, encoder)
    classes = np.array(sorted(names))
    for seed in seeds:
        chance = random.Random(seed)
        half = np.isin(classes, chance.sample(classes.tolist(), len(classes) // 2))
        for name, inside in (
            ("half of the classes", half),
            ("no animals", classes >= _FIRST_ANIMAL_FREE),
            ("only animals", classes < _FIRST_ANIMAL_FREE),
        ):
            answered, absent = embedded.names[inside], embedded.names[~inside]
            outside = set(absent.tolist()) - set(answered.tolist())
            asked = (_some(set(answered.tolist()), chance), _some(outside, chance))
            yield World(f"photographs, {name}", embedded.vectors[inside], (), *asked)


def coco(encoder: Encoder, folder: Path, seeds: Sequence[int]) -> Iterator[World]:
    """Half of the photographs; captions of these and of the other half."""
    known = json.loads((folder / "annotations" / "captions_val2017.json").read_text("utf-8"))
    paths = {path.name: path for path in folder.rglob("*.jpg")}
    images = [one for one in known["images"] if Path(one["file_name"]).name in paths]
    decoded = (
        decode_image(paths[Path(one["file_name"]).name].read_bytes(), target_px=encoder.input_px)
        for one in images
    )
    vectors = encoder.encode_images([each.image for each in decoded])
    said: dict[int, list[str]] = {one["id"]: [] for one in images}
    for caption in known["annotations"]:
        if caption["image_id"] in said:
            said[caption["image_id"]].append(caption["caption"])
    for seed in seeds:
        chance = random.Random(seed)
        inside = sorted(chance.sample(range(len(images)), len(images) // 2))
        texts = [
            {text for at in part for text in said[images[at]["id"]]}
            for part in (inside, sorted(set(range(len(images))) - set(inside)))
        ]
        asked = (_some(texts[0], chance), _some(texts[1] - texts[0], chance))
        yield World("captions of COCO, half of the photographs", vectors[inside], (), *asked)


def _left_out(chance: random.Random) -> Iterator[tuple[str, list[int], tuple[str, ...]]]:
    """Each way to leave things out: its name, the numbers of what is kept, forms to ask in."""
    colours, outlines = (set(chance.sample(VALUES[each], 2)) for each in ("colour", "shape"))
    yield (
        "values",
        _kept(lambda one: one.colour not in colours and one.shape not in outlines),
        (
            SHORT,
            MIDDLE,
            FULL,
        ),
    )
    pairs = list(itertools.product(VALUES["colour"], VALUES["shape"]))
    gone = set(chance.sample(pairs, len(pairs) // 3))
    yield "pairs", _kept(lambda one: (one.colour, one.shape) not in gone), (SHORT, MIDDLE, FULL)
    half = set(chance.sample(ALL, len(ALL) // 2))
    yield "combinations", _kept(half.__contains__), (FULL,)


def _kept(is_kept: Callable[[Attributes], bool]) -> list[int]:
    return [number for number, one in enumerate(ALL) if is_kept(one)]


def _some(texts: set[str], chance: random.Random) -> tuple[str, ...]:
    return tuple(chance.sample(sorted(texts), min(N_QUERIES, len(texts))))
