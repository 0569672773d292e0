"""Captions in lines: CLIP_benchmark's files, and the token files that came with the pictures.

    flickr30k_test_karpathy.txt    `image,caption`, then 1007129816.jpg,The man with pierced ...
    results_20130124.token         1000092795.jpg#0<tab>Two young guys with shaggy hair ...
    Flickr8k.token.txt             the same form
    Flickr_8k.testImages.txt       a picture a line: which of them are in a split

A line of CLIP_benchmark ends the name at its first ".jpg,": captions hold commas, and one may hold
".jpg," itself. Captions of Flickr30K's token file are cut into words ("guys , one of them
."), where Karpathy's and CLIP_benchmark's are as they were written; a model may tell them apart.
Those of Flickr8k are cut in all forms.

These forms have no ids of captions: keys are NAME#0, NAME#1, ...
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.datasets.base import DatasetError
from benchmarks.datasets.captioned import Annotations, Captioned, annotations, numbered
from benchmarks.datasets.files import first_there
from benchmarks.datasets.texts import read_lines

_HEADER = "image,caption"
_END = ".jpg,"


def read_clip_benchmark(folder: Path, split: str, *, files: Sequence[str]) -> Annotations | None:
    """The file of a split; None where there is none.

    Args:
        folder: of the data set.
        split: its name.
        files: relative paths, "{}" where the split's name is.

    Raises:
        DatasetError: a line is of another form, or a caption has no words.
    """
    path = first_there(folder, [each.format(split) for each in files])
    if path is None:
        return None
    lines, sha256 = read_lines(path)
    said: dict[str, list[str]] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or (number == 1 and line.strip() == _HEADER):
            continue
        stem, end, text = line.partition(_END)
        if not stem or not end:
            raise _no_caption(path, number, line, "1007129816.jpg,CAPTION")
        said.setdefault(f"{stem.strip()}.jpg", []).append(text)
    pictures = [Captioned(name, numbered(name, texts)) for name, texts in said.items()]
    return annotations(path, pictures, {path.name: sha256})


def read_tokens(
    folder: Path, split: str, *, files: Sequence[str], lists: Mapping[str, Sequence[str]]
) -> Annotations | None:
    """The pictures that a list names, or all of them, of a file that knows no splits.

    Args:
        folder: of the data set.
        split: "all", which needs no list, or the split that a list is of.
        files: relative paths of the file.
        lists: those of lists, by split.

    Returns:
        None where there is no file, or no list of the split.

    Raises:
        DatasetError: a line is of another form, or a name of the list is not in the file.
    """
    path = first_there(folder, files)
    listed = None if split == "all" else first_there(folder, lists.get(split, ()))
    if path is None or (split != "all" and listed is None):
        return None
    said, sha256 = _tokens(path)
    hashes = {path.name: sha256}
    names = list(said)
    if listed is not None:
        names, hashes[listed.name] = read_names(listed)
        if absent := [name for name in names if name not in said]:
            raise DatasetError(
                f"{path} lacks {len(absent):,} of the {len(names):,} pictures of {listed.name}, "
                f"e.g. {absent[0]}",
                hint="take captions and list of the same data set",
            )
    return annotations(path, [Captioned(name, tuple(said[name])) for name in names], hashes)


def read_names(path: Path) -> tuple[list[str], str]:
    """The pictures of a list, "1007129816" or "1007129816.jpg" a line, and its sha256 (hex).

    Raises:
        DatasetError: one is named twice, or a line is no name.
    """
    lines, sha256 = read_lines(path)
    stripped = [line.strip() for line in lines]
    names = [each if each.endswith(".jpg") else f"{each}.jpg" for each in stripped if each]
    for each in names:
        if set(each) & set(" \t,#/"):
            raise DatasetError(
                f"{path}: {each[:40]!r} is no name of a picture", hint="a line is 1007129816.jpg"
            )
    if len(set(names)) < len(names):
        again, _ = Counter(names).most_common(1)[0]
        raise DatasetError(f"{path} has the picture {again} twice")
    return names, sha256


def _tokens(path: Path) -> tuple[dict[str, list[tuple[str, str]]], str]:
    """Keys and words of the captions of each picture, and the sha256 (hex) of the file."""
    lines, sha256 = read_lines(path)
    said: dict[str, list[tuple[str, str]]] = {}
    for number, line in enumerate(lines, 1):
        key, tab, text = line.partition("\t")
        name, mark, _ = key.rpartition("#")
        if not tab or not mark or not name:
            raise _no_caption(path, number, line, "1000092795.jpg#0<tab>CAPTION")
        said.setdefault(name, []).append((key, text.strip()))
    return said, sha256


def _no_caption(path: Path, number: int, line: str, form: str) -> DatasetError:
    return DatasetError(
        f"{path}: line {number} is no picture with its caption: {line[:40]!r}",
        hint=f"a line is {form}",
    )
