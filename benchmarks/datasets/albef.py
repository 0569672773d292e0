"""The JSON of ALBEF, BLIP and LAVIS: pictures with their captions, a file a split.

    val, test: [{"image": "flickr30k-images/1007129816.jpg", "caption": ["...", "...", ...]}, ...]
    train:     [{"image": "...", "caption": "A woman ...", "image_id": "..."}, ...]

It has no ids of captions: keys are NAME#0, NAME#1, ...

Source: J. Li et al., "Align before Fuse", NeurIPS 2021.
"""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from benchmarks.datasets.base import DatasetError
from benchmarks.datasets.captioned import Annotations, Captioned, annotations, numbered
from benchmarks.datasets.files import first_there, read_json


def read_albef(folder: Path, split: str, *, files: Sequence[str]) -> Annotations | None:
    """The file of a split; None where there is none.

    Args:
        folder: of the data set.
        split: its name.
        files: relative paths, "{}" where the split's name is.

    Raises:
        DatasetError: the file is cut off or of another form, or has a picture twice.
    """
    path = first_there(folder, [each.format(split) for each in files])
    if path is None:
        return None
    value, sha256 = read_json(path)
    said: dict[str, list[str]] = {}
    for number, row in enumerate(value if isinstance(value, list) else [None]):
        name, texts = _row(path, number, row)
        if isinstance(texts, list) and name in said:
            raise DatasetError(f"{path} has the picture {name} twice", hint="get the file again")
        said.setdefault(name, []).extend([texts] if isinstance(texts, str) else texts)
    pictures = [Captioned(name, numbered(name, texts)) for name, texts in said.items()]
    return annotations(path, pictures, {path.name: sha256})


def _row(path: Path, number: int, row: object) -> tuple[str, str | list[str]]:
    """The file name of a picture, and its captions or one of them."""
    if isinstance(row, dict):
        image, texts = row.get("image"), row.get("caption")
        if isinstance(texts, list) and not all(isinstance(each, str) for each in texts):
            texts = None
        if isinstance(image, str) and isinstance(texts, str | list):
            return PurePosixPath(image).name, texts
    raise DatasetError(
        f'{path}: row {number} has not the form {{"image": NAME, "caption": [CAPTION, ...]}}',
        hint="get the published file",
    )
