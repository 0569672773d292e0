"""Runs: records of every protocol, the same again, nothing twice, verdicts."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmarks import verify
from benchmarks.datasets import babel_imagenet as babel
from benchmarks.datasets import coco
from benchmarks.datasets.base import DatasetError, LoadOptions
from benchmarks.datasets.registry import dataset
from benchmarks.plans.base import RunOptions
from benchmarks.records.folder import RunFolder
from benchmarks.records.key import ProtocolKey
from benchmarks.records.run import RunRecord
from benchmarks.runner import Bench, run
from retrieval.errors import BenchmarkError, LockedError
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
    monkeypatch.setattr(coco, "IN_ORDER", "")
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
    assert through.index == {"t2i": {"spec": "exact"}, "i2t": {"spec": "exact"}}
    assert exact.index == folded.index == {}
    assert exact.counts == {"pictures": 8, "texts": 16, "t2i_queries": 16, "i2t_queries": 8}
    assert place.out.ranks_of(exact)["t2i"].tolist() == [1] * 16
    assert exact.model["fingerprint"] == GeometryEncoder().info.fingerprint
    assert set(exact.times) >= {"wall_s", "cpu_s", "peak_rss_mb"}


def test_the_same_run_gives_the_same_but_for_times(tmp_path, data):
    specs, encoders = [dataset("coco"), dataset("babel-imagenet")], [GeometryEncoder()]
    first = run(specs, encoders, RunOptions(), bench(tmp_path, data))
    second = run(specs, encoders, RunOptions(), bench(tmp_path, data, "other"))
    assert timeless(first) == timeless(second)
    one, other = tmp_path / "run", tmp_path / "other"
    assert lines_without_times(one) == lines_without_times(other)
    ranks = {each.name: each.read_bytes() for each in (one / "ranks").iterdir()}
    assert ranks == {each.name: each.read_bytes() for each in (other / "ranks").iterdir()}
    assert len(ranks) == len({each.ranks for each in first})


def timeless(records):
    return [replace(each, times={}) for each in records]


def lines_without_times(folder):
    """The bytes of the records but for the values of `times`."""
    lines = (folder / "records.jsonl").read_bytes().splitlines()
    times = [json.dumps(json.loads(line)["times"]).encode() for line in lines]
    assert all(each in line for each, line in zip(times, lines, strict=True))
    return [line.replace(each, b"") for each, line in zip(times, lines, strict=True)]


class Counting(GeometryEncoder):
    """Counts the pictures that it embeds."""

    n_pictures = 0

    def encode_pixels(self, pixels):
        self.n_pictures += len(pixels)
        return super().encode_pixels(pixels)


class Wavering(Counting):
    """From the ninth picture on it sees the colours in another order."""

    def encode_pixels(self, pixels):
        rows = super().encode_pixels(pixels)
        return rows if self.n_pictures <= 8 else np.ascontiguousarray(rows[:, ::-1])


class Elsewhere(Wavering):
    """Computes on an accelerator, which sums in any order."""

    uses_accelerator = True


def test_repeats_embed_anew_and_are_recorded(tmp_path, data):
    encoder = Counting()
    specs, options = [dataset("coco")], RunOptions(repeats=3)
    records = run(specs, [encoder], options, bench(tmp_path, data))
    assert encoder.n_pictures == 3 * 8
    for each in records:
        assert each.times["repeats"] == 3
        assert each.times["wall_s_min"] <= each.times["wall_s_median"]
    once = run(specs, [GeometryEncoder()], RunOptions(), bench(tmp_path, data, "once"))
    assert timeless(records) == timeless(once)


def test_what_differs_when_repeated_is_no_record(tmp_path, data):
    place = bench(tmp_path, data)
    with pytest.raises(BenchmarkError, match=r"coco en: t2i_r@1 is 1\.0 and then"):
        run([dataset("coco")], [Wavering()], RunOptions(repeats=2), place)
    assert place.out.records() == ()


def test_a_record_is_repeated_too(tmp_path, data):
    place, specs = bench(tmp_path, data), [dataset("coco")]
    first = run(specs, [GeometryEncoder()], RunOptions(), place)
    assert run(specs, [GeometryEncoder()], RunOptions(repeats=2), place) == first
    wavering = Wavering()
    wavering.n_pictures = 8
    with pytest.raises(BenchmarkError, match="not deterministic"):
        run(specs, [wavering], RunOptions(repeats=2), place)


def test_ranks_may_differ_where_figures_do_not(tmp_path, data):
    """The ranks of queries of one class each, turned round, leave every mean as it was."""
    place, specs = bench(tmp_path, data), [dataset("babel-imagenet")]
    (record,) = run(specs, [GeometryEncoder()], RunOptions(), place)
    ranks = place.out.ranks_of(record)
    assert ranks["top"].tolist() != ranks["top"][::-1].tolist()
    ranks["top"] = ranks["top"][::-1]
    (tmp_path / "run" / "records.jsonl").unlink()
    place = bench(tmp_path, data)
    place.out.add(replace(record, ranks=place.out.add_ranks(ranks)))
    with pytest.raises(BenchmarkError, match="ranks of top differ"):
        run(specs, [GeometryEncoder()], RunOptions(repeats=2), place)


def test_accelerators_may_differ(tmp_path, data):
    wavering = Elsewhere()
    wavering.n_pictures = 0
    records = run([dataset("coco")], [wavering], RunOptions(repeats=2), bench(tmp_path, data))
    assert records[0].environment["device"] in ("cuda", "mps", "cpu")


def test_a_record_says_how_the_encoder_was_run(tmp_path, data):
    place = replace(bench(tmp_path, data), threads=3)
    first, *_ = run([dataset("coco")], [GeometryEncoder()], RunOptions(), place)
    assert first.settings["precision"] == first.settings["score_precision"] == "fp32"
    assert first.settings["decoding"] == "as stored"
    assert (first.environment["device"], first.environment["threads"]) == ("cpu", 3)
    assert first.times["images_embedded"] == 8
    assert first.times["images_per_s"] > 0
    cached, *_ = run(
        [dataset("coco")], [GeometryEncoder()], RunOptions(), bench(tmp_path, data, "b")
    )
    assert cached.times.keys() == {"wall_s", "cpu_s", "peak_rss_mb"}
    assert cached.environment["threads"] == cached.environment["processors"]


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
    options = RunOptions(load=LoadOptions(languages=("all",), gallery="babelnet"))
    specs = [dataset("babel-imagenet")]
    records = run(specs, [GeometryEncoder()], options, bench(tmp_path, data))
    assert [(each.key.language, each.counts["classes"]) for each in records] == [
        ("EN", 8),
        ("DE", 3),
    ]
    english, german = records
    assert english.figures["top1"] == 1.0
    assert german.figures["top1"] == pytest.approx(2 / 3)
    assert "top5" not in german.figures
    assert english.counts["pictures_per_class"] == 1
    assert english.key.prompt == "label"


def test_whose_names_english_has_is_part_of_the_protocol(tmp_path, data):
    """Of OpenAI's names GeometryEncoder knows none: all score the same, and the first is said."""
    options = RunOptions(load=LoadOptions(languages=("en", "de")))
    specs = [dataset("babel-imagenet")]
    english, german = run(specs, [GeometryEncoder()], options, bench(tmp_path, data))
    assert english.key.gallery == "OpenAI's class names"
    assert german.key.gallery == "complete"
    assert english.figures["top1"] == 1 / 8
    limited = replace(options, limit=3)
    english, german = run(specs, [GeometryEncoder()], limited, bench(tmp_path, data))
    assert english.key.gallery == "OpenAI's class names; the first 3"
    assert german.key.gallery == "the first 3"


def test_names_and_records_tell_whether_files_are_known(tmp_path, data):
    options = RunOptions(load=LoadOptions(gallery="babelnet"))
    (record,) = run(
        [dataset("babel-imagenet")], [GeometryEncoder()], options, bench(tmp_path, data)
    )
    assert record.data["is_known"] is False
    assert record.data["licence"].startswith("labels: BabelNet")
    assert list(record.data["annotations"]) == ["babel_imagenet.json"]


def test_templates_are_asked_for_before_anything_is_embedded(tmp_path, data):
    told = []
    place = replace(bench(tmp_path, data), on_progress=lambda what, done, total: told.append(what))
    options = RunOptions(prompts="translated")
    with pytest.raises(DatasetError, match="no translated templates for EN"):
        run([dataset("babel-imagenet")], [GeometryEncoder()], options, place)
    assert told == []


def test_a_probe_needs_no_files(tmp_path):
    place = bench(tmp_path, tmp_path / "nothing")
    options = RunOptions(load=LoadOptions(languages=("de", "en")))
    german, english = run([dataset("probe-language")], [GeometryEncoder()], options, place)
    assert (german.key.language, english.key.language) == ("de", "en")
    assert english.counts["items"] == english.counts["pictures"] / 2 == 132
    assert english.figures["group_score/shape"] == 0.0  # it reads colours alone
    kept = place.out.ranks_of(english)
    among = kept["items/colour"] == 1
    assert kept["text_score"][among].mean() == english.figures["text_score/colour"]
    assert set(verify.verdicts(english)) == set()


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


@pytest.mark.parametrize(
    ("gallery", "grade"), [("OpenAI's class names", "reproduced"), ("complete", "incomparable")]
)
def test_english_by_other_names_than_openais_is_incomparable(gallery, grade):
    key = ProtocolKey("babel-imagenet", "val", "EN", gallery=gallery, prompt="openai_en")
    name = "openclip:xlm-roberta-base-ViT-B-32:laion5b_s13b_b90k"
    model = {"name": name, "fingerprint": "f", "dim": 512, "parts": {}}
    counts = {"pictures": 50_000, "classes": 1_000, "pictures_per_class": 50}
    record = published(0.6232, key=key, model=model, counts=counts, figures={"top1": 0.6232})
    assert verify.verdicts(record)["top1"].grade == grade


def test_a_verdict_on_unknown_annotations_says_so():
    annotations = {"captions_val2014.json": "ab"}
    record = published(0.3044, data={"annotations": annotations, "pictures": "p"})
    verdict = verify.verdicts(record)["t2i_r@1"]
    assert verdict.grade == "reproduced"
    assert "captions_val2014.json the sha256 is not known" in verdict.reasons[-1]


def test_of_what_nobody_published_there_is_no_verdict():
    model = {"name": "mini", "fingerprint": "f", "dim": 384, "parts": {}}
    assert verify.verdicts(published(0.3, model=model)) == {}
    ranks = published(0.3, figures={"t2i_median_rank": 3.0, "t2i_mrr": 0.5})
    assert verify.verdicts(ranks) == {}


def test_what_was_recorded_and_changed_since_is_refused(tmp_path, data):
    run([dataset("coco")], [GeometryEncoder()], RunOptions(), bench(tmp_path, data))
    path = tmp_path / "run" / "records.jsonl"
    path.write_text(path.read_text().replace('"t2i_r@1": 1.0', '"t2i_r@1": 0.75'))
    with pytest.raises(BenchmarkError, match=r"t2i_r@1 .* recorded as 0.75, and its ranks give 1"):
        run([dataset("coco")], [GeometryEncoder()], RunOptions(), bench(tmp_path, data))


def test_two_runs_do_not_share_a_folder(tmp_path, data):
    place = bench(tmp_path, data)
    with place.out.held(), pytest.raises(LockedError, match="another process is writing"):
        run([dataset("coco")], [GeometryEncoder()], RunOptions(), bench(tmp_path, data))
    assert len(run([dataset("coco")], [GeometryEncoder()], RunOptions(), place)) == 2
