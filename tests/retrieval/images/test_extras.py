"""HEIC and raw pictures: decoded with their extra, refused by its name without."""

import io
import struct
import sys

import numpy as np
import pytest
from PIL import Image

from retrieval.images import PixelLimits, decode_image
from tests.retrieval.images.kit import camera_exif, gradient, is_close, refusal


class TestExtras:
    HEIC_HEAD = struct.pack(">L", 24) + b"ftypheic" + bytes(4) + b"mif1heic"

    def test_heic_without_its_extra_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "pillow_heif", None)
        assert refusal(self.HEIC_HEAD) == "unsupported: install polyseek[heif]"

    def test_raw_without_its_extra_says_what_to_install(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "rawpy", None)
        assert refusal(sensor_dng()) == "unsupported: install polyseek[raw]"

    def test_heic_with_its_extra_is_decoded_upright(self):
        heif = pytest.importorskip("pillow_heif", reason="needs polyseek[heif]")
        turned = gradient().transpose(Image.Transpose.ROTATE_90)
        file = io.BytesIO()
        heif.from_pillow(turned).save(file, exif=camera_exif(orientation=6).tobytes(), quality=90)
        decoded = decode_image(file.getvalue())
        assert decoded.meta.format == "HEIF"
        assert decoded.meta.camera == "NIKON D750"
        assert decoded.image.size == (decoded.meta.width, decoded.meta.height) == (64, 48)
        assert is_close(decoded.image, gradient(), 6)
        assert refusal(file.getvalue()[:-40]) == "truncated"

    def test_raw_with_its_extra_is_developed(self):
        pytest.importorskip("rawpy", reason="needs polyseek[raw]")
        decoded = decode_image(sensor_dng())
        assert (decoded.meta.format, decoded.meta.camera) == ("RAW", "Testcam One")
        assert decoded.image.size == (decoded.meta.width, decoded.meta.height) == (64, 48)
        assert decode_image(sensor_dng(), target_px=12).image.size == (32, 24)
        assert decode_image(sensor_dng(), target_px=12).meta == decoded.meta
        assert refusal(sensor_dng(), limits=PixelLimits(other=3000)) == "too many pixels"


def sensor_dng(width=64, height=48):
    """The smallest DNG that is one: a 16-bit colour filter array and nothing else."""

    def field(tag, kind, count, value):
        return struct.pack("<HHL4s", tag, kind, count, value.ljust(4, b"\0"))

    short, long = "<H", "<L"
    names = {271: b"Testcam\0", 272: b"One\0", 50708: b"Testcam One\0"}
    matrix = struct.pack("<18l", *(n for i in range(9) for n in (int(i % 4 == 0), 1)))
    n_fields = 17
    at = 8 + 2 + 12 * n_fields + 4
    places, body = {}, b""
    for tag, value in {**names, 50721: matrix}.items():
        places[tag] = (len(value), value if len(value) <= 4 else struct.pack(long, at + len(body)))
        body += value if len(value) > 4 else b""
    body += bytes(len(body) % 2)
    pixels = np.linspace(0, 65535, width * height).astype("<u2").tobytes()
    fields = [
        field(254, 4, 1, struct.pack(long, 0)),
        field(256, 4, 1, struct.pack(long, width)),
        field(257, 4, 1, struct.pack(long, height)),
        field(258, 3, 1, struct.pack(short, 16)),
        field(259, 3, 1, struct.pack(short, 1)),
        field(262, 3, 1, struct.pack(short, 32803)),
        field(271, 2, *places[271]),
        field(272, 2, *places[272]),
        field(273, 4, 1, struct.pack(long, at + len(body))),
        field(277, 3, 1, struct.pack(short, 1)),
        field(278, 4, 1, struct.pack(long, height)),
        field(279, 4, 1, struct.pack(long, len(pixels))),
        field(33421, 3, 2, struct.pack("<HH", 2, 2)),
        field(33422, 1, 4, bytes([0, 1, 1, 2])),
        field(50706, 1, 4, bytes([1, 4, 0, 0])),
        field(50708, 2, *places[50708]),
        field(50721, 10, 9, places[50721][1]),
    ]
    head = b"II*\0" + struct.pack(long, 8) + struct.pack(short, n_fields)
    return head + b"".join(fields) + bytes(4) + body + pixels
