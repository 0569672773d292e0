"""One measurement that has not been made, and what every protocol's plan is made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.datasets.base import Choices, Crossmodal, LoadOptions, Prompts, Zeroshot
from benchmarks.datasets.subset import WithPictures, first, without
from benchmarks.features import Features, PictureFeatures
from benchmarks.protocols.composing import DEFAULT_METHODS
from benchmarks.protocols.evaluation import Evaluation
from benchmarks.records.key import COMPLETE, ProtocolKey
from benchmarks.records.run import EXACT


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What is run.

    Attributes:
        indexes: ways of searching: EXACT, or kinds of index as `polyseek index --index` takes them.
        load: which split, captions and languages.
        prompts: how names of classes become texts.
        limit: pictures to take, from the start of each data set, or composed queries; None takes
            all.
        repeats: how often each measurement is made; from the second time on nothing is taken from
            a cache, and figures and ranks have to be the same.
        distractors: folders of pictures that pad the gallery of texts.
        compose: ways to compose, as `Method.parse` reads them.
        phi: the map that one of them needs, of `polyseek train phi`.
    """

    indexes: tuple[str, ...] = (EXACT,)
    load: LoadOptions = field(default_factory=LoadOptions)
    prompts: Prompts = "label"
    limit: int | None = None
    repeats: int = 1
    distractors: tuple[Path, ...] = ()
    compose: tuple[str, ...] = DEFAULT_METHODS
    phi: Path | None = None


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


def seen(
    data: WithPictures, features: Features, options: RunOptions
) -> tuple[WithPictures, PictureFeatures, Mapping[str, Any]]:
    """The data as it is measured: its first pictures, without those that cannot be read."""
    if options.limit is not None:
        data = first(data, options.limit)
    found: PictureFeatures = features.pictures(data.pictures)
    facts = {
        "annotations": dict(data.origin.sha256),
        "pictures": found.sha256,
        "is_known": data.origin.is_known,
        "licence": data.origin.licence,
        "missing": [*data.missing, *(data.pictures[row].key for row in found.unreadable)],
    }
    return without(data, found.unreadable), found.without_unreadable(), facts


def key_of(
    data: Crossmodal | Zeroshot | Choices,
    options: RunOptions,
    *,
    language: str = "",
    captions: str = "",
    prompt: str = "",
    gallery: str = "",
) -> ProtocolKey:
    """The protocol of a data set as it is measured; its gallery says how much of it is there.

    Args:
        data: as it is measured.
        options: what is run.
        language: see `ProtocolKey`.
        captions: see `ProtocolKey`.
        prompt: see `ProtocolKey`.
        gallery: what else is special about it; "" is nothing.
    """
    n, n_missing = len(data.pictures), len(data.missing)
    part = f"{n} of {n + n_missing}" if n_missing else ""
    if options.limit is not None:
        part = f"the first {part or n}"
    gallery = "; ".join(each for each in (gallery, part) if each) or COMPLETE
    return ProtocolKey(
        data.origin.name,
        data.origin.split,
        language=language,
        captions=captions,
        gallery=gallery,
        prompt=prompt,
    )
