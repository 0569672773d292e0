"""RAW photographs, through rawpy (the `raw` extra); the only module that knows it."""

import io

from PIL import Image

from retrieval.errors import ImageError

_QUARTER_TURNS = (5, 6)  # LibRaw's `flip` of a camera that was held upright


def develop(
    data: bytes, *, draft_px: int | None, max_pixels: int
) -> tuple[Image.Image, tuple[int, int]]:
    """Develop a RAW file with the camera's white balance.

    Args:
        data: the whole file.
        draft_px: a picture at least this large on its short side is enough; None for full size.
        max_pixels: larger sensors are refused.

    Returns:
        The upright RGB image, and width and height (px, upright) of the full picture.

    Raises:
        ImageError: rawpy is missing, or there are too many pixels; rawpy's own errors pass.
    """
    try:
        import rawpy
    except ImportError as error:
        raise ImageError("unsupported: install polyseek[raw]") from error
    with rawpy.RawPy() as raw:
        raw.open_buffer(io.BytesIO(data))
        width, height = raw.sizes.width, raw.sizes.height
        if width * height > max_pixels:
            raise ImageError("too many pixels", f"too many pixels: {width} x {height}")
        raw.unpack()
        # Half size skips the interpolation of colours and is several times faster.
        is_half_enough = draft_px is not None and min(width, height) // 2 >= draft_px
        pixels = raw.postprocess(use_camera_wb=True, half_size=is_half_enough)
        if raw.sizes.flip in _QUARTER_TURNS:
            width, height = height, width
    return Image.fromarray(pixels), (width, height)
