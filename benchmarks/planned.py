"""What is to be measured on a data set: one entry for each protocol and way of searching.

An entry knows its protocol, its data and its settings before anything is measured, so that what was
recorded already is recognised.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks.datasets.base import (
    Composed,
    Crossmodal,
    DataSet,
    DatasetError,
    LoadOptions,
    Prompts,
    Zeroshot,
)
from benchmarks.datasets.subset import WithPictures, first, without
from benchmarks.features import Features, PictureFeatures
from benchmarks.protocols.crossmodal import evaluate_crossmodal, evaluate_folds
from benchmarks.protocols.evaluation import Evaluation
from benchmarks.protocols.prompts import class_features, templates_of
from benchmarks.protocols.through_index import evaluate_through
from benchmarks.protocols.zeroshot import evaluate_zeroshot
from benchmarks.records.key import COMPLETE, ProtocolKey
from benchmarks.records.run import EXACT
from retrieval.languages.codes import tag_of_babel
from retrieval.model import Float32Array


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What is run.

    Attributes:
        indexes: ways of searching: EXACT, or kinds of index as `polyseek index --index` takes them.
        load: which split, captions and languages.
        prompts: how names of classes become texts.
        limit: pictures to take, from the start of each data set; None takes all.
    """

    indexes: tuple[str, ...] = (EXACT,)
    load: LoadOptions = field(default_factory=LoadOptions)
    prompts: Prompts = "label"
    limit: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """One measurement that has not been made.

    Attributes:
        key: its protocol.
        system: EXACT, or a kind of index.
        data: sha256 of annotations and pictures, licence, what is missing.
        settings: what else its figures depend on.
        counts: of pictures and texts.
        evaluate: makes it.
    """

    key: ProtocolKey
    system: str
    data: Mapping[str, Any]
    settings: Mapping[str, Any]
    counts: Mapping[str, int]
    evaluate: Callable[[], Evaluation]


def plan(data: DataSet, features: Features, options: RunOptions) -> Iterator[Planned]:
    """All measurements of a data set; embeds its pictures.

    Raises:
        DatasetError: no picture is left, or it cannot be measured so.
    """
    if isinstance(data, Crossmodal):
        yield from _crossmodal(data, features, options)
    elif isinstance(data, Zeroshot):
        yield from _zeroshot(data, features, options)
    else:
        raise _not_yet(data)


def _crossmodal(data: Crossmodal, features: Features, options: RunOptions) -> Iterator[Planned]:
    data, seen, facts = _seen(data, features, options)
    key = _key(data, options, captions=data.origin.rule, language=data.language)
    counts = {"pictures": len(data.pictures), "texts": len(data.texts)}
    settings = {"score": "float32 cosine", "texts": "as they stand"}

    def texts() -> Float32Array:
        return features.texts(data.texts, data.language)

    def entry(protocol: ProtocolKey, system: str, evaluate: Callable[[], Evaluation]) -> Planned:
        return Planned(protocol, system, facts, settings, counts, evaluate)

    for index in options.indexes:
        if index == EXACT:
            yield entry(key, EXACT, lambda: evaluate_crossmodal(data, seen.rows, texts()))
        else:
            yield entry(key, index, partial(_through, data, seen.rows, texts, index))
    if data.folds > 1 and key.gallery == COMPLETE and EXACT in options.indexes:
        folded = replace(key, folds=data.folds)
        yield entry(folded, EXACT, lambda: evaluate_folds(data, seen.rows, texts()))


def _zeroshot(data: Zeroshot, features: Features, options: RunOptions) -> Iterator[Planned]:
    data, seen, facts = _seen(data, features, options)
    for language, named in data.names.items():
        templates = templates_of(data, language, options.prompts)
        key = _key(data, options, language=language, prompt=options.prompts)
        embed = partial(features.texts, language=tag_of_babel(language))

        def evaluate(
            language: str = language,
            templates: tuple[str, ...] = templates,
            embed: Callable[..., Float32Array] = embed,
        ) -> Evaluation:
            names = data.names[language]
            rows = class_features(names.names, templates, embed)
            return evaluate_zeroshot(data, names, seen.rows, rows)

        settings = {"score": "float32 cosine", "templates": len(templates)}
        counts = {"classes": len(named.names), "pictures": len(data.pictures)} | _per_class(data)
        yield Planned(key, EXACT, facts, settings, counts, evaluate)


def _through(
    data: Crossmodal, pictures: Float32Array, texts: Callable[[], Float32Array], index: str
) -> Evaluation:
    return evaluate_through(data, pictures, texts(), index)


def _seen(
    data: WithPictures, features: Features, options: RunOptions
) -> tuple[WithPictures, PictureFeatures, Mapping[str, Any]]:
    """The data as it is measured: its first pictures, without those that cannot be read."""
    if options.limit is not None:
        data = first(data, options.limit)
    seen: PictureFeatures = features.pictures(data.pictures)
    facts = {
        "annotations": dict(data.origin.sha256),
        "pictures": seen.sha256,
        "is_known": data.origin.is_known,
        "licence": data.origin.licence,
        "missing": [*data.missing, *(data.pictures[row].key for row in seen.unreadable)],
    }
    return without(data, seen.unreadable), seen.without_unreadable(), facts


def _per_class(data: Zeroshot) -> dict[str, int]:
    """How many pictures each class has, if all have as many."""
    counts = np.unique(np.bincount(data.class_of, minlength=data.n_classes))
    return {"pictures_per_class": int(counts[0])} if len(counts) == 1 else {}


def _key(
    data: Crossmodal | Zeroshot,
    options: RunOptions,
    *,
    language: str = "",
    captions: str = "",
    prompt: str = "",
    folds: int = 1,
) -> ProtocolKey:
    n, n_missing = len(data.pictures), len(data.missing)
    gallery = f"{n} of {n + n_missing}" if n_missing else COMPLETE
    if options.limit is not None:
        gallery = f"the first {n}" if gallery == COMPLETE else f"the first {gallery}"
    return ProtocolKey(
        data.origin.name,
        data.origin.split,
        language=language,
        captions=captions,
        gallery=gallery,
        folds=folds,
        prompt=prompt,
    )


def _not_yet(data: Composed) -> DatasetError:
    return DatasetError(
        f"{data.origin.name} asks composed queries, which `bench run` does not measure yet",
        hint="python -m benchmarks.composed measures ways to compose on generated pictures",
    )
