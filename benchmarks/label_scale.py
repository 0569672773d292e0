"""How far the probabilities of labels can be believed, at several scales of their softmax.

    python -m benchmarks.label_scale FOLDER LABELS [--encoder mini] [--language EN]
        [--scales 5 10 20 30 50 100] [--among 1000 200 50]

FOLDER holds photographs of all ImageNet-1k classes, named WNID_anything: the sorted WNIDs are the
classes 0 to 999. LABELS is a table of their names, as `babel_imagenet.json` of Babel-ImageNet
(Geigle, Timofte & Glavas, 2023): {"EN": [[class, ...], [name, ...]], ...}. A class that the
language does not name is left out; classes of one name count as one.

Every photograph is labelled by `retrieval.labels` among groups of so many names, its own with them:
names are shuffled and cut into groups, so each photograph is asked about once. For each scale:
accuracy, the expected calibration error over 15 bins of equal width, and the mean negative log
likelihood of the true name. Then the scale of the least likelihood on one half of the photographs,
with what it gives on the other half, both ways.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self, cast

import numpy as np
import numpy.typing as npt

from retrieval.encoders.base import Encoder
from retrieval.encoders.registry import DEFAULT_ENCODER, get_encoder
from retrieval.images import IMAGE_SUFFIXES, decode_image
from retrieval.labels import Labeller
from retrieval.model import Float32Array

N_CLASSES = 1_000
N_BINS = 15
"""As in Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 4."""

SCALES = (5.0, 10.0, 20.0, 30.0, 50.0, 100.0)
_SEED = 0
_IMAGES_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class Photographs:
    """What is labelled.

    Attributes:
        vectors: (n, dim) unit rows.
        names: (n,) the true name of each.
    """

    vectors: Float32Array
    names: npt.NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a labeller said of n photographs.

    Attributes:
        confidence: (n,) probability of the likeliest name, in (0, 1].
        correct: (n,) whether that one is true.
        likelihood: (n,) probability of the true name.
    """

    confidence: npt.NDArray[np.float64]
    correct: npt.NDArray[np.bool_]
    likelihood: npt.NDArray[np.float64]

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> Self:
        return type(self)(self.confidence[rows], self.correct[rows], self.likelihood[rows])

    @property
    def accuracy(self) -> float:
        """Share of photographs whose likeliest name is true."""
        return float(self.correct.mean())

    @property
    def calibration_error(self) -> float:
        """Mean distance of confidence and accuracy in bins of confidence, weighted by their size.

        Source: Guo et al. 2017, equation 3; bin m holds (m / 15, (m + 1) / 15].
        """
        bins = np.clip(np.ceil(self.confidence * N_BINS).astype(np.int64) - 1, 0, N_BINS - 1)
        gaps = np.bincount(bins, weights=self.correct - self.confidence, minlength=N_BINS)
        return float(np.abs(gaps).sum() / len(bins))

    @property
    def negative_log_likelihood(self) -> float:
        """Of the true names, in nats, the mean; infinite if one was given no probability at all."""
        with np.errstate(divide="ignore"):
            return float(-np.log(self.likelihood).mean())


class Rescaled:
    """What a labeller asks of an encoder: texts are embedded once, the scale can be set."""

    def __init__(self, encoder: Encoder) -> None:
        self.info = encoder.info
        self.logit_scale = 1.0
        self._encoder = encoder
        self._known: dict[str, Float32Array] = {}

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embed n texts -> (n, dim) unit rows."""
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known.update(zip(new, self._encoder.encode_texts(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def read_names(table: Path, language: str) -> dict[int, str]:
    """Name of each class that a language has a name for."""
    classes, names = json.loads(table.read_text())[language]
    return dict(zip(classes, names, strict=True))


def embed_photographs(folder: Path, names: dict[int, str], encoder: Encoder) -> Photographs:
    """Embed the photographs of a folder whose classes have names.

    Raises:
        ValueError: the folder does not show all classes, so their numbers are not known.
    """
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    wnids = sorted({path.name.partition("_")[0] for path in paths})
    if len(wnids) != N_CLASSES:
        raise ValueError(f"{folder} shows {len(wnids)} classes, not {N_CLASSES}")
    number_of = {wnid: number for number, wnid in enumerate(wnids)}
    true = [names.get(number_of[path.name.partition("_")[0]]) for path in paths]
    named = iter([path for path, name in zip(paths, true, strict=True) if name is not None])
    rows = []
    while batch := list(islice(named, _IMAGES_AT_ONCE)):
        decoded = (decode_image(path.read_bytes(), target_px=encoder.input_px) for path in batch)
        rows.append(encoder.encode_images([each.image for each in decoded]))
    return Photographs(np.concatenate(rows), np.array([name for name in true if name is not None]))


def answers_among(
    photographs: Photographs, groups: Sequence[Sequence[str]], encoder: Rescaled
) -> Answers:
    """Label each photograph among the names of its group."""
    n = len(photographs.names)
    confidence, likelihood = np.empty(n), np.empty(n)
    correct = np.empty(n, np.bool_)
    for group in groups:
        labeller = Labeller(cast("Encoder", encoder), group)
        for row in np.flatnonzero(np.isin(photographs.names, group)).tolist():
            (found,) = labeller.label(photographs.vectors[row : row + 1], len(group))
            true = photographs.names[row]
            confidence[row], correct[row] = found[0].probability, found[0].label == true
            likelihood[row] = next(each.probability for each in found if each.label == true)
    return Answers(confidence, correct, likelihood)


def groups_of(names: Sequence[str], size: int) -> list[list[str]]:
    """Shuffle names and cut them into groups of a size, or as near to it as leaves none over."""
    unique = sorted(set(names))
    shuffled = np.random.default_rng(_SEED).permutation(unique)
    n_groups = max(1, round(len(unique) / size))
    return [part.tolist() for part in np.array_split(shuffled, n_groups)]


def best_on_halves(by_scale: dict[float, Answers]) -> list[tuple[float, Answers]]:
    """The scale of the least negative log likelihood on a half, and its answers on the other."""
    n = len(next(iter(by_scale.values())).correct)
    first, second = np.array_split(np.random.default_rng(_SEED).permutation(n), 2)
    found = []
    for fitted, held_out in ((first, second), (second, first)):
        best = min(by_scale, key=lambda scale: by_scale[scale][fitted].negative_log_likelihood)
        found.append((best, by_scale[best][held_out]))
    return found


def main() -> None:
    """Embed, label, and write the tables to standard output."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("--encoder", default=DEFAULT_ENCODER)
    parser.add_argument("--language", default="EN")
    parser.add_argument("--scales", type=float, nargs="+", default=SCALES)
    parser.add_argument("--among", type=int, nargs="+", default=(N_CLASSES, 200, 50))
    arguments = parser.parse_args()
    encoder = get_encoder(arguments.encoder)
    names = read_names(arguments.labels, arguments.language)
    photographs = embed_photographs(arguments.folder, names, encoder)
    rescaled = Rescaled(encoder)
    for size in arguments.among:
        groups = groups_of(list(names.values()), size)
        by_scale = {}
        for rescaled.logit_scale in arguments.scales:
            by_scale[rescaled.logit_scale] = answers_among(photographs, groups, rescaled)
        sys.stdout.write(
            f"{len(photographs.names)} photographs, {len(groups)} x {len(groups[0])} names\n"
        )
        for scale, answers in by_scale.items():
            sys.stdout.write(f"  scale {scale:5g}  {_figures(answers)}\n")
        for scale, answers in best_on_halves(by_scale):
            sys.stdout.write(
                f"  best on a half {scale:5g}, on the other half {_figures(answers)}\n"
            )


def _figures(answers: Answers) -> str:
    return (
        f"accuracy {answers.accuracy:.3f}  ECE {answers.calibration_error:.3f}"
        f"  NLL {answers.negative_log_likelihood:.3f}  (n={len(answers.correct)})"
    )


if __name__ == "__main__":
    main()
