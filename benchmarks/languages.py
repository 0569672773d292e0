"""How well an encoder knows each language: photographs named in all languages of a table of labels.

    python -m benchmarks.languages FOLDER --labels babel_imagenet.json --out CACHE
        [--encoder mini]

FOLDER holds one photograph or more of each ImageNet-1k class, named WNID_anything; LABELS names
classes in many languages, as Babel-ImageNet does (Geigle, Timofte & Glavas, 2023):
{"DE": [[class, ...], [name, ...]], ...}. Nothing is indexed. A photograph is ranked against the
names of its language, those of classes that the language names, bare, without a prompt: top-1 and
top-5 are the shares of photographs whose own name is among the best one and five. Names compete;
two classes of one name count as one, and a tie counts against the right name. The more classes a
language names, the harder it is: rows compare encoders, not languages.

Embeddings are kept in CACHE, one file a language, so that a run that was cut off goes on.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.label_scale import N_CLASSES, embed_photographs
from retrieval.encoders.base import Encoder
from retrieval.encoders.fingerprint import canonical_json
from retrieval.encoders.registry import DEFAULT_ENCODER, get_encoder
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


class Cache:
    """Embeddings of one encoder, by what was embedded."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._encoder = encoder

    def texts(self, name: str, texts: Sequence[str]) -> Float32Array:
        """Embed n texts -> (n, dim) unit rows, or read what was embedded before."""
        path = self._path(name, list(texts))
        return _load(path) if path.exists() else _save(path, self._encoder.encode_texts(texts))

    def photographs(self, folder: Path) -> tuple[Float32Array, Int64Array]:
        """Embed the photographs of all classes -> (n, dim) unit rows and (n,) classes."""
        sizes = sorted((each.name, each.stat().st_size) for each in folder.iterdir())
        rows, classes = self._path("photographs", sizes), self._path("classes", sizes)
        if not (rows.exists() and classes.exists()):
            all_classes = {number: str(number) for number in range(N_CLASSES)}
            found = embed_photographs(folder, all_classes, self._encoder)
            _save(rows, found.vectors)
            np.save(classes, found.names.astype(np.int64))
        return _load(rows), np.load(classes)

    def _path(self, name: str, content: object) -> Path:
        what = canonical_json([self._encoder.info.fingerprint, content])
        return self._folder / f"{name}-{hashlib.sha256(what.encode()).hexdigest()[:16]}.npy"


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


def measure(folder: Path, labels: Mapping[str, Labels], cache: Cache) -> dict[str, Quality]:
    """Measure every language, by its code."""
    photographs, classes = cache.photographs(folder)
    found = {}
    for number, (code, each) in enumerate(sorted(labels.items()), 1):
        found[code] = quality(photographs, classes, each, cache.texts(code, each.names))
        sys.stderr.write(f"{number} of {len(labels)}: {code} {found[code]}\n")
    return found


def main() -> None:
    """Embed, measure, and write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    arguments = parser.parse_args()
    encoder = get_encoder(arguments.encoder)
    measure(arguments.folder, read_labels(arguments.labels), Cache(arguments.out, encoder))


def _load(path: Path) -> Float32Array:
    rows: Float32Array = np.load(path).astype(np.float32)
    return rows


def _save(path: Path, rows: Float32Array) -> Float32Array:
    """Write rows whole or not at all; give them back."""
    part = path.with_suffix(".part.npy")
    np.save(part, rows)
    part.rename(path)
    return rows


if __name__ == "__main__":
    main()
