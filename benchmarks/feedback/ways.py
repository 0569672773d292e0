"""How queries are asked, and what their answers are worth."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from benchmarks.feedback.worlds import Asked
from benchmarks.metrics.ann import MeanRecall
from benchmarks.metrics.ranking import average_precision_at_k
from retrieval.encoders.base import Encoder, TextLimit
from retrieval.engine import SearchEngine
from retrieval.model import EncoderInfo, Float32Array, ItemId
from retrieval.query.algebra import Query, Text, Vector
from retrieval.query.feedback import DISLIKED, LIKED, Marks, moved
from retrieval.shaping import Shaping, search_shaped

_K = 10
_LOOKED_AT = 50
_PLAIN = Shaping()
MARKED = ((1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (2, 2))
"""How many right and how many wrong pictures are marked."""

Row: TypeAlias = tuple[str, list[MeanRecall]]
"""What was asked in which way, and what it found."""

Mover: TypeAlias = Callable[[Float32Array, Float32Array, Float32Array, Float32Array], Float32Array]
"""Query, right ones, wrong ones and a sample of the gallery -> a vector to ask with."""


def average_precision(found: Sequence[ItemId], wanted: frozenset[ItemId], k: int) -> float:
    """Average precision of the first k; see `average_precision_at_k`. 0 where nothing is wanted."""
    relevant = np.zeros((1, k), np.bool_)
    relevant[0, : len(found)] = [item_id in wanted for item_id in found[:k]]
    return float(average_precision_at_k(relevant, np.array([max(1, len(wanted))]))[0])


def _raw(start: Float32Array, liked: Float32Array, wrong: Float32Array, _: object) -> Float32Array:
    moved_to: Float32Array = start + LIKED * liked.mean(axis=0)
    if len(wrong):
        moved_to = moved_to - DISLIKED * wrong.mean(axis=0)
    return moved_to


def _ours(enough_marks: int) -> Mover:
    def move(
        start: Float32Array, liked: Float32Array, wrong: Float32Array, sample: Float32Array
    ) -> Float32Array:
        mean = sample.mean(axis=0)
        return moved(start, Marks(liked - mean, wrong - mean), sample, enough_marks=enough_marks)

    return move


MOVERS: dict[str, Mover] = {
    "plain": lambda start, *_: start,
    "Rocchio on raw vectors": _raw,
    "Rocchio": _ours(1_000),
    "logistic probe": _ours(1),
}


def marks(engine: SearchEngine, asked: Sequence[Asked], seed: int) -> Iterator[Row]:
    """A row of mAP@10 for each way to move a query, a column for each number of marks.

    Args:
        engine: that is asked.
        asked: queries.
        seed: of what is marked.
    """
    starts = engine.encode([Text(each.text) for each in asked])
    sample = engine.view.sample("images")
    chance = np.random.default_rng(seed)
    precisions: dict[str, list[MeanRecall]] = defaultdict(list)
    for n_liked, n_wrong in MARKED:
        per_query: dict[str, list[float]] = defaultdict(list)
        for each, start in zip(asked, starts, strict=True):
            liked, wrong = _marked(engine, each, (n_liked, n_wrong), chance)
            rows = [engine.view.vectors_of_items(some) for some in (liked, wrong)]
            for name, move in MOVERS.items():
                vector = Vector.of(move(start, rows[0], rows[1], sample), "text")
                found = _ids(engine, Query(vector, exclude=(*liked, *wrong)), Shaping())
                wanted = each.wanted - set(liked)
                per_query[name].append(average_precision(found, wanted, _K))
        for name, values in per_query.items():
            precisions[name].append(MeanRecall.of(np.array(values)))
    yield from precisions.items()


def _marked(
    engine: SearchEngine, asked: Asked, counts: tuple[int, int], chance: np.random.Generator
) -> tuple[list[ItemId], list[ItemId]]:
    """Right ones at random and the best wrong ones among the first hits, or right ones below."""
    hits = _ids(engine, Query(Text(asked.text)), Shaping(), _LOOKED_AT)
    right = [each for each in hits if each in asked.wanted]
    if len(right) < counts[0]:
        right += sorted(asked.wanted - set(right))[: counts[0] - len(right)]
    wrong = [each for each in hits if each not in asked.wanted]
    chosen = chance.permutation(len(right))[: counts[0]].tolist()
    return [right[at] for at in chosen], wrong[: counts[1]]


def recalls(
    engine: SearchEngine, asked: Sequence[Asked], query: Callable[[Text], Query], shaping: Shaping
) -> list[MeanRecall]:
    """R@1, R@10 and mAP@10 of texts."""
    return recalls_of(engine, [(query(Text(each.text)), each.wanted) for each in asked], shaping)


def recalls_of(
    engine: SearchEngine,
    pairs: Sequence[tuple[Query, frozenset[ItemId]]],
    shaping: Shaping = _PLAIN,
) -> list[MeanRecall]:
    """R@1, R@10 and mAP@10 of queries, each with what answers it."""
    found = [(_ids(engine, query, shaping), wanted) for query, wanted in pairs]
    columns = [[float(bool(wanted & set(ids[:k]))) for ids, wanted in found] for k in (1, _K)]
    columns.append([average_precision(ids, wanted, _K) for ids, wanted in found])
    return [MeanRecall.of(np.array(values)) for values in columns]


class ShortSighted:
    """An encoder of which a text is cut after some characters."""

    def __init__(self, encoder: Encoder, most: int) -> None:
        self._encoder, self._most = encoder, most
        self.input_px = encoder.input_px
        self.preprocess, self.encode_pixels = encoder.preprocess, encoder.encode_pixels
        self.encode_images = encoder.encode_images

    @property
    def info(self) -> EncoderInfo:
        """That of the encoder."""
        return self._encoder.info

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embed the beginnings of n texts -> (n, dim) unit rows."""
        return self._encoder.encode_texts([text[: self._most] for text in texts])


class Frank(ShortSighted):
    """The same, which says where it cuts, so that a query is split."""

    def text_limit(self) -> TextLimit:
        """So many characters."""
        return TextLimit(self._most, "characters", len)


def _ids(engine: SearchEngine, query: Query, shaping: Shaping, k: int = _K) -> list[ItemId]:
    return [hit.item.id for hit in search_shaped(engine, query, k, shaping).result.hits]


def shown(of_seeds: Sequence[MeanRecall]) -> str:
    """The mean over seeds and its standard deviation; of one seed the standard error."""
    means = [each.mean for each in of_seeds]
    spread = float(np.std(means, ddof=1)) if len(means) > 1 else of_seeds[0].standard_error
    return f"{np.mean(means):.3f} ± {spread:.3f}"
