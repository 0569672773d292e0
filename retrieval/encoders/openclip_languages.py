"""Which languages an open_clip model knows, as far as its configuration and names tell."""

import json

from retrieval.encoders.names import TagName
from retrieval.encoders.openclip_config import is_multilingual
from retrieval.encoders.openclip_source import TEXT_CONFIG_NAME, ModelSource
from retrieval.encoders.trained_on import trained_on
from retrieval.languages.tags import ANY


def languages_of(source: ModelSource) -> tuple[str, ...]:
    """Canonical tags of the languages of a model's text tower.

    `ANY` for one that was trained on many, which are written down nowhere in full (SigLIP 2, the
    multilingual SigLIP, MetaCLIP 2); English for all others.
    """
    if (known := trained_on(_names(source))) is not None:
        return known
    return (ANY,) if is_multilingual(source.name, source.model_cfg) else ("en",)


def _names(source: ModelSource) -> list[str]:
    """All that a model says about its text tower."""
    names = [str(value) for value in source.model_cfg["text_cfg"].values()]
    if isinstance(source.name, TagName):
        names += [source.name.model, source.name.pretrained]
    tower = next((path for path in source.text_files if path.name == TEXT_CONFIG_NAME), None)
    if tower is not None:
        names.append(_model_type(tower.read_bytes()))
    return names


def _model_type(config: bytes) -> str:
    """What transformers calls an architecture; "" for what is no configuration of its."""
    try:
        return str(json.loads(config).get("model_type", ""))
    except (ValueError, AttributeError):
        return ""
