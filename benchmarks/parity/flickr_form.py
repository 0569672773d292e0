"""Pictures and captions of any number in the text form in which CLIP_benchmark has Flickr30K.

    image,caption
    1007129816.jpg,The man with pierced ears is wearing glasses and an orange hat.

A caption may hold commas; a line is cut at the first ".jpg,", and a picture's captions are its
lines. Pictures lie beside the file.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from benchmarks.datasets.base import (
    Crossmodal,
    DatasetError,
    DatasetSpec,
    LoadOptions,
    Origin,
    Picture,
    crossmodal_of,
)

FILE = "flickr30k_test_karpathy.txt"
HEADER = "image,caption"
_CUT = ".jpg,"


def load(folder: Path, _options: LoadOptions) -> Sequence[Crossmodal]:
    """Every picture of the file, with all of its captions.

    Raises:
        DatasetError: the file is not there, or a line is of another form.
    """
    path = folder / FILE
    try:
        content = path.read_bytes()
        lines = content.decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"cannot read {path}: {error}") from error
    said: dict[str, list[tuple[str, str]]] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        stem, cut, text = line.strip().partition(_CUT)
        if not cut:
            raise DatasetError(f"{path}, line {number}: no picture before {line[:40]!r}")
        said.setdefault(f"{stem}.jpg", []).append((str(number), text))
    digest = {path.name: hashlib.sha256(content).hexdigest()}
    origin = Origin(f"flickr30k-form-{folder.name}", "all", "all", digest)
    captions = [(Picture(name, folder / name), texts) for name, texts in said.items()]
    return (crossmodal_of(origin, captions),)


def spec(folder: str) -> DatasetSpec:
    """The data set in a folder below `--data`."""
    return DatasetSpec(
        f"flickr30k-form-{folder}", "crossmodal", "any file of this form", load, folder
    )
