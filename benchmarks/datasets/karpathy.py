"""Karpathy's JSON: captions and split of Flickr8k, Flickr30K or COCO in one file.

    {"images": [{"filename": "1000092795.jpg", "imgid": 0, "split": "train", "sentids": [0, ...],
                 "sentences": [{"raw": "Two young guys ...", "tokens": [...], "imgid": 0,
                                "sentid": 0}, ...]}, ...],
     "dataset": "flickr30k"}

COCO's has "filepath" and "cocoid" as well, and a fourth split, "restval": the pictures of val2014
that are in neither test nor val, which many train on. They are nobody's but their own split here.

Captions are read as they were written ("raw"): "tokens" are in lower case and without punctuation,
which models that were trained on whole sentences do not expect. A caption's key is its "sentid";
COCO's are the ids of its official captions.

Source: A. Karpathy, L. Fei-Fei, "Deep Visual-Semantic Alignments for Generating Image
Descriptions", CVPR 2015.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.datasets.base import DatasetError
from benchmarks.datasets.captioned import Annotations, Captioned, annotations
from benchmarks.datasets.files import first_there, read_json

SPLITS = ("train", "val", "test", "restval")

FOLDERS = ("", "annotations/", "karpathy/", "caption_datasets/")
"""Below the folder of a data set: where the file is looked for."""


def files_of(dataset: str) -> tuple[str, ...]:
    """Where the file of a data set is looked for, e.g. "coco"."""
    return tuple(f"{folder}dataset_{dataset}.json" for folder in FOLDERS)


def read_karpathy(folder: Path, split: str, *, dataset: str) -> Annotations | None:
    """One split of the file of a data set; None where there is no file.

    Args:
        folder: of the data set.
        split: one that the file has. Another, such as "all", is in no file: None.
        dataset: as the file calls itself: "flickr8k", "flickr30k" or "coco".

    Raises:
        DatasetError: the file is cut off, of another form or data set, or contradicts itself.
    """
    path = first_there(folder, files_of(dataset))
    if path is None or split not in SPLITS:
        return None
    value, sha256 = read_json(path)
    images = _images(path, value, dataset)
    try:
        strange = {each["split"] for each in images}.difference(SPLITS)
        wanted = [each for each in images if each["split"] == split]
        _check_ids(path, images)
        pictures = [_captioned(path, each) for each in wanted]
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DatasetError(
            f"{path} has not the form of Karpathy's JSON: {type(error).__name__} {error}"
        ) from error
    if strange:
        raise DatasetError(f"{path} has a split {min(map(str, strange))!r}")
    return annotations(path, pictures, {path.name: sha256})


def _images(path: Path, value: object, dataset: str) -> Sequence[Mapping[str, Any]]:
    images = value.get("images") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(images, list):
        raise DatasetError(f"{path} has not the form of Karpathy's JSON: no list of images")
    if (named := value.get("dataset", dataset)) != dataset:
        raise DatasetError(
            f"{path} is of the data set {named!r}, not {dataset!r}",
            hint=f"put dataset_{dataset}.json there",
        )
    return images


def _check_ids(path: Path, images: Sequence[Mapping[str, Any]]) -> None:
    """Refuse names and ids that come twice, in whichever splits."""
    sentids = [each["sentid"] for image in images for each in image["sentences"]]
    for what, given in (
        ("file name", [each["filename"] for each in images]),
        ("imgid", [each["imgid"] for each in images]),
        ("sentid", sentids),
    ):
        if len(set(given)) < len(given):
            again, _ = Counter(given).most_common(1)[0]
            raise DatasetError(f"{path} has the {what} {again} twice", hint="get the file again")


def _captioned(path: Path, image: Mapping[str, Any]) -> Captioned:
    said = image["sentences"]
    if {each["sentid"] for each in said} != set(image["sentids"]):
        raise DatasetError(f"{path}: sentids of {image['filename']} are not those of its sentences")
    for each in said:
        if not isinstance(each.get("raw"), str):
            raise DatasetError(
                f"{path}: sentence {each['sentid']} of {image['filename']} has no raw text",
                hint="its tokens alone will not do; get the published file",
            )
    texts = tuple((str(each["sentid"]), each["raw"].strip()) for each in said)
    return Captioned(
        str(image["filename"]), texts, str(int(image["cocoid"])) if "cocoid" in image else ""
    )
