"""What every encoder must do: inherit EncoderContract and give an `encoder` fixture."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from retrieval.encoders.base import Encoder

TEXTS = ["a red car", "", "two dogs on a beach", "ein Hund", "犬", "x" * 5000]


def pictures():
    """Pictures of several shapes, one a single pixel."""
    rng = np.random.default_rng(1)
    sizes = [(40, 30), (1, 1), (30, 90), (64, 64), (300, 20)]
    return [
        Image.fromarray(rng.integers(0, 255, (height, width, 3), dtype=np.uint8))
        for width, height in sizes
    ]


def check_rows(rows, n, encoder):
    assert rows.shape == (n, encoder.info.dim)
    assert rows.dtype == np.float32
    assert rows.flags.c_contiguous
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


class EncoderContract:
    """The rules in the docstring of retrieval.encoders.base.Encoder, each a test."""

    def test_it_has_the_shape_of_an_encoder(self, encoder):
        assert isinstance(encoder, Encoder)
        assert encoder.input_px > 0
        assert len(encoder.info.fingerprint) == 64
        assert encoder.info.parts

    def test_images_give_unit_rows(self, encoder):
        check_rows(encoder.encode_images(pictures()), 5, encoder)

    def test_texts_give_unit_rows(self, encoder):
        check_rows(encoder.encode_texts(TEXTS), len(TEXTS), encoder)

    def test_nothing_gives_no_rows(self, encoder):
        assert encoder.encode_texts([]).shape == (0, encoder.info.dim)
        assert encoder.encode_images([]).shape == (0, encoder.info.dim)

    def test_row_i_belongs_to_input_i_however_the_batch_is_cut(self, encoder):
        whole = encoder.encode_images(pictures())
        single = np.concatenate([encoder.encode_images([each]) for each in pictures()])
        np.testing.assert_allclose(whole, single, atol=1e-5)
        whole = encoder.encode_texts(TEXTS)
        single = np.concatenate([encoder.encode_texts([each]) for each in TEXTS])
        np.testing.assert_allclose(whole, single, atol=1e-5)

    def test_preprocessed_pixels_give_the_same_rows(self, encoder):
        pixels = np.stack([encoder.preprocess(each) for each in pictures()])
        expected = encoder.encode_images(pictures())
        np.testing.assert_allclose(encoder.encode_pixels(pixels), expected, atol=1e-5)

    def test_preprocessing_may_run_on_several_threads(self, encoder):
        alone = [encoder.preprocess(each) for each in pictures()]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(encoder.preprocess, pictures() * 4))
        for number, pixels in enumerate(together):
            np.testing.assert_array_equal(pixels, alone[number % len(alone)])

    def test_texts_that_no_engine_likes_do_no_harm(self, encoder):
        odd = ["nul \x00 inside", "half \ud83d", "\x00", "\n\t ", "word " * 10_000]
        check_rows(encoder.encode_texts(odd), len(odd), encoder)
