"""How an encoder is run, as far as figures depend on it; part of every record's settings."""

import json
from dataclasses import asdict
from typing import Any

from benchmarks.reference.settings import AS_STORED, of_encoder
from retrieval.encoders.base import Encoder, precision_of

SCORE_PRECISION = "fp32"
"""Of the cosines that are ranked; those near a tie are summed in float64 (`metrics.ranks`)."""


def settings_of(encoder: Encoder) -> dict[str, Any]:
    """Preprocessing, tokenizer and precision, by the names of `reference.settings.Settings`.

    Of open_clip models also `mean`, `std` and `size` of the pixels. What is not known is left out.

    Raises:
        EncoderUnavailableError: it cannot be had, or not in the precision that was asked for.
    """
    parts = encoder.info.parts
    known = {name: each for name, each in asdict(of_encoder(parts)).items() if each is not None}
    pixels: dict[str, Any] = {}
    if "resize" in known:
        told = json.loads(parts["preprocessing"])
        pixels = {name: told[name] for name in ("mean", "std", "size") if name in told}
    return {
        **known,
        **pixels,
        "decoding": AS_STORED,
        "precision": precision_of(encoder),
        "score_precision": SCORE_PRECISION,
    }
