"""COCO captions: the 5,000 pictures of Karpathy's test split, and any file of the official form.

    coco         captions_val2014.json with coco_test_ids.npy of ECCV Caption, which has the split's
                 25,000 captions, five a picture, in its order ("first5"); pictures in val2014/
    coco-mini    any captions_*.json with pictures beside it; no split is claimed

Source of the split: A. Karpathy, L. Fei-Fei, "Deep Visual-Semantic Alignments for Generating Image
Descriptions", CVPR 2015; of its ids: S. Chun et al., "ECCV Caption", ECCV 2022.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.datasets.base import (
    Crossmodal,
    DatasetError,
    DatasetSpec,
    LoadOptions,
    Origin,
    Picture,
    crossmodal_of,
)
from benchmarks.datasets.files import find, read_json

LICENCE = "annotations CC BY 4.0; pictures under the licences of their Flickr owners"

_INSTRUCTIONS = (
    "get annotations_trainval2014.zip and val2014.zip from https://cocodataset.org, and "
    "coco_test_ids.npy from the package eccv_caption; unpack them there"
)

N_CAPTIONS, N_PICTURES, FOLDS = 25_000, 5_000, 5
_IDS = ("coco_test_ids.npy", "eccv_caption/coco_test_ids.npy", "annotations/coco_test_ids.npy")
_VAL2014 = ("captions_val2014.json", "annotations/captions_val2014.json")


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


def load_mini(folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """Every picture of a captions file, with all of its captions."""
    _only_defaults(options, "coco-mini")
    found = (*folder.glob("captions_*.json"), *folder.glob("annotations/captions_*.json"))
    path = min(found, default=None)
    if path is None:
        raise DatasetError(f"no captions_*.json in {folder}", hint="--data names its parent")
    read = read_captions(path)
    by_picture: dict[int, list[tuple[str, str]]] = {each: [] for each in read.files}
    for number, picture, text in read.captions:
        by_picture[picture].append((str(number), text))
    place = _place(folder, read, ("images/val2017", "images", "val2017", "."))
    origin = Origin("coco-mini", path.stem, "all", {path.name: read.sha256}, False, LICENCE)
    captions = [
        (Picture(str(number), place / read.files[number]), said)
        for number, said in by_picture.items()
    ]
    return (crossmodal_of(origin, captions),)


def load_test(folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """The 5,000 pictures of the test split with five captions each, in Karpathy's order."""
    if options.captions not in {None, "first5"}:
        raise DatasetError(
            f"coco has no captions rule {options.captions!r} from these files",
            hint="coco_test_ids.npy lists five captions a picture: --captions first5",
        )
    _only_defaults(options, "coco")
    path = find(folder, _VAL2014, "captions of COCO val2014")
    ids_path = find(folder, _IDS, "ids of Karpathy's test split")
    read = read_captions(path)
    ids = _ids(ids_path)
    of_caption = {number: (picture, text) for number, picture, text in read.captions}
    if absent := [number for number in ids if number not in of_caption]:
        raise DatasetError(
            f"{path} lacks {len(absent):,} of the {len(ids):,} captions of the test split, e.g. "
            f"{absent[0]}",
            hint="the split is of val2014; val2017 is another set",
        )
    by_picture: dict[int, list[tuple[str, str]]] = {}
    for number in ids:
        picture, text = of_caption[number]
        by_picture.setdefault(picture, []).append((str(number), text))
    if len(by_picture) != N_PICTURES:
        raise DatasetError(f"the test split has {N_PICTURES:,} pictures, not {len(by_picture):,}")
    origin = Origin("coco", "test", "first5", {path.name: read.sha256}, False, LICENCE)
    place = _place(folder, read, ("val2014", "images/val2014", "."))
    captions = [
        (Picture(str(number), place / read.files[number]), said)
        for number, said in by_picture.items()
    ]
    return (crossmodal_of(origin, captions, folds=FOLDS),)


def _place(folder: Path, read: CocoCaptions, names: Sequence[str]) -> Path:
    """The folder that holds some of the pictures; the first one where none does."""
    places = [folder / name for name in names]
    some = list(read.files.values())[:100]
    return next((each for each in places if any((each / one).exists() for one in some)), places[0])


def _ids(path: Path) -> list[int]:
    try:
        ids: Any = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DatasetError(f"cannot read {path}: {error}") from error
    if ids.shape != (N_CAPTIONS,):
        raise DatasetError(f"{path} should hold {N_CAPTIONS:,} caption ids, not {ids.shape}")
    found: list[int] = ids.astype(np.int64).tolist()
    return found


def _only_defaults(options: LoadOptions, name: str) -> None:
    """Refuse choices that the data set does not have."""
    if options.split is not None:
        raise DatasetError(f"{name} has one split", hint="leave --split out")
    if options.languages not in {(), ("en",), ("all",)}:
        raise DatasetError(f"{name} is in English", hint="leave --languages out")
    if options.gallery is not None:
        raise DatasetError(f"{name} has one gallery", hint="leave --gallery out")


SPECS = (
    DatasetSpec(
        "coco",
        "crossmodal",
        "COCO captions, Karpathy's 5,000 test pictures",
        load_test,
        "coco",
        licence=LICENCE,
        instructions=_INSTRUCTIONS,
    ),
    DatasetSpec(
        "coco-mini",
        "crossmodal",
        "any file of COCO's captions form",
        load_mini,
        "coco_mini",
        licence=LICENCE,
        instructions="put a captions_*.json there, and its pictures beside it or in images/",
    ),
)
