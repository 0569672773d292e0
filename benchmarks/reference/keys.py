"""When two spellings of a protocol mean the same."""

from dataclasses import replace

from benchmarks.records.key import ProtocolKey
from retrieval.languages.codes import babel_code
from retrieval.languages.tags import canonical_tag

UNSTATED = "unstated"
"""A part of a protocol that a source does not tell; it equals nothing."""

_ONE_LANGUAGE = {"flickr30k": "en", "coco": "en", "flickr30k-cn": "zh", "coco-cn": "zh"}
"""Data sets whose protocols name no language, and the one they have."""

_SAME_CAPTIONS = {
    "flickr30k": {"", "first5"},
    "flickr30k-cn": {"", "first5"},
    "coco-cn": {""},
    "xtd": {"", "first", "first5", "all"},
    "xflickrco": {"", "first", "first5", "all"},
}
"""Rules that choose the same captions: all pictures of Flickr30k's test have five, those of XTD and
xFlickrCO one."""

_BABEL = "babel-imagenet"


def settled(key: ProtocolKey) -> ProtocolKey:
    """The one spelling of a protocol, which the tables of published figures use."""
    language = key.language
    if key.dataset == _BABEL:
        language = language if language.isupper() else babel_code(canonical_tag(language))
    elif language:
        language = canonical_tag(language)
    if language == _ONE_LANGUAGE.get(key.dataset):
        language = ""
    captions = key.captions
    if captions in _SAME_CAPTIONS.get(key.dataset, ()):
        captions = "" if key.dataset in ("xtd", "xflickrco") else "all"
    return replace(key, language=language, captions=captions)
