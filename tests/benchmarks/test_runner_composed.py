"""Runs of composed queries: a record for each way, missing pictures, limits, verdicts."""

from dataclasses import replace

import pytest
from PIL import Image

from benchmarks import verify
from benchmarks.datasets.base import DatasetError
from benchmarks.datasets.registry import dataset
from benchmarks.plans.base import RunOptions
from benchmarks.records.folder import RunFolder
from benchmarks.records.key import ProtocolKey
from benchmarks.records.means import means_of
from benchmarks.records.run import RunRecord
from benchmarks.runner import Bench, run
from retrieval.errors import SettingsError
from retrieval.store.cached import CacheFolder
from tests.benchmarks.datasets.kit import write
from tests.factories import COLOURS, GeometryEncoder

PAIRS = [("black", "red"), ("red", "blue"), ("blue", "green"), ("green", "white")]
"""Reference and target; the words are the name of the target."""


def draw(folder, suffix=".png"):
    """A picture of each pure colour, by its name."""
    folder.mkdir(parents=True)
    for name, corner in COLOURS.items():
        Image.new("RGB", (8, 8), tuple(255 * level for level in corner)).save(
            folder / f"{name}{suffix}"
        )


@pytest.fixture
def cirr(tmp_path):
    """A CIRR of colours: --data is the folder above."""
    folder = tmp_path / "data" / "cir" / "cirr"
    draw(folder / "dev")
    names = list(COLOURS)
    rows = [
        {
            "pairid": number,
            "reference": reference,
            "target_hard": target,
            "caption": target,
            "img_set": {"members": [*dict.fromkeys([reference, target, *names])][:6]},
        }
        for number, (reference, target) in enumerate(PAIRS)
    ]
    listed = {name: f"./dev/{name}.png" for name in names}
    write(folder, {"cap.rc2.val.json": rows, "split.rc2.val.json": listed})
    return folder


@pytest.fixture
def fashioniq(tmp_path):
    """A FashionIQ whose second sentence says nothing; one query a category more than the last."""
    folder = tmp_path / "data" / "cir" / "fashioniq"
    draw(folder / "images")
    files = {}
    for count, category in enumerate(("dress", "shirt", "toptee"), start=1):
        asked = [
            {"candidate": reference, "target": target, "captions": [f"{target}.", f"is {target}"]}
            for reference, target in PAIRS[:count]
        ]
        files[f"cap.{category}.val.json"] = asked
        files[f"split.{category}.val.json"] = list(COLOURS)
    write(folder, files)
    return folder


def measured(tmp_path, name, options=None):
    place = Bench(
        tmp_path / "data", RunFolder(tmp_path / "run"), CacheFolder(tmp_path / "cache", "features")
    )
    return run([dataset(name)], [GeometryEncoder()], options or RunOptions(), place)


def test_each_way_has_its_record(tmp_path, cirr):
    ways = ("image-only", "text-only", "image+text", "auto", "product", "slerp:0.5")
    records = measured(tmp_path, "cirr", RunOptions(compose=ways))
    by_way = {each.settings["compose"]: each for each in records}
    assert tuple(by_way) == ways
    assert {each.key for each in records} == {ProtocolKey("cirr", "val")}
    assert by_way["text-only"].figures["r@1"] == 1.0
    assert by_way["text-only"].figures["average"] == 1.0
    assert by_way["image+text"].figures["r@1"] == 1.0  # what is shown as much is taken out
    assert by_way["image-only"].figures["r@1"] < 1.0
    assert by_way["auto"].settings["composed_as"] == "slerp:0.75"
    assert by_way["auto"].settings["reference"] == "removed"
    assert by_way["auto"].counts == {"pictures": 8, "queries": 4, "left_out": 0}
    assert "fused" in by_way["product"].settings["score"]
    ranks = RunFolder(tmp_path / "run").ranks_of(by_way["text-only"])
    assert {name: each.tolist() for name, each in ranks.items()} == {
        "target": [1] * 4,
        "subset": [1] * 4,
    }
    again = measured(tmp_path, "cirr", RunOptions(compose=ways))
    assert again == records
    assert len(RunFolder(tmp_path / "run").records()) == len(ways)


def test_the_same_run_gives_the_same_but_for_times(tmp_path, cirr):
    first = measured(tmp_path, "cirr")
    (tmp_path / "run" / "records.jsonl").unlink()
    second = measured(tmp_path, "cirr")
    assert [replace(each, times={}) for each in first] == [
        replace(each, times={}) for each in second
    ]


def test_repeats_have_to_agree(tmp_path, cirr):
    options = RunOptions(compose=("auto", "residual", "product"), repeats=2)
    records = measured(tmp_path, "cirr", options)
    assert [each.times["repeats"] for each in records] == [2, 2, 2]


def test_a_query_without_its_picture_is_left_out_and_counted(tmp_path, cirr):
    (cirr / "dev" / "white.png").unlink()
    (cirr / "dev" / "black.png").write_bytes(b"no picture")
    record = measured(tmp_path, "cirr")[0]
    assert record.key.gallery == "6 of 8"
    assert record.data["missing"] == ["white", "black"]
    assert (record.counts["queries"], record.counts["left_out"]) == (2, 2)


def test_a_limit_takes_queries_and_what_they_name(tmp_path, fashioniq):
    (record, *_) = measured(tmp_path, "fashioniq-toptee", RunOptions(limit=2))
    assert record.key == ProtocolKey(
        "fashioniq", "val toptee", gallery="pictures of the first 2 queries"
    )
    assert (record.counts["queries"], record.counts["pictures"]) == (2, 3)
    (fashioniq / "images" / "cyan.png").unlink()
    (record, *_) = measured(tmp_path, "fashioniq-toptee", RunOptions(limit=2))
    assert record.key.gallery == "pictures of the first 2 queries, 1 missing"


def test_the_other_gallery_is_another_protocol(tmp_path, fashioniq):
    options = RunOptions(load=replace(RunOptions().load, gallery="candidates and targets"))
    (record, *_) = measured(tmp_path, "fashioniq-dress", options)
    assert record.key.gallery == "candidates and targets"
    assert record.settings["texts"].startswith("'{1} and {2}'")
    assert record.settings["reference"] == "kept"


def test_ways_and_indexes_that_cannot_be_are_refused(tmp_path, cirr):
    with pytest.raises(SettingsError, match="no way to compose"):
        measured(tmp_path, "cirr", RunOptions(compose=("both",)))
    with pytest.raises(DatasetError, match="cirr is not measured through an index"):
        measured(tmp_path, "cirr", RunOptions(indexes=("auto",)))


def test_the_mean_is_over_categories_and_not_over_queries(tmp_path, fashioniq):
    """One, two and three queries; where the first finds all and the others nothing, a third."""
    records = measured(tmp_path, "fashioniq", RunOptions(compose=("text-only", "auto")))
    assert [(each.key.split, each.settings["compose"]) for each in records] == [
        (f"val {category}", way)
        for category in ("dress", "shirt", "toptee")
        for way in ("text-only", "auto")
    ]
    texts, auto = means_of(records)
    assert texts.key == ProtocolKey("fashioniq", "val")
    assert texts.figures == {"r@10": 1.0, "r@50": 1.0}
    assert texts.counts["queries"] == 6
    assert texts.settings["mean_of"] == ["val dress", "val shirt", "val toptee"]
    assert auto.settings["compose"] == "auto"
    only = [each for each in records if each.settings["compose"] == "auto"]
    worse = [replace(each, figures={"r@10": 0.0}) for each in only[1:]]
    (mean,) = means_of([*only[:1], *worse])
    assert mean.figures == {"r@10": pytest.approx(1 / 3)}
    assert means_of(only[1:]) == ()
    lacking = replace(only[0], key=replace(only[0].key, gallery="7 of 8"))
    assert means_of([lacking, *only[1:]])[0].key.gallery == "7 of 8; complete"


def published(dataset_name, split, figures, compose, **changes):
    """A record of OpenAI's ViT-B-32."""
    model = {"name": "openclip:ViT-B-32:openai", "fingerprint": "f", "dim": 512, "parts": {}}
    data = {"annotations": {}, "pictures": "p"}
    key = ProtocolKey(dataset_name, split, **changes)
    return RunRecord(key, "exact", figures, {}, model, data, {"compose": compose})


@pytest.mark.parametrize(
    ("record", "grade"),
    [
        (published("circo", "test", {"map@10": 0.0267}, "text-only"), "reproduced"),
        (published("circo", "test", {"map@10": 0.0267 + 0.02}, "text-only"), "not reproduced"),
        (published("circo", "val", {"map@10": 0.0267}, "text-only"), "incomparable"),
        (published("cirr", "val", {"subset_r@1": 0.3277}, "image+text"), "incomparable"),
        (published("fashioniq", "val dress", {"r@10": 0.1383}, "sum"), "reproduced"),
        (published("fashioniq", "val dress", {"r@10": 0.1383 - 0.02}, "sum"), "not reproduced"),
        (published("fashioniq", "val", {"r@50": 0.2960}, "image+text"), "reproduced"),
        (
            published(
                "fashioniq",
                "val dress",
                {"r@10": 0.1383},
                "image+text",
                gallery="candidates and targets",
            ),
            "incomparable",
        ),
    ],
)
def test_verdicts(record, grade):
    (verdict,) = verify.verdicts(record).values()
    assert verdict.grade == grade
    if record.key.split == "val" and grade == "incomparable":
        assert any(each.startswith("split: val here") for each in verdict.reasons)


def test_ways_are_told_apart():
    """Nobody published what `auto` gives, and the authors of Slerp do not tell their prompt."""
    assert verify.verdicts(published("circo", "test", {"map@10": 0.03}, "auto")) == {}
    record = published("cirr", "test1", {"r@1": 0.2443}, "slerp:0.9")
    model = record.model | {"name": "openclip:ViT-L-14:openai"}
    (verdict,) = verify.verdicts(replace(record, model=model)).values()
    assert verdict.grade == "incomparable"
    assert verdict.reasons == (
        "prompt: none here, and the source does not say (1 to 2 pp of R@1 on Flickr30k and COCO)",
    )
