"""CIRR: what should be different, said of photographs of everyday things (NLVR2's).

    cap.rc2.val.json      4,181 queries (the paper says 4,184); here, in captions/, cirr/captions/
    split.rc2.val.json    {"dev-244-0-img0": "./dev/dev-244-0-img0.png", ...}: the gallery, 2,297;
                          here, in image_splits/ or cirr/image_splits/
    dev/                  pictures, as that file says; here or in images/ or img_raw/

The reference is taken out of each ranking. A second recall is taken among the five other pictures
of the reference's group: its subset. The targets of test1 are known to the authors' server alone:
its 4,148 queries in 2,315 pictures are answered for that.

Source: Z. Liu et al., "Image Retrieval on Real-life Images with Pre-trained Vision-and-Language
Models", ICCV 2021.
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.datasets.asked import composed_of
from benchmarks.datasets.base import (
    Composed,
    ComposedQuery,
    DatasetError,
    DatasetSpec,
    LoadOptions,
    Origin,
    Picture,
)
from benchmarks.datasets.choices import one_of, refuse
from benchmarks.datasets.files import find, read_json
from benchmarks.datasets.places import located

SPLITS = ("val", "test1")

_FOLDERS = ("", "captions/", "cirr/captions/", "image_splits/", "cirr/image_splits/")


def read_queries(path: Path, *, has_targets: bool = True) -> tuple[tuple[ComposedQuery, ...], str]:
    """The queries of a split, and the sha256 (hex) of the file; needs no picture.

    Raises:
        DatasetError: the file is of another form, or holds no targets where it should, or a target
            is no member of its group.
    """
    rows, sha256 = read_json(path)
    try:
        if has_targets and rows and "target_hard" not in rows[0]:
            raise DatasetError(
                f"{path} holds no targets: they are kept by the authors' server",
                hint="measure on val; --split test1 writes rankings for cirr.cecs.anu.edu.au",
            )
        queries = tuple(
            ComposedQuery(
                str(row["pairid"]),
                row["reference"],
                (row["caption"],),
                (row["target_hard"],) if has_targets else (),
                tuple(each for each in row["img_set"]["members"] if each != row["reference"]),
            )
            for row in rows
        )
    except (KeyError, TypeError) as error:
        raise DatasetError(f"{path} has not the form of CIRR's captions: {error}") from error
    if strange := [each.key for each in queries if not {*each.targets} <= {*each.subset}]:
        raise DatasetError(f"{path}: the target of query {strange[0]} is no member of its group")
    return queries, sha256


def read_gallery(path: Path) -> tuple[dict[str, str], str]:
    """The file of each picture of a split, below a folder, and the sha256 (hex) of the list.

    Raises:
        DatasetError: the file is of another form.
    """
    value, sha256 = read_json(path)
    if not isinstance(value, dict):
        raise DatasetError(f"{path} has not the form of CIRR's splits: it is no object")
    return {key: str(name).removeprefix("./") for key, name in value.items()}, sha256


def load(folder: Path, options: LoadOptions) -> Sequence[Composed]:
    """The queries of a split with its gallery."""
    refuse(options, "cirr", "captions", "languages", "gallery")
    split = one_of(options.split, SPLITS, "split", "cirr")
    captions = find(folder, [f"{at}cap.rc2.{split}.json" for at in _FOLDERS], "captions of CIRR")
    listed = find(folder, [f"{at}split.rc2.{split}.json" for at in _FOLDERS], "gallery of CIRR")
    queries, of_captions = read_queries(captions, has_targets=split == SPLITS[0])
    names, of_list = read_gallery(listed)
    hashes = {captions.name: of_captions, listed.name: of_list}
    places = (folder, folder / "images", folder / "img_raw")
    return (
        composed_of(
            Origin("cirr", split, sha256=hashes),
            [Picture(key, located(name, places)) for key, name in names.items()],
            queries,
            removes_reference=True,
        ),
    )


SPEC = DatasetSpec("cirr", "composed", "CIRR: 4,181 queries in 2,297 photographs", load, "cir/cirr")
