"""Composed queries as `polyseek query` would put them together, by the names of ways to compose.

A query is a picture and words. What becomes of the two is worked out by the code that answers
users: `retrieval.query.modes` makes an expression of them, `retrieval.query.plan` a vector of that,
or the fused score of a product.

Sources: the baselines are those of A. Baldrati et al., "Zero-Shot Composed Image Retrieval with
Textual Inversion" (SEARLE), ICCV 2023, section 5, and so is what is done with two sentences.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from benchmarks.datasets.base import ComposedQuery
from retrieval.errors import QueryError, SettingsError
from retrieval.learn.phi import SLOT, WORDS
from retrieval.model import Float32Array, GalleryName, ItemId
from retrieval.planned import SAMPLED, spread_out
from retrieval.query.algebra import Expression, Query, Text, Vector
from retrieval.query.encoding import QueryEncoder
from retrieval.query.modes import Mode, ModeName, composed
from retrieval.query.plan import Plan, plan_queries
from retrieval.query.product import Landmarks
from retrieval.query.ways import Mean, Product, Pseudo, Residual, Slerp

BASELINES: Mapping[str, Callable[[Expression, Expression], Expression]] = {
    "image-only": lambda image, _: image,
    "text-only": lambda _, text: text,
    "image+text": lambda image, text: image + text,
}
"""Of two unit vectors: the one, the other, the direction of their sum."""

DEFAULT_METHODS = (*BASELINES, ModeName.AUTO.value)

_STRIPPED = ".?, "
"""What is taken off the ends of sentences before two of them are joined, as SEARLE does."""

TWO_SENTENCES = (
    "'{1} and {2}' and '{2} and {1}', without .?, and spaces at the ends of each; their mean"
)
"""What becomes of two sentences."""


@dataclass(frozen=True, slots=True)
class Method:
    """A way to compose.

    Attributes:
        name: as it was given.
        mode: of `polyseek query --compose`; None for a baseline.
    """

    name: str
    mode: Mode | None = None

    @classmethod
    def parse(cls, name: str) -> Self:
        """Read the name of a baseline, or a way as `polyseek query --compose` takes it.

        Raises:
            SettingsError: it is neither, or its number is out of range.
        """
        if name in BASELINES:
            return cls(name)
        try:
            method = cls(name, Mode.parse(name))
            method.stands_for()
        except QueryError as error:
            known = ", ".join([*BASELINES, *ModeName])
            raise SettingsError(f"--compose {name}: {error}", hint=f"there are {known}") from error
        return method

    @property
    def is_pseudo(self) -> bool:
        """Whether the picture becomes a word of one text, for which a phi is needed."""
        return self.mode is not None and self.mode.name is ModeName.PSEUDO

    def expression(self, image: Expression, text: Expression) -> Expression:
        """The query of a picture and words; with pseudo-tokens it is `in_words`."""
        if self.mode is None:
            return BASELINES[self.name](image, text)
        return composed(image + text, self.mode)

    def stands_for(self) -> str:
        """What is done, with its number: "slerp:0.75" for "slerp", and today for "auto"."""
        if self.is_pseudo:
            return self.name
        image, text = (Vector.of(np.ones(1, np.float32), each) for each in ("image", "text"))
        match self.expression(image, text):
            case Slerp(_, _, at):
                return f"slerp:{at:g}"
            case Residual(_, _, _, gain):
                return f"residual:{gain:g}"
            case Product():
                return "product"
        return self.name if self.mode is None else ModeName.SUM.value


def sentences_of(queries: Sequence[ComposedQuery]) -> tuple[tuple[str, ...], ...]:
    """What is embedded of each query: its sentence as it stands, or two joined in both orders."""
    return tuple(_joined(each.texts) for each in queries)


def _joined(texts: tuple[str, ...]) -> tuple[str, ...]:
    if len(texts) == 1:
        return texts
    bare = [each.strip(_STRIPPED) for each in texts]
    return " and ".join(bare), " and ".join(reversed(bare))


def plan_of(
    method: Method,
    images: Float32Array,
    texts: Sequence[Float32Array],
    pictures: Float32Array,
    encoder: QueryEncoder,
) -> Plan:
    """What ranks the gallery for each query.

    Args:
        method: of all queries.
        images: (Q, dim) unit rows of the references.
        texts: Q times the (s, dim) unit rows of the sentences of a query, whose mean counts.
        pictures: (n, dim) unit rows of the gallery.
        encoder: asked for captions by ways that need to know what texts have in common.

    Raises:
        QueryError: the terms of a query cancel out.
    """
    queries = [
        Query(method.expression(_leaf(image, "image"), _text(rows)))
        for image, rows in zip(images, texts, strict=True)
    ]
    return plan_queries(queries, encoder, _Gallery(pictures))


def plan_in_words(
    images: Float32Array,
    said: Sequence[tuple[str, ...]],
    pictures: Float32Array,
    encoder: QueryEncoder,
) -> Plan:
    """The same where each picture becomes a word, in the template of the encoder's phi.

    Args:
        images: see `plan_of`.
        said: Q times the sentences of a query; the mean of their texts counts.
        pictures: see `plan_of`.
        encoder: has the phi.

    Raises:
        TrainedMapError: it has none, or one of another encoder.
        EncoderUnavailableError: it takes no images in texts.
    """
    queries = [
        Query(in_words(_leaf(image, "image"), own, encoder.template))
        for image, own in zip(images, said, strict=True)
    ]
    return plan_queries(queries, encoder, _Gallery(pictures))


def in_words(image: Vector, said: Sequence[str], template: str) -> Expression:
    """A picture and sentences in a template; an empty sentence leaves its place empty."""
    mode = Mode(ModeName.PSEUDO)
    before, _, after = template.replace(WORDS, "").partition(SLOT)
    parts = tuple(
        composed(image + Text(each), mode, template)
        if each.strip()
        else Pseudo((before, image, after))
        for each in said
    )
    return parts[0] if len(parts) == 1 else Mean(parts)


def _text(rows: Float32Array) -> Expression:
    leaves = tuple(_leaf(row, "text") for row in rows)
    return leaves[0] if len(leaves) == 1 else Mean(leaves)


def _leaf(row: Float32Array, modality: str) -> Vector:
    """A row as it is, bit for bit."""
    return Vector(row.tobytes(), "image" if modality == "image" else "text")


class _Gallery:
    """What a plan asks of a collection: pictures without captions, in their order."""

    def __init__(self, pictures: Float32Array) -> None:
        self._pictures = pictures
        self._landmarks: Landmarks | None = None

    @property
    def dim(self) -> int:
        return int(self._pictures.shape[1])

    def vectors_of_items(self, ids: Sequence[ItemId]) -> Float32Array:
        raise AssertionError(f"queries of vectors name no items: {ids}")

    def items_by_sha256(self, hexes: Sequence[str]) -> Mapping[str, ItemId]:
        raise AssertionError(f"queries of vectors name no files: {hexes}")

    def sample(self, target: GalleryName) -> Float32Array:
        if target == "texts":
            return self._pictures[:0]
        return self._pictures[spread_out(np.arange(len(self._pictures)), SAMPLED)]

    def landmarks(self, target: GalleryName, captions: Callable[[], Float32Array]) -> Landmarks:
        if self._landmarks is None:
            self._landmarks = Landmarks.of(self.sample(target), captions())
        return self._landmarks
