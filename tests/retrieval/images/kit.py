"""Pictures for the tests of decoding: made, written in a format, read back."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from retrieval.errors import ImageError
from retrieval.images import decode_image

PLAIN_FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"]


def encoded(image, name, **options):
    file = io.BytesIO()
    image.save(file, name, **options)
    return file.getvalue()


def pixel(data, at=(0, 0)):
    return decode_image(data).image.getpixel(at)


def refusal(data, **options):
    with pytest.raises(ImageError) as caught:
        decode_image(data, **options)
    return caught.value.reason


def gradient(width=64, height=48):
    """Smooth, and different in its four corners, so that no wrong turn looks right."""
    across = np.linspace(0, 255, width)[None, :].repeat(height, axis=0)
    down = np.linspace(0, 255, height)[:, None].repeat(width, axis=1)
    return Image.fromarray(np.stack([across, down, 255 - across], axis=-1).astype(np.uint8))


def is_close(image, other, tolerance):
    difference = np.asarray(image).astype(int) - np.asarray(other).astype(int)
    return np.abs(difference).mean() <= tolerance


def encoded_profile(name):
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()


def linear_profile():
    """A minimal ICC v2 RGB profile: the sRGB primaries (adapted to D50) with gamma 1."""

    def s15(*values):
        return struct.pack(f">{len(values)}l", *(round(value * 65536) for value in values))

    def xyz(*values):
        return b"XYZ \0\0\0\0" + s15(*values)

    curve = b"curv\0\0\0\0" + struct.pack(">L", 0)
    text = b"Linear\0"
    description = b"desc\0\0\0\0" + struct.pack(">L", len(text)) + text + bytes(78)
    tags = {
        b"desc": description + b"\0" * (-len(description) % 4),
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.4361, 0.2225, 0.0139),
        b"gXYZ": xyz(0.3851, 0.7169, 0.0971),
        b"bXYZ": xyz(0.1431, 0.0606, 0.7141),
        **{name: curve for name in (b"rTRC", b"gTRC", b"bTRC")},
    }
    at = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">L", len(tags)), b""
    for name, value in tags.items():
        table += name + struct.pack(">LL", at + len(body), len(value))
        body += value
    header = struct.pack(">L4sL", at + len(body), b"lcms", 0x02400000) + b"mntrRGB XYZ "
    header += bytes(12) + b"acsp" + bytes(28) + s15(0.9642, 1.0, 0.8249)
    return header.ljust(128, b"\0") + table + body


def camera_exif(orientation=1, **gps):
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "NIKON CORPORATION"
    exif[0x0110] = "NIKON D750"
    exif[0x0132] = "2020:12:31 23:59:59"
    exif.get_ifd(0x8769)[0x9003] = "2019:07:14 08:05:06"
    position = {1: "S", 2: (33.0, 51.0, 30.0), 3: "E", 4: (151.0, 12.0, 36.0)}
    exif.get_ifd(0x8825).update({**position, **gps})
    return exif
