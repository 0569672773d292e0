"""Real photographs for the tests of decoding."""

import pytest

from retrieval.images import decode_image
from tests.retrieval.images.kit import PLAIN_FORMATS, camera_exif, encoded, encoded_profile


@pytest.fixture(scope="session")
def photograph(test_data):
    """A small copy of a real photograph in every format, with EXIF where the format has it."""
    source = min((test_data / "coco_mini" / "images").rglob("*.jpg"))
    small = decode_image(source.read_bytes()).image.resize((96, 64))
    exif = camera_exif(orientation=6)
    files = {name: encoded(small, name, exif=exif) for name in PLAIN_FORMATS if name != "BMP"}
    files["BMP"] = encoded(small, "BMP")
    files["PROGRESSIVE"] = encoded(small, "JPEG", progressive=True)
    files["PALETTE"] = encoded(small.quantize(16), "PNG", transparency=3)
    files["LZW"] = encoded(small, "TIFF", compression="tiff_lzw")
    files["JPEG_IN_TIFF"] = encoded(small, "TIFF", compression="jpeg")
    files["CMYK"] = encoded(small.convert("CMYK"), "JPEG", icc_profile=encoded_profile("sRGB"))
    files["ANIMATED"] = encoded(
        small, "GIF", save_all=True, append_images=[small.rotate(90), small.rotate(180)]
    )
    return files
