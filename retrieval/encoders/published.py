"""What is published about the models of open_clip: sizes, languages and scores, as a table.

The table is shipped (assets/open_clip_models.csv, made by `build_published`); nothing is downloaded
to read it, and open_clip is not imported.
"""

import csv
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files

from retrieval.encoders.trained_on import trained_on
from retrieval.languages.tags import ANY

TABLE = "open_clip_models.csv"

SOURCE = (
    "open_clip's own evaluation (MIT licence): zero-shot accuracy on ImageNet-1k, R@1 on the 1K "
    "test of Flickr30k and the 5K test of COCO, mean R@1 over 36 languages on Crossmodal-3600"
)


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """One set of published weights.

    Attributes:
        model: open_clip's architecture.
        pretrained: the tag of the weights.
        languages: "en", or "many" for a text tower trained on many languages.
        image_px: side of the square that the image tower sees.
        dim: length of an embedding.
        mparams: weights of both towers, in millions; None if unknown, like all that follow.
        gflops: work for one image and one text, in 1e9 operations (two a multiply-add).
        imagenet: zero-shot accuracy on ImageNet-1k, in [0, 1] like all scores.
        flickr_t2i: share of captions of Flickr30k that find their image first.
        flickr_i2t: share of its images that find one of their captions first.
        coco_t2i: likewise for COCO.
        coco_i2t: likewise for COCO.
        xm3600_t2i: mean over the languages of Crossmodal-3600.
    """

    model: str
    pretrained: str
    languages: str
    image_px: int
    dim: int
    mparams: float | None
    gflops: float | None
    imagenet: float | None
    flickr_t2i: float | None
    flickr_i2t: float | None
    coco_t2i: float | None
    coco_i2t: float | None
    xm3600_t2i: float | None

    @property
    def name(self) -> str:
        """As given to --model."""
        return f"openclip:{self.model}:{self.pretrained}"

    @property
    def known_languages(self) -> tuple[str, ...]:
        """Canonical tags of what its text tower was trained on; ("*",) where nobody says which."""
        if self.languages == "en":
            return ("en",)
        return trained_on([self.model, self.pretrained]) or (ANY,)


COLUMNS = tuple(field.name for field in fields(PublishedModel))
_TEXTS = ("model", "pretrained", "languages")
_WHOLE = ("image_px", "dim")


@cache
def published_models() -> tuple[PublishedModel, ...]:
    """Every set of weights that open_clip publishes and polyseek accepts, in open_clip's order."""
    text = files("retrieval.encoders").joinpath("assets", TABLE).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return tuple(_from_row(row) for row in csv.DictReader(lines))


def find_published(name: str) -> PublishedModel | None:
    """What is published about the model of a name (`openclip:MODEL:PRETRAINED`), or None."""
    return next((model for model in published_models() if model.name == name), None)


def search_published(text: str) -> tuple[PublishedModel, ...]:
    """Models whose name or languages hold every word of a text, whatever the case."""
    words = text.lower().split()
    return tuple(
        model
        for model in published_models()
        if all(word in f"{model.name} {model.languages}".lower() for word in words)
    )


def _from_row(row: dict[str, str]) -> PublishedModel:
    values: dict[str, object] = {name: row[name] for name in _TEXTS}
    values |= {name: int(row[name]) for name in _WHOLE}
    values |= {
        name: float(row[name]) if row[name] else None
        for name in COLUMNS
        if name not in (*_TEXTS, *_WHOLE)
    }
    return PublishedModel(**values)  # type: ignore[arg-type]  # each column converted above
