"""Recall of filtered searches beside that of unfiltered ones, for filters that know of the query.

    python -m benchmarks.perf.filter_recall [--items 100000] [--dim 512] [--queries 200] [--k 10]
    python -m benchmarks.perf.filter_recall --base base.npy --train-texts train_text.npy
        --text-queries q_text.npy --image-queries q_image.npy [--collection FOLDER]

The second is one line. Without --base the vectors are synthetic (`synthetic.CrossModalSpace`). A
collection of them is built as a run builds one, in --collection if that is named (and used again if
it is there), else in a temporary folder. Composed queries are the sum of an image and a text query.

A filter keeps a share of the items, for each query drawn anew:

    random   knows nothing of content
    side     the items farthest along a random direction: one side of a hyperplane
    like     those most like an item that was drawn: a folder, a tag
    unlike   those least like such an item that is itself most like the query: all that is near goes
    away     those least like the query: the worst that a filter can do

Recall is the share of the exact k best among the items kept, mean +- standard error over queries;
"less all" is the difference from the unfiltered search, with its paired standard error. "full" is
the share of queries that got min(k, kept) answers. Each search is one query, by one thread.
"""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.perf.search_ratio import ReadyVectors, build_collection
from benchmarks.perf.synthetic import CrossModalSpace
from retrieval.ann.exact import NO_ID
from retrieval.model import Float32Array, Int64Array, Modality
from retrieval.query.plan import MadeOf
from retrieval.store.collection import Collection
from retrieval.view import View

SHARES = (0.5, 0.1, 0.01, 0.001)
_TRAINING_TEXTS = 20_000
_SEED = 11


@dataclass(frozen=True, slots=True)
class Asked:
    """Queries of one kind.

    Attributes:
        vectors: (Q, dim) unit rows.
        made_of: for each query its parts.
    """

    vectors: Float32Array
    made_of: tuple[MadeOf, ...]

    @classmethod
    def single(cls, vectors: Float32Array, modality: Modality) -> "Asked":
        """Queries of one part each."""
        return cls(vectors, tuple(MadeOf(row[None], (modality,)) for row in vectors))

    @classmethod
    def composed(cls, images: Float32Array, texts: Float32Array) -> "Asked":
        """Each an image and a text, of equal weight."""
        sums = images + texts
        parts = np.stack([images, texts], axis=1)
        return cls(
            sums / np.linalg.norm(sums, axis=1, keepdims=True),
            tuple(MadeOf(rows, ("image", "text")) for rows in parts),
        )


@dataclass(frozen=True, slots=True)
class Gallery:
    """What is searched, and all of it in memory to compare with.

    Attributes:
        view: of the collection.
        ids: (n,) ascending.
        rows: (n, dim), in the order of `ids`.
    """

    view: View
    ids: Int64Array
    rows: Float32Array

    @classmethod
    def of(cls, collection: Collection) -> "Gallery":
        """All images of a collection from which nothing was deleted."""
        segments = sorted(collection.gallery("images").segments, key=lambda each: int(each.ids[0]))
        every = [np.arange(len(each.ids)) for each in segments]
        halves = [
            each.vectors.gather_half(rows) for each, rows in zip(segments, every, strict=True)
        ]
        ids = np.concatenate([each.ids for each in segments])
        return cls(View(collection), ids, np.concatenate(halves).astype(np.float32))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What searches of one kind under one kind of filter found.

    Attributes:
        recall: (Q,) of each query.
        is_full: (Q,) whether all places were filled.
        ms: (Q,) of each search.
    """

    recall: npt.NDArray[np.float64]
    is_full: npt.NDArray[np.bool_]
    ms: npt.NDArray[np.float64]


Filter = Callable[[np.random.Generator, Float32Array, int], Int64Array]
"""A generator, the scores of all items for the query and how many to keep -> rows kept."""


def filters(rows: Float32Array) -> Mapping[str, Filter]:
    """The kinds of filters of the module's docstring, over these rows."""

    def likest(direction: Float32Array, n_kept: int) -> Int64Array:
        return np.argpartition(-(rows @ direction), n_kept - 1)[:n_kept]

    def side(rng: np.random.Generator, _: Float32Array, n_kept: int) -> Int64Array:
        return likest(rng.standard_normal(rows.shape[1:], dtype=np.float32), n_kept)

    return {
        "random": lambda rng, scores, n_kept: rng.choice(len(scores), n_kept, replace=False),
        "side": side,
        "like": lambda rng, scores, n_kept: likest(rows[rng.integers(len(scores))], n_kept),
        "unlike": lambda _, scores, n_kept: likest(-rows[scores.argmax()], n_kept),
        "away": lambda _, scores, n_kept: np.argpartition(scores, n_kept - 1)[:n_kept],
    }


def measure(gallery: Gallery, asked: Asked, k: int, keep: Filter | None, share: float) -> Outcome:
    """Search for each query among what a filter keeps, by the index and exactly."""
    n_kept = max(1, round(share * len(gallery.ids)))
    recalls, full, ms = [], [], []
    for number, query in enumerate(asked.vectors):
        scores = gallery.rows @ query
        rng = np.random.default_rng([_SEED, number])
        kept = np.arange(len(scores)) if keep is None else np.sort(keep(rng, scores, n_kept))
        owed = min(k, len(kept))
        best = kept[np.argpartition(-scores[kept], owed - 1)[:owed]]
        only = None if keep is None else gallery.ids[kept]
        made_of = asked.made_of[number : number + 1]
        started = time.perf_counter()
        _, found = gallery.view.rank(query[None], k, (), "images", made_of, only)
        ms.append((time.perf_counter() - started) * 1e3)
        shown = found[found != NO_ID]
        recalls.append(np.isin(gallery.ids[best], shown).mean())
        full.append(len(shown) == owed)
    return Outcome(np.array(recalls), np.array(full), np.array(ms))


def lines(gallery: Gallery, kinds: Mapping[str, Asked], k: int) -> Iterator[str]:
    """The table, as Markdown, one row after the other."""
    yield "| queries | filter | kept | recall | less all | full | p50 ms |"
    yield "|---|---|---|---|---|---|---|"
    for name, asked in kinds.items():
        everything = measure(gallery, asked, k, None, 1.0)
        yield _line(name, "none", 1.0, everything, everything)
        for kind, keep in filters(gallery.rows).items():
            for share in SHARES:
                yield _line(name, kind, share, measure(gallery, asked, k, keep, share), everything)


def _line(name: str, kind: str, share: float, found: Outcome, everything: Outcome) -> str:
    less = found.recall - everything.recall
    return (
        f"| {name} | {kind} | {share:.1%} | {_shown(found.recall)} | {_shown(less)}"
        f" | {found.is_full.mean():.3f} | {np.median(found.ms):.2f} |"
    )


def _shown(values: npt.NDArray[np.float64]) -> str:
    return f"{values.mean():.3f} +- {values.std(ddof=1) / len(values) ** 0.5:.3f}"


def drawn(arguments: argparse.Namespace) -> tuple[Float32Array, Float32Array, dict[str, Asked]]:
    """Vectors to index, texts to train the routes with, and queries by kind."""
    n_queries = arguments.queries
    if arguments.base is None:
        space = CrossModalSpace(arguments.dim)
        images = space.images(arguments.items + n_queries)
        texts = space.texts(_TRAINING_TEXTS + n_queries)
        base, image_queries = images[:-n_queries], images[-n_queries:]
        training, text_queries = texts[:-n_queries], texts[-n_queries:]
    else:
        base, training, text_queries, image_queries = (
            np.load(path).astype(np.float32)
            for path in (
                arguments.base,
                arguments.train_texts,
                arguments.text_queries,
                arguments.image_queries,
            )
        )
    n_queries = min(n_queries, len(text_queries), len(image_queries))
    text_queries, image_queries = text_queries[:n_queries], image_queries[:n_queries]
    kinds = {
        "text": Asked.single(text_queries, "text"),
        "image": Asked.single(image_queries, "image"),
        "composed": Asked.composed(image_queries, text_queries),
    }
    return base, training[:_TRAINING_TEXTS], kinds


def main() -> None:
    """Build or open a collection, measure, write the table to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=512)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--k", type=int, default=10)
    for name in ("base", "train-texts", "text-queries", "image-queries", "collection"):
        parser.add_argument(f"--{name}", type=Path)
    arguments = parser.parse_args()
    base, training, kinds = drawn(arguments)
    with contextlib.ExitStack() as resources:
        folder = arguments.collection
        if folder is None:
            folder = Path(resources.enter_context(tempfile.TemporaryDirectory()))
        if not any(folder.glob("manifest-*.json")):
            build_collection(folder, base, ReadyVectors(training))
        collection = resources.enter_context(Collection.open(folder))
        gallery = Gallery.of(collection)
        sys.stdout.write(f"{len(gallery.ids)} items, {collection.gallery('images').entry.index}\n")
        for line in lines(gallery, kinds, arguments.k):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
