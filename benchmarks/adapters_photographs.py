"""New languages for an English gallery of photographs: names of classes through a text adapter.

    python -m benchmarks.adapters_photographs FOLDER --labels babel_imagenet.json --out CACHE
        [--encoder mini-en] [--from e5] [--languages DE,FR,ES,RU,AR,ZH,JA] [--method ridge mlp]
        [--seeds 5]

FOLDER and LABELS as for `python -m benchmarks.languages`. The gallery's encoder reads English; the
adapter leads the other text encoder into its space. Classes of even numbers serve to learn from,
those of odd ones are asked: a photograph is ranked against the names of the odd classes in one
language, and top-1 is the share whose own name is best, in percent. Columns: the names read by the
gallery's encoder itself; through an adapter that learned from English alone (polyseek's own texts);
through one that was also shown the names of the even classes in all languages with their English;
and, to compare, names read by the encoder `mini`. Mean +- standard deviation over seeds: of what is
held out, and of the network.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.languages.cache import Cache, TextCache
from benchmarks.languages.quality import Labels, quality
from retrieval.encoders.registry import DEFAULT_ENCODER, FALLBACK_ENCODER, get_encoder
from retrieval.encoders.sentences import E5, get_text_encoder
from retrieval.learn.adapter import SpaceMap
from retrieval.learn.adapter_fit import Method, fit_adapter
from retrieval.learn.net import NetRecipe
from retrieval.learn.pairs import EmbedTexts, Pair, match_texts, own_pairs, with_pivots
from retrieval.model import Float32Array, Int64Array

ENGLISH = "EN"
LANGUAGES = ("DE", "FR", "ES", "RU", "AR", "ZH", "JA")
METHODS: tuple[Method, ...] = ("ridge", "mlp")

Names = Mapping[str, Mapping[int, str]]
"""Of each language the name of each class that it names."""


@dataclass(frozen=True, slots=True, eq=False)
class Photographs:
    """Photographs as one encoder sees them: (n, dim) unit rows and the class of each."""

    rows: Float32Array
    classes: Int64Array

    def top1(self, names: Mapping[int, str], embed: EmbedTexts) -> float:
        """The share whose own name is best among those of the odd classes."""
        labels = Labels.of(*zip(*((k, name) for k, name in names.items() if k % 2), strict=True))
        asked = np.isin(self.classes, list(labels.name_of))
        rows, classes = self.rows[asked], self.classes[asked]
        return quality(rows, classes, labels, embed(labels.names)).top1


def taught(names: Names, languages: Sequence[str]) -> tuple[Pair, ...]:
    """The names of even classes in all languages with their English, and polyseek's own texts.

    A name that an odd class has too, in any language, is left out: it would be asked.
    """
    english = names[ENGLISH]
    asked = {name for own in names.values() for number, name in own.items() if number % 2}
    pairs = [
        Pair(name, english[number])
        for language in languages
        for number, name in names[language].items()
        if number % 2 == 0 and number in english and not {name, english[number]} & asked
    ]
    return tuple(dict.fromkeys((*with_pivots(pairs), *own_pairs())))


def columns_of(
    titled: Mapping[str, Sequence[Pair]],
    methods: Sequence[Method],
    source: EmbedTexts,
    ours: EmbedTexts,
    seeds: int,
) -> dict[str, list[EmbedTexts]]:
    """Ways to read a name into the gallery's space: one embedder a seed."""
    found: dict[str, list[EmbedTexts]] = {"itself": [ours]}
    for title, pairs in titled.items():
        matched = match_texts(pairs, source, ours)
        for method in methods:
            recipes = [NetRecipe(seed=seed) for seed in range(seeds)]
            fitted = [fit_adapter(matched, method, recipe) for recipe in recipes]
            found[f"{title}, {method}"] = [
                partial(_mapped, each.space_map, source) for each in fitted
            ]
    return found


def _mapped(space_map: SpaceMap, source: EmbedTexts, texts: Sequence[str]) -> Float32Array:
    return space_map(source(texts))


def _cell(figures: Sequence[float]) -> str:
    spread = f" ± {100 * np.std(figures):.1f}" if len(figures) > 1 else ""
    return f"{100 * np.mean(figures):.1f}{spread}"


def main() -> None:
    """Embed, train, and print one table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--encoder", default=FALLBACK_ENCODER)
    parser.add_argument("--from", dest="source", default=E5)
    parser.add_argument("--languages", default=",".join(LANGUAGES))
    parser.add_argument("--method", nargs="+", choices=METHODS, default=METHODS)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    languages = arguments.languages.split(",")
    tables = json.loads(arguments.labels.read_text())
    names = {code: dict(zip(*tables[code], strict=True)) for code in (ENGLISH, *languages)}

    def cache_of(name: str) -> Cache:
        return Cache(arguments.out / name, get_encoder(name))

    gallery, other = cache_of(arguments.encoder), cache_of(DEFAULT_ENCODER)
    reader = get_text_encoder(arguments.source)
    source = partial(TextCache(arguments.out / "source", reader).texts, "texts")
    ours = partial(gallery.texts, "texts")
    seen = Photographs(*gallery.photographs(arguments.folder))
    titled = {"English": own_pairs(), "names": taught(names, languages)}
    columns = columns_of(titled, arguments.method, source, ours, arguments.seeds)
    by_other = Photographs(*other.photographs(arguments.folder))
    sys.stdout.write(f"| language | {' | '.join(columns)} | {DEFAULT_ENCODER} |\n")
    sys.stdout.write("|---" * (len(columns) + 2) + "|\n")
    for language in (ENGLISH, *languages):
        said = names[language]
        cells = [_cell([seen.top1(said, each) for each in ways]) for ways in columns.values()]
        cells.append(_cell([by_other.top1(said, partial(other.texts, "texts"))]))
        sys.stdout.write(f"| {language} | {' | '.join(cells)} |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
