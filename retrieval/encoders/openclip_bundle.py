"""A model as one folder: for the moment of loading, and written down to be carried anywhere."""

import json
import pickle
import shutil
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from retrieval.encoders.openclip_config import CONFIG_NAME
from retrieval.encoders.openclip_source import TEXT_CONFIG_NAME, ModelSource
from retrieval.encoders.targetpad import TARGET_PAD
from retrieval.encoders.torchvision_ops import mend_torchvision
from retrieval.encoders.weights import is_pickle
from retrieval.errors import EncoderUnavailableError

WEIGHTS_NAME = "open_clip_model.safetensors"
_PICKLE_NAME = "open_clip_pytorch_model.bin"

_MESSAGE_CHARS = 600
"""A model that does not fit would name each of its hundreds of weights."""

# safetensors has an error class of its own that derives from Exception alone.
_UNEXPECTED = (AssertionError, ArithmeticError, LookupError, AttributeError, TypeError)
_LOADING_ERRORS = (RuntimeError, OSError, ValueError, ImportError, EOFError, *_UNEXPECTED)
"""What open_clip, torch, its tokenizers and the hub raise for a model that cannot be had."""


@contextmanager
def staged(source: ModelSource) -> Iterator[str]:
    """The name to load a source by, for the time of loading: always a `local-dir:`.

    Every model is loaded from a temporary folder, for four reasons: only the checked weights are in
    it; a text tower given by the name of a hub model finds its configuration there; open_clip,
    which changes what it reads, never sees the original; and all kinds of sources go one way.
    """
    with TemporaryDirectory(prefix="polyseek-model-") as name:
        twin = Path(name)
        for path in source.text_files:
            shutil.copyfile(path, twin / path.name)
        staged_name = _PICKLE_NAME if is_pickle(source.weights) else WEIGHTS_NAME
        (twin / staged_name).symlink_to(source.weights.resolve())
        config = _config(source)
        text_cfg = config["model_cfg"]["text_cfg"]
        if text_cfg.get("hf_model_name") and (twin / TEXT_CONFIG_NAME).is_file():
            text_cfg["hf_model_name"] = str(twin)
        if config["preprocess_cfg"].get("resize_mode") == TARGET_PAD:
            # Unknown to open_clip; what follows the padding is this mode of its own.
            config["preprocess_cfg"]["resize_mode"] = "shortest"
        _write_config(twin, config)
        yield f"local-dir:{twin}"


def export_bundle(source: ModelSource, folder: Path) -> tuple[Path, ...]:
    """Write a model as a folder that `local-dir:` takes on any machine, without a network.

    Pickled weights are converted to safetensors. The folder appears whole or not at all.

    Args:
        source: the model.
        folder: must not exist, or be empty.

    Returns:
        The files, by name.

    Raises:
        EncoderUnavailableError: the folder holds something, or the weights cannot be read.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise EncoderUnavailableError(
            f"{folder} is there and not empty", hint="name a folder that is new or empty"
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
        made = Path(name) / "bundle"
        made.mkdir()
        for path in source.text_files:
            shutil.copyfile(path, made / path.name)
        _write_config(made, _config(source))
        if is_pickle(source.weights):
            _convert(source.weights, made / WEIGHTS_NAME)
        else:
            shutil.copyfile(source.weights, made / WEIGHTS_NAME)
        made.rename(folder)
    return tuple(sorted(folder.iterdir()))


@contextmanager
def unavailable_as_one_error(name: str) -> Iterator[None]:
    """Turn what the libraries raise for a model that cannot be had into one error with a hint.

    Raises:
        EncoderUnavailableError: names the model and says what was raised.
    """
    from safetensors import SafetensorError

    try:
        yield
    except pickle.UnpicklingError as error:
        # torch's message explains how to let a pickle run its code; that is no way out here.
        raise EncoderUnavailableError(
            f"the model {name} cannot be loaded: its weights are a pickle that is broken, or that "
            "holds more than tensors",
            hint="get the weights as safetensors",
        ) from error
    except (*_LOADING_ERRORS, SafetensorError) as error:
        said = " ".join(str(error).split())
        raise EncoderUnavailableError(
            f"the model {name} cannot be loaded: "
            + textwrap.shorten(said, _MESSAGE_CHARS, placeholder=" ..."),
            hint=_hint_for(error),
        ) from error


def _hint_for(error: Exception) -> str:
    message = str(error)
    if "transformers" in message and isinstance(error, ImportError | RuntimeError | NameError):
        return "install polyseek[towers], which brings the package transformers"
    if "state_dict" in message or "size mismatch" in message:
        return "the weights belong to another architecture than the configuration describes"
    if "TorchScript" in message:
        return "get the weights as safetensors: a program inside of a file is not run"
    return "see that its configuration, its weights and its tokenizer belong together"


def _config(source: ModelSource) -> dict[str, Any]:
    """The configuration file of a source, a copy that may be changed."""
    config = {"model_cfg": source.model_cfg, "preprocess_cfg": source.preprocess_cfg}
    copy: dict[str, Any] = json.loads(json.dumps(config))
    return copy


def _write_config(folder: Path, config: Mapping[str, Any]) -> None:
    text = json.dumps(config, indent=2, ensure_ascii=False) + "\n"
    (folder / CONFIG_NAME).write_text(text, encoding="utf-8")


def _convert(weights: Path, safe: Path) -> None:
    mend_torchvision()
    from open_clip.factory import load_state_dict
    from safetensors.torch import save_file

    with unavailable_as_one_error(str(weights)):
        state = load_state_dict(str(weights), weights_only=True)
        # Each tensor alone and whole: safetensors keeps no views and no shared memory.
        save_file({name: value.contiguous().clone() for name, value in state.items()}, safe)
