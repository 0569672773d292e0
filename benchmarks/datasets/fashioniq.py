"""FashionIQ: what should be different about a dress, a shirt or a top, said twice.

    cap.{dress,shirt,toptee}.val.json      queries; here or in captions/
    split.{dress,shirt,toptee}.val.json    names of all pictures of the split; here or image_splits/
    images/                                NAME.png or NAME.jpg; some can be had no more

Two galleries are in use, and the second gives higher figures: all pictures of the split, as the
authors and nearly all zero-shot papers have it ("split"), or those that are the reference or the
target of some query ("candidates and targets", after VAL, CVPR 2020). The reference stays in the
ranking. Published is the mean of the three categories: "fashioniq" is all of them. Three queries
have one empty sentence; they are kept, as everybody keeps them.

Source: H. Wu et al., "Fashion IQ: A New Dataset Towards Retrieving Images by Natural Language
Feedback", CVPR 2021.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.datasets.asked import composed_of, needed
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

CATEGORIES = {"dress": "dresses", "shirt": "shirts", "toptee": "tops and tees"}
GALLERIES = ("split", "candidates and targets")

_SUFFIXES = (".png", ".jpg", ".jpeg")


def read_queries(path: Path) -> tuple[tuple[ComposedQuery, ...], str]:
    """The queries of a category, numbered from 0, and the sha256 (hex); needs no picture.

    Raises:
        DatasetError: the file is of another form.
    """
    rows, sha256 = read_json(path)
    try:
        queries = tuple(
            ComposedQuery(str(number), row["candidate"], _said(row["captions"]), (row["target"],))
            for number, row in enumerate(rows)
        )
    except (KeyError, TypeError) as error:
        raise DatasetError(
            f"{path} has not the form of FashionIQ's captions: a query lacks {error}",
            hint="its test split has no targets; measure on val",
        ) from error
    return queries, sha256


def _said(captions: object) -> tuple[str, ...]:
    if not isinstance(captions, list):
        raise TypeError("a list of captions")
    return tuple(captions)


def read_split(path: Path) -> tuple[tuple[str, ...], str]:
    """The names of all pictures of a split, and the sha256 (hex) of the list.

    Raises:
        DatasetError: the file is of another form.
    """
    names, sha256 = read_json(path)
    if not isinstance(names, list):
        raise DatasetError(f"{path} has not the form of FashionIQ's splits: it is no list")
    return tuple(map(str, names)), sha256


def gallery_of(
    which: str, split: Sequence[str], queries: Sequence[ComposedQuery]
) -> tuple[str, ...]:
    """The names of one of the `GALLERIES`, in the order of the split."""
    if which == GALLERIES[0]:
        return tuple(split)
    asked = {name for query in queries for name in needed(query)}
    return tuple(name for name in split if name in asked)


def load(folder: Path, options: LoadOptions, *, category: str) -> Sequence[Composed]:
    """The queries of a category with one of its galleries; a category is a split of its own."""
    name = f"fashioniq-{category}"
    refuse(options, name, "captions", "languages")
    split = one_of(options.split, ("val",), "split with targets", name)
    which = one_of(options.gallery, GALLERIES, "gallery", name)
    file = f"{category}.{split}.json"
    captions = find(folder, (f"cap.{file}", f"captions/cap.{file}"), f"captions of {name}")
    listed = find(folder, (f"split.{file}", f"image_splits/split.{file}"), f"split of {name}")
    queries, of_captions = read_queries(captions)
    names, of_list = read_split(listed)
    hashes = {captions.name: of_captions, listed.name: of_list}
    return (
        composed_of(
            Origin("fashioniq", f"{split} {category}", which, hashes),
            [Picture(each, _file(folder, each)) for each in gallery_of(which, names, queries)],
            queries,
            removes_reference=False,
        ),
    )


def load_all(folder: Path, options: LoadOptions) -> Sequence[Composed]:
    """All categories, one after the other."""
    return [each for name in CATEGORIES for each in load(folder, options, category=name)]


def _file(folder: Path, name: str) -> Path:
    """Where a picture lies, or should."""
    paths = [folder / "images" / f"{name}{suffix}" for suffix in _SUFFIXES]
    return next((path for path in paths if path.is_file()), paths[0])


SPECS = (
    DatasetSpec(
        "fashioniq",
        "composed",
        "FashionIQ: 6,016 queries in three categories of clothes",
        load_all,
        "cir/fashioniq",
    ),
    *(
        DatasetSpec(
            f"fashioniq-{category}",
            "composed",
            f"FashionIQ: {what}",
            partial(load, category=category),
            "cir/fashioniq",
        )
        for category, what in CATEGORIES.items()
    ),
)
