"""CIRCO: composed queries with all of their right answers, in 123,403 photographs of COCO.

    val.json                              220 queries; here or in annotations/
    image_info_unlabeled2017.json         {"images": [{"id": 271520, "file_name": "...jpg"}, ...]}:
                                          the gallery; here, in annotations/ or COCO2017_unlabeled/
    unlabeled2017/                        pictures; here or in COCO2017_unlabeled/

A query has 4.16 targets on average, the first of which recall asks for; mean average precision
takes all. The reference stays in the ranking, as in the authors' code. The targets of test are
known to the authors' server alone: its 800 queries (test.json) are answered for that.

Source: A. Baldrati et al., "Zero-Shot Composed Image Retrieval with Textual Inversion", ICCV 2023.
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

SPLITS = ("val", "test")

_LIST = "image_info_unlabeled2017.json"
_LISTS = (_LIST, f"annotations/{_LIST}", f"COCO2017_unlabeled/annotations/{_LIST}")


def read_queries(path: Path, *, has_targets: bool = True) -> tuple[tuple[ComposedQuery, ...], str]:
    """The queries of a split, and the sha256 (hex) of the file; needs no picture.

    Raises:
        DatasetError: the file is of another form, holds no targets where it should, or asks first
            for another one than the first.
    """
    rows, sha256 = read_json(path)
    try:
        if has_targets and rows and "gt_img_ids" not in rows[0]:
            raise DatasetError(
                f"{path} holds no targets: they are kept by the authors' server",
                hint="measure on val; --split test writes rankings for circo.micc.unifi.it",
            )
        queries = tuple(
            ComposedQuery(
                str(row["id"]),
                str(row["reference_img_id"]),
                (row["relative_caption"],),
                tuple(map(str, row["gt_img_ids"])) if has_targets else (),
                aspects=tuple(row["semantic_aspects"]) if has_targets else (),
            )
            for row in rows
        )
        first = [str(row["target_img_id"]) for row in rows] if has_targets else []
    except (KeyError, TypeError) as error:
        raise DatasetError(f"{path} has not the form of CIRCO's queries: {error}") from error
    if strange := [
        each.key for each, one in zip(queries, first, strict=False) if one not in each.targets[:1]
    ]:
        raise DatasetError(
            f"{path}: the target of query {strange[0]} is not the first of its targets"
        )
    return queries, sha256


def read_gallery(path: Path) -> tuple[dict[str, str], str]:
    """The file name of each picture, by its id, and the sha256 (hex) of the list.

    Raises:
        DatasetError: the file is of another form.
    """
    value, sha256 = read_json(path)
    try:
        return {str(each["id"]): str(each["file_name"]) for each in value["images"]}, sha256
    except (KeyError, TypeError) as error:
        raise DatasetError(f"{path} has not the form of COCO's image lists: {error}") from error


def load(folder: Path, options: LoadOptions) -> Sequence[Composed]:
    """The queries of a split with the whole gallery."""
    refuse(options, "circo", "captions", "languages", "gallery")
    split = one_of(options.split, SPLITS, "split", "circo")
    asked = find(folder, (f"{split}.json", f"annotations/{split}.json"), "queries of CIRCO")
    listed = find(folder, _LISTS, "list of COCO's unlabeled pictures")
    queries, of_queries = read_queries(asked, has_targets=split == SPLITS[0])
    names, of_list = read_gallery(listed)
    places = (folder / "unlabeled2017", folder / "COCO2017_unlabeled" / "unlabeled2017")
    return (
        composed_of(
            Origin(
                "circo",
                split,
                sha256={asked.name: of_queries, listed.name: of_list},
            ),
            [Picture(key, located(name, places)) for key, name in names.items()],
            queries,
            removes_reference=False,
        ),
    )


SPEC = DatasetSpec(
    "circo", "composed", "CIRCO: 220 queries in 123,403 photographs", load, "cir/circo"
)
