"""What a score says: how it stands among scores that are known to be those of matches.

A cosine has no absolute meaning: of one model 0.25 is a match, of another noise. So a collection
asks itself queries whose answers it knows, and a hit is held against what these score. The values
are here; `retrieval.confidence` finds the matches of a collection.

Source of the p-value: V. Vovk, A. Gammerman, G. Shafer, "Algorithmic Learning in a Random World",
Springer 2005, sections 2.2 (conformal prediction) and 4.5 (a p-value for each kind of example).
"""

import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Self, cast

import numpy as np
import numpy.typing as npt

from retrieval.errors import QueryError
from retrieval.model import Float32Array, Hit, SearchResult

Source = Literal["captions", "bank", "neighbours"]

MIN_MATCHES = 9
"""Fewer say nothing about the worst tenth of them."""

NEAREST = 3
"""Texts of each bank that a query is held against, where it is asked whether it looks visual."""


_SHORT_CAPTIONS = 0.1
"""Share of the captions that are no measure of how long a caption is."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Scores of known matches of one gallery, for one kind of query.

    A text that says as much as a caption scores higher with its picture than a few words do, so it
    is held against whole captions alone, where these are the source.

    Attributes:
        matches: (n,) cosines, ascending, n at least MIN_MATCHES.
        source: how the matches are known: the collection's own captions, mutual best pairs of a
            bank and the gallery, or the nearest neighbours within the gallery.
        whole: (m,) those of whole captions, ascending; empty of other sources.
        long_from: characters from which a text is as long as a caption; 0 of other sources.
    """

    matches: Float32Array
    source: Source
    whole: Float32Array = field(default_factory=lambda: np.empty(0, np.float32))
    long_from: int = 0

    @classmethod
    def of(cls, scores: Float32Array, source: Source) -> Self | None:
        """The calibration by scores in any order; None where there are fewer than MIN_MATCHES."""
        return cls(np.sort(scores), source) if len(scores) >= MIN_MATCHES else None

    @classmethod
    def of_captions(cls, whole: Float32Array, parts: Float32Array, lengths: Sequence[int]) -> Self:
        """The calibration by a collection's captions.

        Args:
            whole: (m,) what captions score, m at least MIN_MATCHES.
            parts: what parts of others do.
            lengths: of captions, in characters; all but a tenth are as long as a caption is.
        """
        matches = np.sort(np.concatenate([whole, parts]))
        long_from = int(np.quantile(lengths, _SHORT_CAPTIONS, method="lower"))
        return cls(matches, "captions", np.sort(whole), long_from)

    def among_texts_of(self, length: int) -> "Calibration":
        """What a text of so many characters is held against; 0 stands for what is no one text."""
        is_long = self.long_from and length >= self.long_from
        return Calibration(self.whole, self.source) if is_long else self

    def confidence(self, score: float) -> float:
        """The share of matches that score no more, this one counted with them; in (0, 1].

        Of scores that are drawn as those of the matches are, at most a share p has a confidence
        below p: who drops hits below 0.1 loses one match in ten, or fewer.
        """
        lower = int(np.searchsorted(self.matches, np.float32(score), side="right"))
        return (lower + 1) / (len(self.matches) + 1)

    def to_json(self) -> str:
        """As text that `from_json` reads."""
        values = {"matches": self.matches.tolist(), "whole": self.whole.tolist()}
        return json.dumps({"source": self.source, "long_from": self.long_from, **values})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            ValueError: the text is something else.
        """
        value = json.loads(text)
        try:
            matches, whole = (np.array(value[name], np.float32) for name in ("matches", "whole"))
            source, long_from = cast(Source, value["source"]), int(value["long_from"])
        except (KeyError, TypeError) as error:
            raise ValueError("no calibration") from error
        least = MIN_MATCHES if long_from else 0
        if not (_is_ascending(matches, MIN_MATCHES) and _is_ascending(whole, least)):
            raise ValueError("matches are no ascending row")
        return cls(matches, source, whole, long_from)


@dataclass(frozen=True, slots=True)
class Spread:
    """The scores of a gallery for one query.

    Attributes:
        mean: of the cosines of its items.
        deviation: their standard deviation; 0 where all are alike.
    """

    mean: float
    deviation: float

    @classmethod
    def of(cls, sample: Float32Array, query: Float32Array) -> Self:
        """Over a sample of the gallery, (m, dim), m at least 1, for a query (dim,)."""
        scores = (sample @ query).astype(np.float64)
        return cls(float(scores.mean()), float(scores.std()))

    def z(self, score: float) -> float | None:
        """How many deviations a score lies above the mean; None where all are alike."""
        return (score - self.mean) / self.deviation if self.deviation > 1e-6 else None


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """The probability of a match, of models that were trained to tell it.

    Source: X. Zhai, B. Mustafa, A. Kolesnikov, L. Beyer, "Sigmoid Loss for Language Image
    Pre-Training", ICCV 2023: sigmoid(t * cosine + b) with learned t and b.

    Attributes:
        scale: t.
        bias: b.
    """

    scale: float
    bias: float

    def probability(self, score: float) -> float:
        """Of a cosine, in [0, 1]."""
        logit = max(-700.0, min(700.0, self.scale * score + self.bias))
        return 1.0 / (1.0 + math.exp(-logit))


def is_mutual(queries: Float32Array, best: Float32Array) -> npt.NDArray[np.bool_]:
    """Of each query whether its best item knows no better query, nor an equal one before it.

    Such a pair most likely belongs together: neither side has anything better.

    Args:
        queries: (n, dim) unit rows.
        best: (n, dim) the vectors of their best items.
    """
    mutual: npt.NDArray[np.bool_] = (best @ queries.T).argmax(axis=1) == np.arange(len(queries))
    return mutual


def part_of(text: str, chance: random.Random) -> str:
    """Some of the words of a text as they follow each other: at least half of them."""
    words = text.split()
    n_kept = chance.randint((len(words) + 1) // 2, len(words))
    start = chance.randint(0, len(words) - n_kept)
    return " ".join(words[start : start + n_kept])


def looks_visual(query: Float32Array, visual: Float32Array, abstract: Float32Array) -> bool:
    """Whether a text is at least as near to names of things as to abstract sentences.

    Args:
        query: (dim,) unit row.
        visual: (v, dim) embeddings of texts that pictures show, v at least NEAREST.
        abstract: (a, dim) embeddings of texts that none does, likewise.
    """
    return bool(_nearness(visual @ query) >= _nearness(abstract @ query))


def at_least(result: SearchResult, least: float) -> SearchResult:
    """The hits of a result whose confidence is not below `least`; ranks stay.

    Hits of which no confidence is known are kept.

    Raises:
        QueryError: `least` is not in [0, 1].
    """
    check_confidence(least)
    hits = tuple(hit for hit in result.hits if hit.confidence is None or hit.confidence >= least)
    return replace(result, hits=hits)


def check_confidence(least: float) -> None:
    """Refuse what is no share, with a QueryError."""
    if not 0.0 <= least <= 1.0:
        raise QueryError(
            f"a confidence lies in [0, 1], got {least:g}",
            hint="0.08 is a good start",
        )


def weighed(
    hits: Sequence[Hit], calibration: Calibration | None, spread: Spread, sigmoid: Sigmoid | None
) -> tuple[Hit, ...]:
    """Hits with what is known of their scores."""
    return tuple(
        replace(
            hit,
            confidence=None if calibration is None else calibration.confidence(hit.score),
            z=spread.z(hit.score),
            probability=None if sigmoid is None else sigmoid.probability(hit.score),
        )
        for hit in hits
    )


def _is_ascending(values: Float32Array, least: int) -> bool:
    return values.ndim == 1 and len(values) >= least and not (np.diff(values) < 0).any()


def _nearness(cosines: Float32Array) -> np.float32:
    nearest: np.float32 = np.partition(cosines, -NEAREST)[-NEAREST:].mean()
    return nearest
