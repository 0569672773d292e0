"""Any pixels -> 8-bit sRGB, the one colour space encoders are trained on."""

import functools
import io

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

_SIXTEEN_BIT_MODES = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
_PROFILED_MODES = frozenset({"L", "RGB", "CMYK", "LAB"})
# The ranges that pictures of 32-bit integers or floats are stored in.
_CONVENTIONAL_TOPS = (255.0, 65535.0)
_STEPS_PER_CHANNEL = 9
_INVISIBLE_LEVELS = 2  # of 255; what rounding leaves between two makes of one profile


def to_rgb(image: Image.Image, *, use_profile: bool = True) -> Image.Image:
    """Convert loaded pixels of any mode to RGB; an opaque sRGB image is returned as it is.

    * 16-bit values are scaled by their range. 32-bit integers and floats are scaled from the
      smallest conventional range that holds them ([0, 1] for floats, [0, 255], [0, 65535]), else
      from their own extremes. Pillow's `convert` would clip all of them to [0, 255].
    * Transparency, in whatever form, is composited on white.
    * An embedded ICC profile is applied if `use_profile`. A profile that is damaged or of another
      colour model is ignored, as browsers do; CMYK without one is converted by the plain formula.
    """
    profile = image.info.get("icc_profile") if use_profile else None
    if image.mode in _SIXTEEN_BIT_MODES:
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        image = Image.fromarray(_scaled(np.asarray(image)))
    elif image.has_transparency_data:
        image = _on_white(image)
    elif image.mode == "P":
        image = image.convert("RGB")
    if image.mode in _PROFILED_MODES and (profile or image.mode == "LAB"):
        transform = _transform_to_srgb(profile, image.mode)
        if transform is not None:
            return transform.apply(image)
    return image if image.mode == "RGB" else image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    layer = image.convert("RGBA")
    canvas = Image.new("RGB", layer.size, "white")
    canvas.paste(layer, mask=layer.getchannel("A"))
    return canvas


def _scaled(values: npt.NDArray[np.generic]) -> npt.NDArray[np.uint8]:
    """(h, w) int32 or float32 -> uint8. NaN becomes 0, infinities the ends of the range."""
    levels = values.astype(np.float32)
    finite = levels[np.isfinite(levels)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    tops = (1.0, *_CONVENTIONAL_TOPS) if values.dtype.kind == "f" else _CONVENTIONAL_TOPS
    if low >= 0:
        low, high = 0.0, next((top for top in tops if high <= top), high)
    levels = np.nan_to_num(levels, nan=low, posinf=high, neginf=low)
    # Divided before subtracting: high - low may be beyond the largest float32.
    scale = max(abs(low), abs(high)) or 1.0
    span = (high / scale - low / scale) or 1.0
    scaled: npt.NDArray[np.uint8] = np.rint((levels / scale - low / scale) * (255.0 / span)).astype(
        np.uint8
    )
    return scaled


@functools.lru_cache(maxsize=8)  # one camera or editor: one profile; a CMYK profile takes 1 MB
def _transform_to_srgb(profile: bytes | None, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform for pixels of `mode`, or None where none is needed or possible."""
    try:
        source = ImageCms.ImageCmsProfile(
            io.BytesIO(profile) if profile else ImageCms.createProfile("LAB")
        )
        srgb = ImageCms.createProfile("sRGB")
        transform = ImageCms.buildTransform(source, srgb, mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return None if mode == "RGB" and _is_identity(transform) else transform


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """True for sRGB by whatever name, which most profiles in photographs are.

    Asked of the colours themselves: names differ by vendor and are not always true. Applying a
    transform costs about twice as much as decoding the JPEG.
    """
    steps = np.linspace(0, 255, _STEPS_PER_CHANNEL).astype(np.uint8)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    colours = np.stack([red, green, blue], axis=-1).reshape(_STEPS_PER_CHANNEL, -1, 3)
    converted = np.asarray(transform.apply(Image.fromarray(colours)))
    return bool(np.abs(converted.astype(np.int16) - colours).max() <= _INVISIBLE_LEVELS)
