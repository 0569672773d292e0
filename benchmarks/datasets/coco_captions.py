"""COCO's official form of captions, whole or a split of it.

    captions_val2014.json      {"images": [{"id": 391895, "file_name": ...}], "annotations":
                               [{"id": 770337, "image_id": 391895, "caption": "..."}]}
    coco_test_ids.npy          the ids of 25,000 captions of Karpathy's test split, five a picture,
                               in its order: with it, the split is taken out of the official file
    coco_test_karpathy.json    CLIP_benchmark's: the same form, a file a split

Sources: X. Chen et al., "Microsoft COCO Captions", 2015; of the ids: S. Chun et al., "ECCV
Caption", ECCV 2022.
"""

import hashlib
import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.base import DatasetError
from benchmarks.datasets.captioned import Annotations, Captioned, annotations, numbered
from benchmarks.datasets.files import first_there, read_json

VAL2014 = ("captions_val2014.json", "annotations/captions_val2014.json")
IDS = ("coco_test_ids.npy", "eccv_caption/coco_test_ids.npy", "annotations/coco_test_ids.npy")


@dataclass(frozen=True, slots=True, eq=False)
class CocoCaptions:
    """A captions file of the official form.

    Attributes:
        files: file name by picture id.
        captions: caption id, picture id and words, in the order of the file.
        sha256: of the file.
    """

    files: Mapping[int, str]
    captions: tuple[tuple[int, int, str], ...]
    sha256: str


def read_captions(path: Path) -> CocoCaptions:
    """Read {"images": [...], "annotations": [...]}.

    Raises:
        DatasetError: it is of another form, an id comes twice, or a caption has no picture.
    """
    value, sha256 = read_json(path)
    try:
        images = [(int(each["id"]), str(each["file_name"])) for each in value["images"]]
        said = [
            (int(each["id"]), int(each["image_id"]), str(each["caption"]).strip())
            for each in value["annotations"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path} has not the form of COCO's captions: {error}") from error
    files = dict(images)
    for ids, what in (
        ([each for each, _ in images], "picture"),
        ([one[0] for one in said], "caption"),
    ):
        if len(set(ids)) < len(ids):
            raise DatasetError(f"{path} has a {what} id twice")
    if strange := [each for each in said if each[1] not in files]:
        raise DatasetError(f"{path}: caption {strange[0][0]} is of no picture that it lists")
    return CocoCaptions(files, tuple(said), sha256)


def read_by_ids(folder: Path, split: str, *, n_ids: int) -> Annotations | None:
    """The test split of the official file: all captions of its pictures, those of the ids first.

    The others follow by their ids, in whose order Karpathy's file has all captions of a picture.

    Args:
        folder: of the data set.
        split: "test"; of others no ids are known.
        n_ids: how many there have to be.

    Returns:
        None where there is no official file, or no ids.

    Raises:
        DatasetError: there is another number of ids, or the file lacks some of the captions.
    """
    path, ids_path = first_there(folder, VAL2014), first_there(folder, IDS)
    if path is None or ids_path is None or split != "test":
        return None
    read, (ids, of_ids) = read_captions(path), _ids(ids_path, n_ids)
    of_caption = {number: (picture, text) for number, picture, text in read.captions}
    if absent := [number for number in ids if number not in of_caption]:
        raise DatasetError(
            f"{path} lacks {len(absent):,} of the {len(ids):,} captions of the test split, e.g. "
            f"{absent[0]}",
            hint="the split is of val2014; val2017 is another set",
        )
    first = dict.fromkeys(ids)
    said: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for number in first:
        picture, text = of_caption[number]
        said[picture].append((str(number), text))
    for number, picture, text in sorted(read.captions):
        if picture in said and number not in first:
            said[picture].append((str(number), text))
    pictures = [
        Captioned(read.files[each], tuple(texts), str(each)) for each, texts in said.items()
    ]
    return annotations(path, pictures, {path.name: read.sha256, ids_path.name: of_ids})


def read_split_file(folder: Path, split: str, *, files: Sequence[str]) -> Annotations | None:
    """A file of the official form that holds one split; None where there is none.

    Its ids of captions are taken for COCO's unless they are but numbers in a row, from 0 or from 1;
    then captions have none, and are named NAME#0, NAME#1, ...

    Args:
        folder: of the data set.
        split: its name.
        files: relative paths, "{}" where the split's name is.

    Raises:
        DatasetError: the file is cut off, of another form, or contradicts itself.
    """
    path = first_there(folder, [each.format(split) for each in files])
    if path is None:
        return None
    read = read_captions(path)
    said: dict[int, list[tuple[str, str]]] = {each: [] for each in read.files}
    for number, picture, text in read.captions:
        said[picture].append((str(number), text))
    ids = sorted(number for number, _, _ in read.captions)
    are_counted = bool(ids) and ids[0] in (0, 1) and ids[-1] - ids[0] == len(ids) - 1
    pictures = [
        Captioned(
            read.files[each],
            numbered(read.files[each], [text for _, text in texts])
            if are_counted
            else tuple(texts),
            str(each),
        )
        for each, texts in said.items()
    ]
    return annotations(path, pictures, {path.name: read.sha256})


def _ids(path: Path, n_ids: int) -> tuple[list[int], str]:
    """The ids of a file, and its sha256 (hex)."""
    try:
        content = path.read_bytes()
        ids: Any = np.load(io.BytesIO(content), allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {path}: {error}") from error
    if ids.shape != (n_ids,):
        raise DatasetError(f"{path} should hold {n_ids:,} caption ids, not {ids.shape}")
    found: list[int] = ids.astype(np.int64).tolist()
    if len(set(found)) < len(found):
        raise DatasetError(f"{path} has a caption id twice")
    return found, hashlib.sha256(content).hexdigest()
