"""How large a picture may be, and how much smaller than it is a JPEG is decoded."""

import io

import pytest
from PIL import Image, ImageFile

from retrieval.images import PixelLimits, decode_image
from tests.retrieval.images.kit import (
    camera_exif,
    encoded,
    gradient,
    is_close,
    linear_profile,
    refusal,
)


class TestDraft:
    def large(self):
        return encoded(gradient(1600, 1000), "JPEG", exif=camera_exif(orientation=6))

    @pytest.mark.parametrize("target", [1, 32, 62, 63, 125, 224, 250, 251, 5000])
    def test_the_short_side_is_never_below_twice_the_target(self, target):
        decoded = decode_image(self.large(), target_px=target)
        assert min(decoded.image.size) >= min(2 * target, 1000)
        assert (decoded.meta.width, decoded.meta.height) == (1000, 1600)

    def test_it_shrinks_where_it_may(self):
        assert decode_image(self.large(), target_px=224).image.size == (500, 800)
        assert decode_image(self.large()).image.size == (1000, 1600)

    def test_the_pixels_after_resizing_stay_the_same(self, test_data):
        source = min((test_data / "coco_mini" / "images").rglob("*.jpg"))
        photograph = decode_image(source.read_bytes()).image.resize((2000, 1400))
        data = encoded(photograph, "JPEG", quality=92)
        size, kernel = (224, 157), Image.Resampling.BICUBIC
        full = decode_image(data).image.resize(size, kernel)
        draft = decode_image(data, target_px=157).image.resize(size, kernel)
        assert is_close(draft, full, 1.0)

    def test_a_png_is_not_shrunk(self):
        data = encoded(gradient(800, 600), "PNG")
        assert decode_image(data, target_px=32).image.size == (800, 600)


class TestAsStored:
    """What Pillow's open and convert give, as published evaluations read pictures."""

    def test_nothing_is_shrunk_turned_or_recoloured(self):
        profile = {"icc_profile": linear_profile(), "exif": camera_exif(orientation=6)}
        data = encoded(gradient(1600, 1000), "JPEG", **profile)
        plain = Image.open(io.BytesIO(data)).convert("RGB")
        stored = decode_image(data, target_px=32, as_stored=True)
        assert stored.image.size == (1600, 1000)
        assert stored.image.tobytes() == plain.tobytes()
        assert (stored.meta.width, stored.meta.height) == (1000, 1600)
        assert not is_close(
            decode_image(data).image.transpose(Image.Transpose.ROTATE_90), plain, 20
        )

    @pytest.mark.parametrize("mode", ["L", "CMYK", "RGB"])
    def test_every_mode_of_a_jpeg(self, mode):
        data = encoded(gradient().convert(mode), "JPEG", icc_profile=linear_profile())
        plain = Image.open(io.BytesIO(data)).convert("RGB")
        assert decode_image(data, as_stored=True).image.tobytes() == plain.tobytes()

    def test_photographs(self, test_data):
        for path in sorted((test_data / "coco_mini" / "images").rglob("*.jpg")):
            with Image.open(path) as opened:
                plain = opened.convert("RGB")
            stored = decode_image(path.read_bytes(), target_px=32, as_stored=True).image
            assert stored.tobytes() == plain.tobytes()

    def test_the_limit_is_that_of_full_size(self):
        data = encoded(gradient(640, 480), "JPEG")
        limits = PixelLimits(jpeg=640 * 480, other=100_000)
        assert refusal(data, target_px=60, limits=limits, as_stored=True) == "too many pixels"


class TestLimits:
    def test_a_bomb_is_refused_before_it_is_loaded(self, monkeypatch):
        bomb = encoded(Image.new("1", (10_000, 10_000)), "PNG")
        monkeypatch.setattr(ImageFile.ImageFile, "load", lambda self: pytest.fail("loaded"))
        assert len(bomb) < 20_000
        assert refusal(bomb) == "too many pixels"

    @pytest.mark.parametrize("name", ["PNG", "GIF", "TIFF", "WEBP", "BMP"])
    def test_the_limit_is_exact(self, name):
        data = encoded(gradient(), name)
        assert decode_image(data, limits=PixelLimits(other=64 * 48)).image.size == (64, 48)
        assert refusal(data, limits=PixelLimits(other=64 * 48 - 1)) == "too many pixels"

    def test_a_jpeg_has_the_wider_limit_only_where_it_is_shrunk(self):
        data = encoded(gradient(640, 480), "JPEG")
        limits = PixelLimits(jpeg=640 * 480, other=100_000)
        assert decode_image(data, target_px=60, limits=limits).image.size == (160, 120)
        assert refusal(data, target_px=200, limits=limits) == "too many pixels"
        assert refusal(data, limits=limits) == "too many pixels"
        assert (
            refusal(data, target_px=60, limits=PixelLimits(jpeg=640 * 480 - 1)) == "too many pixels"
        )

    def test_pillows_own_limit_neither_matters_nor_changes(self, monkeypatch):
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
        for name in ("JPEG", "PNG", "BMP", "TIFF", "AVIF"):
            assert decode_image(encoded(gradient(), name)).image.size == (64, 48)
        assert Image.MAX_IMAGE_PIXELS == 100

    @pytest.mark.parametrize("name", ["GIF", "WEBP"])
    def test_where_pillows_own_limit_cannot_be_avoided_the_reason_is_ours(self, name, monkeypatch):
        data = encoded(Image.new("RGBA", (64, 48)), name, disposal=2)
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
        assert refusal(data) == "too many pixels"
