"""The files for both harnesses, without photographs and with them."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.datasets.base import LoadOptions
from benchmarks.datasets.registry import dataset
from benchmarks.parity import flickr_form, launch
from benchmarks.parity.compare import Harnesses, rows
from benchmarks.parity.material import N_CLASSES, N_COPIES, N_SHAPES, make
from benchmarks.parity.ours import Polyseek
from retrieval.errors import BenchmarkError
from tests.factories import GeometryEncoder


@pytest.fixture(scope="module")
def carried(tmp_path_factory):
    """Annotations as CLIP_benchmark carries them, of two languages."""
    folder = tmp_path_factory.mktemp("carried")
    labels = {"OM": [[0, 2], ["red", "green"]], "BR": [[1], ["blue"]], "EN": [[0], ["red"]]}
    (folder / "babel_imagenet.json").write_text(json.dumps(labels))
    (folder / "nllb_dist13b_prompts.json").write_text(json.dumps({"OM": ["a {} .", "{}"]}))
    names = [f"name {number}" for number in range(N_CLASSES)]
    (folder / "en_classnames.json").write_text(json.dumps({"imagenet1k": names}))
    return folder


@pytest.fixture(scope="module")
def material(tmp_path_factory, carried):
    folder = tmp_path_factory.mktemp("parity") / "data"
    model = tmp_path_factory.mktemp("model")
    return make(folder, None, carried, model)


@pytest.fixture
def ours(material, tmp_path):
    return Polyseek(GeometryEncoder(), material.folder, tmp_path)


def test_our_loaders_read_it(material):
    assert not material.photographs
    assert not material.classes
    for spec in (replace(dataset("coco-mini"), folder="coco"), flickr_form.spec("shapes")):
        (data,) = spec.load(material.folder / spec.folder, LoadOptions())
        assert len(data.texts) == 5 * len(data.pictures) == len(set(data.texts))
        assert np.bincount(data.picture_of).tolist() == [5] * len(data.pictures)
    spec = replace(dataset("babel-imagenet"), folder="babel")
    (named,) = spec.load(material.folder / "babel", LoadOptions(languages=("OM",)))
    assert np.unique(named.class_of).size == N_CLASSES
    assert named.names["OM"].names == ("red", "green")
    (english,) = spec.load(material.folder / "names", LoadOptions(gallery="babelnet"))
    assert english.names["EN"].names[7] == "name 7"


def test_copies_are_equal_to_the_byte(material):
    n = N_SHAPES * N_COPIES
    contents = [(material.folder / "copies" / f"{row:04}.jpg").read_bytes() for row in range(n)]
    assert contents == contents[:N_SHAPES] * N_COPIES
    assert len(set(contents)) == N_SHAPES


def test_photographs_are_taken_where_there_are_some(tmp_path, carried):
    data = tmp_path / "given"
    for folder in ("coco_mini/annotations", "coco_mini/images/val2017", "imagenet_sample"):
        (data / folder).mkdir(parents=True)
    Image.new("RGB", (4, 4)).save(data / "coco_mini/images/val2017/1.jpg")
    said = {
        "images": [{"id": 1, "file_name": "1.jpg"}],
        "annotations": [{"id": 5, "image_id": 1, "caption": "black"}],
    }
    (data / "coco_mini/annotations/captions_val2017.json").write_text(json.dumps(said))
    for number in range(N_CLASSES):
        (data / "imagenet_sample" / f"n{number:08}_x.JPEG").write_bytes(b"")
    made = make(tmp_path / "made", data, carried, tmp_path)
    assert made.photographs
    assert made.classes
    assert (made.folder / "coco" / "val2014" / "1.jpg").is_file()
    place = made.folder / "names" / "val" / "n00000007" / "n00000007_x.JPEG"
    assert place.resolve() == (data / "imagenet_sample" / "n00000007_x.JPEG").resolve()


def test_torchvision_is_told_the_classes(material):
    launch.write_classes(material.folder / "babel")
    names, wnids = torch.load(material.folder / "babel" / "meta.bin", weights_only=True)
    assert len(wnids) == N_CLASSES
    assert names[wnids[3]] == (wnids[3],)


def test_ties_explain_a_harness_that_settles_them_otherwise(ours):
    measured = ours.retrieval(flickr_form.spec("copies"))
    name = "t2i_r@1"
    (asked, _) = measured.asked
    low, high = asked.between(0.0)[name]
    assert low < measured.figures[name] < high
    assert measured.figures["t2i_r@1_pessimistic"] == low
    wanted = {each: measured.figures[each] for asked in measured.asked for each in asked.figures}
    assert {row.verdict for row in rows("copies", wanted, measured)} == {"equal"}
    found = {row.figure: row.verdict for row in rows("copies", wanted | {name: high}, measured)}
    assert found.pop(name) == "ties"
    assert set(found.values()) == {"equal"}
    beyond = {row.figure: row for row in rows("copies", wanted | {name: high + 0.01}, measured)}
    assert beyond[name].verdict == "differs"


def test_names_of_classes_are_ranked_as_in_the_record(ours):
    spec = replace(dataset("babel-imagenet"), folder="babel")
    measured = ours.classification(spec, "OM", "translated")
    (asked,) = measured.asked
    for name, (low, high) in asked.between(0.0).items():
        assert low <= measured.figures[name] <= high


class Missing:
    """CLIP_benchmark where a language has no templates."""

    def __init__(self, error):
        self.error = error

    def classification(self, name, root, language):
        raise BenchmarkError(f"CLIP_benchmark failed: {self.error}")


@pytest.mark.parametrize(
    ("error", "verdict"), [("KeyError: 'BR'", "expected"), ("MemoryError", "differs")]
)
def test_a_language_without_templates_is_expected_to_fail(ours, material, error, verdict):
    row = Harnesses(Missing(error), ours, material)._without_templates("BR")
    assert (row.theirs, row.ours, row.verdict) == (None, 1.0, verdict)
