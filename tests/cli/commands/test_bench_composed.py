"""polyseek bench run and verify on composed queries."""

import hashlib
import json

import pytest
from PIL import Image

from tests import bundles
from tests.benchmarks.datasets.kit import write
from tests.cli.commands.kit import COLOURS, answer, refusal, run


@pytest.fixture
def circo(here):
    """Twelve pictures: three shades of each colour; a query asks for all of another colour."""
    folder = here / "data" / "cir" / "circo"
    (folder / "unlabeled2017").mkdir(parents=True)
    ids = {}
    for name, colour in COLOURS.items():
        for shade in range(3):
            number = 100 + len(ids)
            ids[name, shade] = number
            picture = Image.new("RGB", (8, 8), colour)
            picture.putpixel((shade, shade), (0, 0, 0))
            picture.save(folder / "unlabeled2017" / f"{number:012}.png")
    rows = [
        {
            "id": number,
            "reference_img_id": ids[reference, 0],
            "target_img_id": ids[target, 1],
            "relative_caption": target,
            "gt_img_ids": [ids[target, shade] for shade in (1, 0, 2)],
            "semantic_aspects": ["addition"],
        }
        for number, (reference, target) in enumerate([("red", "blue"), ("blue", "green")])
    ]
    images = [{"id": each, "file_name": f"{each:012}.png"} for each in ids.values()]
    write(folder, {"val.json": rows, "image_info_unlabeled2017.json": {"images": images}})
    return folder


RUN = ("bench", "run", "circo", "--model", "geometry", "--data", "data", "--out", "runs")


def test_a_run_says_and_records_each_way(here, circo):
    result = run(*RUN, "--compose", "text-only", "--compose", "slerp:0.8")
    assert result.exit_code == 0, result.output
    texts, arc = result.stdout.splitlines()
    assert texts.startswith(
        "circo val text-only  geometry  exact: r@1 0.00, r@5 100.00"
    )  # of three alike
    assert "map@5 100.00" in texts
    assert "map@10_addition 100.00" in texts
    assert arc.startswith("circo val slerp:0.8  geometry  exact: ")
    records = answer(*RUN, "--json")["records"]
    assert [each["settings"]["compose"] for each in records] == [
        "image-only",
        "text-only",
        "image+text",
        "auto",
    ]
    assert len((here / "runs" / "records.jsonl").read_text().splitlines()) == 5


def test_a_run_is_held_against_what_was_published(here, circo):
    run(*RUN, "--compose", "sum")
    path = here / "runs" / "records.jsonl"
    line = json.loads(path.read_text())
    line["model"]["name"] = "openclip:ViT-B-32:openai"
    line["figures"] = {"map@5": 0.0265}
    lines = [line, {**line, "key": {**line["key"], "split": "test"}}]
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    said = run("bench", "verify", "runs").stdout.splitlines()
    assert said[0].startswith("incomparable    circo val sum map@5  openclip:ViT-B-32:openai")
    assert said[1].strip() == "split: val here, test there"
    assert said[2].startswith("reproduced      circo test sum map@5")


def test_the_mean_of_fashioniq_is_told_and_verified(here):
    folder = here / "data" / "cir" / "fashioniq"
    folder.mkdir(parents=True)
    (here / "photos").rename(folder / "images")
    query = [{"candidate": "red", "target": "blue", "captions": ["is blue", "blue."]}]
    for category in ("dress", "shirt", "toptee"):
        files = {f"cap.{category}.val.json": query, f"split.{category}.val.json": list(COLOURS)}
        write(folder, files)
    fashion = ("bench", "run", "fashioniq", *RUN[3:], "--compose", "text-only")
    lines = run(*fashion).stdout.splitlines()
    assert len(lines) == 4
    assert lines[-1] == "fashioniq val text-only  geometry  exact: r@10 100.00, r@50 100.00"
    path = here / "runs" / "records.jsonl"
    path.write_text(path.read_text().replace('"geometry"', '"openclip:ViT-B-32:openai"'))
    rows = answer(*fashion, "--json")["rows"]
    assert [(each["split"], each["compose"], each["n"]) for each in rows][-1] == (
        "val",
        "text-only",
        3,
    )
    said = answer("bench", "verify", "runs", "--json")["records"]
    assert [each["key"]["split"] for each in said][-1] == "val"
    assert said[-1]["verdicts"]["r@10"]["published"] == pytest.approx(0.187)


def test_pictures_as_words_are_measured_in_the_template_of_their_phi(here, circo, tmp_path):
    (tmp_path / "native").mkdir()
    model = f"local-dir:{bundles.native(tmp_path / 'native')}"
    (here / "captions.txt").write_text("a red car\na green field\na blue sky\n")
    learn = ("--method", "ridge", "--texts", "captions.txt", "--template", "{image} but {text}")
    made = run("train", "phi", "--model", model, *learn, "-o", "phi.safetensors")
    assert made.exit_code == 0, made.output
    asked = ("bench", "run", "circo", "--model", model, *RUN[5:], "--compose", "pseudo")
    (record,) = answer(*asked, "--phi", "phi.safetensors", "--json")["records"]
    assert record["key"]["prompt"] == "{image} but {text}"
    digest = hashlib.sha256((here / "phi.safetensors").read_bytes()).hexdigest()
    assert record["settings"]["phi"] == digest
    assert record["figures"]["r@50"] == 1.0
    stranger = (*RUN, "--compose", "pseudo", "--phi", "phi.safetensors")
    assert "the phi was trained for" in refusal(1, *stranger)


def test_rankings_are_written_for_the_server_that_knows_the_targets(here, circo):
    asked = [{"id": 0, "reference_img_id": 100, "relative_caption": "blue"}]
    write(circo, {"test.json": asked})
    test = (*RUN, "--split", "test", "--compose", "text-only")
    result = run(*test)
    assert result.exit_code == 0, result.output
    (path,) = result.stdout.splitlines()
    assert "circo.micc.unifi.it takes circo-test-geometry-" in result.stderr
    said = json.loads((here / path).read_text())
    assert list(said) == ["0"]
    assert said["0"][:3] == [106, 107, 108]
    assert len(said["0"]) == 12
    assert not (here / "runs" / "records.jsonl").exists()
    assert answer(*test, "--json") == {"records": [], "rows": [], "submissions": [path]}
    (circo / "unlabeled2017" / f"{111:012}.png").unlink()
    assert "1 pictures are missing, and in no ranking" in run(*test).stderr
    for more in (("--limit", "1"), ("--distractors", here / "photos")):
        assert "takes all of its queries and no other" in refusal(1, *test, *more)
    (circo / "unlabeled2017" / f"{100:012}.png").write_bytes(b"no picture")
    write(circo, {"test.json": [*asked, {**asked[0], "id": 1, "reference_img_id": 101}]})
    assert "1 queries of circo test lack their picture" in refusal(1, *test)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--compose", "both"), 2, "--compose both: no way to compose"),
        (("--compose", "slerp:2"), 2, "must lie between 0 and 1"),
        (("--compose", "pseudo"), 2, "--compose pseudo needs a map"),
        (("--compose", "pseudo", "--phi", "no.file"), 1, "no.file"),
        (("--index", "auto"), 1, "circo is not measured through an index"),
        (("--split", "train"), 1, "circo has no split 'train'"),
    ],
)
def test_what_cannot_be_is_said(here, circo, arguments, code, message):
    assert message in refusal(code, *RUN, *arguments)
