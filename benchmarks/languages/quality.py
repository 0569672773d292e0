"""How often the name of a photograph comes first among the names of a language."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from retrieval.model import Float32Array, Int64Array

TOPS = (1, 5)


@dataclass(frozen=True, slots=True)
class Labels:
    """The names that one language has for classes.

    Attributes:
        names: (m,) distinct, sorted.
        name_of: number in `names` by class.
    """

    names: tuple[str, ...]
    name_of: Mapping[int, int]

    @classmethod
    def of(cls, classes: Sequence[int], names: Sequence[str]) -> "Labels":
        """Names as a table gives them, one a class."""
        distinct = tuple(sorted(set(names)))
        number = {name: at for at, name in enumerate(distinct)}
        named = zip(classes, names, strict=True)
        return cls(distinct, {each: number[name] for each, name in named})


@dataclass(frozen=True, slots=True)
class Quality:
    """What was measured in one language.

    Attributes:
        n_classes: named by it.
        n_names: distinct ones.
        top1: share of photographs, in [0, 1].
        top5: the same among five.
    """

    n_classes: int
    n_names: int
    top1: float
    top5: float


def quality(
    photographs: Float32Array, classes: Int64Array, labels: Labels, names: Float32Array
) -> Quality:
    """Rank names for each photograph of a class that has one.

    Args:
        photographs: (n, dim) unit rows.
        classes: (n,) of each.
        labels: of the language.
        names: (m, dim) unit rows of `labels.names`.

    Raises:
        ValueError: no photograph is of a class that the language names.
    """
    named = np.array([each in labels.name_of for each in classes.tolist()], np.bool_)
    if not named.any():
        raise ValueError("no photograph is of a class that has a name")
    true = np.array([labels.name_of[each] for each in classes[named].tolist()])
    ranks = ranks_of(photographs[named] @ names.T, true)
    top1, top5 = (float((ranks <= top).mean()) for top in TOPS)
    return Quality(len(labels.name_of), len(labels.names), top1, top5)


def ranks_of(scores: Float32Array, true: Int64Array) -> Int64Array:
    """The rank of the true column of each row, from 1; columns of equal score go before it.

    Args:
        scores: (n, m).
        true: (n,) columns.
    """
    own = scores[np.arange(len(scores)), true]
    ranks: Int64Array = (scores >= own[:, None]).sum(axis=1)
    return ranks


def read_labels(table: Path) -> dict[str, Labels]:
    """The names of every language of a table, by its code there."""
    return {code: Labels.of(*each) for code, each in json.loads(table.read_text()).items()}
