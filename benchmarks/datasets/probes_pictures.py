"""Pictures of plain shapes on quiet backgrounds, 240 x 240 px: what they show is known.

Nothing is drawn by chance here: a scene says all of a picture, its background by a seed. Equal
scenes give equal pixels; the bytes of a PNG file are up to the version of Pillow.
"""

import itertools
import math
import random
from dataclasses import dataclass

from PIL import Image, ImageDraw

DRAWING = 1
"""Grows when a scene looks otherwise than before."""

SIDE = 240
_FINE = 4
"""Shapes are drawn this many times larger and averaged down, for smooth edges."""

Point = tuple[float, float]
Rgb = tuple[int, int, int]

COLOURS: dict[str, Rgb] = {
    "red": (212, 30, 38),
    "green": (28, 140, 58),
    "blue": (36, 72, 205),
    "yellow": (242, 206, 28),
    "purple": (126, 44, 162),
    "black": (24, 24, 24),
}

SHAPES = ("circle", "square", "triangle", "star")

_DARKEST, _LIGHTEST, _TINT = 178, 222, 10
"""Of backgrounds, which no colour of a shape comes near: grey levels, and how far from grey."""

_CELLS = 5
"""Of a cloudy background, along a side."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One shape.

    Attributes:
        shape: one of `SHAPES`.
        colour: one of `COLOURS`.
        x: of its centre, px from the left.
        y: of its centre, px from the top.
        radius: of the circle that its outline lies in, px.
    """

    shape: str
    colour: str
    x: float
    y: float
    radius: float


@dataclass(frozen=True, slots=True)
class Scene:
    """All that a picture shows.

    Attributes:
        things: of which no two touch.
        background: seed of it.
    """

    things: tuple[Thing, ...]
    background: int


def _corners(count: int, turn: float = 0.0) -> list[Point]:
    """Corners on the unit circle, the first at the top unless turned (radians)."""
    angles = [turn + 2 * math.pi * each / count for each in range(count)]
    return [(math.sin(angle), -math.cos(angle)) for angle in angles]


_OUTLINES: dict[str, list[Point]] = {
    "circle": _corners(180),
    "square": _corners(4, math.pi / 4),
    "triangle": _corners(3),
    "star": [
        (x * share, y * share)
        for (x, y), share in zip(_corners(10), itertools.cycle((1.0, 0.42)), strict=False)
    ],
}
"""The outline of every shape in the unit circle; a star has five points."""


def draw(scene: Scene) -> Image.Image:
    """Draw a picture, RGB, SIDE x SIDE."""
    picture = _background(random.Random(f"background {scene.background}"))
    for thing in scene.things:
        picture.paste(COLOURS[thing.colour], mask=_mask(thing))
    return picture


def _mask(thing: Thing) -> Image.Image:
    """How much of each pixel a shape covers, 0 to 255."""
    fine = Image.new("L", (SIDE * _FINE, SIDE * _FINE))
    outline = [
        (_FINE * (thing.x + thing.radius * x), _FINE * (thing.y + thing.radius * y))
        for x, y in _OUTLINES[thing.shape]
    ]
    ImageDraw.Draw(fine).polygon(outline, fill=255)
    return fine.reduce(_FINE)


def _background(chance: random.Random) -> Image.Image:
    """Plain, a ramp, or clouds: a few pale greys, blended into each other."""
    cells = chance.choice([(1, 1), (2, 2), (_CELLS, _CELLS)])
    tint = [chance.uniform(-_TINT, _TINT) for _ in "rgb"]
    levels = [chance.uniform(_DARKEST, _LIGHTEST) for _ in range(cells[0] * cells[1])]
    small = Image.new("RGB", cells)
    small.putdata([tuple(round(level + each) for each in tint) for level in levels])
    return small.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
