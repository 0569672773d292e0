"""COCO captions: Karpathy's splits of COCO 2014, and any file of the official form.

    coco/dataset_coco.json            Karpathy's JSON; all splits
    coco/captions_val2014.json        the official file, with coco_test_ids.npy of ECCV Caption
    coco/coco_test_karpathy.json      CLIP_benchmark's, of the official form
    coco/*.parquet                    nlphuji/mscoco_2014_5k_test_image_text_retrieval
    coco/test_5k_mscoco_2014.csv      what those tables are made from
    coco/coco_karpathy_test.json      ALBEF's, BLIP's and LAVIS'
    coco/cxc_*.json, coco/eccv_*.json further pairs that belong together (`eccv.py`), if there
    coco/val2014/, coco/train2014/    pictures

    coco-mini    any captions_*.json with pictures beside it; no split is claimed

The first of these that is there is read. Pictures are named by their COCO ids in all forms, and
captions by COCO's ids of captions. Forms that lack these name them NAME#0, NAME#1, ... after the
file of the picture: ALBEF's; tables without the column `sentids`; files of CLIP_benchmark's form
that count captions from 0 or 1. Positives that are known by ids (ECCV Caption, CxC) cannot be met
there.

Rules: "all" captions of the test split are 25,010, as CLIP_benchmark and open_clip's tables count
them, and are taken unless asked otherwise; "first5" are 25,000, as VSE++ and ECCV Caption do. A
file that has but these gives "first5".

"COCO 1K" cuts the test split into five in Karpathy's order. A file in another order has no folds.

Source of the splits: A. Karpathy, L. Fei-Fei, "Deep Visual-Semantic Alignments for Generating Image
Descriptions", CVPR 2015.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.datasets.albef import read_albef
from benchmarks.datasets.base import (
    Crossmodal,
    DatasetError,
    DatasetSpec,
    LoadOptions,
    Origin,
    Picture,
    crossmodal_of,
)
from benchmarks.datasets.captioned import (
    RULES,
    Annotations,
    SplitCounts,
    first_read,
    settled,
)
from benchmarks.datasets.choices import chosen_languages, one_of, refuse
from benchmarks.datasets.coco_captions import (
    IDS,
    VAL2014,
    CocoCaptions,
    read_by_ids,
    read_captions,
    read_split_file,
)
from benchmarks.datasets.eccv import more_positives
from benchmarks.datasets.files import find, first_there
from benchmarks.datasets.hf_parquet import is_table, read_tables, write_pictures
from benchmarks.datasets.hf_rows import read_csv
from benchmarks.datasets.karpathy import read_karpathy
from benchmarks.datasets.places import coco2014, located

_INSTRUCTIONS = (
    "get annotations_trainval2014.zip and val2014.zip from https://cocodataset.org, and "
    "coco_test_ids.npy from the package eccv_caption; unpack them there. In place of the "
    "annotations, dataset_coco.json of Karpathy's caption_datasets.zip will do"
)

N_PICTURES, N_CAPTIONS, N_ALL, FOLDS = 5_000, 25_000, 25_010, 5
"""Of the test split: pictures, captions of at most five a picture, all captions, folds."""

IN_ORDER = "da31c1695cfabac7c9ac0176297f05c887cbbccc74d2a241017ece58a0ad2989"
SORTED = "0f892ba2fcb97da20443b3ce06d6bc972adb0e41ee6d338c22fa644350b3e2f7"
"""sha256 of the ids of the test split's pictures, a line each without a last line feed: in
Karpathy's order and ascending; from coco_test_ids.npy. Val and test have as many pictures and
captions: counts do not tell them apart. Where the first is "", nothing is compared."""

SPLITS = ("test", "val", "train", "restval")

_OTHER_SPLITS = {
    "val": SplitCounts(5_000, 25_010, 25_000),
    "train": SplitCounts(82_783, 414_113, 413_915),
    "restval": SplitCounts(30_504, 152_634, 152_520),
}
"""Train and restval together have 566,747 captions, of which those of train2014 are 414,113."""

_NAME = re.compile(r"COCO_(?:train|val)2014_(\d{12})\.jpg")

_VAL2017 = ("captions_val2017.json", "annotations/captions_val2017.json")
_OTHER_SET = "the splits are of COCO 2014; val2017 has as many pictures and is another set"


def load_test(folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """One of Karpathy's splits: unless asked otherwise the test split, all captions.

    Raises:
        DatasetError: files are missing, damaged, or of another split; or a choice is not there.
        MissingDependencyError: only tables are there, and pyarrow is not installed.
    """
    refuse(options, "coco", "gallery")
    chosen_languages(options.languages, ("en",), "coco")
    split = one_of(options.split, SPLITS, "split", "coco")
    if options.captions is not None:
        one_of(options.captions, RULES, "captions rule", "coco")
    read = _read(folder, split)
    counts = _OTHER_SPLITS.get(split) or SplitCounts(N_PICTURES, N_ALL, N_CAPTIONS)
    chosen, rule = settled(read, counts, options.captions, split)
    keys = [each.id or _id_of(read, each.name) for each in chosen.pictures]
    folds = _folds(read, keys, split)
    places = [_picture(folder, each.name) for each in chosen.pictures]
    if is_table(read):
        named = zip(chosen.pictures, places, strict=True)
        write_pictures(folder, {each.name: path for each, path in named if not path.is_file()})
    origin = Origin("coco", split, rule, chosen.sha256)
    captions = [
        (Picture(key, path), each.said)
        for key, path, each in zip(keys, places, chosen.pictures, strict=True)
    ]
    data = crossmodal_of(origin, captions, folds=folds)
    return (_with_more(data, folder) if split == "test" else data,)


def load_mini(folder: Path, options: LoadOptions) -> Sequence[Crossmodal]:
    """Every picture of a captions file, with all of its captions."""
    refuse(options, "coco-mini", "split", "gallery")
    if options.languages not in {(), ("en",), ("all",)}:
        raise DatasetError("coco-mini is in English", hint="leave --languages out")
    found = (*folder.glob("captions_*.json"), *folder.glob("annotations/captions_*.json"))
    path = min(found, default=None)
    if path is None:
        raise DatasetError(f"no captions_*.json in {folder}", hint="--data names its parent")
    read = read_captions(path)
    if blank := [number for number, _, text in read.captions if not text]:
        raise DatasetError(f"{path}: caption {blank[0]} is empty", hint="leave it out of the file")
    by_picture: dict[int, list[tuple[str, str]]] = {each: [] for each in read.files}
    for number, picture, text in read.captions:
        by_picture[picture].append((str(number), text))
    place = _place(folder, read, ("images/val2017", "images", "val2017", "."))
    origin = Origin("coco-mini", path.stem, "all", {path.name: read.sha256})
    captions = [
        (Picture(str(number), place / read.files[number]), said)
        for number, said in by_picture.items()
    ]
    return (crossmodal_of(origin, captions),)


def _with_more(data: Crossmodal, folder: Path) -> Crossmodal:
    """The data with the further pairs of ECCV Caption and CxC, as far as their files are there."""
    more = more_positives(folder, data.text_keys, [each.key for each in data.pictures])
    pairs = {name: rows for name, rows in more.pairs.items() if len(rows)}
    if not pairs:
        return data
    origin = replace(data.origin, sha256={**data.origin.sha256, **more.sha256})
    return replace(data, origin=origin, more=pairs)


def _read(folder: Path, split: str) -> Annotations:
    """What the first form says that is there.

    Raises:
        DatasetError: none is, or one is damaged.
    """
    karpathy = partial(read_karpathy, dataset="coco")
    others = (
        partial(read_by_ids, n_ids=N_CAPTIONS),
        partial(
            read_split_file, files=("coco_{}_karpathy.json", "annotations/coco_{}_karpathy.json")
        ),
        read_tables,
        partial(read_csv, files=("test_5k_mscoco_2014.csv",)),
        partial(read_albef, files=("coco_karpathy_{}.json", "annotations/coco_karpathy_{}.json")),
    )
    # The other forms put train and restval into one file.
    readers = (karpathy, *others) if split in ("test", "val") else (karpathy,)
    if (read := first_read(readers, folder, split)) is not None:
        return read
    if split == "test" and first_there(folder, VAL2014) is not None:
        find(folder, IDS, "ids of Karpathy's test split")
    if (path := first_there(folder, _VAL2017)) is not None:
        raise DatasetError(f"{path} is not Karpathy's split {split}", hint=_OTHER_SET)
    wanted = ["dataset_coco.json (Karpathy)"]
    if split in ("test", "val"):
        wanted += [f"coco_{split}_karpathy.json (CLIP_benchmark)", f"coco_karpathy_{split}.json"]
    if split == "test":
        wanted.append("captions_val2014.json with coco_test_ids.npy (ECCV Caption)")
    raise DatasetError(
        f"no captions of coco {split} in {folder}",
        hint=f"put there {' or '.join(wanted)}; --data names its parent",
    )


def _folds(read: Annotations, keys: Sequence[str], split: str) -> int:
    """Into how many galleries the pictures may be cut.

    Raises:
        DatasetError: they are those of another split.
    """
    is_test = not IN_ORDER or _digest(sorted(keys, key=int)) == SORTED
    if IN_ORDER and is_test != (split == "test"):
        raise DatasetError(
            f"{read.place} has {'the' if is_test else 'other'} pictures "
            f"{'of' if is_test else 'than'} Karpathy's test split, and should be the split {split}",
            hint="take the file of the split you want" if is_test else _OTHER_SET,
        )
    return FOLDS if split == "test" and IN_ORDER in ("", _digest(keys)) else 1


def _digest(keys: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()


def _id_of(read: Annotations, name: str) -> str:
    """COCO's id of a picture, where only the name of its file is given."""
    if not (found := _NAME.fullmatch(name)):
        raise DatasetError(f"{read.place}: {name} is no picture of COCO 2014", hint=_OTHER_SET)
    return str(int(found[1]))


def _picture(folder: Path, name: str) -> Path:
    """Where a picture lies or should lie."""
    if _NAME.fullmatch(name):
        return coco2014(folder, name)
    return located(name, [folder / each for each in ("val2014", "images/val2014", ".")])


def _place(folder: Path, read: CocoCaptions, names: Sequence[str]) -> Path:
    """The folder that holds some of the pictures; the first one where none does."""
    places = [folder / name for name in names]
    some = list(read.files.values())[:100]
    return next((each for each in places if any((each / one).exists() for one in some)), places[0])


SPECS = (
    DatasetSpec(
        "coco",
        "crossmodal",
        "COCO captions, Karpathy's 5,000 test pictures",
        load_test,
        "coco",
        instructions=_INSTRUCTIONS,
    ),
    DatasetSpec(
        "coco-mini",
        "crossmodal",
        "any file of COCO's captions form",
        load_mini,
        "coco_mini",
        instructions="put a captions_*.json there, and its pictures beside it or in images/",
    ),
)
