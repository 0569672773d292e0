"""Any open_clip model as an encoder: see `names` for what it may be called."""

import importlib.metadata
import logging
import threading
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from retrieval.encoders.base import Pixels, TextLimit
from retrieval.encoders.batching import Batcher, by_length
from retrieval.encoders.devices import resolve_device
from retrieval.encoders.fingerprint import canonical_json, encoder_info
from retrieval.encoders.names import ModelName, parse_model_name
from retrieval.encoders.openclip_languages import languages_of
from retrieval.encoders.openclip_source import ModelSource, locate
from retrieval.encoders.openclip_towers import Sent, Towers, check_dim, load_towers
from retrieval.encoders.options import EncoderOptions
from retrieval.encoders.pins import check_pins
from retrieval.encoders.precision import Plan, choose_plan, facts_of
from retrieval.encoders.texts import clean_text
from retrieval.model import EncoderInfo, Float32Array

if TYPE_CHECKING:
    from retrieval.encoders.injection import Injector

logger = logging.getLogger(__name__)

MAX_CHARS = 4_000
"""More than any text tower of open_clip reads; cut before the tokenizer spends time on it."""

_TEXT_BLOCK = 8_192
"""Texts that are tokenised and put in order together; their ids take some 5 MB."""


class OpenClipEncoder:
    """Both towers of one open_clip model.

    Args:
        name: of the model, in one of the forms of `names`.
        device: "auto", "cpu", "cuda" or "mps".
        options: how it is loaded and run.

    Raises:
        EncoderUnavailableError: the name cannot be meant.
    """

    def __init__(
        self, name: str, device: str = "auto", options: EncoderOptions | None = None
    ) -> None:
        self.name: ModelName = parse_model_name(name)
        self._device_name = device
        self._options = options or EncoderOptions()
        self._lock = threading.RLock()
        self._in_memory: Towers | None = None
        self._found: ModelSource | None = None
        self._image_batches = Batcher(1)
        self._text_batches = Batcher(1)

    @cached_property
    def info(self) -> EncoderInfo:
        """Identity of the space; hashes the weights (about 1 s a GB) at the first call."""
        source = self.source
        version = ".".join(importlib.metadata.version("open_clip_torch").split(".")[:2])
        digests = dict(source.digests)
        parts = {
            "config": canonical_json(source.model_cfg),
            "preprocessing": canonical_json(source.preprocess_cfg),
            "weights": digests.pop(source.weights.name),
            "tokenizer": canonical_json(digests),
            "open_clip": version,
        }
        return encoder_info(str(self.name), source.dim, parts, languages_of(source))

    @property
    def uses_accelerator(self) -> bool:
        """Whether the towers run elsewhere than on the CPU."""
        return resolve_device(self._device_name).type != "cpu"

    @property
    def precision(self) -> str:
        """What the towers compute in: "fp32", "bf16" or "fp16".

        Raises:
            EncoderUnavailableError: the device does not compute so.
        """
        return self._plan.autocast or self._plan.weights

    @property
    def input_px(self) -> int:
        """Side of the square that the image tower sees."""
        return self.source.input_px

    @property
    def logit_scale(self) -> float:
        """What cosines are multiplied by before a softmax over labels, as it was learned."""
        return self._loaded().logit_scale

    @property
    def default_language(self) -> str | None:
        """The language of a text that is not told; None where the tokenizer takes none."""
        return self._loaded().tokenize.default_language

    @property
    def sigmoid(self) -> tuple[float, float] | None:
        """Scale and bias that were learned by a sigmoid loss; None of models of another one."""
        towers = self._loaded()
        bias = towers.logit_bias
        return None if bias is None else (towers.logit_scale, bias)

    @property
    def supports_injection(self) -> bool:
        """Whether texts may hold pseudo-tokens; see `retrieval.encoders.injection`."""
        from retrieval.encoders.injection import can_inject

        return can_inject(self._loaded())

    @cached_property
    def injector(self) -> "Injector":
        """The way into the text tower, for a model that `supports_injection`."""
        from retrieval.encoders.injection import Injector

        return Injector(self._loaded(), self.source.dim)

    @property
    def source(self) -> ModelSource:
        """Where the model is; found, downloaded and held against its pin at the first call.

        Raises:
            EncoderUnavailableError: it cannot be had, or is not what was pinned.
        """
        with self._lock:
            if self._found is None:
                found = locate(self.name, allow_pickle=self._options.allow_pickle)
                check_pins(self._options.pins_file, found)
                self._found = found
            return self._found

    def preprocess(self, image: Image.Image) -> Pixels:
        """Resize and crop as the model was trained -> (height, width, 3) uint8. Thread-safe."""
        return np.asarray(self._loaded().resize(image), dtype=np.uint8)

    def encode_pixels(self, pixels: Pixels) -> Float32Array:
        """Embed pictures (n, height, width, 3) -> (n, dim) unit rows.

        Raises:
            MemoryError: a single picture does not fit into memory.
        """
        return self._embed(len(pixels), lambda span: np.ascontiguousarray(pixels[span]))

    def encode_images(self, images: Sequence[Image.Image]) -> Float32Array:
        """Embed n upright RGB images of any size -> (n, dim) unit rows.

        Raises:
            MemoryError: a single picture does not fit into memory.
        """
        return self._embed(
            len(images), lambda span: np.stack([self.preprocess(image) for image in images[span]])
        )

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embed n texts -> (n, dim) unit rows.

        Longer ones are cut to the context length; how many is logged, once a call. Where the
        tokenizer takes a language, they are read in its default.

        Raises:
            MemoryError: a single text does not fit into memory.
        """
        return self.encode_texts_in(texts, ())

    def encode_texts_in(
        self, texts: Sequence[str], languages: Sequence[str | None]
    ) -> Float32Array:
        """Embed n texts of n languages -> (n, dim) unit rows.

        Args:
            texts: n.
            languages: tags of n, or nothing; None, and a language that the tokenizer does not
                know, is its default. Without meaning to a tokenizer that takes none.

        Raises:
            EncoderUnavailableError: the tokenizer takes a language and does not say it.
            MemoryError: a single text does not fit into memory.
        """
        vectors = np.empty((len(texts), self.source.dim), dtype=np.float32)
        truncated = 0
        for start in range(0, len(texts), _TEXT_BLOCK):
            block = slice(start, start + _TEXT_BLOCK)
            truncated += self._embed_texts(texts[block], languages[block], vectors[block])
        if truncated:
            logger.warning(
                "%d of %d texts are longer than the %d tokens that %s reads; their ends are lost",
                truncated,
                len(texts),
                self._loaded().tokenize.context,
                self.name,
            )
        return vectors

    def text_limit(self) -> TextLimit:
        """As many tokens as the text tower has places; loads the model."""
        tokenize = self._loaded().tokenize

        def length_of(text: str) -> int:
            # What has too many characters is cut before it is tokenised.
            return max(tokenize.count(text), -(-len(text) * tokenize.context // MAX_CHARS))

        return TextLimit(tokenize.context, "tokens", length_of)

    def _embed(self, n: int, pixels_of: Callable[[slice], Pixels]) -> Float32Array:
        vectors = np.empty((n, self.source.dim), dtype=np.float32)
        if not n:
            return vectors
        towers = self._loaded()

        def keep(span: slice, rows: Float32Array) -> None:
            vectors[span] = check_dim(rows, self.source)

        self._image_batches.run(
            n, lambda span: towers.send(pixels_of(span)), towers.embed_pixels, keep
        )
        return vectors

    def _embed_texts(
        self, texts: Sequence[str], languages: Sequence[str | None], vectors: Float32Array
    ) -> int:
        """Fill the rows of a block of texts and return how many lost their end."""
        towers = self._loaded()
        cleaned = [clean_text(text, max_chars=MAX_CHARS) for text in texts]
        tokens = towers.tokenize(cleaned, languages)
        order = by_length(tokens.lengths)

        def load(span: slice) -> Sent:
            rows = order[span]
            longest = max(int(tokens.lengths[rows].max()), 1)
            return towers.send(towers.cut_padding(tokens.ids[rows], longest).contiguous())

        def keep(span: slice, rows: Float32Array) -> None:
            vectors[order[span]] = check_dim(rows, self.source)

        self._text_batches.run(len(texts), load, towers.embed_tokens, keep)
        return tokens.truncated

    @cached_property
    def _plan(self) -> Plan:
        return choose_plan(
            facts_of(resolve_device(self._device_name)),
            self._options.precision,
            compile_model=self._options.compile_model,
        )

    def _loaded(self) -> Towers:
        with self._lock:
            if self._in_memory is None:
                plan = self._plan
                towers = load_towers(self.source, resolve_device(self._device_name), plan)
                self._image_batches = Batcher(plan.image_batch, towers.release)
                self._text_batches = Batcher(plan.text_batch, towers.release)
                self._in_memory = towers
            return self._in_memory
