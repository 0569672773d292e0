import numpy as np

from retrieval.model import as_single


def test_every_finite_float16_keeps_its_value_and_sign():
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    single = as_single(finite)
    assert single.dtype == np.float32
    assert np.array_equal(single.view(np.uint32), finite.astype(np.float32).view(np.uint32))


def test_the_input_stays_as_it_is():
    rows = np.array([[1, -2], [0.5, -0.0]], np.float16)
    rows.setflags(write=False)
    assert as_single(rows).tolist() == [[1, -2], [0.5, 0]]
    assert np.signbit(as_single(rows)[1, 1])


def test_many_numbers_are_cast_as_few_are_whatever_their_shape_and_order():
    every = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    finite = every[np.isfinite(every)]
    many = np.tile(finite, 9)[: 700 * 811].reshape(700, 811)
    for rows in (many, many.T, many[::2, 1:], many[::-1], many[None], np.asfortranarray(many)):
        single = as_single(rows)
        assert single.shape == rows.shape
        assert single.tobytes() == rows.astype(np.float32).tobytes()
