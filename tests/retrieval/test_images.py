"""The input zoo: what each kind of picture decodes to, and why each bad one is refused."""

import io
import struct
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageFile
from PIL.TiffImagePlugin import IFDRational

from retrieval.errors import ImageError
from retrieval.images import IMAGE_SUFFIXES, PixelLimits, decode_image

PLAIN_FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"]
REASONS = {
    None,
    "empty file",
    "not an image",
    "truncated",
    "too many pixels",
    "cannot decode",
    "unsupported: install polyseek[heif]",
    "unsupported: install polyseek[raw]",
}
RED, BLUE, WHITE = (255, 0, 0), (0, 0, 255), (255, 255, 255)


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


class TestRefusals:
    def test_an_empty_file(self):
        assert refusal(b"") == "empty file"

    @pytest.mark.parametrize(
        "data",
        [b"<!doctype html><html>404</html>", b"\0" * 5000, b"BMW is a make of cars, not a bitmap",
         b"\xff", b"%PDF-1.7", b"....ftypmp42....", "Grüße".encode()],
    )  # fmt: skip
    def test_what_is_not_an_image(self, data):
        assert refusal(data) == "not an image"

    @pytest.mark.parametrize("name", [*PLAIN_FORMATS, "PROGRESSIVE", "LZW", "JPEG_IN_TIFF"])
    @pytest.mark.parametrize("share", [0.1, 0.3, 0.6, 0.9])
    def test_a_file_that_ends_early_is_truncated(self, photograph, name, share):
        data = photograph[name]
        assert refusal(data[: int(len(data) * share)]) == "truncated"

    def test_a_whole_file_with_nonsense_inside_cannot_be_decoded(self):
        data = bytearray(encoded(gradient(), "PNG"))
        data[45:80] = bytes(35)
        assert refusal(bytes(data)) == "cannot decode"

    def test_the_message_says_what_the_decoder_said(self):
        with pytest.raises(ImageError, match=r"truncated: JPEG: .+"):
            decode_image(encoded(gradient(), "JPEG")[:300])


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


class TestHostileBytes:
    """Whatever the bytes: a picture or an ImageError, and not a word on stderr."""

    NAMES = (*PLAIN_FORMATS, "PROGRESSIVE", "PALETTE", "LZW", "JPEG_IN_TIFF", "CMYK", "ANIMATED")
    FUZZ = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])

    @FUZZ
    @given(data=st.data(), name=st.sampled_from(NAMES))
    def test_flipped_bits_and_lost_ends(self, photograph, data, name):
        broken = bytearray(photograph[name])
        places = st.integers(0, 8 * len(broken) - 1)
        for bit in data.draw(st.lists(places, max_size=12)):
            broken[bit // 8] ^= 1 << bit % 8
        end = data.draw(st.integers(0, len(broken)) | st.just(len(broken)))
        decodes_or_refuses(bytes(broken[:end]))

    @FUZZ
    @given(
        head=st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"II*\0", b"MM\0*",
                              b"RIFF\0\0\0\0WEBP", b"\0\0\0\x20ftypavif", b"BM", b""]),
        tail=st.binary(max_size=400),
    )  # fmt: skip
    def test_nonsense_behind_a_magic_number(self, head, tail):
        decodes_or_refuses(head + tail)


def decodes_or_refuses(data):
    try:
        decoded = decode_image(data, target_px=16, limits=PixelLimits(10_000_000, 1_000_000))
    except ImageError as error:
        reason = error.reason
    else:
        reason = None
        assert decoded.image.mode == "RGB"
    assert reason in REASONS


def test_pillows_remarks_on_damaged_tags_are_not_shown(recwarn):
    warnings.simplefilter("always")
    exif = bytearray(camera_exif().tobytes())
    exif[-40:] = b""
    decode_image(encoded(gradient(), "JPEG", exif=bytes(exif)))
    assert not recwarn.list


def test_many_threads_decode_like_one(photograph):
    files = [photograph[name] for name in sorted(photograph)] * 12
    alone = [decode_image(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(decode_image, files))
    assert [d.meta for d in together] == [d.meta for d in alone]
    assert [d.image.tobytes() for d in together] == [d.image.tobytes() for d in alone]
