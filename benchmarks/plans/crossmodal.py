"""Texts find pictures and pictures find texts: exactly, through indexes, in folds."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from benchmarks.datasets.base import Crossmodal
from benchmarks.features import Features
from benchmarks.plans.base import Planned, RunOptions, key_of, seen
from benchmarks.protocols.crossmodal import evaluate_crossmodal, evaluate_folds
from benchmarks.protocols.evaluation import Evaluation
from benchmarks.protocols.through_index import evaluate_through
from benchmarks.records.key import COMPLETE, ProtocolKey
from benchmarks.records.run import EXACT
from retrieval.model import Float32Array


def plan_crossmodal(data: Crossmodal, features: Features, options: RunOptions) -> Iterator[Planned]:
    """All measurements of pictures with captions."""
    data, found, facts = seen(data, features, options)
    key = key_of(data, options, captions=data.origin.rule, language=data.language)
    counts = {"pictures": len(data.pictures), "texts": len(data.texts)}
    settings = {"score": "float32 cosine", "texts": "as they stand"}

    def texts() -> Float32Array:
        return features.texts(data.texts, data.language)

    def entry(protocol: ProtocolKey, system: str, evaluate: Callable[[], Evaluation]) -> Planned:
        return Planned(protocol, system, facts, settings, counts, evaluate)

    for index in options.indexes:
        if index == EXACT:
            yield entry(key, EXACT, lambda: evaluate_crossmodal(data, found.rows, texts()))
        else:
            yield entry(key, index, partial(_through, data, found.rows, texts, index))
    if data.folds > 1 and key.gallery == COMPLETE and EXACT in options.indexes:
        folded = replace(key, folds=data.folds)
        yield entry(folded, EXACT, lambda: evaluate_folds(data, found.rows, texts()))


def _through(
    data: Crossmodal, pictures: Float32Array, texts: Callable[[], Float32Array], index: str
) -> Evaluation:
    return evaluate_through(data, pictures, texts(), index)
