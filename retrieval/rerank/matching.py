"""Score hits by a model that looks at picture and text together, one pair at a time."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL.Image import Image

from retrieval.errors import ImageError, QueryError
from retrieval.images import decode_image
from retrieval.model import Float32Array, Hit, gallery_of
from retrieval.query.algebra import Query
from retrieval.query.image_files import read_image_file
from retrieval.rerank.base import texts_of

_AT_ONCE = 16
"""Pictures that are held decoded, and that the model sees together."""


class PairModel(Protocol):
    """Tells how well a text and pictures match."""

    @property
    def input_px(self) -> int:
        """Side of the square that it sees."""
        ...

    def match(self, text: str, images: Sequence[Image]) -> Float32Array:
        """For each picture the probability, in [0, 1], that the text is about it, (n,)."""
        ...


class MatchReranker:
    """The probability that the query's text is about a hit.

    A text hit, and one whose file is missing or cannot be read, gets no score.
    """

    def __init__(self, model: PairModel) -> None:
        self._model = model

    def score(self, query: Query, hits: Sequence[Hit]) -> Float32Array:
        """Probabilities, (n,); NaN where a picture cannot be had.

        Raises:
            QueryError: the query has no text.
            EncoderUnavailableError: the model cannot be had.
        """
        texts = texts_of(query)
        if not texts:
            raise QueryError(
                "pictures are matched with a text, and the query has none",
                hint="add a text, or re-rank in another way",
            )
        text = ", ".join(each.text for each in texts)
        scores = np.full(len(hits), np.nan, np.float32)
        for start in range(0, len(hits), _AT_ONCE):
            images = [self._image_of(hit) for hit in hits[start : start + _AT_ONCE]]
            there = [(start + at, image) for at, image in enumerate(images) if image is not None]
            if there:
                numbers, pictures = zip(*there, strict=True)
                scores[list(numbers)] = self._model.match(text, pictures)
        return scores

    def _image_of(self, hit: Hit) -> Image | None:
        if gallery_of(hit.item.id) == "texts":
            return None
        try:
            content = read_image_file(Path(os.fsdecode(hit.path)))
            return decode_image(content, target_px=self._model.input_px).image
        except (QueryError, ImageError):
            return None
