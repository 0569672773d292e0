"""The language that the letters of a text give away."""

from collections import Counter
from dataclasses import dataclass

_ENOUGH = 0.5
"""Share of the letters of a text that must be of one script: one Greek sign makes no Greek."""


@dataclass(frozen=True, slots=True)
class _Script:
    """Letters in ranges of code points (both ends included), and what is written in them."""

    language: str
    ranges: tuple[tuple[int, int], ...]


_OF_ONE = (
    _Script("ja", ((0x3041, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9D))),  # Hiragana and Katakana
    _Script("ko", ((0xAC00, 0xD7A3), (0x1100, 0x11FF), (0x3131, 0x318E))),
    _Script("zh", ((0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x323AF), (0xF900, 0xFAFF))),
    _Script("el", ((0x0370, 0x03FF), (0x1F00, 0x1FFF))),
    _Script("hy", ((0x0531, 0x0587),)),
    _Script("ka", ((0x10A0, 0x10FF), (0x1C90, 0x1CBF))),
    _Script("th", ((0x0E01, 0x0E5B),)),
    _Script("lo", ((0x0E81, 0x0EDF),)),
    _Script("km", ((0x1780, 0x17FF),)),
    _Script("my", ((0x1000, 0x109F),)),
    _Script("bo", ((0x0F00, 0x0FFF),)),
    _Script("gu", ((0x0A81, 0x0AFF),)),
    _Script("pa", ((0x0A01, 0x0A7F),)),
    _Script("or", ((0x0B01, 0x0B7F),)),
    _Script("ta", ((0x0B82, 0x0BFF),)),
    _Script("te", ((0x0C00, 0x0C7F),)),
    _Script("kn", ((0x0C80, 0x0CFF),)),
    _Script("ml", ((0x0D00, 0x0D7F),)),
    _Script("si", ((0x0D81, 0x0DFF),)),
    _Script("dv", ((0x0780, 0x07BF),)),
    _Script("chr", ((0x13A0, 0x13FF), (0xAB70, 0xABBF))),
)
"""Scripts in which one language, or next to all that is written, is that language."""

_OF_SEVERAL = (
    _Script("ru", ((0x0400, 0x052F),)),
    _Script("ar", ((0x0600, 0x06FF), (0x0750, 0x077F), (0xFB50, 0xFDFF), (0xFE70, 0xFEFC))),
    _Script("he", ((0x0591, 0x05F4), (0xFB1D, 0xFB4F))),
    _Script("hi", ((0x0900, 0x097F),)),
    _Script("bn", ((0x0980, 0x09FF),)),
    _Script("am", ((0x1200, 0x139F),)),
)
"""Scripts of several languages, and the one of them that most is written in."""

_LATIN = _Script("", ((0x0041, 0x024F), (0x1E00, 0x1EFF), (0xFF21, 0xFF5A)))


def language_of_script(text: str) -> str | None:
    """The language of a text whose script names one; None where it does not.

    Kana make a text Japanese however many Han characters it has; Han alone are Chinese.
    """
    return _named(text, _OF_ONE)


def likely_language_of_script(text: str) -> str | None:
    """The language that most texts in the script of this one are in; None for Latin and others.

    For scripts of several languages (Cyrillic, Arabic, Hebrew, Devanagari, Bengali, Ethiopic): a
    better guess than English where nothing tells more.
    """
    return _named(text, _OF_SEVERAL)


def _named(text: str, scripts: tuple[_Script, ...]) -> str | None:
    counts = Counter(_script_of(char) for char in text if char.isalpha())
    n_letters = sum(counts.values())
    if counts["ja"]:
        counts["ja"] += counts.pop("zh", 0)
    for script in scripts:
        if counts[script.language] and counts[script.language] >= _ENOUGH * n_letters:
            return script.language
    return None


def _script_of(char: str) -> str:
    """The language that stands for the script of a letter; "" for Latin and unknown ones."""
    point = ord(char)
    for script in (_LATIN, *_OF_ONE, *_OF_SEVERAL):
        if any(first <= point <= last for first, last in script.ranges):
            return script.language
    return ""
