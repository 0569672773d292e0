"""Where the pictures of a corpus come from: folders of photographs, packages of Debian, a font."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from retrieval.images import IMAGE_SUFFIXES

LARGEST_PX = 288
"""Longest side of a picture in a corpus: no built-in encoder sees more, and decoding is quick."""

STAMPS = Path("usr/share/tuxpaint/stamps")
"""Of the package tuxpaint-stamps-default."""

CLIP_ART = Path("usr/share/openclipart/png")
"""Of the package openclipart-png."""

EMOJI = Path("usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
"""Of the package fonts-noto-color-emoji."""

_EMOJI_PX = 109
"""The one size that the font has bitmaps of."""

_EMOJI_BLOCKS = ((0x203C, 0x2BFF), (0x3030, 0x3299), (0x1F004, 0x1FAFF))
_NO_CHARACTER = "\ue000"
_MARGIN_PX = 16

_MAX_PIXELS = 40_000_000
"""Of a drawing: a few of the clip art have hundreds of millions, nearly all of them blank."""

_PACKAGED_PHOTOGRAPHS = {
    "skimage": (
        "data/astronaut.png",
        "data/chelsea.png",
        "data/coffee.png",
        "data/hubble_deep_field.jpg",
        "data/motorcycle_left.png",
        "data/retina.jpg",
        "data/rocket.jpg",
    ),
    "sklearn": ("datasets/images/china.jpg", "datasets/images/flower.jpg"),
}
"""Colour photographs in the wheels of scikit-image and scikit-learn."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture of a corpus.

    Attributes:
        name: of its file, without a suffix; unique in its source.
        image: RGB, at most LARGEST_PX a side where it comes from `drawings` or `emoji`.
    """

    name: str
    image: Image.Image


def photographs(folders: list[Path]) -> Iterator[Picture]:
    """Every picture below some folders, in the order of their paths, as large as it is.

    Raises:
        ValueError: a folder holds no pictures.
    """
    for number, folder in enumerate(folders):
        paths = _pictures_below(folder)
        if not paths:
            raise ValueError(f"{folder} holds no photographs: name a folder that does")
        for path in paths:
            yield Picture(f"{number}_{_flat_name(path, folder)}", opened(path))


def packaged_photographs() -> Iterator[Picture]:
    """Photographs from the packages that are installed; none where they are not."""
    for package, names in _PACKAGED_PHOTOGRAPHS.items():
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        for name in names:
            path = Path(spec.origin).parent / name
            if path.is_file():
                yield Picture(f"{package}_{path.stem}", opened(path))


def drawings(folder: Path) -> Iterator[Picture]:
    """Every picture below a folder of a package, shrunk; links and huge ones are left out."""
    for path in _pictures_below(folder):
        if _n_pixels(path) <= _MAX_PIXELS:
            yield Picture(_flat_name(path, folder), shrunk(opened(path)))


def emoji(font: Path) -> Iterator[Picture]:
    """Every single character that a font of colour bitmaps draws, on white."""
    face = ImageFont.truetype(str(font), _EMOJI_PX, layout_engine=ImageFont.Layout.BASIC)
    missing = _drawn(_NO_CHARACTER, face)
    for first, last in _EMOJI_BLOCKS:
        for code in range(first, last + 1):
            image = _drawn(chr(code), face)
            if image.tobytes() != missing.tobytes():
                yield Picture(f"u{code:05x}", image)


def opened(path: Path) -> Image.Image:
    """A picture file as RGB; what is transparent shows white."""
    with Image.open(path) as image:
        if image.mode in ("RGB", "L", "CMYK"):
            return image.convert("RGB")
        return on_white(image.convert("RGBA"))


def on_white(image: Image.Image) -> Image.Image:
    """An RGBA picture laid on white."""
    ground = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(ground, image).convert("RGB")


def shrunk(image: Image.Image) -> Image.Image:
    """The picture with no side longer than LARGEST_PX."""
    image = image.copy()
    image.thumbnail((LARGEST_PX, LARGEST_PX), Image.Resampling.BICUBIC)
    return image


def _drawn(character: str, face: ImageFont.FreeTypeFont) -> Image.Image:
    side = _EMOJI_PX + 2 * _MARGIN_PX + 20  # glyphs are wider than the size says
    image = Image.new("RGBA", (side, side), "white")
    ImageDraw.Draw(image).text(
        (side // 2, side // 2), character, font=face, anchor="mm", embedded_color=True
    )
    return image.convert("RGB")


def _n_pixels(path: Path) -> int:
    most, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None  # only the header is read
    try:
        with Image.open(path) as image:
            return image.width * image.height
    finally:
        Image.MAX_IMAGE_PIXELS = most


def _flat_name(path: Path, folder: Path) -> str:
    """The path below a folder as one name, without a suffix."""
    return "-".join(path.relative_to(folder).with_suffix("").parts)


def _pictures_below(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and path.is_file() and not path.is_symlink()
    )
