"""Bytes of one picture -> upright RGB pixels and metadata; every failure is an ImageError.

Pillow's plugin classes are used directly instead of `Image.open`: the formats are an explicit
list, and the pixel limit is an argument of each call. Pillow's own is a process-wide setting that
first only warns; polyseek neither reads nor changes it. It still holds inside Pillow's WebP and
GIF readers, which refuse about 179 million pixels whatever our limit says.
"""

import io
import re
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PIL import Image, ImageFile, TiffImagePlugin
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from retrieval.errors import ImageError
from retrieval.images import raw
from retrieval.images.colour import to_rgb
from retrieval.images.descriptions import read_descriptions
from retrieval.images.exif import ExifFields, fields_of, read_exif
from retrieval.images.formats import is_cut_short, sniff_format
from retrieval.model import ImageMeta

# Shrinking by the JPEG decoder is a crude filter; with a factor of two left for the encoder's
# own resampling the pixels it sees stay within half a level of those of a full decode.
_DRAFT_FACTOR = 2

_UPRIGHT: Mapping[int, Image.Transpose] = {  # by EXIF orientation; 1 is upright already
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_PILLOW_MODULES = re.compile(r"(PIL|pillow_heif)\.")
_PILLOW_REMARKS = ("ignore", None, UserWarning, _PILLOW_MODULES, 0)

_FIRST_SIDEWAYS = 5  # orientations from here on swap width and height


@dataclass(frozen=True, slots=True)
class PixelLimits:
    """Pictures with more pixels than this are refused before they are decoded.

    Attributes:
        jpeg: for a JPEG that is shrunk while it is decoded (it needs `target_px`).
        other: for all that is held in memory at full size.
    """

    jpeg: int = 250_000_000
    other: int = 90_000_000


DEFAULT_LIMITS = PixelLimits()


@dataclass(frozen=True, slots=True)
class DecodedImage:
    """One decoded picture.

    Attributes:
        image: RGB, upright; may be smaller than the picture, see `decode_image`.
        meta: of the full picture.
        descriptions: what is written inside it; see `read_descriptions`.
    """

    image: Image.Image
    meta: ImageMeta
    descriptions: tuple[str, ...] = ()


def decode_image(
    data: bytes,
    *,
    target_px: int | None = None,
    limits: PixelLimits = DEFAULT_LIMITS,
    as_stored: bool = False,
) -> DecodedImage:
    """Decode the first frame of a picture. Safe to call from many threads at once.

    Args:
        data: a whole file: JPEG, PNG, WebP, GIF, BMP, TIFF, AVIF; HEIC and RAW with their extras.
        target_px: side that the encoder sees. A JPEG or RAW may then come out smaller, but never
            below twice this side on its short side. None decodes at full size.
        limits: see `PixelLimits`.
        as_stored: the pixels of the file, as Pillow's `open` and `convert("RGB")` give them, which
            is what published evaluations read: at full size, not turned upright, and their colour
            profile not applied. RAW and transparency are treated as ever.

    Raises:
        ImageError: its reason is "empty file", "not an image", "truncated", "too many pixels",
            "cannot decode", or "unsupported: " and what to install.
    """
    if not data:
        raise ImageError("empty file")
    name = sniff_format(data)
    if name is None:
        raise ImageError("not an image")
    draft_px = None if target_px is None or as_stored else _DRAFT_FACTOR * target_px
    _quieten_pillow()
    try:
        if name == "RAW":
            return _decode_raw(data, draft_px, limits)
        return _decode(_OPENERS[name](io.BytesIO(data)), draft_px, limits, as_stored=as_stored)
    except ImageError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageError("too many pixels", f"too many pixels: {error}") from error
    except Exception as error:  # decoders meet hostile bytes: any of their errors is the picture's
        is_truncated = "truncated" in str(error).casefold() or is_cut_short(name, data)
        reason = "truncated" if is_truncated else "cannot decode"
        raise ImageError(reason, f"{reason}: {name}: {error or type(error).__name__}") from error


def _decode(
    picture: ImageFile.ImageFile, draft_px: int | None, limits: PixelLimits, *, as_stored: bool
) -> DecodedImage:
    width, height = picture.size
    is_jpeg = isinstance(picture, JpegImageFile)
    _check_pixels(picture, limits.jpeg if is_jpeg and draft_px is not None else limits.other)
    if is_jpeg and draft_px is not None:
        picture.draft(None, (draft_px, draft_px))
        _check_pixels(picture, limits.other)
    picture.load()
    fields, descriptions = read_exif(picture), read_descriptions(picture)
    image = to_rgb(picture, use_profile=not as_stored)
    turn = None if as_stored else _UPRIGHT.get(fields.orientation)
    if turn is not None:
        image = image.transpose(turn)
    if fields.orientation >= _FIRST_SIDEWAYS:
        width, height = height, width
    meta = _meta(picture.format or "", (width, height), fields)
    return DecodedImage(image, meta, descriptions)


def _decode_raw(data: bytes, draft_px: int | None, limits: PixelLimits) -> DecodedImage:
    image, size = raw.develop(data, draft_px=draft_px, max_pixels=limits.other)
    exif = Image.Exif()
    try:
        exif.load(data)  # most RAW files are TIFF files, whose first directory is the EXIF
    except Exception:  # noqa: BLE001 - others have none that Pillow finds; the pixels are fine
        exif.clear()
    return DecodedImage(image, _meta("RAW", size, fields_of(exif)))


def _meta(name: str, size: tuple[int, int], fields: ExifFields) -> ImageMeta:
    return ImageMeta(
        format=name,
        width=size[0],
        height=size[1],
        taken=fields.taken,
        camera=fields.camera,
        latitude=fields.latitude,
        longitude=fields.longitude,
    )


def _check_pixels(picture: Image.Image, max_pixels: int) -> None:
    width, height = picture.size
    if width * height > max_pixels:
        raise ImageError(
            "too many pixels", f"too many pixels: {width} x {height}, at most {max_pixels} allowed"
        )


def _quieten_pillow() -> None:
    """Stop Pillow's remarks on damaged metadata, a UserWarning each, from reaching the user.

    Python has no filters per thread, so this one stays; it is put in place once, and touches
    neither other modules nor Pillow's pixel limit (another category).
    """
    if _PILLOW_REMARKS not in warnings.filters:
        warnings.filterwarnings("ignore", category=UserWarning, module=_PILLOW_MODULES.pattern)


class _TiffImageFile(TiffImagePlugin.TiffImageFile):
    """A TIFF whose pixels are counted by `_check_pixels` alone, not by Pillow at loading too."""

    def load_prepare(self) -> None:
        if self._im is None:
            self.im = Image.new(self.mode, self._tile_size).im
        super().load_prepare()


def _open_heif(file: io.BytesIO) -> ImageFile.ImageFile:
    try:
        import pillow_heif
    except ImportError as error:
        raise ImageError("unsupported: install polyseek[heif]") from error
    picture: ImageFile.ImageFile = pillow_heif.HeifImageFile(file)
    return picture


_OPENERS: Mapping[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
    # Not Pillow's factory: it turns a JPEG that lists further pictures into a multi-page file,
    # and stumbles over broken lists; the first picture is an ordinary JPEG.
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "GIF": GifImageFile,
    "BMP": BmpImageFile,
    "WEBP": WebPImageFile,
    "TIFF": _TiffImageFile,
    "AVIF": AvifImageFile,
    "HEIF": _open_heif,
}
