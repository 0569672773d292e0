"""COCO: the official form, the test split by ids, and everything that may be wrong."""

import json

import numpy as np
import pytest

from benchmarks.datasets import coco
from benchmarks.datasets.base import DatasetError, LoadOptions
from benchmarks.datasets.registry import dataset, known_datasets

IMAGES = [
    {"id": 391895, "file_name": "COCO_val2014_000000391895.jpg", "height": 360, "width": 640},
    {"id": 60623, "file_name": "COCO_val2014_000000060623.jpg", "height": 427, "width": 640},
]
SAID = [
    {"image_id": 60623, "id": 19, "caption": "A young girl inhales with the intent of blowing."},
    {"image_id": 391895, "id": 770337, "caption": "A man with a red helmet on a small moped. "},
    {"image_id": 391895, "id": 771687, "caption": "Man riding a motor bike on a dirt road"},
]


def write(folder, images=IMAGES, said=SAID, name="captions_val2014.json"):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(json.dumps({"images": images, "annotations": said, "info": {}}))
    place = folder / "val2014"
    place.mkdir(exist_ok=True)
    for each in images:
        (place / each["file_name"]).touch()
    return folder


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A test split of two pictures and three captions."""
    monkeypatch.setattr(coco, "N_CAPTIONS", 3)
    monkeypatch.setattr(coco, "N_PICTURES", 2)
    folder = write(tmp_path / "coco")
    np.save(folder / "coco_test_ids.npy", np.array([770337, 771687, 19]))
    return folder


def test_the_split_has_the_order_of_its_ids(small):
    (data,) = coco.load_test(small, LoadOptions())
    assert [each.key for each in data.pictures] == ["391895", "60623"]
    assert data.text_keys == ("770337", "771687", "19")
    assert data.texts[0] == "A man with a red helmet on a small moped."
    assert data.picture_of.tolist() == [0, 0, 1]
    assert (data.origin.rule, data.folds, data.missing) == ("first5", 5, ())
    assert len(data.origin.sha256["captions_val2014.json"]) == 64


def test_a_picture_that_is_missing_is_named(small):
    (small / "val2014" / IMAGES[0]["file_name"]).unlink()
    (data,) = coco.load_test(small, LoadOptions())
    assert (data.missing, data.texts) == (("391895",), (SAID[0]["caption"],))


def test_any_file_of_the_form_claims_no_split(tmp_path):
    folder = write(tmp_path / "mini", name="captions_mine.json")
    (folder / "val2014").rename(folder / "images")
    (data,) = coco.load_mini(folder, LoadOptions())
    assert (data.origin.name, data.origin.split, data.folds) == ("coco-mini", "captions_mine", 1)
    assert data.texts == (SAID[1]["caption"].strip(), SAID[2]["caption"], SAID[0]["caption"])


def test_the_true_files_have_their_counts(test_data):
    (data,) = coco.load_mini(test_data / "coco_mini", LoadOptions())
    assert (len(data.pictures), len(data.texts), data.missing) == (79, 395, ())
    ids = np.load(test_data / "eccv_caption" / "coco_test_ids.npy")
    assert (ids.shape, ids[0]) == ((coco.N_CAPTIONS,), 770337)


@pytest.mark.parametrize(
    ("images", "said", "message"),
    [
        (IMAGES + IMAGES[:1], SAID, "has a picture id twice"),
        (IMAGES, SAID + SAID[:1], "has a caption id twice"),
        (IMAGES[:1], SAID, "caption 19 is of no picture that it lists"),
        ([{"id": 1}], [], "has not the form of COCO's captions"),
    ],
)
def test_files_that_contradict_themselves_are_refused(tmp_path, images, said, message):
    folder = tmp_path / "coco"
    folder.mkdir()
    path = folder / "captions_mine.json"
    path.write_text(json.dumps({"images": images, "annotations": said}))
    with pytest.raises(DatasetError, match=message):
        coco.load_mini(folder, LoadOptions())


def test_other_files_than_the_splits_are_refused(small):
    path = small / "captions_val2014.json"
    whole = path.read_text()
    path.write_text(whole[:-30])
    with pytest.raises(DatasetError, match="is no JSON, or is cut off"):
        coco.load_test(small, LoadOptions())
    path.write_text(json.dumps({"images": IMAGES, "annotations": SAID[:1]}))
    with pytest.raises(DatasetError, match="lacks 2 of the 3 captions") as caught:
        coco.load_test(small, LoadOptions())
    assert "val2017 is another set" in caught.value.hint
    path.write_text(whole)
    np.save(small / "coco_test_ids.npy", np.array([770337]))
    with pytest.raises(DatasetError, match="should hold 3 caption ids"):
        coco.load_test(small, LoadOptions())
    (small / "coco_test_ids.npy").write_bytes(b"no array")
    with pytest.raises(DatasetError, match="cannot read"):
        coco.load_test(small, LoadOptions())
    (small / "coco_test_ids.npy").unlink()
    with pytest.raises(DatasetError, match="no ids of Karpathy's test split") as caught:
        coco.load_test(small, LoadOptions())
    assert "coco_test_ids.npy" in caught.value.hint


@pytest.mark.parametrize(
    "options",
    [
        LoadOptions(captions="all"),
        LoadOptions(split="val"),
        LoadOptions(languages=("de",)),
        LoadOptions(gallery="other"),
    ],
)
def test_choices_that_it_does_not_have_are_refused(small, options):
    with pytest.raises(DatasetError, match="coco"):
        coco.load_test(small, options)


def test_names():
    names = [each.name for each in known_datasets()]
    assert len(set(names)) == len(names)
    assert dataset("coco-mini").task == "crossmodal"
    with pytest.raises(DatasetError, match="no data set 'cocomini'") as caught:
        dataset("cocomini")
    assert "coco-mini" in caught.value.hint
