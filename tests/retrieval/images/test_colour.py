"""Every mode and depth becomes 8-bit sRGB: scaled, flattened on white, its profile applied."""

import struct

import numpy as np
import pytest
from PIL import Image

from retrieval.images import decode_image
from tests.retrieval.images.kit import (
    encoded,
    encoded_profile,
    gradient,
    linear_profile,
    pixel,
)

RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


class TestColour:
    def test_sixteen_bit_is_scaled_and_not_clipped(self):
        levels = np.array([[0, 255, 256, 40000, 65535]], dtype=np.uint16)
        for name in ("PNG", "TIFF"):
            image = decode_image(encoded(Image.fromarray(levels), name)).image
            assert [image.getpixel((x, 0))[0] for x in range(5)] == [0, 0, 1, 156, 255]

    def test_big_endian_sixteen_bit_is_read_as_such(self):
        levels = Image.frombytes("I;16B", (2, 1), struct.pack(">HH", 0x8000, 0xFF00))
        image = decode_image(encoded(levels, "TIFF")).image
        assert [image.getpixel((x, 0))[0] for x in range(2)] == [128, 255]

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([0.0, 0.5, 1.0], [0, 128, 255]),  # the unit range
            ([0.0, 100.0, 255.0], [0, 100, 255]),  # 8 bit, stored as floats
            ([0.0, 40000.0, 65535.0], [0, 156, 255]),
            ([0.0, 1e6, 2e6], [0, 128, 255]),  # no convention: its own extremes
            ([-1.0, 0.0, 1.0], [0, 128, 255]),
            ([-3e38, 0.0, 3e38], [0, 128, 255]),  # the span is no float32
            ([0.5, np.nan, np.inf], [128, 0, 255]),
            ([np.nan, np.nan, np.nan], [0, 0, 0]),
        ],
    )
    def test_floats_are_scaled(self, values, expected):
        image = Image.fromarray(np.array([values], dtype=np.float32))
        decoded = decode_image(encoded(image, "TIFF")).image
        assert [decoded.getpixel((x, 0))[0] for x in range(3)] == expected

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([0, 100, 255], [0, 100, 255]),
            ([0, 40000, 65535], [0, 156, 255]),
            ([-2, 0, 2], [0, 128, 255]),
        ],
    )
    def test_wide_integers_are_scaled(self, values, expected):
        image = Image.fromarray(np.array([values], dtype=np.int32))
        decoded = decode_image(encoded(image, "TIFF")).image
        assert [decoded.getpixel((x, 0))[0] for x in range(3)] == expected

    def test_bilevel_and_grey_become_rgb(self):
        assert pixel(encoded(Image.new("1", (4, 4), 1), "PNG")) == WHITE
        assert pixel(encoded(Image.new("L", (4, 4), 77), "PNG")) == (77, 77, 77)

    @pytest.mark.parametrize("name", ["JPEG", "TIFF"])
    def test_cmyk_without_a_profile_is_converted_plainly(self, name):
        cyan = encoded(Image.new("CMYK", (8, 8), (255, 0, 0, 0)), name)
        assert pixel(cyan) == pytest.approx((0, 255, 255), abs=3)

    def test_lab_is_converted(self):
        lightest = encoded(Image.new("LAB", (4, 4), (255, 128, 128)), "TIFF")
        assert pixel(lightest) == pytest.approx(WHITE, abs=1)

    @pytest.mark.parametrize(
        ("mode", "colour"), [("LA", (0, 0)), ("RGBA", (0, 0, 0, 0)), ("LA", (255, 255))]
    )
    def test_what_is_transparent_is_white(self, mode, colour):
        assert pixel(encoded(Image.new(mode, (4, 4), colour), "PNG")) == WHITE

    def test_half_transparent_black_is_grey(self):
        assert pixel(encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 128)), "PNG")) == (127, 127, 127)

    @pytest.mark.parametrize("name", ["PNG", "GIF"])
    def test_the_transparent_entry_of_a_palette_is_white(self, name):
        image = Image.new("RGB", (4, 4), "red")
        image.putpixel((0, 0), (0, 255, 0))
        palette = image.quantize(4)
        data = encoded(palette, name, transparency=palette.getpixel((0, 0)))
        assert [pixel(data), pixel(data, (1, 1))] == [WHITE, RED]

    def test_the_transparent_colour_of_an_rgb_png_is_white(self):
        data = encoded(Image.new("RGB", (4, 4), "blue"), "PNG", transparency=BLUE)
        assert pixel(data) == WHITE

    def test_a_profile_is_applied(self):
        """Colours given in linear light come out brighter: 0.5 is 188 of 255 in sRGB."""
        data = encoded(
            Image.new("RGB", (4, 4), (128, 128, 128)), "PNG", icc_profile=linear_profile()
        )
        assert pixel(data) == pytest.approx((188, 188, 188), abs=2)

    @pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
    @pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200, encoded_profile("LAB")])
    def test_a_damaged_or_alien_profile_is_ignored(self, mode, profile):
        image = gradient().convert(mode)
        plain = decode_image(encoded(image, "TIFF")).image
        profiled = decode_image(encoded(image, "TIFF", icc_profile=profile)).image
        assert profiled.tobytes() == plain.tobytes()

    def test_srgb_by_any_name_changes_nothing(self):
        data = encoded(gradient(), "PNG", icc_profile=encoded_profile("sRGB"))
        assert decode_image(data).image.tobytes() == gradient().tobytes()
