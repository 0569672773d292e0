"""Whose turn it is on the processors: the encoder's, while it embeds on the CPU."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from indexer.decode import FileDecoder
from indexer.readers.files import fetch_file
from indexer.targets import CollectionTarget
from indexer.writer import CollectionWriter
from retrieval.model import FileRef
from tests.factories import GeometryEncoder

PIXELS = [np.zeros((8, 8, 3), np.uint8)]


class Watched(GeometryEncoder):
    """Notes whether decoders may work while it embeds."""

    def __init__(self, uses_accelerator=False, error=None):
        super().__init__()
        self.uses_accelerator = uses_accelerator
        self.error = error
        self.target = None
        self.seen = []

    def encode_pixels(self, pixels):
        self.seen.append(self.target.processors_free.is_set())
        if self.error:
            raise self.error
        return super().encode_pixels(pixels)


@pytest.fixture
def writer(tmp_path):
    with CollectionWriter.open(tmp_path / "c", GeometryEncoder().info) as writer:
        yield writer


@pytest.mark.parametrize("uses_accelerator", [False, True])
def test_an_encoder_on_the_cpu_has_the_processors_to_itself(writer, uses_accelerator):
    encoder = Watched(uses_accelerator)
    encoder.target = CollectionTarget(writer, encoder, [])
    encoder.target.embed(PIXELS)
    assert encoder.seen == [uses_accelerator]
    assert encoder.target.processors_free.is_set()


def test_they_are_given_back_after_an_error(writer):
    encoder = Watched(error=KeyboardInterrupt())
    encoder.target = CollectionTarget(writer, encoder, [])
    with pytest.raises(KeyboardInterrupt):
        encoder.target.embed(PIXELS)
    assert encoder.target.processors_free.is_set()


def test_a_decoder_reads_ahead_and_waits_for_the_processors(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (16, 16), "red").save(path)
    was_read, processors_free = threading.Event(), threading.Event()

    def fetch(file):
        was_read.set()
        return fetch_file(file)

    decode = FileDecoder(GeometryEncoder(), fetch=fetch, processors_free=processors_free)
    with ThreadPoolExecutor(1) as pool:
        outcome = pool.submit(decode, FileRef(bytes(path), 0, 0))
        assert was_read.wait(10)
        assert not outcome.done()
        processors_free.set()
        assert outcome.result(10).picture.pixels.shape == (8, 8, 3)
