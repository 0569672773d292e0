"""Adapters in the world of shapes: new languages for a gallery, and another encoder before it.

    python -m benchmarks.adapters [--model local-dir:FOLDER] [--seeds 5] [--no-encoders]

The gallery is three pictures of each of 960 combinations, embedded once by a small CLIP that reads
English; a fifth of the combinations was never trained. A query is the caption of one combination;
R@1 is the share of captions whose best hit shows it, through the engine, in percent, mean +-
standard deviation over seeds.

Languages: captions in two cipher languages, which CLIP has never met. The adapter leads an encoder
of random weights, which has words for them, by pairs of cipher and English of the trained
combinations alone. Seeds are of that encoder, of what is held out and of the network.

Encoders: other small CLIPs, trained from other seeds, ask the gallery of the first. Seeds are of
these CLIPs (a minute of training each). Texts are captions, images are other pictures of the
combination, drawn with a seed of their own.

Gate: the same with fewer texts to learn from, to see what alignment on held-out texts is worth.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.shapes.grammar import CIPHERS, FORMS, PARTIAL_FORMS, english
from benchmarks.shapes.pictures import ALL, TRAINED, draw
from benchmarks.shapes.sentences import write_sentence_encoder
from benchmarks.shapes.training import Recipe, train, write_bundle
from benchmarks.shapes.world import World, encoder_of, opened_world, reopened
from retrieval.encoders.base import Encoder
from retrieval.encoders.registry import get_encoder
from retrieval.encoders.sentences import get_text_encoder
from retrieval.learn.adapted import AdaptedEncoder
from retrieval.learn.adapter import TEXT_ADAPTER_NAME, Adapter
from retrieval.learn.adapter_fit import Fitted, Matched, Method, adapter_of, fit_adapter
from retrieval.learn.net import NetRecipe
from retrieval.learn.pairs import Pair, match_texts, with_pivots
from retrieval.model import Float32Array, Modality
from retrieval.query.algebra import Expression, Text, Vector

METHODS: tuple[Method, ...] = ("ridge", "mlp")
LANGUAGES = ("qaa", "qab")
"""Tags for private use, one a cipher."""

QUERY_SEED = 2_000_000
"""Of the pictures that ask; neither training nor the gallery has them."""

_TRAINING_VIEWS = range(8, 12)
_FEWER = (200, 400, 800, 1_600)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: what was asked how, and a figure a seed."""

    name: str
    figures: tuple[float, ...]

    def __str__(self) -> str:
        mean, spread = np.mean(self.figures), np.std(self.figures)
        return f"| {self.name} | {100 * mean:.1f} ± {100 * spread:.1f} | {len(self.figures)} |"


def recall_at_1(world: World, queries: Sequence[Expression]) -> float:
    """The share of queries, one for each of ALL, whose best hit shows the combination."""
    answers = world.answers(queries, 1)
    return sum(shown == [one] for shown, one in zip(answers, ALL, strict=True)) / len(ALL)


def cipher_pairs() -> tuple[Pair, ...]:
    """All that is said of the trained combinations, in each cipher and in English."""
    said = dict.fromkeys(english(one, form) for one in TRAINED for form in FORMS + PARTIAL_FORMS)
    return with_pivots(
        [
            Pair(cipher.translate(text), text, tag)
            for cipher, tag in zip(CIPHERS, LANGUAGES, strict=True)
            for text in said
        ]
    )


def languages(folder: Path, encoder: Encoder, seeds: Sequence[int]) -> Iterator[Row]:
    """Rows of both ciphers through adapters, after English and the ciphers without one.

    Args:
        folder: of `opened_world`.
        encoder: of its collection.
        seeds: of everything that is drawn.
    """
    captions = [english(one) for one in ALL]
    with reopened(encoder, folder) as world:
        yield Row("English", (recall_at_1(world, [Text(each) for each in captions]),))
        for name, asked in _in_ciphers(captions).items():
            yield Row(f"{name}, no adapter", (recall_at_1(world, asked),))
    pairs = cipher_pairs()
    for method in METHODS:
        found: dict[str, list[float]] = {}
        for seed in seeds:
            with (
                _text_adapter(folder, encoder, pairs, method, seed),
                reopened(encoder, folder) as world,
            ):
                for name, asked in _in_ciphers(captions).items():
                    found.setdefault(name, []).append(recall_at_1(world, asked))
        for name, figures in found.items():
            yield Row(f"{name}, {method}", tuple(figures))


def encoders(folder: Path, gallery: Encoder, seeds: Sequence[int]) -> Iterator[Row]:
    """Rows of other encoders before the gallery, texts and images.

    Args:
        folder: of `opened_world`.
        gallery: the encoder of its collection.
        seeds: of the others; none may be that of the gallery's.
    """
    figures: dict[str, list[float]] = {}
    for seed in seeds:
        for name, figure in _asked_by_another(folder, gallery, seed):
            figures.setdefault(name, []).append(figure)
    for name, each in figures.items():
        yield Row(name, tuple(each))


def _asked_by_another(folder: Path, gallery: Encoder, seed: int) -> Iterator[tuple[str, float]]:
    with TemporaryDirectory() as place:
        write_bundle(train(Recipe(seed=seed)), Path(place))
        other = get_encoder(f"local-dir:{place}", device="cpu")
        captions = [english(one) for one in ALL]
        pictures = [draw(one, QUERY_SEED) for one in ALL]
        with reopened(gallery, folder) as world:
            yield "texts, the gallery's own", recall_at_1(world, [Text(each) for each in captions])
            own = gallery.encode_images(pictures)
            yield "images, the gallery's own", recall_at_1(world, _vectors(own, "image"))
            raw = other.encode_texts(captions)
            yield "texts, no adapter", recall_at_1(world, _vectors(raw, "text"))
        matched = _matched(other, gallery)
        for method in METHODS:
            adapter = _fitted(other, gallery, matched, method, seed)
            asking = AdaptedEncoder(other, adapter)
            texts, images = asking.encode_texts(captions), asking.encode_images(pictures)
            with reopened(gallery, folder) as world:
                yield f"texts, {method}", recall_at_1(world, _vectors(texts, "text"))
                yield f"images, {method}", recall_at_1(world, _vectors(images, "image"))
        yield from _with_fewer(folder, other, gallery, matched["text"], captions)


def _with_fewer(
    folder: Path, other: Encoder, gallery: Encoder, matched: Matched, captions: Sequence[str]
) -> Iterator[tuple[str, float]]:
    """What fewer texts give: alignment on the held-out ones, and R@1."""
    rows = other.encode_texts(captions)
    for count in _FEWER:
        fitted = fit_adapter(matched.rows(matched.groups < count), "ridge")
        asked = _vectors(fitted.space_map(rows), "text")
        with reopened(gallery, folder) as world:
            yield f"alignment of ridge by {count} texts", fitted.alignment.recall
            yield f"texts, ridge by {count} texts", recall_at_1(world, asked)


def _matched(other: Encoder, gallery: Encoder) -> dict[Modality, Matched]:
    """Captions and pictures of the trained combinations, as both encoders see them."""
    order = np.random.default_rng(0).permutation(len(TRAINED)).tolist()
    said = [english(TRAINED[row], form) for row in order for form in FORMS + PARTIAL_FORMS]
    pairs = [Pair(text, text) for text in dict.fromkeys(said)]
    pictures = [draw(one, view) for one in TRAINED for view in _TRAINING_VIEWS]
    rows = other.encode_images(pictures), gallery.encode_images(pictures)
    return {
        "text": match_texts(pairs, other.encode_texts, gallery.encode_texts),
        "image": Matched(*rows, np.arange(len(pictures))),
    }


def _fitted(
    other: Encoder, gallery: Encoder, matched: Mapping[Modality, Matched], method: Method, seed: int
) -> Adapter:
    recipe = NetRecipe(seed=seed)
    fitted: dict[Modality, Fitted] = {
        modality: fit_adapter(each, method, recipe) for modality, each in matched.items()
    }
    counts = {f"{modality}s": len(each.groups) for modality, each in matched.items()}
    return adapter_of(other.info, gallery.info, method, fitted, counts)


def _vectors(rows: Float32Array, modality: Modality) -> list[Expression]:
    return [Vector.of(each, modality) for each in rows]


def _in_ciphers(captions: Sequence[str]) -> dict[str, list[Expression]]:
    return {
        cipher.name: [Text(cipher.translate(each), lang=tag) for each in captions]
        for cipher, tag in zip(CIPHERS, LANGUAGES, strict=True)
    }


@contextmanager
def _text_adapter(
    folder: Path, encoder: Encoder, pairs: Sequence[Pair], method: Method, seed: int
) -> Iterator[None]:
    """Put an adapter for the ciphers into the collection, and take it out again."""
    with TemporaryDirectory() as place:
        write_sentence_encoder(Path(place), seed)
        source = get_text_encoder(f"sentence:{place}/model", device="cpu")
        matched = match_texts(pairs, source.encode_texts, encoder.encode_texts)
        fitted = fit_adapter(matched, method, NetRecipe(seed=seed))
        made = adapter_of(
            source.info, encoder.info, method, {"text": fitted}, {"pairs": len(pairs)}, LANGUAGES
        )
        path = folder / "collection" / TEXT_ADAPTER_NAME
        made.save(path)
        try:
            yield
        finally:
            path.unlink()
            path.with_suffix(".json").unlink()


def _table(title: str, rows: Iterator[Row]) -> None:
    sys.stdout.write(f"\n{title}\n\n| query | R@1 | seeds |\n|---|---|---|\n")
    for row in rows:
        sys.stdout.write(f"{row}\n")
        sys.stdout.flush()


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", help="of the gallery; default: a small CLIP, trained now")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--no-encoders", action="store_true", help="languages alone")
    arguments = parser.parse_args()
    with TemporaryDirectory() as place:
        encoder = encoder_of(arguments.model, Path(place) / "model")
        folder = Path(place) / "world"
        folder.mkdir()
        with opened_world(encoder, folder):
            pass
        _table("Languages", languages(folder, encoder, range(arguments.seeds)))
        if not arguments.no_encoders:
            _table("Encoders", encoders(folder, encoder, range(1, arguments.seeds + 1)))


if __name__ == "__main__":
    main()
