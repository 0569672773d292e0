"""BLIP's image-text matching: a text and a picture go through one network together.

It judges pairs and gives no vectors, so it ranks the best hits of a search again. The model lies in
a folder as transformers saves it; nothing is downloaded, and weights are read from safetensors
alone.

Source: J. Li, D. Li, C. Xiong, S. Hoi, "BLIP: Bootstrapping Language-Image Pre-training", ICML
2022, section 3.2 (image-text matching); A. Radford et al., ICML 2021 (mean and deviation of pixels,
where the folder names none).
"""

import importlib.util
import json
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from retrieval.encoders.devices import resolve_device
from retrieval.errors import EncoderUnavailableError
from retrieval.model import Float32Array

logger = logging.getLogger(__name__)

_KIND = "blip"
_WEIGHTS = "model.safetensors"
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_DEVIATION = (0.26862954, 0.26130258, 0.27577711)
_MOST_TOKENS = 35
"""Of a text, as BLIP was trained for retrieval (its configuration for COCO); the rest is cut."""


class BlipMatcher:
    """Matches one text with pictures; opens nothing before the first use.

    Args:
        folder: with `config.json`, `model.safetensors` and the tokenizer's files.
        device: "auto", "cpu", "cuda" or "mps".
    """

    def __init__(self, folder: Path, device: str = "auto") -> None:
        self._folder = folder
        self._device = device
        self._lock = threading.Lock()
        self._in_memory: _Loaded | None = None

    @property
    def input_px(self) -> int:
        """Side of the square that the image tower sees."""
        return self._loaded().input_px

    def match(self, text: str, images: Sequence[Image.Image]) -> Float32Array:
        """The probability that the text is about each picture, (n,) in [0, 1].

        Args:
            text: of a longer one the first 35 tokens count, which a warning says once for calls
                that follow each other with the same text.
            images: n upright RGB pictures, seen together.

        Raises:
            EncoderUnavailableError: the model cannot be had.
        """
        if not images:
            return np.empty(0, np.float32)
        return self._loaded().match(text, images)

    def _loaded(self) -> "_Loaded":
        with self._lock:
            if self._in_memory is None:
                check_folder(self._folder)
                self._in_memory = _Loaded(self._folder, self._device)
            return self._in_memory


def check_folder(folder: Path) -> None:
    """Refuse what is no folder of a BLIP model, before anything is loaded.

    Raises:
        EncoderUnavailableError: says what is missing.
    """
    hint = "give a folder with BlipForImageTextRetrieval as transformers saves it"
    for name in ("config.json", _WEIGHTS):
        if not (folder / name).is_file():
            raise EncoderUnavailableError(
                f"no BLIP model in {folder}: {name} is missing", hint=hint
            )
    try:
        kind = json.loads((folder / "config.json").read_bytes()).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise EncoderUnavailableError(f"cannot read {folder / 'config.json'}: {error}") from error
    if kind != _KIND:
        raise EncoderUnavailableError(f"{folder} holds a model of type {kind!r}", hint=hint)
    if importlib.util.find_spec("transformers") is None:
        raise EncoderUnavailableError(
            "BLIP needs the package transformers", hint="install polyseek[towers]"
        )


def _unusable(folder: Path, why: str) -> EncoderUnavailableError:
    return EncoderUnavailableError(
        f"cannot load the BLIP model in {folder}: {why}",
        hint="save BlipForImageTextRetrieval and its tokenizer there anew",
    )


class _Loaded:
    """The network, its tokenizer, and how pixels are put into it."""

    def __init__(self, folder: Path, device: str) -> None:
        from retrieval.encoders.torchvision_ops import mend_torchvision

        mend_torchvision()
        from safetensors import SafetensorError
        from transformers import AutoTokenizer
        from transformers.models import blip
        from transformers.utils import logging

        library: Any = logging  # its functions have no types
        library.disable_progress_bar()
        network: Any = blip.BlipForImageTextRetrieval
        try:
            model, said = network.from_pretrained(
                folder, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
            self._tokenize: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError, RuntimeError, SafetensorError) as error:
            raise _unusable(folder, str(error)) from error
        if said["missing_keys"]:  # transformers fills them with chance
            raise _unusable(folder, f"it lacks {min(said['missing_keys'])}")
        self._model: Any = model.eval().to(resolve_device(device))
        self.input_px = int(model.config.vision_config.image_size)
        self._mean, self._deviation = _pixel_scale(folder / "preprocessor_config.json")
        self._last_text: str | None = None

    def match(self, text: str, images: Sequence[Image.Image]) -> Float32Array:
        import torch

        tokens = self._tokenize(text, truncation=True, max_length=_MOST_TOKENS, return_tensors="pt")
        self._tell_if_cut(text)
        device = self._model.device
        n = len(images)
        with torch.inference_mode():
            logits = self._model(
                input_ids=tokens.input_ids.expand(n, -1).to(device),
                attention_mask=tokens.attention_mask.expand(n, -1).to(device),
                pixel_values=torch.from_numpy(self._pixels(images)).to(device),
                use_itm_head=True,
            ).itm_score
            matching: Float32Array = torch.softmax(logits.float(), dim=1)[:, 1].cpu().numpy()
        return matching

    def _tell_if_cut(self, text: str) -> None:
        """Warn of a text that is too long, unless the last call was about it as well."""
        if text == self._last_text:
            return
        self._last_text = text
        n_tokens = len(self._tokenize(text, verbose=False).input_ids)
        if n_tokens > _MOST_TOKENS:
            logger.warning(
                "BLIP reads %d tokens of a text; of %d words (%d tokens) the end does not count",
                _MOST_TOKENS,
                len(text.split()),
                n_tokens,
            )

    def _pixels(self, images: Sequence[Image.Image]) -> Float32Array:
        """(n, 3, side, side): the whole picture, squeezed to a square, as BLIP was trained."""
        side = (self.input_px, self.input_px)
        squares = [np.asarray(each.resize(side, Image.Resampling.BICUBIC)) for each in images]
        levels = np.stack(squares).astype(np.float32) / 255
        scaled = (levels - self._mean) / self._deviation
        return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def _pixel_scale(path: Path) -> tuple[Float32Array, Float32Array]:
    said = json.loads(path.read_bytes()) if path.is_file() else {}
    mean, deviation = said.get("image_mean", _MEAN), said.get("image_std", _DEVIATION)
    return np.array(mean, np.float32), np.array(deviation, np.float32)
