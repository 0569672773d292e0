"""What can be seen in a picture of a probe: found in its pixels alone, knowing no scene."""

from dataclasses import dataclass

import numpy as np

from benchmarks.datasets.probes_pictures import COLOURS

_SHRUNK = 2
_FILLED = {"circle": np.pi / 4, "square": 1.0, "triangle": 0.53, "star": 0.4}
"""How much of the box around it a shape fills, with its tips worn off."""


@dataclass(frozen=True)
class Seen:
    """One connected spot of a colour; pixels of the shrunk picture."""

    colour: str
    shape: str
    x: float
    y: float
    width: float


def things_of(picture):
    """All spots that are vivid or dark, which no background is."""
    pixels = np.asarray(picture.reduce(_SHRUNK), np.int64)
    is_thing = (np.ptp(pixels, axis=2) > 60) | (pixels.max(axis=2) < 115)
    return [_seen(pixels[spot], spot) for spot in _spots(is_thing) if spot.sum() > 12]


def _spots(near):
    """Its connected parts, each as a mask: the highest number of a part floods it."""
    padded = np.pad(near, 1)
    labels = np.arange(1, padded.size + 1).reshape(padded.shape) * padded
    before = None
    while before is None or (labels != before).any():
        before = labels
        around = [np.roll(labels, step, axis) for step in (1, -1) for axis in (0, 1)]
        labels = np.maximum.reduce([labels, *around]) * padded
    for label in np.unique(labels[labels > 0]):
        yield (labels == label)[1:-1, 1:-1]


def _seen(pixels, spot):
    away = {name: np.abs(np.median(pixels, axis=0) - rgb).sum() for name, rgb in COLOURS.items()}
    rows, columns = np.nonzero(spot)
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    filled = spot.sum() / (height * width)
    shape = min(_FILLED, key=lambda name: abs(_FILLED[name] - filled))
    return Seen(min(away, key=away.get), shape, columns.mean(), rows.mean(), max(width, height))
