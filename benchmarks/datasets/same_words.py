"""Pictures that share their words: a text is right for each of them."""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from benchmarks.datasets.base import Crossmodal

SAME_WORDS = "same words"


def with_same_words(data: Crossmodal) -> Crossmodal:
    """Add each text with every other picture that has the same words, as further pairs."""
    of_words: dict[str, set[int]] = defaultdict(set)
    for text, picture in zip(data.texts, data.picture_of.tolist(), strict=True):
        of_words[text].add(picture)
    pairs = [
        (row, picture)
        for row, (text, own) in enumerate(zip(data.texts, data.picture_of.tolist(), strict=True))
        for picture in sorted(of_words[text] - {own})
    ]
    further = np.array(pairs, np.int64).reshape(-1, 2)
    return replace(data, more={**data.more, SAME_WORDS: further})
