"""EXIF: the date, the camera, the position; none of it ever costs the picture."""

import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from retrieval.images import decode_image
from tests.retrieval.images.kit import camera_exif, encoded, gradient


class TestMeta:
    def test_date_camera_and_position_are_read(self):
        meta = decode_image(encoded(gradient(), "JPEG", exif=camera_exif())).meta
        assert meta.taken == "2019-07-14T08:05:06"
        assert meta.camera == "NIKON D750"
        assert meta.latitude == pytest.approx(-33.858333)
        assert meta.longitude == pytest.approx(151.21)

    def test_the_date_of_the_file_stands_in_for_the_shutters(self):
        meta = decode_image(encoded(gradient(), "TIFF", exif=camera_exif())).meta
        assert meta.taken == "2020-12-31T23:59:59"  # Pillow writes no sub-directory into a TIFF

    @pytest.mark.parametrize("name", ["PNG", "WEBP", "AVIF"])
    def test_other_formats_carry_them_too(self, name):
        meta = decode_image(encoded(gradient(), name, exif=camera_exif())).meta
        assert meta.taken == "2019-07-14T08:05:06"
        assert meta.latitude == pytest.approx(-33.858333)

    def test_a_picture_without_exif_says_nothing(self):
        meta = decode_image(encoded(gradient(), "JPEG")).meta
        assert (meta.taken, meta.camera, meta.latitude, meta.longitude) == (None,) * 4

    @pytest.mark.parametrize(
        ("make", "model", "camera"),
        [
            ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
            ("SONY", "ILCE-7M3", "SONY ILCE-7M3"),
            ("Apple", "", "Apple"),
            ("", "\0\x1b[31mEvil\n  Cam", "[31mEvil Cam"),
            ("  ", "\0", None),
        ],
    )
    def test_make_and_model_become_one_clean_name(self, make, model, camera):
        exif = Image.Exif()
        exif[0x010F], exif[0x0110] = make, model.lstrip("\0")
        assert decode_image(encoded(gradient(), "JPEG", exif=exif)).meta.camera == camera

    @pytest.mark.parametrize(
        "date", ["0000:00:00 00:00:00", "2021:13:40 99:00:00", "yesterday", ""]
    )
    def test_a_date_that_is_none_is_absent(self, date):
        exif = Image.Exif()
        exif[0x0132] = date
        assert decode_image(encoded(gradient(), "JPEG", exif=exif)).meta.taken is None

    @pytest.mark.parametrize(
        "gps",
        [
            {2: (IFDRational(0, 0), IFDRational(0, 0), IFDRational(0, 0))},
            {2: (91.0, 0.0, 0.0)},
            {4: (181.0, 0.0, 0.0)},
            {2: 5.0},
            {2: ()},
        ],
    )
    def test_a_position_off_the_globe_is_absent(self, gps):
        exif = camera_exif()
        exif.get_ifd(0x8825).update(gps)
        meta = decode_image(encoded(gradient(), "JPEG", exif=exif)).meta
        assert (meta.latitude, meta.longitude) == (None, None)

    def test_damaged_exif_never_costs_the_picture(self):
        whole = camera_exif().tobytes()
        for end in range(0, len(whole), 3):
            decoded = decode_image(encoded(gradient(), "JPEG", exif=whole[:end] or b"Exif\0\0"))
            assert decoded.image.size == (64, 48)

    @settings(max_examples=150, deadline=None)
    @given(flips=st.lists(st.tuples(st.integers(6, 300), st.integers(0, 255)), max_size=8))
    def test_scrambled_exif_never_costs_the_picture(self, flips):
        scrambled = bytearray(camera_exif().tobytes())
        for at, value in flips:
            scrambled[at % len(scrambled)] = value
        decoded = decode_image(encoded(gradient(8, 8), "JPEG", exif=bytes(scrambled)))
        assert decoded.image.size == (8, 8)


def test_pillows_remarks_on_damaged_tags_are_not_shown(recwarn):
    warnings.simplefilter("always")
    exif = bytearray(camera_exif().tobytes())
    exif[-40:] = b""
    decode_image(encoded(gradient(), "JPEG", exif=bytes(exif)))
    assert not recwarn.list
