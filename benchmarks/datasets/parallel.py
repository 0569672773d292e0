"""Data sets with the same pictures in every language, and lists of captions beside each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.datasets.base import Crossmodal, DatasetError, Origin, Picture, crossmodal_of
from benchmarks.datasets.files import read_json
from retrieval.languages.tags import canonical_tag


@dataclass(frozen=True, slots=True, eq=False)
class Parallel:
    """Captions of the same pictures in languages.

    Attributes:
        images: n names.
        captions: by code of the language, those of each image, n.
        sha256: (hex) of each file, by name.
    """

    images: tuple[str, ...]
    captions: Mapping[str, tuple[tuple[str, ...], ...]]
    sha256: Mapping[str, str]


def read_table(path: Path) -> Parallel:
    """Read the form that Babel-ImageNet's repository gives XTD10 and xFlickrCO.

        {"images": [name, ...], "captions": {"de": [[caption], ...], ...}}

    Raises:
        DatasetError: it is of another form, or a language has captions for more or fewer images.
    """
    value, sha256 = read_json(path)
    try:
        images = tuple(map(str, value["images"]))
        captions = {
            str(code): tuple(tuple(map(str, said)) for said in of_image)
            for code, of_image in value["captions"].items()
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path} has not the form of images and captions: {error}") from error
    return checked(path, images, captions, {path.name: sha256})


def checked(
    path: Path,
    images: Sequence[str],
    captions: Mapping[str, Sequence[Sequence[str]]],
    sha256: Mapping[str, str],
) -> Parallel:
    """Put lists together that have to be of one length.

    Raises:
        DatasetError: one is longer or shorter than the images.
    """
    for code, of_image in captions.items():
        if len(of_image) != len(images):
            raise DatasetError(
                f"{path}: {len(images):,} images, and captions in {code} for {len(of_image):,}",
                hint="get the files again: line i is of image i",
            )
    said = {code: tuple(map(tuple, of_image)) for code, of_image in captions.items()}
    return Parallel(tuple(images), said, sha256)


def in_languages(
    origin: Origin, read: Parallel, codes: Sequence[str], paths: Sequence[Path]
) -> tuple[Crossmodal, ...]:
    """One value for each of some languages.

    Args:
        origin: of them.
        read: images and captions.
        codes: of the languages that are wanted.
        paths: n, where each image should lie.
    """
    pictures = [Picture(name, path) for name, path in zip(read.images, paths, strict=True)]
    return tuple(
        crossmodal_of(
            origin,
            [
                (picture, [(f"{picture.key}#{at}", text) for at, text in enumerate(said)])
                for picture, said in zip(pictures, read.captions[code], strict=True)
            ],
            language=canonical_tag(code),
        )
        for code in codes
    )
