"""Crossmodal-3600: 3,600 pictures from where each of 36 languages is spoken, captioned in all.

    captions.jsonl    an image a line: {"image/key": "0004...", "de": {"caption": [...], ...}, ...}
    images/           KEY.jpg

A picture has one caption in a language or more, and which of them count is a protocol. `first` is
open_clip's table and CLIP_benchmark; `all` is Babel-ImageNet and MTEB. Recall from pictures to
texts is 7 to 14 points higher with all.

Source: A. Thapliyal et al., "Crossmodal-3600: A Massively Multilingual Multimodal Evaluation
Dataset", EMNLP 2022.
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.datasets.base import (
    CaptionsRule,
    Crossmodal,
    DatasetError,
    DatasetSpec,
    LoadOptions,
    Origin,
)
from benchmarks.datasets.choices import chosen_languages, one_of, refuse
from benchmarks.datasets.files import find
from benchmarks.datasets.parallel import Parallel, in_languages
from benchmarks.datasets.places import located
from benchmarks.datasets.texts import read_json_lines

RULES: tuple[CaptionsRule, ...] = ("first", "all")

_KEY, _CAPTION = "image/key", "caption"


def read_captions(path: Path) -> Parallel:
    """All captions of all languages, English first.

    Raises:
        DatasetError: a line lacks its key or its captions in a language that others have.
    """
    rows, sha256 = read_json_lines(path)
    codes = {code for row in rows for code, value in row.items() if isinstance(value, dict)}
    try:
        keys = [str(row[_KEY]) for row in rows]
        captions = {
            code: tuple(tuple(map(str, row[code][_CAPTION])) for row in rows)
            for code in sorted(codes, key=lambda code: (code != "en", code))
        }
    except (KeyError, TypeError) as error:
        raise DatasetError(
            f"{path} has not the form of Crossmodal-3600: a line lacks {error}",
            hint="get captions.zip of google.github.io/crossmodal-3600 again",
        ) from error
    return Parallel(tuple(keys), captions, {path.name: sha256})


def load(folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """One value a language."""
    refuse(options, "xm3600", "split", "gallery")
    rule = one_of(options.captions, RULES, "captions rule", "xm3600")
    read = read_captions(find(folder, ("captions.jsonl",), "captions of Crossmodal-3600"))
    codes = chosen_languages(options.languages, tuple(read.captions), "xm3600")
    if rule == "first":
        first = {code: tuple(said[:1] for said in read.captions[code]) for code in codes}
        read = Parallel(read.images, first, read.sha256)
    origin = Origin("xm3600", "test", rule, read.sha256)
    places = (folder / "images", folder)
    return in_languages(origin, read, codes, [located(f"{key}.jpg", places) for key in read.images])


SPEC = DatasetSpec(
    "xm3600",
    "crossmodal",
    "Crossmodal-3600: 3,600 pictures, 36 languages",
    load,
    "xm3600",
    36,
)
