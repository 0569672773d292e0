"""Karpathy's JSON: what it says, and what is refused of it."""

import json
from dataclasses import replace

import pytest

from benchmarks.datasets.base import DatasetError
from benchmarks.datasets.karpathy import read_karpathy
from tests.benchmarks.datasets.forms import Image, karpathy
from tests.benchmarks.datasets.kit import write

IMAGES = [
    Image("COCO_val2014_000000391895.jpg", {770337: "A man with a red helmet. "}, "test", 391895),
    Image("COCO_val2014_000000522418.jpg", {681330: "A woman", 686718: "Cake"}, "restval", 522418),
    Image("COCO_train2014_000000057870.jpg", {787980: "A restaurant"}, "train", 57870),
]


def read(folder, split="test"):
    return read_karpathy(folder, split, dataset="coco")


def test_a_split_has_raw_captions_by_their_ids(tmp_path):
    write(tmp_path, {"dataset_coco.json": karpathy(IMAGES, "coco")})
    found = read(tmp_path)
    (picture,) = found.pictures
    assert (picture.name, picture.id) == ("COCO_val2014_000000391895.jpg", "391895")
    assert picture.said == (("770337", "A man with a red helmet."),)
    assert list(found.sha256) == ["dataset_coco.json"]
    assert found.place == tmp_path / "dataset_coco.json"


def test_restval_is_a_split_of_its_own(tmp_path):
    write(tmp_path, {"annotations/dataset_coco.json": karpathy(IMAGES, "coco")})
    assert [each.id for each in read(tmp_path, "train").pictures] == ["57870"]
    assert read(tmp_path, "restval").n_captions == 2
    assert read(tmp_path, "val").pictures == ()


def test_pictures_of_flickr_have_no_ids(tmp_path):
    images = [Image("1007129816.jpg", {125: "The man"})]
    write(tmp_path, {"karpathy/dataset_flickr30k.json": karpathy(images, "flickr30k")})
    found = read_karpathy(tmp_path, "test", dataset="flickr30k")
    assert [(each.name, each.id) for each in found.pictures] == [("1007129816.jpg", "")]


def test_nothing_is_read_where_nothing_is(tmp_path):
    assert read(tmp_path) is None
    write(tmp_path, {"dataset_coco.json": karpathy(IMAGES, "coco")})
    assert read(tmp_path, "all") is None


def changed(**changes):
    """The JSON with its first image, or the first sentence of it, changed; None takes away."""
    value = karpathy(IMAGES, "coco")
    image = value["images"][0]
    for name, content in changes.items():
        target = image["sentences"][0] if name in {"raw", "sentid"} else image
        if content is None:
            del target[name]
        else:
            target[name] = content
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (karpathy(IMAGES, "flickr30k"), "is of the data set 'flickr30k', not 'coco'"),
        ({"annotations": []}, "no list of images"),
        ([], "no list of images"),
        ({"images": [3]}, "has not the form of Karpathy's JSON"),
        (changed(raw=None), "sentence 770337 of COCO_val2014_000000391895.jpg has no raw text"),
        (changed(raw=7), "has no raw text"),
        (changed(raw=" \n"), "caption 770337 of .* has no words"),
        (changed(filename="COCO_val2014_000000522418.jpg"), "has the file name COCO_.* twice"),
        (changed(imgid=1), "has the imgid 1 twice"),
        (changed(sentid=686718, sentids=[686718]), "has the sentid 686718 twice"),
        (changed(sentids=[1, 2]), "sentids of .* are not those of its sentences"),
        (changed(sentences=[], sentids=[]), "has no caption"),
        (changed(sentences=None), "has not the form of Karpathy's JSON: KeyError 'sentences'"),
        (changed(split="dev"), "has a split 'dev'"),
        (changed(cocoid="red"), "has not the form of Karpathy's JSON"),
        (changed(cocoid=[]), "has not the form of Karpathy's JSON"),
        (changed(filename=[]), "has not the form of Karpathy's JSON"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path, value, message):
    write(tmp_path, {"dataset_coco.json": value})
    with pytest.raises(DatasetError, match=message):
        read(tmp_path)


@pytest.mark.parametrize("length", [0, 1, 40, -1])
def test_a_file_that_is_cut_off_is_refused(tmp_path, length):
    text = json.dumps(karpathy(IMAGES, "coco"))
    write(tmp_path, {"dataset_coco.json": text[:length]})
    with pytest.raises(DatasetError, match="is no JSON, or is cut off"):
        read(tmp_path)


def test_a_file_that_does_not_name_its_data_set_is_read(tmp_path):
    value = karpathy([replace(IMAGES[0], split="val")], "coco")
    del value["dataset"]
    write(tmp_path, {"dataset_coco.json": value})
    assert read(tmp_path, "val").n_captions == 1
