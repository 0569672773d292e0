"""Text as filters compare it: without case, and without the two ways to write an accent.

Databases fold case each in their own way (SQLite ASCII only, PostgreSQL by locale), so it is done
here, once, and the folded form is stored beside the text.
"""

import unicodedata
from collections.abc import Iterable

from retrieval.store.fields import clean_text

START, END = "\x1e", "\x1f"
"""Around each of several texts in one column. A folded text holds neither."""

_MARKS = {ord(START): " ", ord(END): " "}


def fold(text: str) -> str:
    """`text` for comparisons: two texts are equal, but for case, if their folded forms are.

    Source: The Unicode Standard, section 3.13, canonical caseless matching (D145), composed at the
    end so that a part of a text begins and ends at whole letters.
    """
    if text.isascii():
        folded = clean_text(text).lower()
    else:
        decomposed = unicodedata.normalize("NFD", clean_text(text))
        folded = unicodedata.normalize("NFC", decomposed.casefold())
    return folded.translate(_MARKS) if START in folded or END in folded else folded


def fold_all(texts: Iterable[str]) -> str:
    """Several texts folded into one, each between START and END; "" for none."""
    return "".join(f"{START}{fold(text)}{END}" for text in texts)
