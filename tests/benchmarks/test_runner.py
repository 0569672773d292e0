"""Runs: records of every protocol, the same again, nothing twice, verdicts."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmarks import verify
from benchmarks.datasets import babel_imagenet as babel
from benchmarks.datasets import coco
from benchmarks.datasets.base import DatasetError
from benchmarks.datasets.registry import dataset
from benchmarks.plans.base import RunOptions
from benchmarks.records.folder import RunFolder
from benchmarks.records.key import ProtocolKey
from benchmarks.records.run import RunRecord
from benchmarks.runner import Bench, run
from retrieval.store.cached import CacheFolder
from tests.factories import COLOURS, GeometryEncoder

NAMES = list(COLOURS)
COCO = ProtocolKey("coco", "test", "en", "all")


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A COCO of eight colours in four folds, and their names in two languages."""
    monkeypatch.setattr(coco, "N_PICTURES", 8)
    monkeypatch.setattr(coco, "N_CAPTIONS", 16)
    monkeypatch.setattr(coco, "FOLDS", 4)
    monkeypatch.setattr(babel, "N_CLASSES", 8)
    folder = tmp_path / "data" / "coco"
    (folder / "val2014").mkdir(parents=True)
    images, said = [], []
    for number, (name, corner) in enumerate(COLOURS.items()):
        colour = tuple(255 * level for level in corner)
        Image.new("RGB", (8, 8), colour).save(folder / "val2014" / f"{name}.png")
        images.append({"id": number, "file_name": f"{name}.png"})
        said += [
            {"id": 2 * number + each, "image_id": number, "caption": f"{name} {'x' * each}"}
            for each in range(2)
        ]
    (folder / "captions_val2014.json").write_text(
        json.dumps({"images": images, "annotations": said})
    )
    np.save(folder / "coco_test_ids.npy", np.arange(16))
    labels = tmp_path / "data" / "babel_imagenet"
    (labels / "val").mkdir(parents=True)
    for number, name in enumerate(NAMES):
        source = folder / "val2014" / f"{name}.png"
        (labels / "val" / f"n{number}_{name}.png").write_bytes(source.read_bytes())
    said = {NAMES.index("red"): "rot", NAMES.index("green"): "grün", NAMES.index("blue"): "schwarz"}
    german = [sorted(said), [said[each] for each in sorted(said)]]
    table = {"EN": [list(range(8)), NAMES], "DE": german}
    (labels / "babel_imagenet.json").write_text(json.dumps(table))
    return tmp_path / "data"


def bench(tmp_path, data, name="run"):
    return Bench(data, RunFolder(tmp_path / name), CacheFolder(tmp_path / "cache", "features"))


def test_every_protocol_has_its_record(tmp_path, data):
    options = RunOptions(indexes=("exact", "auto"))
    told = []
    place = replace(bench(tmp_path, data), on_record=told.append)
    records = run([dataset("coco")], [GeometryEncoder()], options, place)
    assert list(records) == told
    assert [(each.system, each.key.folds) for each in records] == [
        ("exact", 1), ("auto", 1), ("exact", 4),
    ]  # fmt: skip
    exact, through, folded = records
    assert exact.key == ProtocolKey("coco", "test", "en", "first5")
    assert exact.figures["t2i_r@1"] == folded.figures["t2i_r@1"] == 1.0
    assert through.figures["ann_recall@10"] == 1.0
    assert exact.counts == {"pictures": 8, "texts": 16, "t2i_queries": 16, "i2t_queries": 8}
    assert place.out.ranks_of(exact)["t2i"].tolist() == [1] * 16
    assert exact.model["fingerprint"] == GeometryEncoder().info.fingerprint
    assert set(exact.times) == {"wall_s", "cpu_s", "peak_rss_mb"}


def test_the_same_run_gives_the_same_but_for_times(tmp_path, data):
    specs, encoders = [dataset("coco"), dataset("babel-imagenet")], [GeometryEncoder()]
    first = run(specs, encoders, RunOptions(), bench(tmp_path, data))
    second = run(specs, encoders, RunOptions(), bench(tmp_path, data, "other"))
    bare = [[replace(each, times={}).to_json() for each in one] for one in (first, second)]
    assert json.dumps(bare[0]) == json.dumps(bare[1])


def test_what_was_recorded_is_not_measured_again(tmp_path, data):
    first = run([dataset("coco")], [GeometryEncoder()], RunOptions(), bench(tmp_path, data))
    again = run([dataset("coco")], [GeometryEncoder()], RunOptions(), bench(tmp_path, data))
    assert again == first
    assert len(RunFolder(tmp_path / "run").records()) == len(first)


def test_a_picture_that_cannot_be_read_makes_another_protocol(tmp_path, data):
    (data / "coco" / "val2014" / "red.png").write_bytes(b"no picture")
    (record,) = run([dataset("coco")], [GeometryEncoder()], RunOptions(), bench(tmp_path, data))
    assert record.key.gallery == "7 of 8"
    assert record.data["missing"] == [str(NAMES.index("red"))]
    assert record.counts["texts"] == 14
    limited = RunOptions(limit=4)
    (record,) = run([dataset("coco")], [GeometryEncoder()], limited, bench(tmp_path, data))
    assert record.key.gallery.startswith("the first ")


def test_distractors_make_another_protocol(tmp_path, data):
    """A grey one pads; a copy of red and what is no picture do not."""
    others = tmp_path / "others"
    others.mkdir()
    Image.new("RGB", (8, 8), (90, 90, 90)).save(others / "grey.png")
    (others / "copy.png").write_bytes((data / "coco" / "val2014" / "red.png").read_bytes())
    (others / "broken.png").write_bytes(b"no picture")
    options = RunOptions(indexes=("exact", "auto"), distractors=(others,))
    exact, through = run([dataset("coco")], [GeometryEncoder()], options, bench(tmp_path, data))
    assert exact.key.gallery == through.key.gallery == "complete + 1 others"
    assert exact.counts["distractors"] == 1
    assert set(place for place in exact.figures if "r@" in place) == {
        "t2i_r@1",
        "t2i_r@5",
        "t2i_r@10",
    }
    assert through.figures["t2i_r@1"] == exact.figures["t2i_r@1"] == 1.0
    Image.new("RGB", (8, 8), (90, 90, 91)).save(others / "grey.png")
    again = run([dataset("coco")], [GeometryEncoder()], options, bench(tmp_path, data))
    assert again[0].settings["distractors"] != exact.settings["distractors"]


def test_distractors_that_can_pad_nothing_are_refused(tmp_path, data):
    for folder, said in ((tmp_path / "nonesuch", "no folder"), (data / "empty", "no picture")):
        (data / "empty").mkdir(exist_ok=True)
        options = RunOptions(distractors=(folder,))
        with pytest.raises(DatasetError, match=said):
            run([dataset("coco")], [GeometryEncoder()], options, bench(tmp_path, data))
    options = RunOptions(distractors=(data,))
    with pytest.raises(DatasetError, match="no gallery"):
        run([dataset("babel-imagenet")], [GeometryEncoder()], options, bench(tmp_path, data))


def test_each_language_has_its_own_classes(tmp_path, data):
    options = replace(RunOptions(), load=replace(RunOptions().load, languages=("all",)))
    specs = [dataset("babel-imagenet")]
    records = run(specs, [GeometryEncoder()], options, bench(tmp_path, data))
    assert [(each.key.language, each.counts["classes"]) for each in records] == [
        ("EN", 8),
        ("DE", 3),
    ]
    english, german = records
    assert english.figures["top1"] == 1.0
    assert german.figures["top1"] == pytest.approx(2 / 3)
    assert english.counts["pictures_per_class"] == 1
    assert english.key.prompt == "label"


def published(value, **changes):
    """A record of open_clip's ViT-B-32 on COCO, texts finding pictures."""
    model = {"name": "openclip:ViT-B-32:openai", "fingerprint": "f", "dim": 512, "parts": {}}
    data = {"annotations": {}, "pictures": "p"}
    record = RunRecord(COCO, "exact", {"t2i_r@1": value}, {"pictures": 5_000}, model, data)
    return replace(record, **changes)


@pytest.mark.parametrize(
    ("record", "grade"),
    [
        (published(0.3044), "reproduced"),
        (published(0.3044 + 0.006), "close"),
        (published(0.3044 - 0.02), "not reproduced"),
        (published(0.3044, key=replace(COCO, captions="first5")), "incomparable"),
        (
            published(0.3044, key=replace(COCO, gallery="79 of 5000")),
            "incomparable",
        ),
        (published(0.3044, system="auto"), "incomparable"),
    ],
)
def test_verdicts(record, grade):
    verdict = verify.verdicts(record)["t2i_r@1"]
    assert verdict.grade == grade
    shown = verify.as_json(verdict)
    assert shown["verdict"] == grade
    assert shown["published"] == pytest.approx(0.3044, abs=1e-4)
    assert (shown["delta_pp"] is None) == (grade == "incomparable")


def test_of_what_nobody_published_there_is_no_verdict():
    model = {"name": "mini", "fingerprint": "f", "dim": 384, "parts": {}}
    assert verify.verdicts(published(0.3, model=model)) == {}
    ranks = published(0.3, figures={"t2i_median_rank": 3.0, "t2i_mrr": 0.5})
    assert verify.verdicts(ranks) == {}
