"""Parts of photographs that are pictures of their own: they overlap little."""

import random
from collections.abc import Iterator

from PIL import Image

Box = tuple[int, int, int, int]
"""Left, upper, right, lower, in pixels."""

AREAS = (0.12, 0.5)
"""Least and greatest share of a photograph that a crop shows."""

MAX_OVERLAP = 0.4
"""Of two crops of one photograph: the intersection of their areas over the union."""

_MIN_PX = 64
_TRIES = 400


def crops(image: Image.Image, n: int, seed: str) -> Iterator[Image.Image]:
    """At most n crops of a photograph, always the same ones for a seed."""
    for box in boxes(image.size, n, seed):
        yield image.crop(box)


def boxes(size: tuple[int, int], n: int, seed: str) -> list[Box]:
    """At most n boxes in a picture: fewer where it has no room for as many that differ.

    Args:
        size: width and height.
        n: at least 0.
        seed: of sizes, shapes and places.
    """
    draw = random.Random(seed)
    found: list[Box] = []
    for _ in range(_TRIES):
        if len(found) == n:
            break
        box = _box(size, draw)
        if box is not None and all(overlap(box, other) <= MAX_OVERLAP for other in found):
            found.append(box)
    return found


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, in [0, 1]."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (_area(one) + _area(other) - common)


def _box(size: tuple[int, int], draw: random.Random) -> Box | None:
    """A box of a random area, shape and place; None where it is too small or sticks out."""
    area = draw.uniform(*AREAS) * size[0] * size[1]
    ratio = draw.uniform(0.7, 1.4)
    width, height = round((area * ratio) ** 0.5), round((area / ratio) ** 0.5)
    if min(width, height) < _MIN_PX or width > size[0] or height > size[1]:
        return None
    left, upper = draw.randint(0, size[0] - width), draw.randint(0, size[1] - height)
    return left, upper, left + width, upper + height


def _area(box: Box) -> int:
    return (box[2] - box[0]) * (box[3] - box[1])
