"""Where an open_clip model comes from: a published tag, or a folder that can be carried anywhere.

Both end in a `ModelSource`: configuration and one checked safetensors file.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from retrieval.encoders.torchvision_ops import mend_torchvision
from retrieval.encoders.weights import (
    PICKLE_SUFFIXES,
    SAFE_SUFFIX,
    find_safetensors,
    require_safetensors,
)
from retrieval.errors import EncoderUnavailableError

CONFIG_NAME = "open_clip_config.json"
_STAGED_WEIGHTS = "open_clip_model.safetensors"

_LOADING_ERRORS = (
    RuntimeError,
    OSError,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    ImportError,
)
"""What open_clip, its tokenizers and the hub raise for a model that cannot be had."""


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model that is there to be loaded.

    Attributes:
        model: open_clip's architecture name, or "local-dir:FOLDER".
        pretrained: the tag, None for a folder.
        model_cfg: the architecture, as published.
        preprocess_cfg: what the tag or the folder says of preprocessing.
        weights: the one file that will be loaded; checked to be safetensors.
        tokenizer_files: beside the weights of a folder, part of its identity.
    """

    model: str
    pretrained: str | None
    model_cfg: Mapping[str, Any]
    preprocess_cfg: Mapping[str, Any]
    weights: Path
    tokenizer_files: tuple[Path, ...] = field(default=())

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return int(self.model_cfg["embed_dim"])

    @property
    def input_px(self) -> int:
        """Side of the square that the image tower sees (the longer one of a rectangle)."""
        size = self.model_cfg["vision_cfg"].get("image_size", 224)
        return int(max(size)) if isinstance(size, list | tuple) else int(size)


def locate_tag(model: str, pretrained: str) -> ModelSource:
    """Find (in the hub's cache) or download the weights of a published model.

    Raises:
        EncoderUnavailableError: no such model or tag, only pickles are published, the weights are
            neither cached nor to be had, or the tag was trained with another activation.
    """
    mend_torchvision()
    import open_clip

    model_cfg = open_clip.get_model_config(model)
    if model_cfg is None:
        raise EncoderUnavailableError(
            f"open_clip knows no model {model!r}",
            hint="open_clip.list_models() lists them; a folder of your own is local-dir:PATH",
        )
    tag = open_clip.get_pretrained_cfg(model, pretrained)
    if not tag:
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(model)) or "none"
        raise EncoderUnavailableError(
            f"open_clip publishes no weights {pretrained!r} for {model}", hint=f"it has: {tags}"
        )
    if bool(tag.get("quick_gelu")) != bool(model_cfg.get("quick_gelu")):
        right = f"{model}-quickgelu" if tag.get("quick_gelu") else model.removesuffix("-quickgelu")
        raise EncoderUnavailableError(
            f"{pretrained} was trained with another activation than {model} has",
            hint=f"use openclip:{right}:{pretrained}",
        )
    if not tag.get("hf_hub"):
        raise EncoderUnavailableError(
            f"the weights {pretrained!r} of {model} are published as a pickle only",
            hint="convert them to safetensors where you trust them, and use local-dir:PATH",
        )
    with unavailable_as_one_error(f"openclip:{model}:{pretrained}"):
        weights = Path(open_clip.download_pretrained(tag))
    require_safetensors(weights)
    return ModelSource(model, pretrained, model_cfg, tag, weights)


def locate_folder(folder: Path) -> ModelSource:
    """Read the configuration of a model folder and find its weights.

    Raises:
        EncoderUnavailableError: no folder, no or a broken configuration, no safetensors.
    """
    try:
        config = json.loads((folder / CONFIG_NAME).read_text(encoding="utf-8"))
        model_cfg = config["model_cfg"]
        preprocess_cfg = config.get("preprocess_cfg", {})
        int(model_cfg["embed_dim"])
        dict(model_cfg["vision_cfg"]), dict(model_cfg["text_cfg"])
    except OSError as error:
        raise EncoderUnavailableError(
            f"cannot read {folder / CONFIG_NAME}: {error.strerror}",
            hint=f"local-dir:PATH is a folder with {CONFIG_NAME} and {_STAGED_WEIGHTS}",
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EncoderUnavailableError(
            f"{folder / CONFIG_NAME} is no open_clip configuration: {error!r}",
            hint='it is {"model_cfg": {"embed_dim", "vision_cfg", "text_cfg"}, "preprocess_cfg"}',
        ) from error
    weights = find_safetensors(folder)
    require_safetensors(weights)
    beside = (path for path in sorted(folder.iterdir()) if _is_carried(path))
    return ModelSource(
        f"local-dir:{folder}", None, model_cfg, preprocess_cfg, weights, tuple(beside)
    )


@contextmanager
def staged(source: ModelSource) -> Iterator[str]:
    """The model name to load a source by, for the time of loading.

    A folder is loaded from a temporary twin, for three reasons: only the checked weights are in it;
    a text tower given by the name of a hub model finds its configuration in the folder, where
    the folder carries one; and open_clip, which changes what it reads, never sees the original.
    """
    if source.pretrained is not None:
        yield source.model
        return
    model_cfg = json.loads(json.dumps(source.model_cfg))
    with TemporaryDirectory(prefix="polyseek-model-") as name:
        twin = Path(name)
        for path in source.tokenizer_files:
            shutil.copyfile(path, twin / path.name)
        (twin / _STAGED_WEIGHTS).symlink_to(source.weights.resolve())
        if model_cfg["text_cfg"].get("hf_model_name") and (twin / "config.json").is_file():
            model_cfg["text_cfg"]["hf_model_name"] = str(twin)
        config = {"model_cfg": model_cfg, "preprocess_cfg": dict(source.preprocess_cfg)}
        (twin / CONFIG_NAME).write_text(json.dumps(config), encoding="utf-8")
        yield f"local-dir:{twin}"


@contextmanager
def unavailable_as_one_error(name: str) -> Iterator[None]:
    """Turn what the libraries raise for a model that cannot be had into one error with a hint."""
    try:
        yield
    except _LOADING_ERRORS as error:
        raise EncoderUnavailableError(
            f"the model {name} cannot be loaded: {error}",
            hint="weights are looked for in the hub cache (HF_HOME, by default "
            "~/.cache/huggingface) and downloaded unless HF_HUB_OFFLINE=1; without a network, copy "
            "a folder with open_clip_config.json and open_clip_model.safetensors here and name it "
            "local-dir:PATH",
        ) from error


def _is_carried(path: Path) -> bool:
    """Files that a tokenizer or a text tower's configuration may need: everything but weights."""
    is_weights = path.suffix.lower() in (*PICKLE_SUFFIXES, SAFE_SUFFIX)
    return path.is_file() and not is_weights and path.name != CONFIG_NAME
