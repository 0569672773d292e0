"""Pictures whose content is known: one shape of some colour and size at some place, 32 x 32 px.

The background says nothing: its tint, gradient and grain are drawn anew for every picture, and so
are a little shift, turn and change of size. Equal attributes and seed give an equal picture.
"""

import itertools
import math
import random
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SIDE = 32
_FINE = 4
"""Shapes are drawn this many times larger and averaged down, for smooth edges."""

Point = tuple[float, float]

COLOURS = {
    "red": (215, 25, 30),
    "green": (30, 160, 50),
    "blue": (35, 60, 220),
    "yellow": (240, 220, 40),
    "purple": (140, 40, 170),
    "orange": (245, 130, 20),
    "white": (250, 250, 250),
    "black": (10, 10, 10),
}
SIZES = {"small": 4.5, "medium": 6.5, "large": 9.0}
"""Radius, px."""

PLACES = {
    "top left": (9.5, 9.5),
    "top right": (22.5, 9.5),
    "bottom left": (9.5, 22.5),
    "bottom right": (22.5, 22.5),
    "middle": (16.0, 16.0),
}
"""Centre (x, y), px."""


def _polygon(n_corners: int, turn: float = 0.0) -> list[Point]:
    """Corners on the unit circle, the first at the top unless turned (radians)."""
    angles = [turn + 2 * math.pi * i / n_corners for i in range(n_corners)]
    return [(math.sin(angle), -math.cos(angle)) for angle in angles]


_HALF_CROSS = [(0.32, 0.32), (0.32, 1.0), (-0.32, 1.0), (-0.32, 0.32), (-1.0, 0.32), (-1.0, -0.32)]
OUTLINES: dict[str, list[Point]] = {
    "circle": _polygon(40),
    "square": _polygon(4, math.pi / 4),
    "triangle": _polygon(3),
    "diamond": [(0.0, -1.0), (0.6, 0.0), (0.0, 1.0), (-0.6, 0.0)],
    "cross": _HALF_CROSS + [(-x, -y) for x, y in _HALF_CROSS],
    "star": [
        (x * radius, y * radius)
        for (x, y), radius in zip(_polygon(10), itertools.cycle((1.0, 0.4)), strict=False)
    ],
    "ring": _polygon(40),
    "bar": [(-1.0, -0.35), (1.0, -0.35), (1.0, 0.35), (-1.0, 0.35)],
}
"""Outline of every shape within the unit circle."""

_HOLE = {"ring": 0.55}
"""Radius of a hole, as a share of the shape's."""

VALUES: dict[str, tuple[str, ...]] = {
    "colour": tuple(COLOURS),
    "shape": tuple(OUTLINES),
    "size": tuple(SIZES),
    "place": tuple(PLACES),
}
"""The values of every attribute, by the attribute's name."""


@dataclass(frozen=True, slots=True, order=True)
class Attributes:
    """What a picture shows.

    Raises:
        ValueError: an attribute has no such value.
    """

    colour: str
    shape: str
    size: str
    place: str

    def __post_init__(self) -> None:
        for name, values in VALUES.items():
            if getattr(self, name) not in values:
                raise ValueError(f"no {name} {getattr(self, name)!r}; one of {', '.join(values)}")


ALL = tuple(itertools.starmap(Attributes, itertools.product(*VALUES.values())))
"""Every combination of attributes, 960 of them."""

HELD_OUT = tuple(sorted(random.Random(20_260_101).sample(ALL, len(ALL) // 5)))
"""A random fifth of the combinations: never trained, what is asked in tests."""

TRAINED = tuple(sorted(set(ALL) - set(HELD_OUT)))
"""The others. Every pair of values of two attributes is among them."""


def draw(attributes: Attributes, seed: int) -> Image.Image:
    """Draw one picture, RGB, SIDE x SIDE.

    Args:
        attributes: what it shows.
        seed: of everything else.
    """
    # Strings seed by their sha512, so the picture is the same in every process and version.
    chance = random.Random(f"{attributes} {seed}")
    cover = np.asarray(_cover(attributes, chance), dtype=np.float32)[..., None] / 255
    colour = np.array(COLOURS[attributes.colour]) + [chance.uniform(-6, 6) for _ in "rgb"]
    pixels = cover * colour + (1 - cover) * _background(chance)
    grain = np.random.default_rng(chance.getrandbits(64)).normal(0, 4, pixels.shape)
    return Image.fromarray(np.clip(pixels + grain, 0, 255).round().astype(np.uint8))


def _cover(attributes: Attributes, chance: random.Random) -> Image.Image:
    """How much of each pixel the shape covers, 0 to 255."""
    radius = SIZES[attributes.size] * chance.uniform(0.96, 1.04)
    x0, y0 = (centre + chance.uniform(-0.75, 0.75) for centre in PLACES[attributes.place])
    turn = math.radians(chance.uniform(-5, 5))
    cos, sin = radius * math.cos(turn), radius * math.sin(turn)
    fine = Image.new("L", (SIDE * _FINE, SIDE * _FINE))
    pen = ImageDraw.Draw(fine)
    outline = OUTLINES[attributes.shape]
    for share, ink in ((1.0, 255), (_HOLE.get(attributes.shape, 0.0), 0)):
        corners = [
            (x0 + share * (x * cos - y * sin), y0 + share * (x * sin + y * cos)) for x, y in outline
        ]
        if share:
            pen.polygon([(_FINE * x, _FINE * y) for x, y in corners], fill=ink)
    return fine.reduce(_FINE)


def _background(chance: random.Random) -> np.ndarray:
    """A greyish gradient, (SIDE, SIDE, 3), between the darkest and the lightest of the colours."""
    level, slope, angle = chance.uniform(70, 190), chance.uniform(0, 1.2), chance.uniform(0, 7)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    ramp = level + slope * (x * math.cos(angle) + y * math.sin(angle))
    tint = np.array([chance.uniform(-22, 22) for _ in "rgb"])
    pixels: np.ndarray = ramp[..., None] + tint
    return pixels
