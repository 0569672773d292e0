"""What tests of several packages need: an encoder that can be followed by hand, a tiny CLIP."""

import json
import warnings

import numpy as np

from retrieval.encoders.fingerprint import encoder_info
from retrieval.encoders.torchvision_ops import mend_torchvision

COLOURS = {
    "black": (0, 0, 0),
    "red": (1, 0, 0),
    "green": (0, 1, 0),
    "blue": (0, 0, 1),
    "yellow": (1, 1, 0),
    "magenta": (1, 0, 1),
    "cyan": (0, 1, 1),
    "white": (1, 1, 1),
}
"""The corners of the RGB cube: axis i of the embedding is the i-th of them."""

GERMAN = {"schwarz": "black", "rot": "red", "grün": "green", "blau": "blue", "weiß": "white"}


class GeometryEncoder:
    """Embeds a picture as the shares of its eight pure colours, a text as the colours it names.

    A pure red picture and the text "red" are the same unit vector; "red and blue" lies halfway
    between; a colour in between spreads over the corners around it (trilinear weights). A text that
    names no colour is the diagonal. No torch, no files, no chance.
    """

    input_px = 8

    def __init__(self, device="auto"):
        self.device = device

    @property
    def info(self):
        parts = {"config": "eight corners of the RGB cube", "preprocessing": "box filter to 8 px"}
        return encoder_info("geometry", len(COLOURS), parts, ("en", "de"))

    def preprocess(self, image):
        return np.asarray(image.convert("RGB").resize((8, 8), resample=4), dtype=np.uint8)

    def encode_pixels(self, pixels):
        levels = np.asarray(pixels, dtype=np.float32).reshape(len(pixels), -1, 1, 3) / 255
        corners = np.array(list(COLOURS.values()), dtype=np.float32)
        shares = np.where(corners == 1, levels, 1 - levels).prod(axis=-1)
        return _unit(shares.mean(axis=1))

    def encode_images(self, images):
        if not images:
            return np.zeros((0, len(COLOURS)), dtype=np.float32)
        return self.encode_pixels(np.stack([self.preprocess(image) for image in images]))

    def encode_texts(self, texts):
        rows = np.zeros((len(texts), len(COLOURS)), dtype=np.float32)
        names = list(COLOURS)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                colour = GERMAN.get(word, word)
                if colour in COLOURS:
                    row[names.index(colour)] += 1
            if not row.any():
                row[:] = 1
        return _unit(rows)


TINY = {
    "embed_dim": 64,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "head_width": 32, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
PREPROCESSING = {
    "mean": [0.48, 0.46, 0.41],
    "std": [0.27, 0.26, 0.28],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}


def tiny_clip(folder):
    """Write a tiny CLIP with random weights into a folder, as `local-dir:` takes it."""
    mend_torchvision()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the libraries' own deprecations
        import open_clip
        import torch
        from safetensors.torch import save_file

    torch.manual_seed(0)
    model = open_clip.CLIP(**TINY)
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors")
    config = {"model_cfg": TINY, "preprocess_cfg": PREPROCESSING}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder


def _unit(rows):
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.ascontiguousarray(rows / norms, dtype=np.float32)
