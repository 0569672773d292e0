"""How well an encoder knows each language: photographs named in all languages of a table of labels.

    python -m benchmarks.languages FOLDER --labels babel_imagenet.json --out CACHE
        [--encoder mini] [--doc docs/languages.md]

FOLDER holds one photograph or more of each ImageNet-1k class, named WNID_anything; LABELS names
classes in many languages, as Babel-ImageNet does (Geigle, Timofte & Glavas, 2023):
{"DE": [[class, ...], [name, ...]], ...}. Nothing is indexed. A photograph is ranked against the
names of its language, those of classes that the language names, bare, without a prompt: top-1 and
top-5 are the shares of photographs whose own name is among the best one and five. Names compete;
two classes of one name count as one, and a tie counts against the right name. The more classes a
language names, the harder it is: rows compare encoders, not languages.

Embeddings are kept in CACHE, one file a language, so that a run that was cut off goes on. Tables go
to standard output, and with --doc between the marks of that page; no label is written anywhere.
"""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.languages.cache import Cache
from benchmarks.languages.quality import Labels, Quality, quality, read_labels
from benchmarks.languages.tables import tables, write_between
from retrieval.encoders.registry import DEFAULT_ENCODER, get_encoder


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
    parser.add_argument("--doc", type=Path)
    arguments = parser.parse_args()
    encoder = get_encoder(arguments.encoder)
    labels = read_labels(arguments.labels)
    found = measure(arguments.folder, labels, Cache(arguments.out, encoder))
    text = tables(found, encoder.info)
    sys.stdout.write(f"{text}\n")
    if arguments.doc is not None:
        write_between(arguments.doc, text)


if __name__ == "__main__":
    main()
