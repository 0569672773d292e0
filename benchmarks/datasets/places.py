"""Where the pictures of COCO and Flickr30K lie; data sets that annotate them anew share them."""

from collections.abc import Sequence
from pathlib import Path

_FLICKR = ("images", "Images", "flickr30k-images", "flickr30k_images", ".")
_FLICKR8K = ("images", "Images", "Flicker8k_Dataset", "Flickr8k_Dataset", ".")
"""The misspelt one is how its authors call it."""


def located(name: str, places: Sequence[Path]) -> Path:
    """The first of some folders' files of a name that is there, else where it should be.

    Args:
        name: of the file, below each place.
        places: the preferred one first.
    """
    return next((path for place in places if (path := place / name).is_file()), places[0] / name)


def coco2014(folder: Path, name: str) -> Path:
    """A picture such as COCO_val2014_000000391895.jpg.

    It is looked for in images/ and in val2014/ or train2014/, as its name says, below the folder of
    the data set and in it, and below coco/ beside it.
    """
    part = name.partition("_")[2].partition("_")[0]
    coco = folder.parent / "coco"
    places = (folder / "images", folder / part, folder / "images" / part, folder)
    return located(name, (*places, coco / part, coco / "images" / part, coco / "images"))


def flickr30k(folder: Path, name: str) -> Path:
    """A picture such as 1007129816.jpg, below the folder of the data set or flickr30k/ beside."""
    folders = (folder, folder.parent / "flickr30k")
    return located(name, [each / images for each in folders for images in _FLICKR])


def flickr8k(folder: Path, name: str) -> Path:
    """A picture such as 1056338697_4f7d7ce270.jpg, below the folder of the data set."""
    return located(name, [folder / images for images in _FLICKR8K])


def coco_or_flickr(folder: Path, name: str) -> Path:
    """A picture of either, as its name tells."""
    return (coco2014 if name.startswith("COCO_") else flickr30k)(folder, name)
