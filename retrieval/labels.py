"""Zero-shot labels: which of some names fits a picture, with probabilities.

Each label is asked through prompts ("a photo of a {}."); its point is the mean of their embeddings,
made a unit vector again. The scores of one picture become probabilities by a softmax at the scale
that the model was trained with.

Sources: Radford et al., "Learning Transferable Visual Models From Natural Language Supervision",
ICML 2021, sections 3.1.2 and 3.1.4 (prompts and their ensembles), 2.5 (the scale); Minderer et al.,
"Revisiting the Calibration of Modern Neural Networks", NeurIPS 2021 (that softmax is calibrated).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from retrieval.encoders.base import Encoder
from retrieval.errors import QueryError
from retrieval.model import Float32Array

DEFAULT_PROMPTS = ("{}", "a photo of a {}.")

DEFAULT_LOGIT_SCALE = 100.0
"""Of CLIP models: what training clips the scale to (section 2.5) and where it ends."""

_TEXTS_AT_ONCE = 1_024


@runtime_checkable
class ScaledEncoder(Protocol):
    """An encoder that knows the scale of its softmax."""

    @property
    def logit_scale(self) -> float:
        """What cosines are multiplied by before a softmax over labels."""
        ...


@dataclass(frozen=True, slots=True)
class LabelScore:
    """One label of one picture.

    Attributes:
        label: as it was given.
        score: cosine of the picture and the label's point, in [-1, 1].
        probability: among the labels that were given; they sum to 1.
    """

    label: str
    score: float
    probability: float


class Labeller:
    """Labels in the embedding space of one encoder; safe to share between threads."""

    def __init__(
        self, encoder: Encoder, labels: Sequence[str], prompts: Sequence[str] = DEFAULT_PROMPTS
    ) -> None:
        """Embed the labels.

        Args:
            encoder: that embeds the pictures too.
            labels: at least one; a label that is there twice counts once.
            prompts: at least one; each holds "{}" where the label goes.

        Raises:
            QueryError: no label, a blank one, no prompt, or one without "{}".
            EncoderUnavailableError: the encoder cannot be had.
        """
        self.labels = tuple(dict.fromkeys(labels))
        if not self.labels or not all(label.strip() for label in self.labels):
            raise QueryError("a label is empty" if self.labels else "there are no labels")
        if not prompts:
            raise QueryError("there are no prompts")
        for prompt in prompts:
            if "{}" not in prompt:
                raise QueryError(
                    f"the prompt {prompt!r} has no place for a label",
                    hint='write {} where the label goes, as in "a photo of a {}."',
                )
        self._points = _points(encoder, self.labels, prompts)
        self._scale = DEFAULT_LOGIT_SCALE
        if isinstance(encoder, ScaledEncoder):
            self._scale = encoder.logit_scale

    def label(self, vectors: Float32Array, k: int = 5) -> list[list[LabelScore]]:
        """The k likeliest labels of each picture, best first; ties in the order of the labels.

        Args:
            vectors: (n, dim) unit rows of pictures.
            k: at least 1; more than there are labels gives all.

        Raises:
            QueryError: k < 1.
        """
        if k < 1:
            raise QueryError(f"k must be at least 1, got {k}")
        scores = np.clip(vectors @ self._points.T, -1.0, 1.0).astype(np.float64)
        logits = self._scale * scores
        odds = np.exp(logits - logits.max(axis=1, keepdims=True, initial=-np.inf))
        probabilities = odds / odds.sum(axis=1, keepdims=True)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return [
            [LabelScore(self.labels[at], float(row[at]), float(shares[at])) for at in best.tolist()]
            for best, row, shares in zip(order, scores, probabilities, strict=True)
        ]


def _points(encoder: Encoder, labels: Sequence[str], prompts: Sequence[str]) -> Float32Array:
    """One unit row a label, (L, dim): the mean over prompts."""
    total = np.zeros((len(labels), encoder.info.dim), np.float32)
    for prompt in prompts:
        texts = [prompt.replace("{}", label) for label in labels]
        for start in range(0, len(texts), _TEXTS_AT_ONCE):
            part = slice(start, start + _TEXTS_AT_ONCE)
            total[part] += encoder.encode_texts(texts[part])
    norms = np.linalg.norm(total, axis=1, keepdims=True)
    # Prompts that cancel out are no point at all; the label then fits nothing.
    points: Float32Array = np.divide(total, norms, out=np.zeros_like(total), where=norms > 0)
    return points
