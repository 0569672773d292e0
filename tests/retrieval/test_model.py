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
