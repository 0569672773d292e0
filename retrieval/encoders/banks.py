"""The banks of texts that polyseek brings, by name."""

from collections.abc import Callable, Mapping, Sequence

from retrieval.encoders.abstract_bank import abstract_bank
from retrieval.encoders.bank import caption_bank
from retrieval.encoders.name_bank import name_bank

_CAPTION_STEP = 6
"""Every so many captions of the bank stand beside the names: of 395 captions of COCO 38 in 1,000
looked abstract without them, 5 do with these, 3 with all (`mini`)."""

BANKS: Mapping[str, Callable[[], Sequence[str]]] = {
    "captions": caption_bank,
    "visual": lambda: (*name_bank(), *caption_bank()[::_CAPTION_STEP]),
    "abstract": abstract_bank,
}
"""Everyday captions; texts that pictures show, names first; and texts that no picture shows."""
