"""Why a bad picture is refused, and that any bytes at all are a picture or such a refusal."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from retrieval.errors import ImageError
from retrieval.images import PixelLimits, decode_image
from tests.retrieval.images.kit import PLAIN_FORMATS, encoded, gradient, refusal

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
