"""Small copies of pictures as data URIs: they are all of a file that goes with the page."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from retrieval.errors import ImageError
from retrieval.images import decode_image

SIDE_PX = 320
"""Of a thumbnail, the longer one: twice what it is shown at, for dense screens."""

_QUALITY = 72


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture that fits into a page.

    Attributes:
        uri: "data:image/jpeg;base64,..."; without metadata of the file, such as where it was taken.
        width: in pixels.
        height: likewise.
    """

    uri: str
    width: int
    height: int


def thumbnail(path: Path) -> Thumbnail | str:
    """A small copy of a picture, or in a few words why there is none."""
    try:
        image = decode_image(path.read_bytes(), target_px=SIDE_PX).image
    except ImageError as error:
        return error.reason
    except OSError:
        return "missing"
    image.thumbnail((SIDE_PX, SIDE_PX), Image.Resampling.LANCZOS)
    plain = Image.new("RGB", image.size)
    plain.paste(image)
    file = io.BytesIO()
    plain.save(file, "JPEG", quality=_QUALITY, progressive=True, optimize=True)
    coded = base64.b64encode(file.getvalue()).decode("ascii")
    return Thumbnail(f"data:image/jpeg;base64,{coded}", plain.width, plain.height)
