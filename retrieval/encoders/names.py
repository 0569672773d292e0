"""Names of open_clip models: what a user writes after --model, taken apart.

openclip:MODEL:PRETRAINED            a model that open_clip publishes, by architecture and tag
openclip:MODEL:/path/weights         a published architecture with weights of your own
hf-hub:org/repo, hf-hub:org/repo@revision, openclip:hf-hub:...
                                     a repository of the hub, at a branch, tag or commit
local-dir:PATH                       a folder with open_clip_config.json and weights
"""

import re
from dataclasses import dataclass
from pathlib import Path

from retrieval.encoders.weights import PICKLE_SUFFIXES, SAFE_SUFFIX
from retrieval.errors import EncoderUnavailableError

OPENCLIP = "openclip:"
HUB = "hf-hub:"
FOLDER = "local-dir:"
FAMILIES = (OPENCLIP, HUB, FOLDER)

_REPO = re.compile(r"[\w.-]+/[\w.-]+")


@dataclass(frozen=True, slots=True)
class TagName:
    """Published weights of a published architecture."""

    model: str
    pretrained: str

    def __str__(self) -> str:
        return f"{OPENCLIP}{self.model}:{self.pretrained}"


@dataclass(frozen=True, slots=True)
class FileName:
    """A weights file for a published architecture; the path is absolute."""

    model: str
    weights: Path

    def __str__(self) -> str:
        return f"{OPENCLIP}{self.model}:{self.weights}"


@dataclass(frozen=True, slots=True)
class HubName:
    """A repository of the hub.

    Attributes:
        repo: "org/name".
        revision: branch, tag or commit; None is the repository's main branch.
    """

    repo: str
    revision: str | None = None

    def __str__(self) -> str:
        return f"{HUB}{self.repo}" + (f"@{self.revision}" if self.revision else "")


@dataclass(frozen=True, slots=True)
class FolderName:
    """A folder that holds the whole model; the path is absolute."""

    folder: Path

    def __str__(self) -> str:
        return f"{FOLDER}{self.folder}"


ModelName = TagName | FileName | HubName | FolderName


def is_model_name(name: str) -> bool:
    """Whether a name belongs to one of the families of this module."""
    return name.startswith(FAMILIES)


def parse_model_name(name: str) -> ModelName:
    """Take a name apart; its `str` is the one spelling that collections record.

    Nothing is looked up: a model of this name need not exist.

    Raises:
        EncoderUnavailableError: the name lacks a part, or has one that cannot be meant.
    """
    if name.startswith(FOLDER):
        path = name.removeprefix(FOLDER)
        if not path:
            raise EncoderUnavailableError(f"{name} names no folder", hint="write local-dir:PATH")
        return FolderName(_absolute(path))
    rest = name.removeprefix(OPENCLIP)
    if rest.startswith(HUB):
        return _parse_hub(rest)
    if rest.startswith(FOLDER):
        return parse_model_name(rest)
    return _parse_openclip(rest)


def _parse_hub(name: str) -> HubName:
    repo, at, revision = name.removeprefix(HUB).partition("@")
    if not _REPO.fullmatch(repo) or (at and not revision):
        raise EncoderUnavailableError(
            f"{name} names no repository of the hub",
            hint="write hf-hub:ORG/REPO or hf-hub:ORG/REPO@REVISION",
        )
    return HubName(repo, revision or None)


def _parse_openclip(rest: str) -> TagName | FileName:
    model, _, weights = rest.partition(":")
    if not model or not weights:
        raise EncoderUnavailableError(
            f"{OPENCLIP}{rest} names no model and weights",
            hint="write openclip:MODEL:PRETRAINED, such as openclip:ViT-B-32:laion2b_s34b_b79k",
        )
    # open_clip itself reads a slash in a name as a dash.
    plain = model.replace("/", "-")
    if "/" in weights or weights.lower().endswith((SAFE_SUFFIX, *PICKLE_SUFFIXES)):
        return FileName(plain, _absolute(weights))
    return TagName(plain, weights)


def _absolute(path: str) -> Path:
    return Path(path).expanduser().absolute()
