"""What each kind of picture decodes to, whichever way up it was stored."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from PIL import Image

from retrieval.images import IMAGE_SUFFIXES, decode_image
from tests.retrieval.images.kit import (
    PLAIN_FORMATS,
    camera_exif,
    encoded,
    gradient,
    is_close,
    refusal,
)


class TestFormats:
    @pytest.mark.parametrize("name", PLAIN_FORMATS)
    def test_every_format_gives_the_picture_and_its_name(self, name):
        decoded = decode_image(encoded(gradient(), name))
        assert decoded.image.mode == "RGB"
        assert (decoded.meta.format, decoded.meta.width, decoded.meta.height) == (name, 64, 48)
        assert is_close(decoded.image, gradient(), 8)

    @pytest.mark.parametrize("name", ["PNG", "BMP", "TIFF"])
    def test_lossless_formats_give_back_every_pixel(self, name):
        assert decode_image(encoded(gradient(), name)).image.tobytes() == gradient().tobytes()

    @pytest.mark.parametrize("name", ["GIF", "WEBP", "AVIF", "TIFF", "PNG"])
    def test_the_first_frame_of_several_is_taken(self, name):
        frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue", "green")]
        data = encoded(frames[0], name, save_all=True, append_images=frames[1:])
        assert is_close(decode_image(data).image, frames[0], 4)

    def test_a_jpeg_that_lists_further_pictures_is_its_first_one(self):
        data = encoded(gradient(), "MPO", save_all=True, append_images=[gradient().rotate(180)])
        decoded = decode_image(data)
        assert decoded.meta.format == "JPEG"
        assert is_close(decoded.image, gradient(), 4)

    def test_a_file_is_known_by_its_bytes_and_not_tried_as_anything_else(self):
        assert refusal(encoded(gradient(), "PPM")) == "not an image"
        assert refusal(encoded(gradient(), "ICO")) == "not an image"

    def test_the_suffixes_are_lower_case_and_name_the_extras_too(self):
        assert {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".tiff"} <= IMAGE_SUFFIXES
        assert {".avif", ".heic", ".dng"} <= IMAGE_SUFFIXES
        assert all(suffix.startswith(".") and suffix.islower() for suffix in IMAGE_SUFFIXES)


class TestOrientation:
    @pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_every_orientation_comes_out_upright(self, name, orientation):
        undo = {5: 5, 6: 8, 7: 7, 8: 6}.get(orientation, orientation)
        turned = gradient()
        for turn in {2: [0], 3: [3], 4: [1], 5: [5], 6: [4], 7: [6], 8: [2]}.get(undo, []):
            turned = turned.transpose(Image.Transpose(turn))
        decoded = decode_image(encoded(turned, name, exif=camera_exif(orientation)))
        assert decoded.image.size == (64, 48)
        assert (decoded.meta.width, decoded.meta.height) == (64, 48)
        assert is_close(decoded.image, gradient(), 4)

    @pytest.mark.parametrize("orientation", [0, 9, 65535])
    def test_an_orientation_that_does_not_exist_is_upright(self, orientation):
        data = encoded(gradient(), "JPEG", exif=camera_exif(orientation))
        assert decode_image(data).image.size == (64, 48)


def test_many_threads_decode_like_one(photograph):
    files = [photograph[name] for name in sorted(photograph)] * 12
    alone = [decode_image(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(decode_image, files))
    assert [d.meta for d in together] == [d.meta for d in alone]
    assert [d.image.tobytes() for d in together] == [d.image.tobytes() for d in alone]
