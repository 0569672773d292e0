"""Pictures for the tests of decoding: made, written in a format, read back."""

import io

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
