"""Names of classes for pictures, a language at a time."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from benchmarks.datasets.base import Zeroshot
from benchmarks.features import Features
from benchmarks.plans.base import Planned, RunOptions, key_of, seen
from benchmarks.protocols.evaluation import Evaluation
from benchmarks.protocols.prompts import class_features, templates_in_all
from benchmarks.protocols.zeroshot import evaluate_zeroshot
from benchmarks.records.run import EXACT
from retrieval.languages.codes import tag_of_babel
from retrieval.model import Float32Array


def plan_zeroshot(data: Zeroshot, features: Features, options: RunOptions) -> Iterator[Planned]:
    """One measurement for each language."""
    templates_in = templates_in_all(data, options.prompts)  # refuses before anything is embedded
    data, found, facts = seen(data, features, options)
    for language, named in data.names.items():
        templates = templates_in[language]
        key = key_of(
            data, options, language=language, prompt=options.prompts, gallery=named.gallery
        )
        embed = partial(features.texts, language=tag_of_babel(language))

        def evaluate(
            language: str = language,
            templates: tuple[str, ...] = templates,
            embed: Callable[..., Float32Array] = embed,
        ) -> Evaluation:
            names = data.names[language]
            rows = class_features(names.names, templates, embed)
            return evaluate_zeroshot(data, names, found.rows, rows)

        settings = {"score": "float32 cosine", "templates": len(templates)}
        counts = {"classes": len(named.names), "pictures": len(data.pictures)} | _per_class(data)
        yield Planned(key, EXACT, facts, settings, counts, evaluate)


def _per_class(data: Zeroshot) -> dict[str, int]:
    """How many pictures each class has, if all have as many."""
    counts = np.unique(np.bincount(data.class_of, minlength=data.n_classes))
    return {"pictures_per_class": int(counts[0])} if len(counts) == 1 else {}
