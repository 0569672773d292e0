"""Lettering on pictures: text of any script, drawn with the fonts this machine has.

No font covers every script and none is shipped, so a text is cut into runs, each drawn with the
first font that has its characters. Letters that no font has lose their accents, or become "?".
"""

import functools
import itertools
import unicodedata
from collections.abc import Iterator

from PIL import ImageDraw, ImageFont

# File names in order of preference. Pillow looks for them in the system's font folders.
_FACES = (
    # Latin, Greek, Cyrillic
    "NotoSans-Regular.ttf",
    "DejaVuSans.ttf",
    "LiberationSans-Regular.ttf",
    "Arial.ttf",
    "arial.ttf",
    "Helvetica.ttc",
    # Chinese, Japanese, Korean
    "NotoSansCJK-Regular.ttc",
    "SourceHanSans-Regular.ttc",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "ipagp.ttf",
    "ipag.ttf",
    "NanumGothic.ttf",
    "Arial Unicode.ttf",
    "Hiragino Sans GB.ttc",
    "PingFang.ttc",
    "msyh.ttc",
    "YuGothM.ttc",
    "msgothic.ttc",
    "malgun.ttf",
    # Other scripts
    "NotoSansArabic-Regular.ttf",
    "NotoSansHebrew-Regular.ttf",
    "NotoSansDevanagari-Regular.ttf",
    "NotoSansBengali-Regular.ttf",
    "NotoSansTamil-Regular.ttf",
    "NotoSansThai-Regular.ttf",
    "NotoSansSymbols2-Regular.ttf",
    "segoeui.ttf",
)
_PROBE_PX = 16
_NO_CHARACTER = "\U0010ffff"  # never assigned: drawn as the font's sign for "I do not have this"
_NEVER_DRAWN = ("Cc", "Cs", "Zl", "Zp")  # Pillow's layout fails on breaks of line or paragraph
_ELLIPSIS = "..."  # three dots: every font has them


class Lettering:
    """Text of one size in pixels."""

    def __init__(self, size_px: float) -> None:
        self._size_px = size_px

    def width(self, text: str) -> float:
        """Length of the text when drawn, in px."""
        return sum(self._font(face).getlength(run) for face, run in _runs(text))

    def draw(
        self, canvas: ImageDraw.ImageDraw, at: tuple[float, float], text: str, colour: str
    ) -> None:
        """Draw one line; `at` is the left end of its baseline."""
        x, baseline = at
        for face, run in _runs(text):
            font = self._font(face)
            canvas.text((x, baseline), run, fill=colour, font=font, anchor="ls")
            x += font.getlength(run)

    def fit(self, text: str, max_width: float, *, keep_end: bool = False) -> str:
        """The text, shortened to `max_width` px.

        Args:
            text: one line.
            max_width: in px.
            keep_end: cut out the middle, so that a file name keeps its suffix.
        """
        if self.width(text) <= max_width:
            return text
        fitting, too_long = 0, len(text)
        while too_long - fitting > 1:
            middle = (fitting + too_long) // 2
            if self.width(_shortened(text, middle, keep_end=keep_end)) <= max_width:
                fitting = middle
            else:
                too_long = middle
        return _shortened(text, fitting, keep_end=keep_end)

    def _font(self, face: str | None) -> ImageFont.FreeTypeFont:
        return _sized(face, self._size_px)


def _shortened(text: str, n_kept: int, *, keep_end: bool) -> str:
    n_last = n_kept // 2 if keep_end else 0
    return text[: n_kept - n_last].rstrip() + _ELLIPSIS + text[len(text) - n_last :]


def _runs(text: str) -> Iterator[tuple[str | None, str]]:
    """Pieces of the text with the face for each; one piece where one face has all of it."""
    drawable = [_drawable(character) for character in text]
    whole = "".join(character for _, character in drawable)
    for face in dict.fromkeys(face for face, _ in drawable):
        if all(_has(face, character) for character in whole):
            yield face, whole
            return
    for face, group in itertools.groupby(drawable, key=lambda pair: pair[0]):
        yield face, "".join(character for _, character in group)


@functools.lru_cache(maxsize=4096)
def _drawable(character: str) -> tuple[str | None, str]:
    """The first face that has the character or, failing that, its base letter or "?"."""
    candidates: tuple[str, ...] = (character, unicodedata.normalize("NFKD", character)[0])
    if unicodedata.category(character) in _NEVER_DRAWN:
        candidates = ()
    elif character.isspace():
        candidates = (" ",)
    for candidate in candidates:
        for face in (*_FACES, None):
            if _has(face, candidate):
                return face, candidate
    return next(face for face in (*_FACES, None) if _has(face, "?")), "?"


@functools.lru_cache(maxsize=16384)
def _has(face: str | None, character: str) -> bool:
    font = _face(face)
    if font is None:
        return False
    if character == " ":
        return True
    mask = font.getmask(character)
    missing = font.getmask(_NO_CHARACTER)
    return mask.size != missing.size or bytes(mask) != bytes(missing)


@functools.cache
def _face(face: str | None) -> ImageFont.FreeTypeFont | None:
    """The face at probing size: None if it is not installed; face None is Pillow's own, ASCII."""
    if face is None:
        own = ImageFont.load_default(_PROBE_PX)
        return own if isinstance(own, ImageFont.FreeTypeFont) else None
    try:
        return ImageFont.truetype(face, _PROBE_PX)
    except OSError:
        return None


@functools.lru_cache(maxsize=64)
def _sized(face: str | None, size_px: float) -> ImageFont.FreeTypeFont:
    font = _face(face)
    assert font is not None  # a run is only ever given a face that has its characters
    return font.font_variant(size=size_px)
