"""What feedback, re-ranking, wordings and long texts do to answers, where the right ones are known.

    python -m benchmarks.feedback marks BUNDLE
    python -m benchmarks.feedback long BUNDLE
    python -m benchmarks.feedback analogies BUNDLE
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

Every figure is a mean over queries with its standard error.
"""

import argparse
import logging
import sys
import tempfile
from functools import partial
from pathlib import Path

from benchmarks.feedback.analogies import analogies
from benchmarks.feedback.ways import MARKED, Frank, ShortSighted, marks, recalls
from benchmarks.feedback.worlds import (
    SAYS_ALL,
    SAYS_HALF,
    Asked,
    long_texts,
    photographs,
    questions,
    shapes,
)
from retrieval.encoders.registry import DEFAULT_ENCODER, get_encoder
from retrieval.engine import SearchEngine
from retrieval.query.algebra import LongText, Query
from retrieval.rerank.captions import CaptionReranker
from retrieval.shaping import PseudoFeedback, Shaping

_SHORT_CHARS = 80
_PLAIN = Shaping()


def main() -> None:
    """Measure one thing, and write its table to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(dest="kind", required=True)
    for kind in ("marks", "long", "analogies"):
        kinds.add_parser(kind).add_argument("bundle", type=Path)
    photos = kinds.add_parser("photographs")
    photos.add_argument("folder", type=Path)
    photos.add_argument("captions", type=Path)
    photos.add_argument("--encoder", default=DEFAULT_ENCODER)
    arguments = parser.parse_args()
    logging.getLogger("retrieval").setLevel(logging.ERROR)  # every long text says that it is split
    with tempfile.TemporaryDirectory() as folder:
        if arguments.kind == "photographs":
            _photographs(arguments, Path(folder))
        else:
            _shapes(arguments, Path(folder))


def _shapes(arguments: argparse.Namespace, folder: Path) -> None:
    encoder = get_encoder(f"local-dir:{arguments.bundle}")
    with shapes(encoder, folder) as engine:
        if arguments.kind == "marks":
            for says, forms in (("all", SAYS_ALL), ("half", SAYS_HALF)):
                asked = questions(engine, forms)
                counts = [f"{right} right, {wrong} wrong" for right, wrong in MARKED]
                _head(f"the text says {says} ({len(asked)} queries)", *counts)
                for cells in marks(engine, asked):
                    _write(*cells)
                _write_pseudo(engine, asked)
            return
        if arguments.kind == "analogies":
            _head("a, b, c", "asked with", "R@1", "R@10", "mAP@10")
            for cells in analogies(engine):
                _write(*cells)
            return
        asked = long_texts(engine)
        _head(f"{len(asked)} long texts", "R@1", "R@10", "mAP@10")
        silent = ShortSighted(encoder, 1_000_000)
        with SearchEngine.open(folder / "collection", encoder=silent) as blind:
            _write("cut", *recalls(blind, asked, Query, _PLAIN))
        _write_parts(engine, asked)


def _photographs(arguments: argparse.Namespace, folder: Path) -> None:
    encoder = get_encoder(arguments.encoder)
    with photographs(arguments.folder, arguments.captions, encoder, folder) as world:
        engine, asked = world.engine, world.last()
        _head(f"{len(asked)} captions", "R@1", "R@10", "mAP@10")
        _write("plain", *recalls(engine, asked, Query, _PLAIN))
        wordings = recalls(engine, asked, partial(Query, ensemble=True), _PLAIN)
        _write("in eight wordings", *wordings)
        _write_pseudo(engine, asked)
        for share in (0.25, 0.5, 0.75):
            shaping = Shaping(reranker=CaptionReranker(engine, share))
            _write(f"captions, share {share:g}", *recalls(engine, asked, Query, shaping))
        _write("diverse 0.3", *recalls(engine, asked, Query, Shaping(diverse=0.3)))
        _long_photographs(engine, world.joined(), ShortSighted(encoder, _SHORT_CHARS))


def _long_photographs(engine: SearchEngine, asked: list[Asked], short: ShortSighted) -> None:
    """Long texts, read whole, cut, and in parts."""
    folder = engine.collection.folder
    _head(f"{len(asked)} texts of five captions", "R@1", "R@10", "mAP@10")
    _write("read whole", *recalls(engine, asked, Query, _PLAIN))
    with SearchEngine.open(folder, encoder=short) as cutting:
        _write(f"cut after {_SHORT_CHARS} characters", *recalls(cutting, asked, Query, _PLAIN))
    with SearchEngine.open(folder, encoder=Frank(short, _SHORT_CHARS)) as frank:
        _write_parts(frank, asked)


def _write_pseudo(engine: SearchEngine, asked: list[Asked]) -> None:
    _head(f"{len(asked)} texts", "R@1", "R@10", "mAP@10")
    _write("asked once", *recalls(engine, asked, Query, _PLAIN))
    for stands_out in (0.0, 2.0, 3.0):
        shaping = Shaping(PseudoFeedback(stands_out=stands_out))
        name = f"pseudo-relevance feedback from {stands_out:g} deviations"
        _write(name, *recalls(engine, asked, Query, shaping))


def _write_parts(engine: SearchEngine, asked: list[Asked]) -> None:
    ways: tuple[LongText, ...] = ("mean", "min")
    for way in ways:
        cells = recalls(engine, asked, partial(Query, long=way), _PLAIN)
        _write(f"in parts, {way}", *cells)


def _write(*cells: str) -> None:
    sys.stdout.write("| " + " | ".join(cells) + " |\n")
    sys.stdout.flush()


def _head(*cells: str) -> None:
    _write(*cells)
    _write(*["---"] * len(cells))


if __name__ == "__main__":
    main()
