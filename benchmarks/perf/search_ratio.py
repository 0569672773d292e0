"""Time of a search by the engine over the raw calls on the same codes, nprobe and candidates.

    python -m benchmarks.perf.search_ratio [--items 100000] [--dim 384] [--rounds 300]

The raw calls do by hand what an answer needs: rank the lists, as the index was tuned for texts,
let FAISS scan them, fetch the candidates from one float16 array and score them with NumPy. The
engine does the same over checked files of many segments ("ids"), and reads the records of the ten
best from the catalogue ("hits"). Target: at most 1.15 for the ids of one query with a ready vector,
at 100,000 items. One line of the table stops where FAISS stops, at candidates by their codes.

The catalogue join is timed by itself as well: records and hits for ten ids that a search has just
ranked, right behind it, so that the processor's caches hold the search and not the catalogue.
Target: at most 0.3 ms.

A large answer is timed too: 10,000 ids, and 10,000 hits with their records, as a ratio to each
other; the last line is how long the records take.
"""

import argparse
import hashlib
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
from PIL import Image

from benchmarks.perf.synthetic import CrossModalSpace
from benchmarks.perf.timing import Timing, interleave
from indexer.build import bring_index_up_to_date
from indexer.writer import CollectionWriter, NewItem
from retrieval.ann.adjusted import by_score
from retrieval.ann.codebook import Codebook
from retrieval.ann.ivfpq import IvfPq
from retrieval.ann.routing import QueryParts, Router, Routing
from retrieval.encoders.base import Pixels
from retrieval.engine import SearchEngine
from retrieval.model import EncoderInfo, FileRef, Float32Array, ImageMeta
from retrieval.query.algebra import Query
from retrieval.view import View

_SEGMENT_ITEMS = 4_096
_BATCH = 64
_K = 10
_MANY = 10_000
_WARM_UP = 20
_MANY_IDS, _MANY_HITS = f"engine, ids, {_MANY:,}", f"engine, hits, {_MANY:,}"


class ReadyVectors:
    """An encoder that has every answer already: a text stands for a drawn text vector."""

    input_px = 224

    def __init__(self, vectors: Float32Array) -> None:
        self._vectors = vectors
        self.info = EncoderInfo("ready-vectors", vectors.shape[1], fingerprint="0" * 64)

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """The vector that each text stands for."""
        return self._vectors[[crc32(text.encode()) % len(self._vectors) for text in texts]]

    def preprocess(self, image: Image.Image) -> Pixels:
        """Not asked for here."""
        raise TypeError("ready vectors hold no images")

    def encode_pixels(self, pixels: Pixels) -> Float32Array:
        """Not asked for here."""
        raise TypeError("ready vectors hold no images")

    def encode_images(self, images: Sequence[Image.Image]) -> Float32Array:
        """Not asked for here."""
        raise TypeError("ready vectors hold no images")


def build_collection(folder: Path, vectors: Float32Array, encoder: ReadyVectors) -> None:
    """Commit vectors as items of one file each, in segments as a run makes them, and index them."""
    meta = ImageMeta("JPEG", 640, 480)
    with CollectionWriter.open(folder, encoder.info) as writer:
        for start in range(0, len(vectors), _SEGMENT_ITEMS):
            rows = vectors[start : start + _SEGMENT_ITEMS]
            items = [
                NewItem(
                    sha256=hashlib.sha256(b"%d" % number).hexdigest(),
                    meta=meta,
                    files=(FileRef(b"/photographs/%06d.jpg" % number, 100_000, 0),),
                )
                for number in range(start, start + len(rows))
            ]
            writer.commit(rows, items)
        bring_index_up_to_date(writer, encoder)


def raw_search(engine: SearchEngine, *, rescored: bool) -> Callable[[Float32Array], object]:
    """The lists of each text query and one FAISS call for it, over all codes in one index.

    Args:
        engine: of a collection with an index.
        rescored: whether the candidates are scored exactly, too, from one array.
    """
    gallery = engine.collection.gallery("images")
    record, data, router = gallery.entry.index, gallery.read_codebook(), gallery.read_router()
    mode = None if record is None else record.mode("text")
    if record is None or data is None or mode is None:
        raise ValueError("too few items: the collection has no index")
    book = Codebook(data)
    codes = [(each.codes_path(record.codebook.short), len(each.ids)) for each in gallery.segments]
    index = IvfPq(book, [(found, n) for found, n in codes if found is not None])
    routing = Routing(book, Router.from_bytes(router) if router else None)
    ids = np.concatenate([each.ids for each in gallery.segments])
    halves = np.concatenate(
        [each.vectors.gather_half(np.arange(len(each.ids))) for each in gallery.segments]
    )

    def search(queries: Float32Array) -> None:
        for query, turned in zip(queries, book.rotated(queries), strict=True):
            parts = QueryParts.single(query, is_foreign=True)
            lists = routing.lists(parts, mode.nprobe, routed=mode.routed, floor=mode.floor)
            rows = index.candidates(turned, lists, mode.candidates)[1][0]
            if rescored:
                scores = np.vecdot(halves[rows].astype(np.float32), query)
                best = np.argpartition(-scores, _K)[:_K]
                ids[rows[best[np.argsort(-scores[best])]]]

    return search


def measure(engine: SearchEngine, encoder: ReadyVectors, rounds: int) -> list[dict[str, Timing]]:
    """Interleaved times on texts that change every round; in each group the limit comes first.

    The groups: one query at a time, a batch at a time, one query with many answers at a time.
    """
    texts = [f"query {number}" for number in range(rounds)]
    vectors = encoder.encode_texts(texts)
    batches = [[texts[(at + i) % rounds] for i in range(_BATCH)] for at in range(rounds)]
    batch_vectors = [encoder.encode_texts(batch) for batch in batches]
    scan, raw = raw_search(engine, rescored=False), raw_search(engine, rescored=True)
    engine.search_vectors(vectors, _K, modality="text")  # a block's first read hashes it
    single = interleave(
        {
            "raw calls": lambda at: raw(vectors[at : at + 1]),
            "raw calls, no re-scoring": lambda at: scan(vectors[at : at + 1]),
            "engine, ids": lambda at: engine.search_vectors(
                vectors[at : at + 1], _K, modality="text"
            ),
            "engine, hits": lambda at: engine.search(Query.text(texts[at]), _K),
        },
        rounds=rounds,
    )
    fewer = min(rounds, max(10, rounds // 10))
    batched = interleave(
        {
            "raw calls, batch 64": lambda at: raw(batch_vectors[at]),
            "engine, ids, batch 64": lambda at: engine.search_vectors(
                batch_vectors[at], _K, modality="text"
            ),
            "engine, hits, batch 64": lambda at: engine.search_batch(
                [Query.text(text) for text in batches[at]], _K
            ),
        },
        rounds=fewer,
    )
    many = interleave(
        {
            _MANY_IDS: lambda at: engine.search_vectors(
                vectors[at : at + 1], _MANY, modality="text"
            ),
            _MANY_HITS: lambda at: engine.search(Query.text(texts[at]), _MANY),
        },
        rounds=fewer,
    )
    return [single, batched, many]


def measure_join(engine: SearchEngine, encoder: ReadyVectors, rounds: int) -> Timing:
    """Times from ranked ids to hits with their records, each right behind a search of its own."""
    view = View(engine.collection)
    durations_ns = []
    for number in range(-_WARM_UP, rounds):
        vector = encoder.encode_texts([f"join {number}"])
        ranking = by_score(engine.search_vectors(vector, _K, modality="text"))
        started_ns = time.perf_counter_ns()
        view.results(ranking)
        elapsed_ns = time.perf_counter_ns() - started_ns
        if number >= 0:
            durations_ns.append(elapsed_ns)
    return Timing.of(durations_ns)


def main() -> None:
    """Build a collection in a temporary folder, time it, write the table to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=384)
    parser.add_argument("--rounds", type=int, default=300)
    arguments = parser.parse_args()
    space = CrossModalSpace(arguments.dim)
    encoder = ReadyVectors(space.texts(4_000))
    with tempfile.TemporaryDirectory() as folder:
        build_collection(Path(folder), space.images(arguments.items), encoder)
        with SearchEngine.open(Path(folder), encoder=encoder) as engine:
            groups = measure(engine, encoder, arguments.rounds)
            join = measure_join(engine, encoder, arguments.rounds)
            sys.stdout.write(f"{engine.collection.gallery('images').entry.index}\n")
    for timings in groups:
        limit = next(iter(timings.values()))
        for name, timing in timings.items():
            sys.stdout.write(
                f"{name:24} p50 {timing.p50_ms:8.3f} ms  p95 {timing.p95_ms:8.3f} ms"
                f"  ratio {timing.p50_ms / limit.p50_ms:5.2f}  (n={timing.rounds})\n"
            )
    sys.stdout.write(
        f"catalogue join of {_K} hits behind a search: p50 {join.p50_ms:.3f} ms"
        f"  p95 {join.p95_ms:.3f} ms  (n={join.rounds})\n"
    )
    many = groups[-1]
    beyond_ms = many[_MANY_HITS].p50_ms - many[_MANY_IDS].p50_ms
    sys.stdout.write(f"the records of {_MANY:,} hits: {beyond_ms:.0f} ms beyond the search\n")


if __name__ == "__main__":
    main()
