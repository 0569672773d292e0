"""The gallery knows what its photographs show, and ways to take away do what they say."""

import numpy as np
import pytest

from benchmarks.hubness import Captioned
from benchmarks.negation_photographs import KINDS, WAYS, Gallery, _mention, table


class AxesEncoder:
    """A text lies along the axes of the kinds that it names, and of animals."""

    def encode_texts(self, texts):
        rows = [
            [float(kind in text) for kind in KINDS] + [float("animal" in text)] for text in texts
        ]
        rows = np.array(rows, np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
def gallery():
    """Two photographs of each kind, both animals, and one of a thing that is none."""
    kinds = np.repeat(np.eye(len(KINDS), dtype=np.float32), 2, axis=0)
    rows = np.pad(0.6 * kinds, ((0, 1), (0, 1)), constant_values=0.8)
    rows[-1] = [0.5, *[0.0] * (len(KINDS) - 1), -0.8]
    shows = {
        kind: np.array([row // 2 == at for row in range(2 * len(KINDS))] + [False])
        for at, kind in enumerate(KINDS)
    }
    are_animals = np.array([True] * (2 * len(KINDS)) + [False])
    captions = AxesEncoder().encode_texts(["a dog", "a cat"])
    return Gallery(rows, are_animals, shows, captions, np.array([0, 2]))


def test_words_of_captions_say_what_a_photograph_shows():
    said = ("two dogs", "a hot dog stand", "a cathedral", "A Cat")
    captioned = Captioned(np.empty((3, 2)), np.empty((4, 2)), np.array([0, 1, 2, 2]), said)
    assert _mention(("dog",), captioned).tolist() == [True, True, False]
    assert _mention(("cat",), captioned).tolist() == [False, False, True]


def test_each_way_is_a_row_and_minus_takes_away_what_plain_finds(gallery):
    head, _, *rows = table(gallery, AxesEncoder())
    assert head == "| way | R@10 | animals | unwanted |"
    found = {cells[1].strip(): cells[2:5] for cells in (row.split("|") for row in rows)}
    assert list(found) == list(WAYS)
    _, animals, unwanted = map(float, found["minus"])
    assert unwanted < float(found["plain"][2])
    assert animals == 1.0
