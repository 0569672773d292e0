"""Configurations of open_clip models: published ones, and those in files of the user's."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from retrieval.encoders.names import ModelName, TagName
from retrieval.encoders.torchvision_ops import mend_torchvision
from retrieval.errors import EncoderUnavailableError

CONFIG_NAME = "open_clip_config.json"

PREPROCESSING = ("size", "mode", "mean", "std", "interpolation", "resize_mode", "fill_color")
"""What a configuration may say of preprocessing; open_clip ignores the rest."""


def published_config(model: str) -> Mapping[str, Any]:
    """The configuration of an architecture that open_clip knows.

    Raises:
        EncoderUnavailableError: it knows none of this name.
    """
    mend_torchvision()
    import open_clip

    config: Mapping[str, Any] | None = open_clip.get_model_config(model)
    if config is None:
        raise EncoderUnavailableError(
            f"open_clip knows no model {model!r}",
            hint="`polyseek models list --all` lists them; a folder of your own is local-dir:PATH",
        )
    return config


def shared_preprocessing(model: str) -> Mapping[str, Any]:
    """Preprocessing that all published weights of an architecture have in common."""
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(model)
    found = [open_clip.get_pretrained_cfg(model, tag) for tag in tags]
    first = found[0] if found else {}
    return {
        key: first[key]
        for key in PREPROCESSING
        if key in first and all(each.get(key) == first[key] for each in found)
    }


def check_activation(name: TagName, model_cfg: Mapping[str, Any], tag: Mapping[str, Any]) -> None:
    """Refuse weights under an architecture that computes another activation than their training.

    A few tags do not say what their only architecture does; those pass, as with open_clip itself.

    Raises:
        EncoderUnavailableError: there is an architecture with the right one; the hint names it.
    """
    if bool(tag.get("quick_gelu")) == bool(model_cfg.get("quick_gelu")):
        return
    import open_clip

    plain = name.model.removesuffix("-quickgelu")
    right = f"{plain}-quickgelu" if tag.get("quick_gelu") else plain
    if right != name.model and name.pretrained in open_clip.list_pretrained_tags_by_model(right):
        raise EncoderUnavailableError(
            f"{name.pretrained} was trained with another activation than {name.model} has",
            hint=f"use openclip:{right}:{name.pretrained}",
        )


def read_config(path: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Read the configuration file of a folder or a repository.

    Returns:
        The architecture, and what the file says of preprocessing.

    Raises:
        EncoderUnavailableError: it cannot be read, is none, or asks to run code.
    """
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        model_cfg = config["model_cfg"]
        preprocess_cfg = config.get("preprocess_cfg", {})
        _require_architecture(model_cfg)
        known = {key: preprocess_cfg[key] for key in PREPROCESSING if key in preprocess_cfg}
        runs_code = model_cfg["text_cfg"].get("tokenizer_kwargs", {}).get("trust_remote_code")
    except OSError as error:
        raise EncoderUnavailableError(
            f"cannot read {path}: {error.strerror}",
            hint=f"local-dir:PATH is a folder with {CONFIG_NAME} and open_clip_model.safetensors",
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EncoderUnavailableError(
            f"{path} is no open_clip configuration: {error!r}",
            hint='it is {"model_cfg": {"embed_dim", "vision_cfg", "text_cfg"}, "preprocess_cfg"}',
        ) from error
    if runs_code:
        raise EncoderUnavailableError(
            f"{path} asks to run code that comes with its tokenizer; that is refused",
            hint="a tokenizer.json needs no code",
        )
    return model_cfg, known


def _require_architecture(model_cfg: Mapping[str, Any]) -> None:
    if int(model_cfg["embed_dim"]) < 1:
        raise ValueError(f"embed_dim {model_cfg['embed_dim']}")
    dict(model_cfg["vision_cfg"]), dict(model_cfg["text_cfg"])


_MULTILINGUAL = (
    "xlm", "multilingual", "nllb", "m2m", "i18n", "mt5", "siglip2", "gemma", "worldwide",
)  # fmt: skip


def is_multilingual(name: ModelName, model_cfg: Mapping[str, Any]) -> bool:
    """Whether a text tower was trained on many languages, as far as names tell.

    open_clip does not say it; the names of those that were do.
    """
    tag = (name.model, name.pretrained) if isinstance(name, TagName) else ()
    names = (*tag, *map(str, model_cfg["text_cfg"].values()))
    return any(word in each.lower() for word in _MULTILINGUAL for each in names)
