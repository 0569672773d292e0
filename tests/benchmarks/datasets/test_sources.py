"""What is known of data sets: of all of them, in true files, and what that marks."""

import hashlib
import re

import numpy as np
import pytest

from benchmarks.datasets import (
    babel_imagenet,
    cirr,
    coco,
    eccv,
    fashioniq,
    urban1k,
    xflickrco,
    xtd,
)
from benchmarks.datasets.base import Crossmodal, DatasetSpec, LoadOptions, Origin, Picture
from benchmarks.datasets.registry import dataset, known_datasets, load
from benchmarks.datasets.sources import (
    completed,
    is_known,
    known_sha256,
    marked,
    sources,
    unknown_files,
)

LABELS = "babel_imagenet.json"
(KNOWN,) = known_sha256("babel-imagenet", LABELS)


def test_every_data_set_has_a_source_and_a_licence():
    names = {spec.name for spec in known_datasets()}
    assert names <= sources().keys()
    assert all(spec.licence for spec in known_datasets())
    assert {"flickr30k", "flickr8k"} <= sources().keys()


def test_addresses_and_digests_have_their_forms():
    for source in sources().values():
        is_drawn = source.name.startswith("probe-")
        assert is_drawn or source.address.startswith("https://"), source.name
        assert all(count > 0 for count in source.counts.values()), source.name
        for name, file in source.files.items():
            assert file.sha256, name
            assert all(re.fullmatch("[0-9a-f]{64}", each) for each in file.sha256), name
            assert file.url == "" or file.url.endswith(f"/{name}")


def test_counts_are_those_that_loaders_expect():
    counts = {name: source.counts for name, source in sources().items()}
    for spec in known_datasets():
        assert counts[spec.name].get("languages", 1) == spec.languages, spec.name
    assert counts["coco"]["pictures"] == coco.N_PICTURES
    assert counts["urban-1k"] == {"pictures": urban1k.N_PAIRS, "texts": urban1k.N_PAIRS}
    assert counts["babel-imagenet"]["classes"] == babel_imagenet.N_CLASSES


def test_files_are_known_only_where_all_are():
    assert is_known("babel-imagenet", {LABELS: KNOWN})
    assert not is_known("babel-imagenet", {})
    assert not is_known("babel-imagenet", {LABELS: KNOWN, "other.json": KNOWN})
    assert not is_known("coco", {LABELS: KNOWN})
    assert unknown_files("babel-imagenet", {LABELS: KNOWN, "other.json": "ab"}) == ("other.json",)
    assert unknown_files("babel-imagenet", {}) == ()


def test_of_what_was_never_published_no_file_is_a_wrong_one():
    for name in ("coco-mini", "my garden"):
        assert not is_known(name, {"captions_mine.json": "ab"})
        assert unknown_files(name, {"captions_mine.json": "ab"}) == ()


@pytest.mark.parametrize(
    ("sha256", "licence", "expected"),
    [
        ({"xtd.json": "ab"}, "", (False, sources()["xtd"].licence)),
        ({"xtd.json": min(known_sha256("xtd", "xtd.json"))}, "own", (True, "own")),
    ],
)
def test_origins_are_marked_in_one_place(sha256, licence, expected, tmp_path):
    origin = Origin("xtd", "test", sha256=sha256, licence=licence)
    data = Crossmodal(origin, (Picture("a", tmp_path / "a"),), ("a",), np.array([0]))
    found = marked(data).origin
    assert (found.is_known, found.licence) == expected
    spec = DatasetSpec("xtd", "crossmodal", "", lambda folder, options: [data], "xtd")
    assert [each.origin for each in load(spec, tmp_path, LoadOptions())] == [found]


def test_a_data_set_is_completed_where_it_does_not_tell_itself():
    spec = dataset("babel-imagenet")
    assert [(each.name, bool(each.url)) for each in spec.files] == [
        ("babel_imagenet-298.json", True),
        ("babel_imagenet.json", True),
        ("nllb_dist13b_prompts.json", False),
    ]
    assert completed(spec) == spec
    own = DatasetSpec("own", "crossmodal", "", lambda folder, options: [], "own", licence="mine")
    assert completed(own) == own
    assert [each.name for each in dataset("tuxpaint").files] == [], "digests are of no one file"


def test_the_true_files_are_known(test_data):
    read = {
        "xtd": dict(xtd.read_captions(test_data / "xtd").sha256),
        "xflickrco": dict(xflickrco.read_captions(test_data / "xflickrco").sha256),
        "coco": dict(eccv.more_positives(test_data, (), ()).sha256),
    }
    folder = test_data / "cir"
    read["cirr"] = {
        "cap.rc2.val.json": cirr.read_queries(folder / "cirr" / "cap.rc2.val.json")[1],
        "split.rc2.val.json": cirr.read_gallery(folder / "cirr" / "split.rc2.val.json")[1],
    }
    for category in fashioniq.CATEGORIES:
        names = (f"cap.{category}.val.json", f"split.{category}.val.json")
        read[f"fashioniq-{category}"] = {
            name: _digest(folder / "fashioniq" / name) for name in names
        }
    read["fashioniq"] = {
        name: sha256
        for category in fashioniq.CATEGORIES
        for name, sha256 in read[f"fashioniq-{category}"].items()
    }
    for name in ("cap.rc2.test1.json", "split.rc2.test1.json"):
        read["cirr"][name] = _digest(folder / "cirr" / name)
    read["circo"] = {name: _digest(folder / "circo" / name) for name in ("val.json", "test.json")}
    ids = test_data / "eccv_caption" / "coco_test_ids.npy"
    read["coco"] |= {ids.name: _digest(ids)}
    for name, sha256 in read.items():
        assert is_known(name, sha256), name
    places = {path.name: path for path in test_data.rglob("*") if path.is_file()}
    for name in read:
        for file, known in sources()[name].files.items():
            assert places[file].stat().st_size == known.size_bytes or file == "val.json"


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()
