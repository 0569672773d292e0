"""How well "no good match" is told from a match.

    python -m benchmarks.confidence shapes [--bundle FOLDER] [--seeds 5] [--least 0.08]
    python -m benchmarks.confidence photographs FOLDER LABELS [--encoder mini]
    python -m benchmarks.confidence coco FOLDER [--encoder mini]
    python -m benchmarks.confidence visual [--encoder mini]

`shapes` trains a tiny CLIP on pictures of shapes (a minute), or takes it from a folder. FOLDER of
`photographs` and LABELS are as for `benchmarks.label_scale`; FOLDER of `coco` holds images/ and
annotations/captions_val2017.json.

For each world, over the seeds: the area under the ROC curve of every statistic, the share of absent
queries that it rejects where it loses a tenth of the answered ones (a threshold that only somebody
who knows the answers could choose), and what `--min-confidence` rejects and loses, which nobody
told anything. `visual` counts queries that are said not to look visual.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from benchmarks.confidence.product import Remembering, confidences, write_collection
from benchmarks.confidence.told_by import STATISTICS, Scene, area, rejected_at
from benchmarks.confidence.visual_queries import ABSTRACT, CONCRETE
from benchmarks.confidence.worlds import World, coco, photographs, shapes
from retrieval.calibrate import looks_visual
from retrieval.encoders.bank import caption_bank
from retrieval.encoders.banks import BANKS
from retrieval.encoders.base import Encoder
from retrieval.encoders.name_bank import name_bank
from retrieval.encoders.registry import DEFAULT_ENCODER, get_encoder

Figures = dict[str, tuple[float, float]]


def main() -> None:
    """Make the worlds, ask them, and write the tables to standard output."""
    arguments = _parsed()
    with tempfile.TemporaryDirectory() as scratch:
        encoder = _encoder(arguments, Path(scratch))
        if arguments.world == "visual":
            _write_visual(encoder)
            return
        found: dict[str, list[Figures]] = {}
        remembered = Remembering(encoder)
        for number, world in enumerate(_worlds(arguments, encoder)):
            folder = Path(scratch) / str(number)
            figures = _measured(world, remembered, folder, arguments.least)
            found.setdefault(_row_name(world), []).append(figures)
    for name, rows in found.items():
        _write(name, rows)


def _measured(world: World, encoder: Remembering, folder: Path, least: Sequence[float]) -> Figures:
    answered, absent = (encoder.encode_texts(each) for each in (world.answered, world.absent))
    bank = encoder.encode_texts((*caption_bank(), *name_bank()))
    figures: Figures = {}
    for name, statistic in STATISTICS.items():
        high, low = (statistic(Scene(each, world.gallery, bank)) for each in (answered, absent))
        figures[name] = (area(high, low), rejected_at(high, low))
    for name, kept in (("with captions", world.captions), ("without", ())):
        if name == "without" or kept:
            of_world = World(world.name, world.gallery, kept, world.answered, world.absent)
            here = folder.with_name(f"{folder.name} {name}")
            write_collection(of_world, encoder, here)
            asked = cast("Encoder", encoder)
            high, low = (confidences(here, asked, each) for each in (world.answered, world.absent))
            for share in least:
                row = f"--min-confidence {share:g}, {name}"
                figures[row] = (float((high < share).mean()), float((low < share).mean()))
    return figures


def _write(name: str, rows: Sequence[Figures]) -> None:
    sys.stdout.write(f"{name}, {len(rows)} seeds\n")
    for row in rows[0]:
        first, second = np.array([each[row] for each in rows]).T
        labels = ("lost", "rejected") if row.startswith("--") else ("area", "rejected at 10 % lost")
        sys.stdout.write(
            f"  {row:36} {labels[0]} {first.mean():.3f} ({first.std():.3f})"
            f"  {labels[1]} {second.mean():.3f} ({second.std():.3f})\n"
        )


def _row_name(world: World) -> str:
    return f"{world.name} ({len(world.gallery)} pictures)" if "half" in world.name else world.name


def _write_visual(encoder: Encoder) -> None:
    visual, abstract = (encoder.encode_texts(BANKS[name]()) for name in ("visual", "abstract"))
    for name, queries in (("abstract", ABSTRACT), ("concrete", CONCRETE)):
        rows = encoder.encode_texts(queries)
        warned = [not looks_visual(row, visual, abstract) for row in rows]
        sys.stdout.write(f"{name}: {sum(warned)} of {len(warned)} said not to look visual\n")


def _worlds(arguments: argparse.Namespace, encoder: Encoder) -> Iterator[World]:
    seeds = range(arguments.first_seed, arguments.first_seed + arguments.seeds)
    if arguments.world == "shapes":
        return shapes(encoder, seeds)
    if arguments.world == "coco":
        return coco(encoder, arguments.folder, seeds)
    return photographs(encoder, arguments.folder, arguments.labels, seeds)


def _encoder(arguments: argparse.Namespace, scratch: Path) -> Encoder:
    if arguments.world != "shapes":
        return get_encoder(arguments.encoder)
    bundle = arguments.bundle
    if bundle is None:
        from benchmarks.shapes.training import Recipe, train, write_bundle

        bundle = scratch / "bundle"
        bundle.mkdir()
        write_bundle(train(Recipe()), bundle)
    return get_encoder(f"local-dir:{bundle}", device="cpu")


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    worlds = parser.add_subparsers(dest="world", required=True)
    for name in ("shapes", "photographs", "coco", "visual"):
        world = worlds.add_parser(name)
        if name == "shapes":
            world.add_argument("--bundle", type=Path)
        else:
            world.add_argument("--encoder", default=DEFAULT_ENCODER)
        if name in ("photographs", "coco"):
            world.add_argument("folder", type=Path)
        if name == "photographs":
            world.add_argument("labels", type=Path)
        world.add_argument("--seeds", type=int, default=5)
        world.add_argument("--first-seed", type=int, default=0)
        world.add_argument("--least", type=float, nargs="+", default=(0.05, 0.08, 0.1))
    return parser.parse_args()


if __name__ == "__main__":
    main()
