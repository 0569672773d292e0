"""A picture and words find pictures: one measurement for each way to compose."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from benchmarks.datasets.base import Composed, DatasetError
from benchmarks.datasets.fashioniq import GALLERIES
from benchmarks.features import Features
from benchmarks.plans.base import Planned, RunOptions, seen
from benchmarks.protocols.composed import Numbered, evaluate_composed
from benchmarks.protocols.composing import (
    TWO_SENTENCES,
    Method,
    plan_in_words,
    plan_of,
    sentences_of,
)
from benchmarks.protocols.evaluation import Evaluation
from benchmarks.records.key import COMPLETE, ProtocolKey
from benchmarks.records.run import EXACT
from retrieval.errors import SettingsError, TrainedMapError
from retrieval.model import Float32Array
from retrieval.query.encoding import QueryEncoder
from retrieval.query.plan import Plan

LANGUAGE = "en"
"""Of all data sets of composed queries that there are."""


def plan_composed(data: Composed, features: Features, options: RunOptions) -> Iterator[Planned]:
    """One measurement for each way to compose.

    Raises:
        DatasetError: only indexes are asked for, or nothing is left.
        SettingsError: a way to compose is none, or lacks its phi.
        TrainedMapError: the phi cannot be read.
    """
    if EXACT not in options.indexes:
        raise DatasetError(
            f"{data.origin.name} is not measured through an index", hint="add --index exact"
        )
    methods = methods_of(options)
    encoder, template = encoder_for(methods, features, options)
    data, found, facts = seen(data, features, options)
    key = ProtocolKey(data.origin.name, data.origin.split, gallery=gallery_of(data, options))
    counts = {
        "pictures": len(data.pictures),
        "queries": len(data.queries),
        "left_out": data.n_left_out,
    }
    asker = asker_of(data, found.rows, features, encoder)
    for method in methods:
        settings = {**settings_of(data, method), **phi_of(method, options)}
        own = replace(key, prompt=template) if method.is_pseudo else key
        evaluate = partial(_evaluated, data, found.rows, partial(asker, method))
        yield Planned(own, EXACT, facts, settings, counts, evaluate)


def methods_of(options: RunOptions) -> list[Method]:
    """The ways to compose that are asked for.

    Raises:
        SettingsError: one is none, or lacks its phi.
    """
    methods = [Method.parse(each) for each in options.compose]
    if options.phi is None and any(each.is_pseudo for each in methods):
        raise SettingsError(
            "--compose pseudo needs a map from images to words",
            hint="train one with polyseek train phi, and give it with --phi FILE",
        )
    return methods


def encoder_for(
    methods: Sequence[Method], features: Features, options: RunOptions
) -> tuple[QueryEncoder, str]:
    """What plans of these ways ask, and the template in which a picture is a word.

    The phi is read before anything is embedded; without one the template is "".

    Raises:
        TrainedMapError: the phi cannot be read, or is damaged.
    """
    encoder = features.query_encoder(options.phi)
    return encoder, encoder.template if any(each.is_pseudo for each in methods) else ""


def phi_of(method: Method, options: RunOptions) -> Mapping[str, str]:
    """What the map is, where it is used: sha256 (hex) of its file."""
    if not method.is_pseudo or options.phi is None:
        return {}
    try:
        return {"phi": hashlib.sha256(options.phi.read_bytes()).hexdigest()}
    except OSError as error:
        raise TrainedMapError(f"cannot read {options.phi}: {error.strerror}") from error


def _evaluated(data: Composed, pictures: Float32Array, asked: Callable[[], Plan]) -> Evaluation:
    return evaluate_composed(data, pictures, asked())


def asker_of(
    data: Composed, pictures: Float32Array, features: Features, encoder: QueryEncoder
) -> Callable[[Method], Plan]:
    """Makes of all queries what ranks the gallery in some way; embeds their texts.

    Args:
        data: as it is measured.
        pictures: (n, dim) unit rows of its pictures.
        features: embeds.
        encoder: the same, for plans.
    """
    references = pictures[Numbered.of(data).references]
    said = sentences_of(data.queries)

    def asked(method: Method) -> Plan:
        if method.is_pseudo:
            return plan_in_words(references, said, pictures, encoder)
        rows = features.texts([each for own in said for each in own], LANGUAGE)
        ends = np.cumsum([len(own) for own in said])[:-1]
        return plan_of(method, references, np.split(rows, ends), pictures, encoder)

    return asked


def settings_of(data: Composed, method: Method) -> Mapping[str, Any]:
    """What figures depend on beside the protocol."""
    done = method.stands_for()
    is_cosine = done != "product"
    return {
        "score": "float32 cosine" if is_cosine else "fused score of the whole gallery, float32",
        "compose": method.name,
        "composed_as": done,
        "texts": TWO_SENTENCES if _says_twice(data) else "as they stand",
        "reference": "removed" if data.removes_reference else "kept",
    }


def gallery_of(data: Composed, options: RunOptions) -> str:
    """What is special about the gallery; COMPLETE where nothing is."""
    said: list[str] = []
    n, n_missing = len(data.pictures), len(data.missing)
    if data.origin.rule not in ("", GALLERIES[0]):
        said.append(data.origin.rule)
    if options.limit is not None:
        said.append(f"pictures of the first {len(data.queries)} queries")
        said += [f"{n_missing} missing"] if n_missing else []
    elif n_missing:
        said.append(f"{n} of {n + n_missing}")
    return ", ".join(said) or COMPLETE


def _says_twice(data: Composed) -> bool:
    return any(len(each.texts) > 1 for each in data.queries)
