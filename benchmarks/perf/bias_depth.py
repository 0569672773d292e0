"""What codes miss of a ranking by a hubness bias, at several depths of candidates by cosine.

    python -m benchmarks.perf.bias_depth COLLECTION --texts train_text.npy --queries q_text.npy

A search by codes brings the best by cosine, `adjusted.OVER_FETCH` times k and more while that may
not do, and ranks these by cosine less the bias (`retrieval.ann.adjusted`); an item that only its
small bias would lift from farther down is not found. Here the bias is that of a bank of texts, as
many and with the k of a build that has captions of its own (--bank, --neighbours), and a share of
it as builds choose them. Agreement is the share of the ten best by adjusted score among all images
that are found, mean +- standard error over text queries: from the exact ranking by cosine, cut at a
depth, through the codes to that depth, and as it is searched.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.perf.filter_recall import Gallery
from indexer.gain import ALPHAS
from indexer.hubness import OWN_K
from retrieval.ann.adjusted import Penalties, adjust, search_adjusted
from retrieval.ann.exact import Ranking
from retrieval.learn.hubness import Bank
from retrieval.model import Float32Array, Int64Array
from retrieval.query.plan import MadeOf
from retrieval.store.collection import Collection

K = 10
OVER_FETCHES = (5, 10, 20)


def lines(gallery: Gallery, bank: Bank, queries: Float32Array) -> Iterator[str]:
    """The table, as Markdown, one row after the other."""
    bias = bank.bias_of(gallery.rows)
    yield f"bias: mean {bias.mean():.4f}, standard deviation {bias.std():.4f}"
    yield "| share of the bias | candidates | of the exact ranking | through codes |"
    yield "|---|---|---|---|"
    for alpha in ALPHAS:
        penalties = Penalties(gallery.ids, np.float32(alpha) * bias)
        for over_fetch in OVER_FETCHES:
            exact, coded = agreements(gallery, penalties, queries, over_fetch * K)
            yield f"| {alpha:g} | {over_fetch} k | {_shown(exact)} | {_shown(coded)} |"
        found, depths = as_searched(gallery, penalties, queries)
        yield f"| {alpha:g} | as searched: {np.mean(depths) / K:.0f} k | | {_shown(found)} |"


def agreements(
    gallery: Gallery, penalties: Penalties, queries: Float32Array, depth: int
) -> tuple[list[float], list[float]]:
    """For each query how much of its best by adjusted score a depth finds: exactly, by codes."""
    exact, coded = [], []
    for query in queries:
        scores = gallery.rows @ query
        best = gallery.ids[np.argsort(penalties.values - scores, kind="stable")[:K]]
        deepest = np.argpartition(-scores, depth - 1)[None, :depth]
        near = gallery.ids[deepest]
        cut = adjust((scores[deepest], near), penalties.of(near), K)
        exact.append(float(np.isin(best, cut.ids).mean()))
        made_of = (MadeOf(query[None], ("text",)),)
        brought = gallery.view.rank(query[None], depth, (), "images", made_of)
        coded.append(float(np.isin(best, adjust(brought, penalties.of(brought[1]), K).ids).mean()))
    return exact, coded


def as_searched(
    gallery: Gallery, penalties: Penalties, queries: Float32Array
) -> tuple[list[float], list[int]]:
    """The agreement of each query as the engine searches, and how deep it went."""
    found, depths = [], []
    for query in queries:
        best = gallery.ids[np.argsort(penalties.values - gallery.rows @ query, kind="stable")[:K]]
        asked: list[int] = []

        def search(
            _: Int64Array, depth: int, query: Float32Array = query, asked: list[int] = asked
        ) -> Ranking:
            asked.append(depth)
            made_of = (MadeOf(query[None], ("text",)),)
            return gallery.view.rank(query[None], depth, (), "images", made_of)

        adjusted = search_adjusted(
            search,
            1,
            K,
            lambda _, ids: penalties.of(ids),
            least=penalties.least(is_exact=False),
            is_exact=False,
        )
        found.append(float(np.isin(best, adjusted.ids).mean()))
        depths.append(asked[-1])
    return found, depths


def _shown(values: list[float]) -> str:
    return f"{np.mean(values):.4f} +- {np.std(values, ddof=1) / len(values) ** 0.5:.4f}"


def main() -> None:
    """Open the collection, measure, write the table to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("collection", type=Path)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--bank", type=int, default=2_048)
    parser.add_argument("--neighbours", type=int, default=OWN_K)
    parser.add_argument("--n-queries", type=int, default=100)
    arguments = parser.parse_args()
    texts = np.load(arguments.texts)[: arguments.bank].astype(np.float32)
    queries = np.load(arguments.queries)[: arguments.n_queries].astype(np.float32)
    with Collection.open(arguments.collection) as collection:
        gallery = Gallery.of(collection)
        index = collection.gallery("images").entry.index
        sys.stdout.write(f"{len(gallery.ids)} images, {index}\n")
        for line in lines(gallery, Bank(texts, arguments.neighbours), queries):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
