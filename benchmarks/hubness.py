"""What a hubness bias does to photographs with captions, both ways.

    python -m benchmarks.hubness FOLDER CAPTIONS [--encoder mini mini-en] [--folds 5] [--k 16]

FOLDER holds photographs, CAPTIONS is COCO's caption JSON. The photographs are cut into folds. The
queries of a fold (its captions, which look among all photographs; its photographs, which look
among all captions) are ranked by cosine, and by cosine less a share of the bias of each item. The
bias comes from a bank of queries of other folds, or, for captions, from those that polyseek writes
itself; the share is the one that does best on the other folds, with a bank of half of them. So
nothing that is scored is in a bank or in a choice. Recalls are over the queries of all folds; the
standard error is that of the difference from the plain row, photographs as its independent units.
"""

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

import numpy as np

from indexer.gain import Gain, Trial, best_alpha
from indexer.matches import Matches
from retrieval.ann.exact import pair_scores, top_k
from retrieval.encoders.bank import caption_bank
from retrieval.encoders.base import Encoder
from retrieval.encoders.registry import DEFAULT_ENCODER, get_encoder
from retrieval.images import decode_image
from retrieval.learn.hubness import Bank
from retrieval.model import Float32Array, Int64Array

_SEED = 0
_IMAGES_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Captioned:
    """Photographs and their captions.

    Attributes:
        images: (n, dim) unit rows.
        texts: (m, dim) unit rows.
        image_of: (m,) the photograph that each caption is of.
        said: (m,) the captions.
    """

    images: Float32Array
    texts: Float32Array
    image_of: Int64Array
    said: tuple[str, ...] = ()

    @classmethod
    def embed(cls, folder: Path, captions: Path, encoder: Encoder) -> Self:
        """Embed what COCO's caption JSON lists, in its order."""
        listed = json.loads(captions.read_text())
        said: dict[int, list[str]] = defaultdict(list)
        for each in listed["annotations"]:
            said[each["image_id"]].append(each["caption"])
        names = {each["id"]: each["file_name"] for each in listed["images"]}
        known = [image for image in names if said[image]]
        rows, paths = [], iter([folder / names[image] for image in known])
        while batch := list(islice(paths, _IMAGES_AT_ONCE)):
            decoded = (
                decode_image(path.read_bytes(), target_px=encoder.input_px) for path in batch
            )
            rows.append(encoder.encode_images([each.image for each in decoded]))
        every = tuple(text for image in known for text in said[image])
        image_of = np.repeat(np.arange(len(known)), [len(said[image]) for image in known])
        return cls(np.concatenate(rows), encoder.encode_texts(every), image_of, every)


@dataclass(frozen=True, slots=True)
class Direction:
    """One gallery, and queries of the other kind.

    Attributes:
        gallery: (n, dim) unit rows; their numbers are their ids.
        queries: (q, dim) unit rows.
        wanted: (q,) right answers.
        groups: (q,) the photograph that each is about.
        own: a bank of our own captions, (m, dim); None where the queries are images.
    """

    gallery: Float32Array
    queries: Float32Array
    wanted: tuple[Int64Array, ...]
    groups: Int64Array
    own: Float32Array | None

    def trial(self, chosen: Int64Array) -> Trial:
        """Some of the queries, by number, each ranked against the whole gallery."""
        queries = self.queries[chosen]
        scores = np.stack([pair_scores(self.gallery, query) for query in queries])
        ids = np.arange(len(self.gallery))
        wanted = tuple(self.wanted[number] for number in chosen.tolist())
        matches = Matches(queries, wanted, self.groups[chosen])
        return Trial(ids, top_k(scores, ids, len(ids)), matches)

    def of(self, images: Int64Array) -> Int64Array:
        """Numbers of the queries that are about some photographs."""
        return np.flatnonzero(np.isin(self.groups, images))


def text_to_image(data: Captioned, own: Float32Array) -> Direction:
    """Captions look for their photographs."""
    wanted = tuple(data.image_of[:, None])
    return Direction(data.images, data.texts, wanted, data.image_of, own)


def image_to_text(data: Captioned) -> Direction:
    """Photographs look for their captions."""
    numbers = np.arange(len(data.images))
    wanted = tuple(np.flatnonzero(data.image_of == number) for number in numbers)
    return Direction(data.texts, data.images, wanted, numbers, None)


def cross_validated(
    direction: Direction, n_folds: int, k: int, *, own: bool
) -> tuple[Gain, list[float]]:
    """All queries, each with a bias and a share that know nothing of its fold.

    Args:
        direction: what looks for what.
        n_folds: at least 2.
        k: of the bias; no more than a quarter of a bank is looked at.
        own: whether the bank is of captions that polyseek writes itself.

    Returns:
        The gain over all queries, and the share chosen for each fold.
    """
    photographs = np.random.default_rng(_SEED).permutation(np.unique(direction.groups))
    gains, alphas = [], []
    for fold in np.array_split(photographs, n_folds):
        others = photographs[~np.isin(photographs, fold)]
        first, second = np.array_split(others, 2)
        chosen_by = second if not own else others
        alpha = best_alpha(
            direction.trial(direction.of(chosen_by)), _bias(direction, first, k, own=own)
        )
        bias = _bias(direction, others, k, own=own)
        gains.append(direction.trial(direction.of(fold)).gain(bias, alpha))
        alphas.append(alpha)
    return Gain(
        np.concatenate([each.plain for each in gains]),
        np.concatenate([each.adjusted for each in gains]),
        np.concatenate([each.groups for each in gains]),
    ), alphas


def _bias(direction: Direction, images: Int64Array, k: int, *, own: bool) -> Float32Array:
    queries = direction.own if own else direction.queries[direction.of(images)]
    if queries is None:
        raise ValueError("polyseek writes no images")
    return Bank(queries, max(1, min(k, len(queries) // 4))).bias_of(direction.gallery)


def main() -> None:
    """Embed, cross-validate, and write the table to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("captions", type=Path)
    parser.add_argument("--encoder", nargs="+", default=[DEFAULT_ENCODER])
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--k", type=int, default=16)
    arguments = parser.parse_args()
    sys.stdout.write("| model | queries | bias from | R@1 | R@5 | R@10 | share of the bias |\n")
    sys.stdout.write("|---|---|---|---|---|---|---|\n")
    for name in arguments.encoder:
        encoder = get_encoder(name)
        data = Captioned.embed(arguments.folder, arguments.captions, encoder)
        texts = text_to_image(data, encoder.encode_texts(caption_bank()))
        for label, direction in (("text", texts), ("image", image_to_text(data))):
            for line in _lines(direction, arguments.folds, arguments.k):
                sys.stdout.write(f"| `{name}` | {label} {line}\n")


def _lines(direction: Direction, n_folds: int, k: int) -> list[str]:
    banks = {"other folds": False}
    if direction.own is not None:
        banks["our captions"] = True
    lines: list[str] = []
    for bank, own in banks.items():
        gain, alphas = cross_validated(direction, n_folds, k, own=own)
        if not lines:
            plain = " | ".join(f"{each.plain:.3f}" for each in gain.recall)
            lines.append(f"| none | {plain} | |")
        cells = " | ".join(
            f"{each.adjusted:.3f} (± {each.standard_error:.3f})" for each in gain.recall
        )
        lines.append(f"| {bank} | {cells} | {_shown(alphas)} |")
    return lines


def _shown(alphas: Sequence[float]) -> str:
    return ", ".join(f"{alpha:g}" for alpha in sorted(set(alphas)))


if __name__ == "__main__":
    main()
