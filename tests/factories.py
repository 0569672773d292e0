"""Things that tests of several packages make: an encoder whose geometry is known."""

import hashlib

import numpy as np

from retrieval.model import EncoderInfo

COLOURS = {
    "red": (255, 0, 0),
    "green": (0, 255, 0),
    "blue": (0, 0, 255),
    "yellow": (255, 255, 0),
    "white": (255, 255, 255),
    "black": (0, 0, 0),
}


class GeometryEncoder:
    """Sees 4 x 4 pixels and calls them an embedding; no weights, no torch, the same everywhere.

    Pictures that differ have different vectors. A text that is the name of a colour has the vector
    of a picture filled with it; any other text has one that only equal texts share.
    """

    input_px = 4

    @property
    def info(self):
        return EncoderInfo("geometry", 49, hashlib.sha256(b"geometry 4 x 4").hexdigest())

    def preprocess(self, image):
        return np.asarray(image.resize((4, 4)), dtype=np.uint8)

    def encode_pixels(self, pixels):
        centred = pixels.reshape(len(pixels), -1).astype(np.float32) / 127.5 - 1.0
        # The constant gives mid-grey a direction.
        vectors = np.pad(centred, ((0, 0), (0, 1)), constant_values=0.5).reshape(-1, 49)
        return np.ascontiguousarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    def encode_images(self, images):
        pixels = [self.preprocess(image) for image in images]
        return self.encode_pixels(np.array(pixels, dtype=np.uint8).reshape(-1, 4, 4, 3))

    def encode_texts(self, texts):
        pixels = np.empty((len(texts), 4, 4, 3), dtype=np.uint8)
        for row, text in zip(pixels, texts, strict=True):
            if text in COLOURS:
                row[:] = COLOURS[text]
            else:
                seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
                row[:] = np.random.default_rng(seed).integers(0, 256, row.shape)
        return self.encode_pixels(pixels)
