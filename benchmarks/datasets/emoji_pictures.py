"""Pictures of characters, drawn from a font of colour bitmaps."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

_FONT_PX = 109
"""The one size that Noto Color Emoji has bitmaps of."""

_SIDE_PX = 160
"""Glyphs are wider than the size says: 136 pixels."""

_NO_CHARACTER = "\ue000"


def picture_name(character: str) -> str:
    """The name of the picture of a character, e.g. u1f600."""
    return f"u{ord(character):04x}"


def draw(font: Path, characters: Sequence[str], folder: Path) -> int:
    """Draw single characters on white, and list those that the font has.

    The list, emoji.json, is written last: it has {"characters", "font_sha256"}.

    Args:
        font: a TrueType file of colour bitmaps.
        characters: those that the font lacks are left out.
        folder: where to; made if need be.

    Returns:
        How many were drawn.
    """
    face = ImageFont.truetype(str(font), _FONT_PX, layout_engine=ImageFont.Layout.BASIC)
    nothing = _drawn(_NO_CHARACTER, face).tobytes()
    folder.mkdir(parents=True, exist_ok=True)
    done = []
    for character in characters:
        image = _drawn(character, face)
        if image.tobytes() != nothing:
            image.save(folder / f"{picture_name(character)}.png")
            done.append(character)
    listed = {"characters": done, "font_sha256": hashlib.sha256(font.read_bytes()).hexdigest()}
    (folder / "emoji.json").write_text(json.dumps(listed))
    return len(done)


def _drawn(character: str, face: ImageFont.FreeTypeFont) -> Image.Image:
    image = Image.new("RGB", (_SIDE_PX, _SIDE_PX), "white")
    ImageDraw.Draw(image).text(
        (_SIDE_PX // 2, _SIDE_PX // 2), character, font=face, anchor="mm", embedded_color=True
    )
    return image
