"""The result files of Babel-ImageNet's authors, as tables of published figures."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.datasets.babel_imagenet import OPENAI_NAMES
from benchmarks.reference.models import ModelId, model_id
from benchmarks.reference.writing import Row
from retrieval.languages.tags import canonical_tag

_PROMPTS = {"label": "label", "nllb_dist13b_prompts": "translated"}

_DIGITS = 6
"""Of fractions; the finest step, of 50,000 photographs, is 0.00002."""

_RETRIEVAL = ("xtd", "xflickrco", "xm3600")


def tables(folder: Path) -> Iterator[tuple[str, Sequence[Row]]]:
    """Names and rows of the tables of babel-imagenet, xtd, xflickrco and xm3600.

    Args:
        folder: `results` of the authors' repository.
    """
    yield "babel-imagenet.babel_imagenet", _zeroshot(folder / "babel-imagenet")
    for name in _RETRIEVAL:
        yield f"{name}.babel_imagenet", [*_retrieval(folder / "retrieval" / name)]


def _zeroshot(folder: Path) -> list[Row]:
    """A row for each language and kind of prompts, with a column for each model."""
    rows: dict[tuple[str, str], dict[str, object]] = {}
    for model, results in _files(folder):
        for each in results:
            language, prompt = each["lang"], _PROMPTS[each["prompt"]]
            is_english = language == "EN"
            if is_english and prompt == "translated":
                prompt = "openai_en"
            row = rows.setdefault(
                (language, prompt),
                {
                    "language": language,
                    "prompt": prompt,
                    "n_classes": each["num_classes"],
                    "gallery": OPENAI_NAMES if is_english else "",
                },
            )
            row[str(model)] = round(each["accuracy"], _DIGITS)
    return [rows[key] for key in sorted(rows)]


def _retrieval(folder: Path) -> Iterator[Row]:
    for model, results in _files(folder):
        for each in sorted(results, key=lambda one: str(one["lang"])):
            language = canonical_tag(each["lang"])
            figures = {name: round(value, _DIGITS) for name, value in each.items() if "_r@" in name}
            yield {**model._asdict(), "language": language, **figures}


def _files(folder: Path) -> Iterator[tuple[ModelId, Sequence[Mapping[str, Any]]]]:
    for path in sorted(folder.glob("*.json")):
        found = json.loads(path.read_text(encoding="utf-8"))
        model, _, tag = found["meta"]["model"].partition("@")
        yield model_id(model, tag), found["results"]
