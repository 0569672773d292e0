"""Captions in a JSON file beside a picture, as img2dataset writes them: {"caption": "a dog", ...}.

The caption is a string or a list of strings; whatever else the object holds is no concern of ours.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from indexer.readers.base import Caption, CaptionFile, Skip
from indexer.readers.columns import texts_in
from indexer.readers.sidecars import decode_text
from retrieval.errors import ImageError
from retrieval.model import FileRef

JSON_SUFFIX = b".json"


def match_json(
    pictures: Sequence[FileRef], candidates: Mapping[bytes, FileRef]
) -> list[CaptionFile]:
    """Give each picture the JSON file of its stem; by path. Their `read` says nothing yet.

    Args:
        pictures: of any folders.
        candidates: files with JSON_SUFFIX, by path.
    """
    images: dict[bytes, list[bytes]] = defaultdict(list)
    for picture in pictures:
        stem, _ = os.path.splitext(picture.path)  # noqa: PTH122 - bytes
        path = stem + JSON_SUFFIX
        if path in candidates:
            images[path].append(picture.path)
    return [CaptionFile(candidates[path], tuple, tuple(images[path])) for path in sorted(images)]


def parse_json(content: bytes, images: Sequence[bytes]) -> Iterator[Caption | Skip]:
    """The captions of an object, each for all the pictures; an object without any says nothing.

    Raises:
        ImageError: it is no JSON object, or its caption is no text.
    """
    try:
        found = json.loads(decode_text(content))
    except (ValueError, RecursionError) as error:
        raise ImageError("not JSON") from error
    if not isinstance(found, dict):
        raise ImageError("no JSON object")
    caption = found.get("caption") or []
    values = caption if isinstance(caption, list) else [caption]
    if not all(isinstance(each, str) for each in values):
        raise ImageError("caption is no text")
    for text in texts_in(values):
        yield from (Caption(text, image) for image in images)
