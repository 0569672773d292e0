"""Does the index of a real collection answer as exact search does?

    python -m benchmarks.real_collection FOLDER... --out DIR --labels babel_imagenet.json
        --captions captions.json [--root /] [--items 20050] [--languages EN DE JA]
        [--targets 0.95 0.98 0.99]

DIR/pictures is filled with the photographs of the FOLDERs, tuxpaint's stamps, Open Clip Art, emoji
(below --root, from `apt-get install --no-install-recommends tuxpaint-stamps-default openclipart-png
fonts-noto-color-emoji`, or unpacked there with `dpkg-deb -x`), and crops of the photographs.
DIR/collection.polyseek is made of it as `polyseek index` does. What is there already is kept, so
that a second run only measures.

For each recall that is aimed at, the index is tuned again; then the class names of each language,
and the captions, none of which it was tuned on, are asked for by the index and exactly
(benchmarks/protocols/agreement.py).
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.corpora.build import build_corpus
from benchmarks.corpora.questions import captions, class_names
from benchmarks.protocols.agreement import Agreement, measure_agreement
from indexer import IndexOptions, index_folders
from indexer.options import BuildOptions
from indexer.retune import retune_collection
from retrieval.ann.tune import TARGET_RECALL
from retrieval.encoders.bank import caption_bank
from retrieval.encoders.name_bank import name_bank
from retrieval.encoders.registry import DEFAULT_ENCODER, get_encoder
from retrieval.engine import SearchEngine
from retrieval.model import Float32Array
from retrieval.store.index_record import IndexRecord
from retrieval.store.manifest import newest_manifest

N_ITEMS = 20_050
TARGETS = (TARGET_RECALL, 0.98, 0.99)


def make_pictures(folders: list[Path], out: Path, n_items: int, root: Path) -> None:
    """Fill a folder with the corpus, unless it is there."""
    if out.exists():
        _say(f"{out} is there and stays as it is")
        return
    corpus = build_corpus(out, folders, n_items, root)
    _say(", ".join(f"{n:,} {source}" for source, n in corpus.counts.items()))


def make_collection(pictures: Path, collection: Path, encoder: str) -> None:
    """Index the pictures, unless that is done."""
    options = IndexOptions(captions=False)
    report = index_folders([pictures], collection, encoder=encoder, options=options)
    _say(
        f"{report.added:,} pictures added, {report.unchanged:,} unchanged,"
        f" {len(report.skipped)} skipped: {report.seconds:.0f} s,"
        f" {report.images_per_second:.1f} images/s"
    )


def describe(collection: Path) -> str:
    """The index of the images, and what it costs."""
    index = _index_of(collection)
    n_items = newest_manifest(collection)[0].galleries["images"].n_items
    n_bytes = sum(path.stat().st_size for path in collection.rglob("*") if path.is_file())
    lines = [f"{n_items:,} items, {index.spec}, {n_bytes / 1e6:.1f} MB on disk"]
    lines += [
        f"  {mode.modality:8}  target {mode.target:.2f}  nprobe {mode.nprobe}"
        f"  candidates {mode.candidates}  {'routed' if mode.routed else 'nearest lists'}"
        f"  recall {mode.recall.mean:.3f} +- {mode.recall.standard_error:.3f}"
        for mode in index.modes
    ]
    return "\n".join(lines)


def measure(
    collection: Path, questions: Mapping[str, Float32Array], targets: Sequence[float]
) -> dict[tuple[float, str], Agreement]:
    """Agreement by target and set of questions."""
    found = {}
    for target in targets:
        retune_collection(collection, BuildOptions(target_recall=target))
        _say(describe(collection))
        with SearchEngine.open(collection) as engine:
            for name, vectors in questions.items():
                found[target, name] = measure_agreement(engine, vectors)
                _say(f"  {name:18}  {_figures(found[target, name])}")
    return found


def read_questions(
    labels: Path, languages: Sequence[str], annotations: Path
) -> dict[str, list[str]]:
    """All texts to ask with, by the name of their set; without those that indexes are tuned on."""
    tuned_on = {*name_bank(), *caption_bank()}
    sets = {f"class names, {each}": class_names(labels, each) for each in languages}
    sets["captions"] = captions(annotations)
    return {name: [text for text in each if text not in tuned_on] for name, each in sets.items()}


def main() -> None:
    """Make the corpus and the collection, measure, and write to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--captions", type=Path, required=True)
    parser.add_argument("--root", type=Path, default=Path("/"))
    parser.add_argument("--items", type=int, default=N_ITEMS)
    parser.add_argument("--languages", nargs="+", default=("EN", "DE", "JA"))
    parser.add_argument("--targets", type=float, nargs="+", default=TARGETS)
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    arguments = parser.parse_args()
    pictures, collection = arguments.out / "pictures", arguments.out / "collection.polyseek"
    make_pictures(arguments.folders, pictures, arguments.items, arguments.root)
    make_collection(pictures, collection, arguments.encoder)
    encoder = get_encoder(arguments.encoder)
    texts = read_questions(arguments.labels, arguments.languages, arguments.captions)
    questions = {name: encoder.encode_texts(each) for name, each in texts.items()}
    measure(collection, questions, arguments.targets)


def _index_of(collection: Path) -> IndexRecord:
    index = newest_manifest(collection)[0].galleries["images"].index
    if index is None:
        raise SystemExit(f"{collection} is searched exactly: it needs 9,984 items for an index")
    return index


def _figures(found: Agreement) -> str:
    return (
        f"agreement {found.found.mean:.4f} +- {found.found.standard_error:.4f}"
        f"  worst tenth {found.worst:.3f}  index {found.index_ms:.2f} ms"
        f"  exact {found.exact_ms:.2f} ms  (n={found.n_queries})"
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
