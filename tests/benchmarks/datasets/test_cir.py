"""CIRR, FashionIQ and CIRCO."""

import pytest

from benchmarks.datasets import circo, cirr, fashioniq
from benchmarks.datasets.asked import composed_of
from benchmarks.datasets.base import ComposedQuery, DatasetError, LoadOptions, Origin, Picture
from tests.benchmarks.datasets.kit import touch, write

CIRR = [
    {
        "pairid": 12060,
        "reference": "dev-244-0-img0",
        "target_hard": "dev-1028-1-img1",
        "target_soft": {"dev-1028-1-img1": 1.0},
        "caption": "show three bottles of soft drink",
        "img_set": {
            "id": 36,
            "members": ["dev-430-3-img0", "dev-1028-1-img1", "dev-244-0-img0"],
            "reference_rank": 2,
            "target_rank": 1,
        },
    }
]
CIRR_SPLIT = {
    name: f"./dev/{name}.png" for name in ("dev-244-0-img0", "dev-430-3-img0", "dev-1028-1-img1")
}


def test_cirr_removes_the_reference_from_rankings_and_from_the_subset(tmp_path):
    touch(tmp_path, *CIRR_SPLIT.values())
    write(tmp_path, {"cap.rc2.val.json": CIRR, "split.rc2.val.json": CIRR_SPLIT})
    (found,) = cirr.load(tmp_path, LoadOptions())
    assert found.removes_reference
    assert [each.key for each in found.pictures] == list(CIRR_SPLIT)
    assert found.queries == (
        ComposedQuery(
            "12060",
            "dev-244-0-img0",
            ("show three bottles of soft drink",),
            ("dev-1028-1-img1",),
            ("dev-430-3-img0", "dev-1028-1-img1"),
        ),
    )


def test_the_targets_of_the_test_splits_are_not_known(tmp_path):
    row = {key: value for key, value in CIRR[0].items() if not key.startswith("target")}
    write(tmp_path, {"cirr.json": [row], "circo.json": [{"id": 0, "reference_img_id": 1}]})
    for read, name in ((cirr.read_queries, "cirr"), (circo.read_queries, "circo")):
        with pytest.raises(DatasetError, match="holds no targets") as caught:
            read(tmp_path / f"{name}.json")
        assert "measure on val" in (caught.value.hint or "")
    with pytest.raises(DatasetError, match="cirr has no split 'train'"):
        cirr.load(tmp_path, LoadOptions(split="train"))


def test_the_test_splits_are_read_without_targets(tmp_path):
    row = {key: value for key, value in CIRR[0].items() if not key.startswith("target")}
    touch(tmp_path, *CIRR_SPLIT.values(), *(f"unlabeled2017/{n:012}.jpg" for n in (9, 271520)))
    question = {"id": 3, "reference_img_id": 9, "relative_caption": "is red", "shared_concept": ""}
    images = [each for each in LISTED["images"] if each["id"] in (9, 271520)]
    write(
        tmp_path,
        {
            "cap.rc2.test1.json": [row],
            "split.rc2.test1.json": CIRR_SPLIT,
            "test.json": [question],
            "image_info_unlabeled2017.json": {"images": images},
        },
    )
    (photographs,) = cirr.load(tmp_path, LoadOptions(split="test1"))
    (asked,) = circo.load(tmp_path, LoadOptions(split="test"))
    assert not photographs.has_targets
    assert not asked.has_targets
    assert len(photographs.queries[0].subset) == 2
    assert asked.queries == (ComposedQuery("3", "9", ("is red",), ()),)


def test_a_target_of_cirr_is_one_of_its_group(tmp_path):
    write(tmp_path, {"x.json": [CIRR[0] | {"target_hard": "dev-9-9-img9"}]})
    with pytest.raises(DatasetError, match="the target of query 12060 is no member of its group"):
        cirr.read_queries(tmp_path / "x.json")


FASHION = [
    {"candidate": "B1", "target": "B2", "captions": ["is red", "has no sleeves"]},
    {"candidate": "B3", "target": "B1", "captions": ["is longer", ""]},
]


def fashion(folder):
    touch(folder, *(f"images/B{number}.png" for number in (1, 2, 3)), "images/B4.jpg")
    return write(
        folder,
        {
            "captions/cap.dress.val.json": FASHION,
            "image_splits/split.dress.val.json": ["B4", "B3", "B2", "B1"],
        },
    )


def test_fashioniq_has_two_galleries_and_keeps_the_reference(tmp_path):
    dresses = next(each for each in fashioniq.SPECS if each.name == "fashioniq-dress")
    (whole,) = dresses.load(fashion(tmp_path), LoadOptions())
    (asked,) = dresses.load(tmp_path, LoadOptions(gallery="candidates and targets"))
    assert [each.path.name for each in whole.pictures] == ["B4.jpg", "B3.png", "B2.png", "B1.png"]
    assert [each.key for each in asked.pictures] == ["B3", "B2", "B1"]
    assert (whole.origin.rule, asked.origin.rule) == ("split", "candidates and targets")
    assert (whole.origin.name, whole.origin.split) == ("fashioniq", "val dress")
    assert whole.queries == asked.queries
    assert whole.queries[0] == ComposedQuery("0", "B1", ("is red", "has no sleeves"), ("B2",))
    assert not whole.removes_reference


def test_a_query_without_its_pictures_is_counted(tmp_path):
    (fashion(tmp_path) / "images" / "B2.png").unlink()
    (found,) = fashioniq.load(tmp_path, LoadOptions(), category="dress")
    assert (found.missing, found.n_left_out) == (("B2",), 1)
    assert [each.key for each in found.queries] == ["1"]


CIRCO = [
    {
        "reference_img_id": 271520,
        "target_img_id": 355099,
        "relative_caption": "shows two people",
        "shared_concept": "a girl with an umbrella",
        "gt_img_ids": [355099, 528417],
        "id": 0,
        "semantic_aspects": ["cardinality"],
    }
]
LISTED = {"images": [{"id": i, "file_name": f"{i:012}.jpg"} for i in (271520, 355099, 528417, 9)]}


def test_circo_has_many_targets_and_keeps_the_reference(tmp_path):
    touch(tmp_path, *(f"unlabeled2017/{each['file_name']}" for each in LISTED["images"]))
    files = {"val.json": CIRCO, "annotations/image_info_unlabeled2017.json": LISTED}
    (found,) = circo.load(write(tmp_path, files), LoadOptions())
    assert found.queries[0].targets == ("355099", "528417")
    assert found.queries[0].aspects == ("cardinality",)
    assert (len(found.pictures), found.removes_reference) == (4, False)


def test_circo_asks_first_for_its_first_target(tmp_path):
    write(tmp_path, {"val.json": [CIRCO[0] | {"target_img_id": 528417}]})
    with pytest.raises(DatasetError, match="the target of query 0 is not the first"):
        circo.read_queries(tmp_path / "val.json")


@pytest.mark.parametrize("read", [cirr.read_queries, fashioniq.read_queries, circo.read_queries])
def test_another_form_is_refused(tmp_path, read):
    write(tmp_path, {"x.json": [{"target_hard": 1, "gt_img_ids": [1]}]})
    with pytest.raises(DatasetError, match="has not the form of"):
        read(tmp_path / "x.json")


def gallery(folder, *names):
    touch(folder, *names)
    return [Picture(name, folder / name) for name in names]


def test_a_query_outside_the_gallery_is_an_error(tmp_path):
    query = ComposedQuery("7", "a", ("redder",), ("b",), subset=("c",))
    with pytest.raises(DatasetError, match="query 7 names c, which is in no gallery"):
        composed_of(
            Origin("s", "val"), gallery(tmp_path, "a", "b"), [query], removes_reference=True
        )


def test_a_query_says_something(tmp_path):
    origin, there = Origin("s", "val"), gallery(tmp_path, "a", "b")
    for texts in ((), (None,)):
        query = ComposedQuery("7", "a", texts, ("b",))
        with pytest.raises(DatasetError, match="query 7 has no words"):
            composed_of(origin, there, [query], removes_reference=True)
    write(tmp_path, {"x.json": [FASHION[0] | {"captions": "is red"}]})
    with pytest.raises(DatasetError, match="a query lacks a list of captions"):
        fashioniq.read_queries(tmp_path / "x.json")


def test_names_have_to_differ_and_something_has_to_be_left(tmp_path):
    origin, query = Origin("s", "val"), ComposedQuery("7", "a", ("redder",), ("b",))
    there = gallery(tmp_path, "a", "b")
    with pytest.raises(DatasetError, match="the query 7 is named twice"):
        composed_of(origin, there, [query, query], removes_reference=True)
    with pytest.raises(DatasetError, match="the picture a is named twice"):
        composed_of(origin, [*there, there[0]], [query], removes_reference=True)
    (tmp_path / "b").unlink()
    with pytest.raises(DatasetError, match="no query has its pictures: 1 of 2 are not there"):
        composed_of(origin, there, [query], removes_reference=True)


def test_the_true_files_have_the_published_counts(test_data):
    folder = test_data / "cir"
    queries, _ = cirr.read_queries(folder / "cirr" / "cap.rc2.val.json")
    names, _ = cirr.read_gallery(folder / "cirr" / "split.rc2.val.json")
    assert (len(queries), len(names)) == (4_181, 2_297)
    assert {len(each.subset) for each in queries} == {5}
    assert all(each.targets[0] in each.subset for each in queries)
    unanswered, _ = cirr.read_queries(folder / "cirr" / "cap.rc2.test1.json", has_targets=False)
    names, _ = cirr.read_gallery(folder / "cirr" / "split.rc2.test1.json")
    assert (len(unanswered), len(names)) == (4_148, 2_315)
    counts = {"dress": (2_017, 3_817, 2_628), "shirt": (2_038, 6_346, 3_089)}
    counts["toptee"] = (1_961, 5_373, 2_902)
    for category, expected in counts.items():
        asked, _ = fashioniq.read_queries(folder / "fashioniq" / f"cap.{category}.val.json")
        split, _ = fashioniq.read_split(folder / "fashioniq" / f"split.{category}.val.json")
        galleries = [len(fashioniq.gallery_of(each, split, asked)) for each in fashioniq.GALLERIES]
        assert (len(asked), *galleries) == expected
    open_ended, _ = circo.read_queries(folder / "circo" / "val.json")
    targets = [len(each.targets) for each in open_ended]
    assert (len(targets), max(targets), round(sum(targets) / 220, 2)) == (220, 14, 4.16)
    assert sum("negation" in each.aspects for each in open_ended) == 21
    assert all(each.reference not in each.targets for each in open_ended)
    of_test, _ = circo.read_queries(folder / "circo" / "test.json", has_targets=False)
    assert [each.key for each in of_test] == list(map(str, range(800)))


def test_the_true_files_load_where_pictures_are(test_data, tmp_path):
    names, _ = cirr.read_gallery(test_data / "cir" / "cirr" / "split.rc2.val.json")
    touch(tmp_path, *names.values())
    for name in ("cap.rc2.val.json", "split.rc2.val.json"):
        (tmp_path / name).symlink_to(test_data / "cir" / "cirr" / name)
    (found,) = cirr.load(tmp_path, LoadOptions())
    assert (len(found.queries), len(found.pictures), found.n_left_out) == (4_181, 2_297, 0)
