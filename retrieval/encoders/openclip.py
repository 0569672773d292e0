"""Any open_clip model as an encoder: published ones by tag, your own from a folder."""

import importlib.metadata
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from retrieval.encoders.base import Pixels
from retrieval.encoders.fingerprint import canonical_json, encoder_info, sha256_of_file
from retrieval.encoders.openclip_source import (
    ModelSource,
    locate_folder,
    locate_tag,
    staged,
    unavailable_as_one_error,
)
from retrieval.encoders.texts import clean_text
from retrieval.encoders.torchvision_ops import mend_torchvision
from retrieval.errors import EncoderUnavailableError
from retrieval.model import EncoderInfo, Float32Array

if TYPE_CHECKING:
    import torch

MAX_CHARS = 4_000
"""More than any text tower of open_clip reads; cut before the tokenizer spends time on it."""

_CHUNK = 32
_TEXT_CHUNK = 64


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A model in memory.

    Attributes:
        resize: image -> RGB image of the tower's size.
        mean: per channel, on pixels in [0, 1].
        std: likewise.
    """

    model: Any
    tokenize: Callable[[list[str]], "torch.Tensor"]
    resize: Callable[[Image.Image], Image.Image]
    mean: "torch.Tensor"
    std: "torch.Tensor"
    device: "torch.device"


class OpenClipEncoder:
    """Both towers of one open_clip model.

    Args:
        name: as the user gave it.
        locate: finds the configuration and the weights; called once, at the first need.
        device: "auto", "cpu", "cuda" or "mps".
    """

    def __init__(self, name: str, locate: Callable[[], ModelSource], device: str = "auto") -> None:
        self._name = name
        self._locate = locate
        self._device_name = device
        self._lock = threading.RLock()
        self._in_memory: _Loaded | None = None
        self._found: ModelSource | None = None

    @classmethod
    def from_tag(cls, model_and_tag: str, device: str = "auto") -> "OpenClipEncoder":
        """The encoder `openclip:MODEL:PRETRAINED`.

        Raises:
            EncoderUnavailableError: the name has not the two parts.
        """
        model, _, pretrained = model_and_tag.partition(":")
        if not model or not pretrained:
            raise EncoderUnavailableError(
                f"openclip:{model_and_tag} names no model and weights",
                hint="write openclip:MODEL:PRETRAINED, such as openclip:ViT-B-32:laion2b_s34b_b79k",
            )
        # open_clip itself reads a slash in a name as a dash.
        plain = model.replace("/", "-")
        name = f"openclip:{plain}:{pretrained}"
        return cls(name, lambda: locate_tag(plain, pretrained), device)

    @classmethod
    def from_folder(cls, path: str, device: str = "auto") -> "OpenClipEncoder":
        """The encoder `local-dir:PATH`; a relative path is made absolute.

        Raises:
            EncoderUnavailableError: the path is empty.
        """
        if not path:
            raise EncoderUnavailableError("local-dir: names no folder", hint="write local-dir:PATH")
        folder = Path(path).expanduser().absolute()
        return cls(f"local-dir:{folder}", lambda: locate_folder(folder), device)

    @cached_property
    def info(self) -> EncoderInfo:
        """Identity of the space; hashes the weights (about 1 s a GB) at the first call."""
        source = self._source
        version = ".".join(importlib.metadata.version("open_clip_torch").split(".")[:2])
        parts = {
            "config": canonical_json(source.model_cfg),
            "preprocessing": canonical_json(
                {
                    key: source.preprocess_cfg[key]
                    for key in sorted(_PREPROCESSING & set(source.preprocess_cfg))
                }
            ),
            "weights": sha256_of_file(source.weights),
            "tokenizer": canonical_json(
                {path.name: sha256_of_file(path) for path in source.tokenizer_files}
            ),
            "open_clip": version,
        }
        languages = ("*",) if _is_multilingual(source) else ("en",)
        return encoder_info(self._name, source.dim, parts, languages)

    @property
    def input_px(self) -> int:
        """Side of the square that the image tower sees."""
        return self._source.input_px

    def preprocess(self, image: Image.Image) -> Pixels:
        """Resize and crop as the model was trained -> (height, width, 3) uint8. Thread-safe."""
        return np.asarray(self._loaded().resize(image), dtype=np.uint8)

    def encode_pixels(self, pixels: Pixels) -> Float32Array:
        """Embed pictures (n, height, width, 3) -> (n, dim) unit rows."""
        if not len(pixels):
            return np.zeros((0, self._source.dim), dtype=np.float32)
        chunks = [
            self._forward_images(np.ascontiguousarray(pixels[start : start + _CHUNK]))
            for start in range(0, len(pixels), _CHUNK)
        ]
        return np.concatenate(chunks)

    def encode_images(self, images: Sequence[Image.Image]) -> Float32Array:
        """Embed n upright RGB images of any size -> (n, dim) unit rows."""
        vectors = np.empty((len(images), self._source.dim), dtype=np.float32)
        for start in range(0, len(images), _CHUNK):
            pixels = np.stack([self.preprocess(one) for one in images[start : start + _CHUNK]])
            vectors[start : start + len(pixels)] = self._forward_images(pixels)
        return vectors

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embed n texts -> (n, dim) unit rows; longer ones are cut to the context length."""
        vectors = np.empty((len(texts), self._source.dim), dtype=np.float32)
        for start in range(0, len(texts), _TEXT_CHUNK):
            chunk = texts[start : start + _TEXT_CHUNK]
            cleaned = [clean_text(text, max_chars=MAX_CHARS) for text in chunk]
            vectors[start : start + len(chunk)] = self._forward_texts(cleaned)
        return vectors

    def _forward_images(self, pixels: Pixels) -> Float32Array:
        loaded = self._loaded()
        import torch

        with torch.inference_mode():
            # Sent as bytes and normalised there.
            x = torch.from_numpy(pixels).to(loaded.device).permute(0, 3, 1, 2).float() / 255
            features = loaded.model.encode_image((x - loaded.mean) / loaded.std, normalize=True)
            return _as_array(features)

    def _forward_texts(self, texts: list[str]) -> Float32Array:
        loaded = self._loaded()
        import torch

        with torch.inference_mode():
            ids = loaded.tokenize(texts).to(loaded.device)
            return _as_array(loaded.model.encode_text(ids, normalize=True))

    @property
    def _source(self) -> ModelSource:
        with self._lock:
            if self._found is None:
                self._found = self._locate()
            return self._found

    def _loaded(self) -> _Loaded:
        with self._lock:
            if self._in_memory is None:
                self._in_memory = _load(self._source, self._name, self._device_name)
            return self._in_memory


_PREPROCESSING = {"mean", "std", "interpolation", "resize_mode", "fill_color", "size", "mode"}
_MULTILINGUAL = ("xlm", "multilingual", "nllb", "m2m", "i18n", "mt5", "siglip2", "gemma")


def _is_multilingual(source: ModelSource) -> bool:
    # open_clip does not say what languages a text tower was trained on; the names of those that
    # were trained on many do.
    text_cfg = source.model_cfg["text_cfg"]
    names = (source.model if source.pretrained else "", *map(str, text_cfg.values()))
    return any(word in name.lower() for word in _MULTILINGUAL for name in names)


def _load(source: ModelSource, name: str, device_name: str) -> _Loaded:
    mend_torchvision()
    import open_clip
    import torch

    from retrieval.encoders.devices import resolve_device

    device = resolve_device(device_name)
    with warnings.catch_warnings(), unavailable_as_one_error(name), staged(source) as model_name:
        # The libraries warn of their own deprecations; what matters is checked in openclip_source.
        warnings.simplefilter("ignore")
        model, transform = open_clip.create_model_from_pretrained(
            model_name, source.pretrained, device=device
        )
        tokenize = open_clip.get_tokenizer(model_name)
        *geometry, normalize = transform.transforms
        return _Loaded(
            model.eval(),
            tokenize,
            _compose(
                [step for step in geometry if not step.__class__.__name__.endswith("ToTensor")]
            ),
            torch.tensor(normalize.mean, device=device).reshape(1, 3, 1, 1),
            torch.tensor(normalize.std, device=device).reshape(1, 3, 1, 1),
            device,
        )


def _compose(
    steps: Sequence[Callable[[Image.Image], Image.Image]],
) -> Callable[[Image.Image], Image.Image]:
    def run(image: Image.Image) -> Image.Image:
        for step in steps:
            image = step(image)
        return image

    return run


def _as_array(features: "torch.Tensor") -> Float32Array:
    array: Float32Array = np.ascontiguousarray(features.float().cpu().numpy())
    return array
