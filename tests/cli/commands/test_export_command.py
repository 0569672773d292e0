"""`polyseek export`: the three things in every form, and what is refused."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.cli.commands.kit import COLOURS, answer, refusal, run
from tests.cli.commands.process import PROJECT, unread_pipe
from tests.cli.commands.process import run as run_process

THINGS = {
    "hits": (["hits", "red"], ["jsonl", "csv", "parquet"]),
    "vectors": (["vectors"], ["npy", "parquet"]),
    "catalogue": (["catalogue"], ["jsonl", "csv", "parquet"]),
}
FORMS = ["jsonl", "csv", "parquet", "npy"]


@pytest.fixture
def captioned(here):
    for name in COLOURS:
        (here / "photos" / f"{name}.txt").write_text(f"a {name} picture\n")
    os.link("photos/red.png", "photos/red copy.png")
    assert run("index", "photos").exit_code == 0
    return here


def lines(*arguments):
    result = run("export", *arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_hits_are_those_of_the_query_and_more(captioned):
    exported = lines("hits", "red", "-k", "3")
    asked = answer("query", "red", "-k", "3", "--json")["hits"]
    assert [{key: hit[key] for key in asked[0]} for hit in exported] == asked
    more = ["taken", "camera", "latitude", "longitude", "sha256", "files"]
    assert list(exported[0]) == [*asked[0], *more]
    names = [os.path.basename(file["path"]) for file in exported[0]["files"]]
    assert sorted(names) == ["red copy.png", "red.png"]


def test_hits_like_an_image_and_among_texts(captioned):
    exported = lines("hits", "-i", "photos/blue.png", "--target", "texts", "-k", "1")
    assert exported[0]["text"] == "a blue picture"
    assert list(exported[0]) == ["rank", "id", "score", "path", "text", "sha256", "files"]
    assert lines("hits", "-i", "photos/blue.png", "-k", "4")[0]["path"].endswith(".png")


@pytest.mark.parametrize("gallery", ["images", "texts"])
def test_the_catalogue_is_the_same_in_every_form(captioned, gallery):
    rows = lines("catalogue", "--gallery", gallery)
    assert len(rows) == (5 if gallery == "images" else 4)
    for name in ("c.csv", "c.parquet", "c.jsonl"):
        result = run("export", "catalogue", "--gallery", gallery, "--out", name)
        assert (result.exit_code, result.stdout) == (0, "")
        assert result.stderr == f"wrote {name}, {len(rows)} rows\n"
    with open("c.jsonl", encoding="utf-8") as file:
        assert [json.loads(line) for line in file] == rows
    with open("c.csv", encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["path"] for row in found] == [row["path"] for row in rows]
    assert [row["mtime"] for row in found] == [row["mtime"] for row in rows]
    assert pq.read_table("c.parquet")["path"].to_pylist() == [row["path"] for row in rows]
    said = run("export", "catalogue", "--gallery", gallery, "--format", "csv").stdout
    assert list(csv.DictReader(io.StringIO(said, newline=""))) == found


def test_dead_items_are_not_exported(captioned):
    assert run("collection", "delete", "photos/red.png", "photos/red copy.png").exit_code == 0
    paths = [row["path"] for row in lines("catalogue")]
    assert len(paths) == 3
    assert not [path for path in paths if "red" in path]
    assert run("export", "vectors", "--out", "v").exit_code == 0
    assert len(np.load("v/vectors.npy")) == 3


def test_vectors_go_back_in(captioned):
    report = answer("export", "vectors", "--out", "v", "--json")
    assert report["rows"] == 4
    files = [os.path.basename(file["path"]) for file in report["files"]]
    assert files == ["vectors.npy", "ids.npy", "paths.txt"]
    assert run("export", "vectors", "--gallery", "texts", "--out", "t/").exit_code == 0
    model = ["--model", "geometry", "--json"]
    images = ["--embeddings", "v/vectors.npy", "--ids", "v/paths.txt"]
    assert answer("index", *images, "-c", "back", *model)["added"] == 4
    texts = ["--embeddings", "t/vectors.npy", "--ids", "t/texts.txt", "--gallery", "texts"]
    assert answer("index", *texts, "-c", "said", *model)["added"] == 4
    for text in COLOURS:
        first = answer("query", text, "--json")["hits"]
        again = answer("query", text, "--json", "-c", "back")["hits"]
        assert [hit["path"] for hit in again] == [hit["path"] for hit in first]
        assert [hit["score"] for hit in again] == [hit["score"] for hit in first]
        said = answer("query", text, "--target", "texts", "-c", "said", "--json")["hits"]
        assert said[0]["text"] == f"a {text} picture"
    assert run("export", "vectors", "-c", "back", "--out", "again").exit_code == 0
    assert (np.load("again/vectors.npy") == np.load("v/vectors.npy")).all()


def test_vectors_in_single_precision_as_a_table(captioned):
    result = run("export", "vectors", "--dtype", "float32", "--out", "v.parquet")
    assert result.exit_code == 0
    table = pq.read_table("v.parquet")
    assert table.column_names == ["id", "path", "path_bytes", "vector"]
    assert str(table.schema.field("vector").type).startswith("fixed_size_list<")
    vectors = np.array(table["vector"].to_pylist(), np.float32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=2e-3)


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("form", FORMS)
def test_forms_that_do_not_fit_are_usage(indexed, thing, form):
    words, fit = THINGS[thing]
    arguments = ["export", *words, "--format", form, "--out", "x"]
    if form in fit:
        assert run(*arguments).exit_code == 0
    else:
        refused = refusal(2, *arguments)
        assert f"{thing} cannot be exported as {form}" in refused
        assert f"choose {' or '.join(fit)}" in refused
        assert not os.path.exists("x")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["vectors"], "npy does not go to stdout"),
        (["catalogue", "--format", "parquet"], "parquet does not go to stdout"),
        (["vectors", "--out", "v.npy"], "several files in one folder"),
        (["catalogue", "--out", "x.npy"], "cannot be exported as npy"),
        (["catalogue", "--out", "x.csv", "--format", "jsonl"], "says another form"),
        (["catalogue", "--json"], "stdout cannot take both"),
        (["hits"], "empty"),
        (["hits", "red", "-k", "0"], "top"),
        (["hits", "-i", "no.png"], "no.png"),
        (["catalogue", "--format", "xml"], "xml"),
        (["catalogue", "--gallery", "songs"], "songs"),
    ],
    ids=str,
)
def test_wrong_usage(indexed, arguments, message):
    assert message in refusal(2, "export", *arguments)


def test_without_a_collection_there_is_nothing_to_export(here):
    for words, _ in THINGS.values():
        assert "no collection" in refusal(4, "export", *words, "--out", "x")


@pytest.mark.parametrize("name", ["x.jsonl", "x.csv", "x.parquet"])
def test_a_file_that_is_there_is_replaced_by_force_only(indexed, name):
    (indexed / name).write_text("mine")
    assert "--force" in refusal(2, "export", "catalogue", "--out", name)
    assert (indexed / name).read_text() == "mine"
    assert run("export", "catalogue", "--out", name, "--force").exit_code == 0
    assert (indexed / name).read_bytes() != b"mine"


def test_a_folder_of_vectors_is_replaced_by_force_only(indexed):
    assert run("export", "vectors", "--out", "v").exit_code == 0
    (indexed / "v" / "paths.txt").write_text("mine")
    assert "already" in refusal(2, "export", "vectors", "--out", "v")
    assert (indexed / "v" / "paths.txt").read_text() == "mine"
    assert run("export", "vectors", "--out", "v", "--force").exit_code == 0
    assert len((indexed / "v" / "paths.txt").read_text().splitlines()) == 4
    assert sorted(os.listdir("v")) == ["ids.npy", "paths.txt", "vectors.npy"]


def content_of(name):
    return Path(name).read_bytes() if os.path.exists(name) else None


def test_what_is_indexed_and_the_collection_are_never_replaced(captioned):
    (captioned / "list.csv").write_text("filepath,title\nphotos/red.png,a red thing\n")
    assert run("index", "list.csv", "photos").exit_code == 0
    (captioned / "link.csv").symlink_to("list.csv")
    for name, reason in {
        "photos/red.png": "is an indexed picture",
        "photos/red.txt": "is indexed",
        "link.csv": "is indexed",
        ".polyseek/new.jsonl": "lies in the collection",
    }.items():
        before = content_of(name)
        form = "csv" if name.endswith("csv") else "jsonl"
        arguments = ["export", "catalogue", "--force", "--format", form, "--out", name]
        assert reason in refusal(2, *arguments)
        assert content_of(name) == before
    assert "lies in" in refusal(2, "export", "vectors", "--out", ".polyseek", "--force")


def test_a_folder_that_is_not_there_is_a_failure_that_leaves_nothing(indexed):
    assert "no/x.jsonl" in refusal(1, "export", "catalogue", "--out", "no/x.jsonl")
    assert "no/v" in refusal(1, "export", "vectors", "--out", "no/v")
    assert not os.path.exists("no")


def test_a_damaged_collection_leaves_no_half_export(indexed):
    file = next(indexed.glob(".polyseek/galleries/images/segments/*/vectors.npy"))
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    assert "damaged" in refusal(4, "export", "vectors", "--out", "v")
    assert not os.path.exists("v")


def test_a_reader_that_leaves_early_ends_it_quietly(indexed):
    with unread_pipe() as gone:
        assert run_process("export", "catalogue", stdout=gone) == (0, None, b"")
    with open("/dev/full", "wb") as full:
        code, _, err = run_process("export", "catalogue", stdout=full)
    assert (code, b"stdout: No space left on device" in err) == (1, True)


def test_vectors_and_the_catalogue_load_neither_torch_nor_faiss(indexed):
    code = """
import sys
from cli.commands import app
for words in (["vectors", "--out", "v"], ["catalogue", "--out", "c.parquet"]):
    sys.argv = ["polyseek", "export", *words]
    try:
        app()
    except SystemExit as end:
        assert not end.code
sys.exit(" ".join({"torch", "faiss", "open_clip"} & set(sys.modules)) or 0)
"""
    environment = {**os.environ, "PYTHONPATH": os.fspath(PROJECT)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b""), done.stderr
