"""What feedback, re-ranking, wordings and long texts do to answers, where the right ones are known.

    python -m benchmarks.feedback marks BUNDLE [--seeds 5]
    python -m benchmarks.feedback long BUNDLE [--seeds 5]
    python -m benchmarks.feedback analogies BUNDLE [--seeds 5]
    python -m benchmarks.feedback photographs FOLDER CAPTIONS [--encoder mini]

`marks` asks a gallery of all shapes (benchmarks/shapes, two pictures of each) with the CLIP in
BUNDLE. Once a text says all that is wanted ("the red star"), once it leaves out an attribute ("a
star", where red ones are wanted). A user marks some right and some wrong pictures among the first
50; marked ones are taken out of every answer, so that all rows rank the same pictures.

`long` asks the same gallery with texts in which the place comes after what the encoder reads.

`analogies` asks it for what is to c as b is to a, one attribute apart.

`photographs` asks for the photographs of a folder with the last of their captions in COCO's JSON;
their first four are in the collection. The long texts there are all captions of a photograph, in
one, asked of the encoder made short-sighted.

Every figure of shapes is a mean over seeds with its standard deviation; a seed draws the pictures,
what is marked, and the analogies. Of one seed, and of photographs, it is a mean over queries with
its standard error.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.feedback.analogies import analogies
from benchmarks.feedback.ways import MARKED, Frank, Row, ShortSighted, marks, recalls, shown
from benchmarks.feedback.worlds import (
    SAYS_ALL,
    SAYS_HALF,
    Asked,
    long_texts,
    photographs,
    questions,
    shapes,
)
from retrieval.encoders.base import Encoder
from retrieval.encoders.registry import DEFAULT_ENCODER, get_encoder
from retrieval.engine import SearchEngine
from retrieval.query.algebra import LongText, Query
from retrieval.rerank.captions import CaptionReranker
from retrieval.shaping import PseudoFeedback, Shaping

_SHORT_CHARS = 80
_PLAIN = Shaping()
_RECALLS = ("R@1", "R@10", "mAP@10")


@dataclass(frozen=True, slots=True)
class Table:
    """What one seed, or the photographs, give.

    Attributes:
        heads: of the columns.
        rows: with the means of the columns.
    """

    heads: tuple[str, ...]
    rows: list[Row]


def main() -> None:
    """Measure one thing, and write its table to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind in ("marks", "long", "analogies"):
        known = kinds.add_parser(kind)
        known.add_argument("bundle", type=Path)
        known.add_argument("--seeds", type=int, default=5)
    photos = kinds.add_parser("photographs")
    photos.add_argument("folder", type=Path)
    photos.add_argument("captions", type=Path)
    photos.add_argument("--encoder", default=DEFAULT_ENCODER)
    arguments = parser.parse_args()
    logging.getLogger("retrieval").setLevel(logging.ERROR)  # every long text says that it is split
    with tempfile.TemporaryDirectory() as folder:
        if arguments.kind == "photographs":
            _write([list(_photographs(arguments, Path(folder)))])
        else:
            encoder = get_encoder(f"local-dir:{arguments.bundle}")
            _write(
                [
                    list(_shapes(arguments.kind, encoder, Path(folder) / str(seed), seed))
                    for seed in range(arguments.seeds)
                ]
            )


def _shapes(kind: str, encoder: Encoder, folder: Path, seed: int) -> Iterator[Table]:
    """What one seed gives."""
    folder.mkdir()
    with shapes(encoder, folder, seed) as engine:
        if kind == "marks":
            for says, forms in (("all", SAYS_ALL), ("half", SAYS_HALF)):
                asked = questions(engine, forms)
                title = f"the text says {says} ({len(asked)} queries)"
                counts = [f"{right} right, {wrong} wrong" for right, wrong in MARKED]
                yield Table((title, *counts), list(marks(engine, asked, seed)))
                yield _pseudo(engine, asked)
            return
        if kind == "analogies":
            heads = ("a, b, c", "asked with", *_RECALLS)
            yield Table(heads, list(analogies(engine, seed)))
            return
        asked = long_texts(engine)
        silent = ShortSighted(encoder, 1_000_000)
        with SearchEngine.open(folder / "collection", encoder=silent) as blind:
            cut = ("cut", recalls(blind, asked, Query, _PLAIN))
        yield Table((f"{len(asked)} long texts", *_RECALLS), [cut, *_parts(engine, asked)])


def _photographs(arguments: argparse.Namespace, folder: Path) -> Iterator[Table]:
    encoder = get_encoder(arguments.encoder)
    with photographs(arguments.folder, arguments.captions, encoder, folder) as world:
        engine, asked = world.engine, world.last()
        wordings = recalls(engine, asked, partial(Query, ensemble=True), _PLAIN)
        rows = [("plain", recalls(engine, asked, Query, _PLAIN)), ("in eight wordings", wordings)]
        for share in (0.25, 0.5, 0.75):
            shaping = Shaping(reranker=CaptionReranker(engine, share))
            rows.append((f"captions, share {share:g}", recalls(engine, asked, Query, shaping)))
        rows.append(("diverse 0.3", recalls(engine, asked, Query, Shaping(diverse=0.3))))
        yield Table((f"{len(asked)} captions", *_RECALLS), rows)
        yield _pseudo(engine, asked)
        yield _long_photographs(engine, world.joined(), ShortSighted(encoder, _SHORT_CHARS))


def _long_photographs(engine: SearchEngine, asked: list[Asked], short: ShortSighted) -> Table:
    """Long texts, read whole, cut, and in parts."""
    folder = engine.collection.folder
    rows = [("read whole", recalls(engine, asked, Query, _PLAIN))]
    with SearchEngine.open(folder, encoder=short) as cutting:
        found = recalls(cutting, asked, Query, _PLAIN)
        rows.append((f"cut after {_SHORT_CHARS} characters", found))
    with SearchEngine.open(folder, encoder=Frank(short, _SHORT_CHARS)) as frank:
        rows += _parts(frank, asked)
    return Table((f"{len(asked)} texts of five captions", *_RECALLS), rows)


def _pseudo(engine: SearchEngine, asked: list[Asked]) -> Table:
    rows = [("asked once", recalls(engine, asked, Query, _PLAIN))]
    for stands_out in (0.0, 2.0, 3.0):
        shaping = Shaping(PseudoFeedback(stands_out=stands_out))
        name = f"pseudo-relevance feedback from {stands_out:g} deviations"
        rows.append((name, recalls(engine, asked, Query, shaping)))
    return Table((f"{len(asked)} texts", *_RECALLS), rows)


def _parts(engine: SearchEngine, asked: list[Asked]) -> list[Row]:
    ways: tuple[LongText, ...] = ("mean", "min")
    return [
        (f"in parts, {way}", recalls(engine, asked, partial(Query, long=way), _PLAIN))
        for way in ways
    ]


def _write(of_seeds: Sequence[Sequence[Table]]) -> None:
    """Write the tables of all seeds as one."""
    for tables in zip(*of_seeds, strict=True):
        heads = tables[0].heads
        lines = [heads, ["---"] * len(heads)]
        for rows in zip(*(table.rows for table in tables), strict=True):
            columns = zip(*(columns for _, columns in rows), strict=True)
            lines.append([rows[0][0], *(shown(each) for each in columns)])
        sys.stdout.write("".join("| " + " | ".join(line) + " |\n" for line in lines))


if __name__ == "__main__":
    main()
