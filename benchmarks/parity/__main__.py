"""Whether polyseek's figures are CLIP_benchmark's, with the same model and the same files.

    make parity
    python -m benchmarks.parity --python .venv-parity/bin/python [--data FOLDER] [--model FOLDER]
        [--languages OM,SO,SW,EN]

CLIP_benchmark 1.6.2 runs from an environment of its own, by its own command line; polyseek by the
code of `bench run`. R@1, 5, 10 in both directions of pictures with captions in COCO's and in
Flickr30K's form, and top-1, top-5 and mean per-class recall of Babel-ImageNet, are to be equal to
1e-6. Where items score the same, CLIP_benchmark leaves their order to torch.topk: there its figure
has to lie between the least and the most that any order gives. `--languages ''` leaves
Babel-ImageNet out.

The exit status is 1 if a difference is not explained.
"""

import argparse
import logging
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from benchmarks.parity.compare import LANGUAGES, Harnesses
from benchmarks.parity.material import make
from benchmarks.parity.ours import Polyseek
from benchmarks.parity.table import HEAD, Row, line, unexplained
from benchmarks.parity.theirs import ClipBenchmark
from retrieval.encoders.registry import get_encoder
from retrieval.errors import PolyseekError


def main() -> int:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", type=Path, required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)  # texts that a model cuts, and open_clip's remarks
    try:
        with tempfile.TemporaryDirectory() as work:
            found = _compared(arguments, Path(work))
    except PolyseekError as error:
        sys.stderr.write(f"error: {error}\n{error.hint or ''}\n")
        return 2
    open_ones = unexplained(found)
    sys.stdout.write(f"{len(found)} figures, {len(open_ones)} differences not explained\n")
    return 1 if open_ones else 0


def _compared(arguments: argparse.Namespace, work: Path) -> tuple[Row, ...]:
    model = work / "data" / "model" if arguments.model is None else arguments.model
    theirs = ClipBenchmark(arguments.python, model.resolve(), work / "theirs")
    about = theirs.about()
    sys.stdout.write(f"{_versions(about.versions)}\n\n")
    material = make(work / "data", arguments.data, about.files, arguments.model)
    encoder = get_encoder(f"local-dir:{material.model}", device="cpu")
    ours = Polyseek(encoder, material.folder, work / "ours")
    languages = [each for each in arguments.languages.split(",") if each]
    found = []
    sys.stdout.write(f"{HEAD}\n")
    for row in Harnesses(theirs, ours, material).all_rows(languages):
        sys.stdout.write(f"{line(row)}\n")
        sys.stdout.flush()
        found.append(row)
    sys.stdout.write("\n")
    return tuple(found)


def _versions(theirs: Mapping[str, str]) -> str:
    """The packages of the other environment, and where those of this one differ."""
    told = []
    for name, version in theirs.items():
        try:
            own = metadata.version(name)
        except metadata.PackageNotFoundError:
            own = version  # CLIP_benchmark itself
        told.append(f"{name} {version}" + ("" if own == version else f" (polyseek: {own})"))
    return ", ".join(told)


if __name__ == "__main__":
    sys.exit(main())
