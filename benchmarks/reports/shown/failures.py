"""Queries whose right answer stands furthest down, and what stood first instead."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np

from benchmarks.datasets.base import Crossmodal, DatasetError, Prompts, Zeroshot
from benchmarks.protocols.prompts import class_features, templates_of
from benchmarks.records.folder import RunFolder
from benchmarks.records.run import EXACT, RunRecord
from benchmarks.reports.shown.measured_again import Again, FeaturesOf, measured_again
from benchmarks.reports.shown.naming import entrants, protocol_name, whatever_language
from retrieval.errors import EncoderUnavailableError
from retrieval.languages.codes import tag_of_babel
from retrieval.model import Float32Array, Int64Array

PER_WAY = 6
"""Failures of one record and direction."""

MOST_RECORDS = 6
"""That have a gallery: one of each protocol and model, its first language."""


@dataclass(frozen=True, slots=True)
class Item:
    """A picture or a text.

    Attributes:
        text: words, or the name of the picture.
        picture: its file; None of a text.
        language: canonical tag of a text; "" of a picture.
    """

    text: str
    picture: Path | None = None
    language: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """One query.

    Attributes:
        way: "t2i", "i2t" or "top".
        rank: of its best right answer, more than 1.
        asked: the query.
        right: the best of its right answers.
        first: what the encoder put first.
    """

    way: str
    rank: int
    asked: Item
    right: Item
    first: Item


@dataclass(frozen=True, slots=True)
class Failures:
    """Of one record.

    Attributes:
        title: the protocol.
        entrant: the model.
        failures: the worst first, by direction.
    """

    title: str
    entrant: str
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Queries, gallery, and who belongs to whom.

    Attributes:
        way: the direction.
        ranks: (q,) as recorded.
        queries: (q, dim) unit rows.
        gallery: (g, dim) unit rows.
        right: items of the gallery that are right for each of q queries.
        asked: q items.
        items: g items.
        subjects: (q,) what a query is about; of one subject one failure is shown.
    """

    way: str
    ranks: Int64Array
    queries: Float32Array
    gallery: Float32Array
    right: Sequence[Sequence[int]]
    asked: Sequence[Item]
    items: Sequence[Item]
    subjects: Sequence[int]


def failures_of_run(
    folder: RunFolder, data: Path, features_of: FeaturesOf
) -> tuple[tuple[Failures, ...], tuple[str, ...]]:
    """The galleries of a run, and why others are not there.

    Args:
        folder: of the run.
        data: folder of the data sets.
        features_of: loads encoders.

    Raises:
        BenchmarkError: a file of ranks is missing or damaged.
    """
    records = folder.records()
    names = entrants(records)
    chosen: dict[object, int] = {}
    for at, record in enumerate(records):
        if record.system == EXACT and record.ranks and _is_shown(record, folder):
            chosen.setdefault((whatever_language(record.key), names[at]), at)
    found, reasons = [], []
    for at in list(chosen.values())[:MOST_RECORDS]:
        record = records[at]
        try:
            again = measured_again(record, data, features_of)
        except (DatasetError, EncoderUnavailableError) as error:
            reasons.append(f"{protocol_name(record.key)}, {names[at]}: {error}")
            continue
        own = tuple(each for one in _ranked(record, again, folder) for each in worst(one))
        if own:
            found.append(Failures(protocol_name(record.key), names[at], own))
    return tuple(found), tuple(dict.fromkeys(reasons))


def _is_shown(record: RunRecord, folder: RunFolder) -> bool:
    """Whether the ranks of a record say which queries failed, and of what kind of data."""
    ways = folder.ranks_of(record).keys()
    is_other = {"compose", "distractors"} & record.settings.keys()
    return record.key.folds == 1 and not is_other and ("top" in ways or {"t2i", "i2t"} <= ways)


def worst(ranked: Ranked, count: int = PER_WAY) -> Iterator[Failure]:
    """The queries of the highest ranks, at most one of a subject; of equal ranks the first goes.

    Args:
        ranked: with all their answers.
        count: how many at most.
    """
    seen: set[int] = set()
    gallery = ranked.gallery.astype(np.float64)
    for query in np.argsort(-ranked.ranks, kind="stable").tolist():
        rank, subject = int(ranked.ranks[query]), ranked.subjects[query]
        if rank == 1 or len(seen) == count:
            return
        if subject in seen:
            continue
        seen.add(subject)
        scores = (gallery @ ranked.queries[query].astype(np.float64)).astype(np.float32)
        right = max(ranked.right[query], key=lambda item: (scores[item], -item))
        first = int(scores.argmax())
        yield Failure(
            ranked.way, rank, ranked.asked[query], ranked.items[right], ranked.items[first]
        )


def _ranked(record: RunRecord, again: Again, folder: RunFolder) -> Iterator[Ranked]:
    ranks = folder.ranks_of(record)
    if isinstance(again.data, Zeroshot):
        if "top" in ranks:
            yield _of_classes(again.data, again, record, ranks["top"])
        return
    if {"t2i", "i2t"} <= ranks.keys():
        yield from _of_captions(again.data, again, ranks["t2i"], ranks["i2t"])


def _of_captions(
    data: Crossmodal, again: Again, t2i: Int64Array, i2t: Int64Array
) -> Iterator[Ranked]:
    rows = again.features.texts(data.texts, data.language)
    pictures = [Item(each.key, each.path) for each in data.pictures]
    texts = [Item(each, language=data.language) for each in data.texts]
    own = data.picture_of.tolist()
    texts_of: list[list[int]] = [[] for _ in pictures]
    for text, picture in enumerate(own):
        texts_of[picture].append(text)
    alone = [[each] for each in own]
    yield Ranked("t2i", t2i, rows, again.pictures, alone, texts, pictures, own)
    every = range(len(pictures))
    yield Ranked("i2t", i2t, again.pictures, rows, texts_of, pictures, texts, every)


def _of_classes(data: Zeroshot, again: Again, record: RunRecord, ranks: Int64Array) -> Ranked:
    """Pictures of the classes that a language names, in the order in which they were measured."""
    language = record.key.language
    named = data.names[language]
    tag = tag_of_babel(language)
    prompts = next(each for each in get_args(Prompts) if each == record.key.prompt)
    templates = templates_of(data, language, prompts)
    classes = class_features(named.names, templates, lambda said: again.features.texts(said, tag))
    column_of = {number: at for at, number in enumerate(named.classes.tolist())}
    rows = [row for row, own in enumerate(data.class_of.tolist()) if own in column_of]
    columns = [column_of[int(data.class_of[row])] for row in rows]
    return Ranked(
        "top",
        ranks,
        again.pictures[rows],
        classes,
        [[each] for each in columns],
        [Item(data.pictures[row].key, data.pictures[row].path) for row in rows],
        [Item(each, language=tag) for each in named.names],
        columns,
    )
