"""Parts of data sets: without pictures that cannot be read, or the first few alone."""

from dataclasses import replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from benchmarks.datasets.asked import answerable, first_queries
from benchmarks.datasets.base import (
    Choices,
    Composed,
    Crossmodal,
    DatasetError,
    Picture,
    Zeroshot,
)

WithPictures = TypeVar("WithPictures", Crossmodal, Zeroshot, Choices, Composed)


def first(data: WithPictures, count: int) -> WithPictures:
    """The first pictures with all that belongs to them; all of them if there are no more.

    Of composed queries the first of these, with the pictures that they name.
    """
    if isinstance(data, Composed):
        return first_queries(data, count)
    kept = np.zeros(len(data.pictures), np.bool_)
    kept[:count] = True
    return only(data, kept)


def without(data: WithPictures, rows: tuple[int, ...]) -> WithPictures:
    """All but some pictures, which are missing from now on.

    Args:
        data: any.
        rows: of pictures, as they are numbered there.
    """
    if not rows:
        return data
    kept = np.ones(len(data.pictures), np.bool_)
    kept[list(rows)] = False
    gone: tuple[str, ...] = tuple(data.pictures[row].key for row in rows)
    return replace(only(data, kept), missing=(*data.missing, *gone))


def only(data: WithPictures, kept: npt.NDArray[np.bool_]) -> WithPictures:
    """The pictures that are kept, (n,), with all that belongs to them.

    Raises:
        DatasetError: that is none.
    """
    pictures = tuple(each for each, keep in zip(data.pictures, kept, strict=True) if keep)
    if not pictures:
        raise DatasetError(f"no picture of {data.origin.name} is left", hint="look at the files")
    if isinstance(data, Composed):
        return answerable(data, {each.key for each in pictures})
    if isinstance(data, Zeroshot):
        return replace(data, pictures=pictures, class_of=data.class_of[kept])
    if isinstance(data, Choices):
        return _asked_of(data, pictures, kept)
    number_of = np.cumsum(kept) - 1
    texts = np.flatnonzero(kept[data.picture_of])
    text_of = np.full(len(data.texts), -1)
    text_of[texts] = np.arange(len(texts))
    more = {
        name: np.column_stack([text_of[pairs[:, 0]], number_of[pairs[:, 1]]])[
            (text_of[pairs[:, 0]] >= 0) & kept[pairs[:, 1]]
        ]
        for name, pairs in data.more.items()
    }
    return replace(
        data,
        pictures=pictures,
        texts=tuple(data.texts[row] for row in texts),
        picture_of=number_of[data.picture_of[texts]],
        text_keys=tuple(data.text_keys[row] for row in texts) if data.text_keys else (),
        more=more,
    )


def _asked_of(data: Choices, pictures: tuple[Picture, ...], kept: npt.NDArray[np.bool_]) -> Choices:
    """The items both of whose pictures are kept; texts stay, whether asked for or not.

    Raises:
        DatasetError: that is none.
    """
    asked = np.asarray(kept[data.pictures_of].all(axis=1))
    if not asked.any():
        raise DatasetError(
            f"no item of {data.origin.name} has both of its pictures",
            hint="take two pictures or more; look at the files",
        )
    return replace(
        data,
        pictures=pictures,
        pictures_of=(np.cumsum(kept) - 1)[data.pictures_of[asked]],
        texts_of=data.texts_of[asked],
        aspects=tuple(each for each, keep in zip(data.aspects, asked, strict=True) if keep),
    )
