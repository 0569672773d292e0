"""What a figure depends on besides its protocol, where it is known."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, NamedTuple, Self

_PLAIN_TRAINING = ("openai", "laion", "datacomp", "commonpool")
"""Beginnings of the tags of weights whose pictures are resized by their shorter side."""

AS_STORED = "as stored"
"""How pictures are decoded for figures: at full size, not turned, without their colour profile, as
published figures were made. An index is built of upright pictures in sRGB."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Preprocessing, tokenizer and precision of a run, or of a published one; None is unknown.

    The likeliest causes of a difference come first, in the order of their measured effects (notes
    beside `EFFECTS`).

    Attributes:
        n_pictures: of the split.
        n_texts: of the split; COCO's 5K test has 25,010, or 25,000 where five a picture count.
        n_classes: that the language names.
        activation: "quick_gelu" or "gelu", which the weights were trained with.
        lower_case: whether texts are put in lower case before the tokenizer.
        context_length: tokens that a text is cut, or filled up, to.
        resize: "shortest" (then a crop from the middle), "squash" or "targetpad".
        antialias: whether shrinking filters first, as PIL does.
        interpolation: "bicubic" or "bilinear".
        decoding: AS_STORED, or "reduced" where a JPEG is shrunk while it is decoded.
        precision: "fp32", "amp", "fp16" or "bf16", of the encoder.
        score_precision: likewise, of the product of the embeddings.
    """

    n_pictures: int | None = None
    n_texts: int | None = None
    n_classes: int | None = None
    activation: str | None = None
    lower_case: bool | None = None
    context_length: int | None = None
    resize: str | None = None
    antialias: bool | None = None
    interpolation: str | None = None
    decoding: str | None = None
    precision: str | None = None
    score_precision: str | None = None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Self:
        """Those that a mapping has, such as the settings of a record; its others are left out."""
        return cls(**{name: given[name] for name in NAMES if name in given})

    def filled_from(self, other: "Settings") -> "Settings":
        """These, and what the other knows where these do not."""
        own = {name: getattr(self, name) for name in NAMES}
        return Settings(
            **{n: getattr(other, n) if value is None else value for n, value in own.items()}
        )

    def differences(self, other: "Settings") -> tuple["Difference", ...]:
        """Those that both know and that differ, the likeliest cause first."""
        pairs = ((name, getattr(self, name), getattr(other, name)) for name in NAMES)
        return tuple(
            Difference(name, own, theirs)
            for name, own, theirs in pairs
            if own is not None and theirs is not None and own != theirs
        )

    def unknown_beside(self, other: "Settings") -> tuple[str, ...]:
        """Names of those that these know and the other does not."""
        return tuple(
            name
            for name in NAMES
            if getattr(self, name) is not None and getattr(other, name) is None
        )


UNKNOWN = Settings()

NAMES = tuple(each.name for each in fields(Settings))
"""Of all settings, in the order of `Settings`."""

EFFECTS = {
    "n_pictures": "another gallery",
    "n_texts": "other captions; on COCO up to 0.1 pp",
    "n_classes": "another task",
    "activation": "several pp",
    "lower_case": "3 to 7 pp for SigLIP 2",
    "context_length": "how texts are padded: pp for SigLIP 2",
    "resize": "up to some pp",
    "antialias": "0.1 to 0.3 pp",
    "interpolation": "0.1 to 0.3 pp",
    "decoding": "1 pp of R@10 were seen on 79 photographs",
    "precision": "up to 0.1 pp",
    "score_precision": "ties; up to 0.1 pp",
}
"""What a difference was seen to be worth. Sources: google-research/big_vision issues 166 and 187,
open-mmlab/mmpretrain issue 94, pytorch/vision issue 2950, open_clip's README on QuickGELU."""


class Difference(NamedTuple):
    """A setting that two runs do not share."""

    name: str
    own: object
    other: object

    def __str__(self) -> str:
        return f"{self.name} is {self.own} here, {self.other} there ({EFFECTS[self.name]})"


def of_encoder(parts: Mapping[str, str]) -> Settings:
    """What the fingerprint of an open_clip encoder tells; of other encoders nothing.

    Pictures are resized by Pillow, which filters before it shrinks (`antialias`).

    Args:
        parts: of its `EncoderInfo`: "config" and "preprocessing" are JSON objects.

    Raises:
        ValueError: one of the two is no JSON.
    """
    if not {"config", "preprocessing", "open_clip"} <= parts.keys():
        return UNKNOWN
    config, preprocessing = json.loads(parts["config"]), json.loads(parts["preprocessing"])
    text = config.get("text_cfg", {})
    return Settings(
        activation="quick_gelu" if config.get("quick_gelu") else "gelu",
        lower_case=_lower_case(text),
        context_length=text.get("context_length"),
        resize=preprocessing.get("resize_mode"),
        antialias=True,
        interpolation=preprocessing.get("interpolation"),
    )


def _lower_case(text_cfg: Mapping[str, Any]) -> bool | None:
    """Whether open_clip puts texts in lower case; None where only the hub's tokenizer knows.

    Its own tokenizer does unless it is told otherwise, and around one of the hub it does where the
    configuration asks for "lower" or "canonicalize". Source: open_clip 3.3.0, `tokenizer.py`.
    """
    is_of_hub = bool(text_cfg.get("hf_tokenizer_name"))
    told = text_cfg.get("tokenizer_kwargs", {}).get("clean")
    if told is None:
        return None if is_of_hub else True
    return True if told in ("lower", "canonicalize") else None if is_of_hub else False


def of_open_clip(model: str, pretrained: str) -> Settings:
    """What open_clip does with one of its models, as far as whole families share it.

    SigLIP models squash; those of OpenAI, LAION and DataComp resize the shorter side, and CLIPA's
    squash with another filter. The tokenizers of SigLIP and of CLIP put texts in lower case.
    OpenAI's weights get QuickGELU under either name. Source: open_clip 3.3.0, `pretrained.py`.
    """
    is_siglip, is_clipa = "SigLIP" in model, "CLIPA" in model
    is_plain = pretrained.startswith(_PLAIN_TRAINING) and not is_clipa
    is_clip = model.startswith(("ViT-", "RN")) and not is_siglip
    activation = interpolation = None
    if is_clip:
        is_quick = model.endswith("-quickgelu") or pretrained == "openai"
        activation = "quick_gelu" if is_quick else "gelu"
    if is_clipa or is_plain or is_siglip:
        interpolation = "bilinear" if is_clipa else "bicubic"
    return Settings(
        activation=activation,
        lower_case=True if is_siglip or is_clip else None,
        resize="squash" if is_siglip or is_clipa else "shortest" if is_plain else None,
        interpolation=interpolation,
    )
