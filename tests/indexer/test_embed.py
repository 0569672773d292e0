"""One picture that the encoder cannot take costs only itself."""

import numpy as np
import pytest

from indexer.embed import HOPELESS_BATCH, embed_batch
from retrieval.errors import EncoderUnavailableError
from retrieval.model import EncoderInfo


class Picky:
    """Embeds the number in a picture as a direction; raises when it meets a `bad` number."""

    info = EncoderInfo("picky", 2, "f" * 64)

    def __init__(self, bad=(), error=RuntimeError):
        self.bad = set(bad)
        self.error = error
        self.calls = []

    def encode_pixels(self, pixels):
        self.calls.append(len(pixels))
        if self.bad & set(pixels[:, 0].tolist()):
            raise self.error("no")
        angles = pixels[:, 0].astype(np.float32)
        return np.stack([np.cos(angles), np.sin(angles)], axis=1)


def pictures(n):
    return [np.array([float(i)], dtype=np.float32) for i in range(n)]


def test_a_good_batch_is_one_call():
    encoder = Picky()
    batch = embed_batch(encoder, pictures(5))
    assert encoder.calls == [5]
    assert (batch.kept, batch.failures) == ((0, 1, 2, 3, 4), {})
    assert batch.vectors.shape == (5, 2)


def test_nothing_to_embed_gives_no_rows():
    batch = embed_batch(Picky(), [])
    assert (batch.kept, batch.vectors.shape, batch.failures) == ((), (0, 2), {})


@pytest.mark.parametrize("error", [RuntimeError, ValueError, MemoryError, IndexError, TypeError])
@pytest.mark.parametrize("bad", [{0}, {7}, {3}, {2, 3}, {0, 4, 7}])
def test_the_culprits_are_found_and_the_others_keep_their_rows(bad, error):
    batch = embed_batch(Picky(bad, error), pictures(8))
    assert set(batch.failures) == bad
    assert batch.kept == tuple(i for i in range(8) if i not in bad)
    whole = embed_batch(Picky(), pictures(8)).vectors
    np.testing.assert_array_equal(batch.vectors, whole[list(batch.kept)])


def test_one_culprit_in_a_batch_of_32_costs_a_dozen_calls_at_most():
    encoder = Picky({13})
    embed_batch(encoder, pictures(32))
    assert len(encoder.calls) == 11  # 1 + 2 for each of the five halvings


def test_reasons_tell_memory_from_the_rest():
    assert embed_batch(Picky({0}, MemoryError), pictures(2)).failures == {0: "out of memory"}
    assert embed_batch(Picky({0}), pictures(2)).failures == {0: "cannot encode: RuntimeError"}


def test_a_picture_of_an_odd_shape_fails_without_the_others():
    wide = np.zeros(2, dtype=np.float32)
    batch = embed_batch(Picky(), [*pictures(3), wide])
    assert batch.kept[:3] == (0, 1, 2)


def test_a_row_that_is_not_a_number_is_a_failure():
    odd = pictures(3)
    odd[1] = np.array([np.nan], dtype=np.float32)
    batch = embed_batch(Picky(), odd)
    assert batch.failures == {1: "cannot encode: not a number"}
    assert np.isfinite(batch.vectors).all()


def test_when_a_whole_batch_fails_the_encoder_is_to_blame():
    with pytest.raises(EncoderUnavailableError, match="none of 4 pictures"):
        embed_batch(Picky(range(HOPELESS_BATCH)), pictures(HOPELESS_BATCH))
    few = embed_batch(Picky(range(3)), pictures(3))
    assert set(few.failures) == {0, 1, 2}


def test_missing_weights_are_no_pictures_fault():
    encoder = Picky({0}, EncoderUnavailableError)
    with pytest.raises(EncoderUnavailableError):
        embed_batch(encoder, pictures(8))
    assert encoder.calls == [8]
