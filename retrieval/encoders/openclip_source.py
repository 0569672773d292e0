"""Where an open_clip model comes from: a published tag, a file, a folder, a repository of the hub.

All end in a `ModelSource`: a configuration, one checked weights file and what the tokenizer needs.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from retrieval.encoders.fingerprint import canonical_json, sha256_of_file
from retrieval.encoders.hub import Repository
from retrieval.encoders.names import FileName, FolderName, HubName, ModelName, TagName
from retrieval.encoders.openclip_config import (
    CONFIG_NAME,
    PREPROCESSING,
    check_activation,
    published_config,
    read_config,
    shared_preprocessing,
)
from retrieval.encoders.weights import check_weights, find_weights, is_pickle
from retrieval.errors import EncoderUnavailableError

TEXT_CONFIG_NAME = "config.json"

VOCABULARIES = (
    "tokenizer.json", "sentencepiece.bpe.model", "spiece.model", "tokenizer.model", "vocab.txt",
    "vocab.json",
)  # fmt: skip
"""One of these makes a tokenizer; the others say how it is used."""

_TOKENIZER_FILES = (
    *VOCABULARIES, "merges.txt", "tokenizer_config.json", "special_tokens_map.json",
    "added_tokens.json", TEXT_CONFIG_NAME,
)  # fmt: skip
"""Some tokenizers say of what class they are in the configuration of their model only."""

_SAFE_NAMES = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors")
_PICKLE_NAME = "open_clip_pytorch_model.bin"


@dataclass(frozen=True)
class ModelSource:
    """A model that is there to be loaded.

    Attributes:
        name: in its one spelling.
        model_cfg: the architecture, as published.
        preprocess_cfg: what is known of preprocessing, by the names of `PREPROCESSING`.
        weights: the one file that will be loaded; checked.
        text_files: what the tokenizer and a text tower of the hub's transformers read.
        commits: commit by repository, of what came from the hub.
    """

    name: ModelName
    model_cfg: Mapping[str, Any]
    preprocess_cfg: Mapping[str, Any]
    weights: Path
    text_files: tuple[Path, ...] = ()
    commits: Mapping[str, str] = field(default_factory=dict)

    @property
    def dim(self) -> int:
        """Length of an embedding."""
        return int(self.model_cfg["embed_dim"])

    @property
    def input_px(self) -> int:
        """Side of the square that the image tower sees (the longer one of a rectangle)."""
        size = self.model_cfg["vision_cfg"].get("image_size", 224)
        return int(max(size)) if isinstance(size, list | tuple) else int(size)

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """sha256 (hex) by file name, of the weights and the text files; about 1 s a GB."""
        return {path.name: sha256_of_file(path) for path in (self.weights, *self.text_files)}

    @property
    def trusted(self) -> Mapping[str, str]:
        """What a pin holds: the digests of all files, and of what is read of the configuration."""
        read = {"model_cfg": self.model_cfg, "preprocess_cfg": self.preprocess_cfg}
        config = hashlib.sha256(canonical_json(read).encode("utf-8")).hexdigest()
        return {**self.digests, CONFIG_NAME: config}


def locate(name: ModelName, *, allow_pickle: bool = False) -> ModelSource:
    """Find a model on this machine, or download it from the hub.

    Args:
        name: what to look for.
        allow_pickle: accept weights that are pickles.

    Raises:
        EncoderUnavailableError: there is no such model, a part of it is missing, broken or only
            there as a pickle, the hub cannot be reached, or the weights were trained with another
            activation than the architecture has.
    """
    match name:
        case TagName():
            return _locate_tag(name, allow_pickle=allow_pickle)
        case FileName():
            return _locate_file(name, allow_pickle=allow_pickle)
        case FolderName():
            return _locate_folder(name, allow_pickle=allow_pickle)
        case HubName():
            return _locate_repository(name, allow_pickle=allow_pickle)


def _locate_tag(name: TagName, *, allow_pickle: bool) -> ModelSource:
    model_cfg = published_config(name.model)
    import open_clip

    tag = open_clip.get_pretrained_cfg(name.model, name.pretrained)
    if not tag:
        tags = ", ".join(open_clip.list_pretrained_tags_by_model(name.model)) or "none"
        raise EncoderUnavailableError(
            f"open_clip publishes no weights {name.pretrained!r} for {name.model}",
            hint=f"it has: {tags}",
        )
    check_activation(name, model_cfg, tag)
    if not tag.get("hf_hub"):
        raise EncoderUnavailableError(
            f"the weights {name.pretrained!r} of {name.model} are not on the hub",
            hint=f"get the file yourself and name it openclip:{name.model}:PATH",
        )
    repo, _, pickle_name = str(tag["hf_hub"]).rpartition("/")
    repository = Repository(repo)
    weights = _weights_of(repository, pickle_name or _PICKLE_NAME, allow_pickle=allow_pickle)
    return _source(name, model_cfg, tag, weights, repository)


def _locate_file(name: FileName, *, allow_pickle: bool) -> ModelSource:
    model_cfg = published_config(name.model)
    check_weights(name.weights, allow_pickle=allow_pickle)
    return _source(name, model_cfg, shared_preprocessing(name.model), name.weights)


def _locate_folder(name: FolderName, *, allow_pickle: bool) -> ModelSource:
    folder = name.folder
    model_cfg, preprocess_cfg = read_config(folder / CONFIG_NAME)
    weights = find_weights(folder, allow_pickle=allow_pickle)
    carried = {path.name: path for path in sorted(folder.iterdir()) if _is_carried(path)}
    text_cfg = model_cfg["text_cfg"]
    if text_cfg.get("hf_tokenizer_name") and not any(each in carried for each in VOCABULARIES):
        raise EncoderUnavailableError(
            f"{folder} lacks the tokenizer that {CONFIG_NAME} asks for",
            hint="put tokenizer.json and tokenizer_config.json of "
            f"{text_cfg['hf_tokenizer_name']} there",
        )
    tower = text_cfg.get("hf_model_name")
    if not tower or TEXT_CONFIG_NAME in carried:
        return ModelSource(name, model_cfg, preprocess_cfg, weights, tuple(carried.values()))
    repository = Repository(tower)
    text_files = (*carried.values(), repository.fetch([TEXT_CONFIG_NAME]))
    commits = {tower: repository.commit}
    return ModelSource(name, model_cfg, preprocess_cfg, weights, text_files, commits)


def _locate_repository(name: HubName, *, allow_pickle: bool) -> ModelSource:
    repository = Repository(name.repo, name.revision)
    model_cfg, preprocess_cfg = read_config(repository.fetch([CONFIG_NAME]))
    weights = _weights_of(repository, _PICKLE_NAME, allow_pickle=allow_pickle)
    return _source(name, model_cfg, preprocess_cfg, weights, repository)


def _source(
    name: ModelName,
    model_cfg: Mapping[str, Any],
    preprocess_cfg: Mapping[str, Any],
    weights: Path,
    repository: Repository | None = None,
) -> ModelSource:
    """Put a source together with what its text tower needs from the hub."""
    repositories = {repository.repo: repository} if repository else {}
    text_files: dict[str, Path] = {}
    text_cfg = model_cfg["text_cfg"]
    if tokenizer := text_cfg.get("hf_tokenizer_name"):
        found = _tokenizer_files(repositories.setdefault(tokenizer, Repository(tokenizer)))
        text_files |= {path.name: path for path in found}
    if tower := text_cfg.get("hf_model_name"):
        of_tower = repositories.setdefault(tower, Repository(tower))
        text_files[TEXT_CONFIG_NAME] = of_tower.fetch([TEXT_CONFIG_NAME])
    commits = {repo: each.commit for repo, each in repositories.items()}
    known = {key: preprocess_cfg[key] for key in PREPROCESSING if key in preprocess_cfg}
    return ModelSource(name, model_cfg, known, weights, tuple(text_files.values()), commits)


def _tokenizer_files(repository: Repository) -> tuple[Path, ...]:
    repository.fetch(VOCABULARIES)
    return repository.find_all(_TOKENIZER_FILES)


def _weights_of(repository: Repository, pickle_name: str, *, allow_pickle: bool) -> Path:
    own_name = Path(pickle_name).with_suffix(".safetensors").name
    weights = repository.find([*_SAFE_NAMES, *({own_name} - set(_SAFE_NAMES))])
    if weights is None and allow_pickle:
        weights = repository.fetch([pickle_name])
    if weights is None:
        raise EncoderUnavailableError(
            f"the hub's repository {repository} holds no safetensors weights, at best a pickle",
            hint="where you trust it, --allow-pickle (or the setting allow_pickle) loads it, and "
            "`polyseek models export-dir` converts it",
        )
    check_weights(weights, allow_pickle=allow_pickle)
    return weights


def _is_carried(path: Path) -> bool:
    """Files that a tokenizer or a text tower may read: all but weights, our own file and code."""
    if path.suffix.lower() in (".safetensors", ".py") or is_pickle(path):
        return False
    return path.is_file() and path.name != CONFIG_NAME
