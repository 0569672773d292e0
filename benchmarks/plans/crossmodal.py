"""Texts find pictures and pictures find texts: exactly, through indexes, in folds."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks.datasets.base import Crossmodal
from benchmarks.distractors import distractors_of
from benchmarks.features import Features
from benchmarks.plans.base import Planned, RunOptions, key_of, seen
from benchmarks.protocols.crossmodal import evaluate_crossmodal, evaluate_folds, evaluate_padded
from benchmarks.protocols.evaluation import Evaluation
from benchmarks.protocols.through_index import evaluate_through
from benchmarks.records.key import COMPLETE, ProtocolKey
from benchmarks.records.run import EXACT
from benchmarks.systems.collection import Contents
from retrieval.model import Float32Array


def plan_crossmodal(data: Crossmodal, features: Features, options: RunOptions) -> Iterator[Planned]:
    """All measurements of pictures with captions."""
    data, found, facts = seen(data, features, options)
    others = distractors_of(options.distractors, features, found) if options.distractors else None
    key = key_of(data, options, captions=data.origin.rule, language=data.language)
    counts = {"pictures": len(data.pictures), "texts": len(data.texts)}
    settings: dict[str, Any] = {"score": "float32 cosine", "texts": "as they stand"}
    gallery = found.rows
    if others is not None:
        gallery = np.concatenate([found.rows, others.rows])
        key = replace(key, gallery=f"{key.gallery} + {len(others.rows)} others")
        settings["distractors"] = others.sha256
        counts["distractors"] = len(others.rows)

    def texts() -> Float32Array:
        return features.texts(data.texts, data.language)

    def entry(protocol: ProtocolKey, system: str, evaluate: Callable[[], Evaluation]) -> Planned:
        return Planned(protocol, system, facts, settings, counts, evaluate)

    exactly = evaluate_crossmodal if others is None else evaluate_padded
    contents = Contents(model=features.encoder.name, fingerprint=features.encoder.fingerprint)
    for index in options.indexes:
        if index == EXACT:
            yield entry(key, EXACT, lambda: exactly(data, gallery, texts()))
        else:
            through = partial(evaluate_through, data, gallery, index=index, contents=contents)
            yield entry(key, index, partial(_asked, through, texts))
    if data.folds > 1 and key.gallery == COMPLETE and EXACT in options.indexes:
        folded = replace(key, folds=data.folds)
        yield entry(folded, EXACT, lambda: evaluate_folds(data, found.rows, texts()))


def _asked(through: Callable[..., Evaluation], texts: Callable[[], Float32Array]) -> Evaluation:
    return through(texts=texts())
