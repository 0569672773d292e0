"""Answers in stages: search, feedback from the best hits, re-ranking, diversity; in this order."""

from dataclasses import dataclass, replace

import numpy as np

from retrieval.engine import SearchEngine
from retrieval.errors import GenerationGoneError, QueryError
from retrieval.model import Float32Array, GalleryName, Hit, Modality, SearchResult
from retrieval.query.algebra import Query, Vector
from retrieval.query.rewriting import with_feedback
from retrieval.rerank.base import DEFAULT_TOP, Reranker, reranked
from retrieval.rerank.diversity import check_diversity, diverse_order
from retrieval.store.filters.predicates import Predicate

CANDIDATES = 100
"""Hits among which diverse ones are chosen, at least; five for each that is shown."""

_CANDIDATES_A_HIT = 5


@dataclass(frozen=True, slots=True)
class PseudoFeedback:
    """Take the best hits for marked as right, and ask again.

    Attributes:
        n_hits: of the first answer that count.
        stands_out: how far, in standard deviations of the scores of the gallery, the best hit must
            lie above their mean; below, the query is taken for one that has no good answer, and
            stays as it is.

    Raises:
        QueryError: a number is out of range.
    """

    n_hits: int = 3
    stands_out: float = 3.0

    def __post_init__(self) -> None:
        if self.n_hits < 1 or not np.isfinite(self.stands_out):
            raise QueryError(f"no pseudo-relevance feedback: {self}")


@dataclass(frozen=True, slots=True)
class Shaping:
    """What is done with an answer beside searching for it.

    Attributes:
        feedback: from the best hits; None asks once.
        reranker: scores the best hits again; None leaves their order.
        rerank_top: how many hits it scores; more where more are asked for.
        diverse: share of diversity, see `diverse_order`; 0 leaves the order.

    Raises:
        QueryError: a number is out of range.
    """

    feedback: PseudoFeedback | None = None
    reranker: Reranker | None = None
    rerank_top: int = DEFAULT_TOP
    diverse: float = 0.0

    def __post_init__(self) -> None:
        check_diversity(self.diverse)
        if self.rerank_top < 1:
            raise QueryError(
                f"at least 1 hit must be re-ranked, got {self.rerank_top}", hint="e.g. 64"
            )

    def depth(self, k: int) -> int:
        """Hits that a search must bring for k."""
        depth = k
        if self.reranker is not None:
            depth = max(depth, self.rerank_top)
        if self.diverse:
            depth = max(depth, CANDIDATES, _CANDIDATES_A_HIT * k)
        return depth


@dataclass(frozen=True, slots=True)
class Among:
    """What is searched; each as for `SearchEngine.search`."""

    target: GalleryName = "images"
    where: Predicate | None = None
    adjust: bool = True
    weigh: bool = False


EVERYTHING = Among()


@dataclass(frozen=True, slots=True)
class ShapedResult:
    """An answer, and what was done for it.

    Attributes:
        result: its hits in their last order, ranks from 1.
        n_fed_back: hits that were taken for right ones; 0 where none stood out.
        n_unscored: hits that the re-ranker could not score; they follow those that it could.
    """

    result: SearchResult
    n_fed_back: int = 0
    n_unscored: int = 0


def search_shaped(
    engine: SearchEngine,
    query: Query,
    k: int,
    shaping: Shaping,
    among: Among = EVERYTHING,
) -> ShapedResult:
    """The k hits that are left after all stages.

    Without any stage it is the answer of `SearchEngine.search`. `Hit.score` is the cosine with the
    query that was asked last; `Hit.reranked` is what the re-ranker said.

    Args:
        engine: that answers.
        query: see `SearchEngine.search`.
        k: at least 1.
        shaping: the stages.
        among: what is searched.

    Raises:
        QueryError: as `SearchEngine.search` does, or the re-ranker cannot score such a query.
        EncoderUnavailableError: a model cannot be had.
    """
    stages = _Stages(engine, shaping, among)
    while True:
        try:
            return stages.run(query, k)
        except GenerationGoneError:  # between two stages; the next search opens the newest
            engine.search(query, 1, target=among.target)


@dataclass(frozen=True, slots=True)
class _Stages:
    engine: SearchEngine
    shaping: Shaping
    among: Among

    def run(self, query: Query, k: int) -> ShapedResult:
        query, n_fed_back = self._fed_back(query)
        result = self._search(query, self.shaping.depth(k) if k >= 1 else k)
        hits, n_unscored = self._reranked(query, result.hits)
        hits = self._diverse(hits, k)
        return ShapedResult(replace(result, hits=hits[:k]), n_fed_back, n_unscored)

    def _search(self, query: Query, k: int) -> SearchResult:
        among = self.among
        return self.engine.search(
            query,
            k,
            target=among.target,
            where=among.where,
            adjust=among.adjust,
            weigh=among.weigh,
        )

    def _fed_back(self, query: Query) -> tuple[Query, int]:
        feedback = self.shaping.feedback
        if feedback is None:
            return query, 0
        hits = self._search(query, feedback.n_hits).hits
        if not hits or self._height(query, hits[0]) < feedback.stands_out:
            return query, 0
        modality: Modality = "text" if self.among.target == "texts" else "image"
        # As vectors: the items themselves would be references, which are not returned.
        best = tuple(Vector.of(row, modality) for row in self._vectors(hits))
        return replace(query, expression=with_feedback(query.expression, best)), len(hits)

    def _height(self, query: Query, best: Hit) -> float:
        """How far the score of the best hit lies above the mean of the gallery, in deviations."""
        scores = (
            self.engine.view.sample(self.among.target)
            @ self.engine.encode([query], self.among.target)[0]
        )
        spread = float(scores.std())
        return (best.score - float(scores.mean())) / spread if spread > 0 else 0.0

    def _reranked(self, query: Query, hits: tuple[Hit, ...]) -> tuple[tuple[Hit, ...], int]:
        if self.shaping.reranker is None or not hits:
            return hits, 0
        scores = self.shaping.reranker.score(query, hits[: self.shaping.rerank_top])
        return reranked(hits, scores), int(np.isnan(scores).sum())

    def _diverse(self, hits: tuple[Hit, ...], k: int) -> tuple[Hit, ...]:
        if not self.shaping.diverse or not hits:
            return hits
        order = diverse_order(_relevance(hits), self._vectors(hits), self.shaping.diverse, k)
        return tuple(
            replace(hits[at], rank=rank) for rank, at in enumerate(order.tolist(), start=1)
        )

    def _vectors(self, hits: tuple[Hit, ...]) -> Float32Array:
        rows = self.engine.view.vectors_of_items([hit.item.id for hit in hits])
        unit: Float32Array = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return unit


def _relevance(hits: tuple[Hit, ...]) -> Float32Array:
    """What hits are ranked by; those without a new score count as the last of those with one."""
    if any(hit.reranked is not None for hit in hits):
        known = [hit.reranked for hit in hits if hit.reranked is not None]
        values = [min(known) if hit.reranked is None else hit.reranked for hit in hits]
    else:
        values = [hit.score if hit.adjusted is None else hit.adjusted for hit in hits]
    return np.array(values, np.float32)
