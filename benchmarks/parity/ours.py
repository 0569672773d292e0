"""polyseek's side: the records of `bench run`, and what its figures were ranked from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.datasets.base import (
    ClassNames,
    Crossmodal,
    DatasetSpec,
    LoadOptions,
    Prompts,
    Zeroshot,
)
from benchmarks.features import Features
from benchmarks.metrics.ranks import Positives
from benchmarks.metrics.retrieval import recall_at
from benchmarks.parity.extremes import Asked, FigureOfRanks
from benchmarks.parity.theirs import KS
from benchmarks.plans.base import RunOptions
from benchmarks.protocols.figures import TOPS
from benchmarks.protocols.prompts import class_features, templates_of
from benchmarks.records.folder import RunFolder
from benchmarks.runner import Bench, run
from retrieval.encoders.base import Encoder
from retrieval.languages.codes import tag_of_babel
from retrieval.model import Int64Array
from retrieval.store.cached import CacheFolder


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One protocol.

    Attributes:
        figures: of the record.
        asked: what they were ranked from, each direction.
    """

    figures: Mapping[str, float]
    asked: tuple[Asked, ...]


class Polyseek:
    """polyseek's harness with one model.

    Args:
        encoder: of the model.
        data: folder of the data sets.
        out: of records and embeddings.
    """

    def __init__(self, encoder: Encoder, data: Path, out: Path) -> None:
        self._encoder = encoder
        self._cache = CacheFolder(out / "cache", "features")
        self._bench = Bench(data, RunFolder(out / "run"), self._cache)

    def retrieval(self, spec: DatasetSpec) -> Measured:
        """Measure pictures with captions.

        Raises:
            DatasetError: the files do not fit.
        """
        (record,) = run([spec], [self._encoder], RunOptions(), self._bench)
        (data,) = spec.load(self._bench.data / spec.folder, LoadOptions())
        assert isinstance(data, Crossmodal)
        return Measured(record.figures, directions(data, Features(self._encoder, self._cache)))

    def classification(self, spec: DatasetSpec, language: str, prompts: Prompts) -> Measured:
        """Measure the names of classes in one language.

        Raises:
            DatasetError: the files do not fit, or there are no such prompts.
        """
        load = LoadOptions(languages=(language,), gallery="babelnet")
        options = RunOptions(load=load, prompts=prompts)
        (record,) = run([spec], [self._encoder], options, self._bench)
        (data,) = spec.load(self._bench.data / spec.folder, load)
        assert isinstance(data, Zeroshot)
        asked = naming(data, Features(self._encoder, self._cache), language, prompts)
        return Measured(record.figures, (asked,))


def directions(data: Crossmodal, features: Features) -> tuple[Asked, Asked]:
    """What `t2i` and `i2t` are ranked from."""
    pictures = features.pictures(data.pictures).rows
    texts = features.texts(data.texts, data.language)
    of_text = Positives.of([[row] for row in data.picture_of.tolist()])
    rows = [np.flatnonzero(data.picture_of == row).tolist() for row in range(len(pictures))]
    return (
        Asked(texts, pictures, of_text, _recalls("t2i")),
        Asked(pictures, texts, Positives.of(rows), _recalls("i2t")),
    )


def naming(data: Zeroshot, features: Features, language: str, prompts: Prompts) -> Asked:
    """What the names of one language are ranked from."""
    names: ClassNames = data.names[language]
    embed = partial(features.texts, language=tag_of_babel(language))
    classes = class_features(names.names, templates_of(data, language, prompts), embed)
    column_of = {number: column for column, number in enumerate(names.classes.tolist())}
    named = [row for row, number in enumerate(data.class_of.tolist()) if number in column_of]
    right = np.array([column_of[data.class_of[row]] for row in named])
    tops = [k for k in TOPS if k == 1 or k < len(names.names)]
    figures: dict[str, FigureOfRanks] = {f"top{k}": partial(recall_at, k=k) for k in tops}
    figures["mean_per_class_recall"] = partial(_mean_per_class, right)
    pictures = features.pictures(data.pictures).rows[named]
    return Asked(pictures, classes, Positives.of([[row] for row in right.tolist()]), figures)


def _recalls(direction: str) -> dict[str, FigureOfRanks]:
    return {f"{direction}_r@{k}": partial(recall_at, k=k) for k in KS}


def _mean_per_class(right: Int64Array, ranks: Int64Array) -> float:
    shares: Sequence[float] = [
        float((ranks[right == column] == 1).mean()) for column in np.unique(right)
    ]
    return float(np.mean(shares))
