"""What a query is: weighted terms and how they are put together. Values only, no encoding, no I/O.

A text is literal: "a - b" asks for the text "a - b". Operators belong to the command line.
"""

import math
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from retrieval.errors import QueryError
from retrieval.model import ItemId

DEFAULT_SLERP_AT = 0.8
"""Where on the arc from image to text a slerp query lies: 0 is the image, 1 the text.

Source: Jang et al., "Spherical Linear Interpolation and Text-Anchoring for Zero-shot Composed Image
Retrieval", ECCV 2024 (0.8 for CIRCO and FashionIQ)."""

_LARGEST_ID = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Term:
    """One text, image or item of a query.

    Attributes:
        kind: what `value` is.
        value: the text; the path of an image file; the id of an item of the collection.
        weight: how much the term counts in a sum; negative subtracts; never 0.

    Raises:
        QueryError: the text is blank, the id out of range, or the weight 0 or not finite.
        TypeError: `value` is of another type than `kind` says.
    """

    kind: Literal["text", "image", "item"]
    value: str | Path | ItemId
    weight: float = 1.0

    def __post_init__(self) -> None:
        expected = {"text": str, "image": Path, "item": int}.get(self.kind)
        if expected is None or not isinstance(self.value, expected):
            raise TypeError(f"a term of kind {self.kind!r} cannot be {self.value!r}")
        if not math.isfinite(self.weight) or self.weight == 0:
            raise QueryError(f"the weight of a term must be a number other than 0: {self.weight}")
        if isinstance(self.value, int):
            _check_id(self.value)
        elif isinstance(self.value, str):
            text = clean_text(self.value)
            if not text.strip():
                raise QueryError(
                    "the text of the query is empty", hint="give at least one word or an image"
                )
            object.__setattr__(self, "value", text)

    @classmethod
    def text(cls, text: str, weight: float = 1.0) -> Self:
        """A literal text; see `clean_text` for the characters that cannot stay."""
        return cls("text", text, weight)

    @classmethod
    def image(cls, path: str | Path, weight: float = 1.0) -> Self:
        """An image file, read when the query is answered."""
        return cls("image", Path(path), weight)

    @classmethod
    def item(cls, item_id: int, weight: float = 1.0) -> Self:
        """An item of the collection, by its id; its stored vector is used."""
        return cls("item", ItemId(item_id), weight)


@dataclass(frozen=True, slots=True)
class Query:
    """A question to a collection.

    Attributes:
        terms: at least one.
        compose: "sum" adds the weighted terms; "slerp" walks the arc between exactly two terms.
        slerp_at: where on that arc, in [0, 1]; 0 is the image, 1 the text (of two terms of one
            kind: the first and the second).
        exclude: items that must not be returned, besides the query's own images and items.

    Raises:
        QueryError: no terms, or terms that `compose` cannot put together.
    """

    terms: tuple[Term, ...]
    compose: Literal["sum", "slerp"] = "sum"
    slerp_at: float = DEFAULT_SLERP_AT
    exclude: tuple[ItemId, ...] = ()

    def __post_init__(self) -> None:
        if not self.terms:
            raise QueryError("the query is empty", hint="give at least one word or an image")
        if self.compose not in ("sum", "slerp"):
            raise QueryError(f"no such composition: {self.compose!r}; there are sum and slerp")
        if not 0.0 <= self.slerp_at <= 1.0:
            raise QueryError(f"slerp_at must lie between 0 and 1, got {self.slerp_at}")
        for item_id in self.exclude:
            _check_id(item_id)
        if self.compose == "slerp":
            self._check_slerp()

    def _check_slerp(self) -> None:
        if len(self.terms) != 2:
            raise QueryError(
                f"slerp takes exactly two terms, the query has {len(self.terms)}",
                hint="use compose='sum' for one term or for more than two",
            )
        first, second = (term.weight for term in self.terms)
        if first != second or first < 0:
            raise QueryError(
                f"slerp takes no weights, got {first:g} and {second:g}",
                hint="say where between the two terms the query lies by slerp_at",
            )

    @classmethod
    def text(cls, text: str) -> Self:
        """The query of one literal text."""
        return cls((Term.text(text),))


def _check_id(item_id: int) -> None:
    if not 0 < item_id <= _LARGEST_ID:
        raise QueryError(f"no item {item_id}: ids are positive and have at most 63 bits")


def clean_text(text: str) -> str:
    """The text with what no encoder can read made harmless; everything else stays as it is.

    Control characters (NUL, escape, new lines) become spaces; surrogates that form a pair become
    the character they stand for; a lone one (half a character, or a byte that was no UTF-8) becomes
    U+FFFD. Cleaning, not refusing: one odd byte in a batch of queries must not lose the batch.
    """
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "".join(" " if unicodedata.category(char) == "Cc" else char for char in whole)
