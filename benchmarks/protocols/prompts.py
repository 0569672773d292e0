"""Names of classes as texts: bare, or in templates whose mean stands for the class."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmarks.datasets.base import DatasetError, Prompts, Zeroshot
from retrieval.encoders.imagenet_prompts import openai_templates
from retrieval.model import Float32Array

_NAMED = 5
"""So many languages without templates are named in an error."""

EmbedTexts = Callable[[Sequence[str]], Float32Array]


def templates_of(data: Zeroshot, language: str, prompts: Prompts) -> tuple[str, ...]:
    """The templates of a language, each holding "{}" once.

    Args:
        data: with the translated templates.
        language: as the data set codes it.
        prompts: which kind.

    Raises:
        DatasetError: there are no translated ones for the language.
    """
    if prompts == "label":
        return ("{}",)
    if prompts == "openai_en":
        return openai_templates()
    if not (own := data.templates.get(language, ())):
        raise DatasetError(
            f"{data.origin.name} has no translated templates for {language}",
            hint="ask with --prompts label, or leave the language out",
        )
    return own


def templates_in_all(data: Zeroshot, prompts: Prompts) -> Mapping[str, tuple[str, ...]]:
    """The templates of each language that is asked.

    Args:
        data: see `templates_of`.
        prompts: which kind.

    Raises:
        DatasetError: some languages have no translated ones; the first are named, and all others.
    """
    bare = [language for language in data.names if not data.templates.get(language)]
    if prompts == "translated" and bare:
        more = f" and {len(bare) - _NAMED} others" if len(bare) > _NAMED else ""
        others = ",".join(language for language in data.names if language not in bare)
        raise DatasetError(
            f"{data.origin.name} has no translated templates for {', '.join(bare[:_NAMED])}{more}",
            hint="ask with --prompts label"
            + (f", or leave them out: --languages {others}" if others else ""),
        )
    return {language: templates_of(data, language, prompts) for language in data.names}


def class_features(
    names: Sequence[str], templates: Sequence[str], embed: EmbedTexts
) -> Float32Array:
    """The features of classes, (c, dim) unit rows.

    Every template's embedding is of length 1, their mean is made so again. Source: A. Radford et
    al., "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021, section
    3.1.4; Babel-ImageNet and CLIP_benchmark do the same.

    Args:
        names: c; equal ones are embedded once.
        templates: each holding "{}".
        embed: texts to unit rows.
    """
    distinct = {name: row for row, name in enumerate(dict.fromkeys(names))}
    said = [template.replace("{}", name) for name in distinct for template in templates]
    rows = embed(said).reshape(len(distinct), len(templates), -1)
    means = rows.mean(axis=1)
    unit = means / np.linalg.norm(means, axis=1, keepdims=True)
    features: Float32Array = unit[[distinct[name] for name in names]].astype(np.float32)
    return features
