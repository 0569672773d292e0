"""The index command: the report, what takes part, and why a run is refused."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.lock import locked
from tests.cli.commands.kit import answer, names, refusal, run
from tests.indexer.readers.kit import png, write_tar

REPORT_KEYS = ["added", "updated", "moved", "removed", "unchanged", "skipped"]
REPORT_KEYS += ["texts", "generation", "seconds", "images_per_second"]


def test_index_then_query_from_the_same_folder(here):
    made = run("index", "photos")
    assert made.exit_code == 0
    assert made.stdout.startswith("added 4, updated 0, moved 0, removed 0, unchanged 0, skipped 0")
    assert ".polyseek (new)" in made.stderr
    found = run("query", "red")
    assert "red.png" in found.stdout.splitlines()[1]


def test_a_collection_is_found_from_a_folder_below(indexed, monkeypatch):
    monkeypatch.chdir(indexed / "photos")
    assert names(run("query", "blue", "-f", "-k", "1")) == ["blue"]
    assert not (indexed / "photos" / ".polyseek").exists()


def test_the_report_as_json_has_the_documented_keys(here):
    first, second = answer("index", "photos", "--json"), answer("index", "photos", "--json")
    assert list(first) == list(second) == REPORT_KEYS
    assert (first["added"], first["unchanged"]) == (4, 0)
    assert (second["added"], second["unchanged"]) == (0, 4)
    assert second["generation"] == first["generation"]


def test_strict_fails_on_a_skip_after_indexing_the_rest(here):
    (here / "photos" / "page.jpg").write_text("<html>")
    report = run("index", "photos", "--json")
    assert report.exit_code == 0
    assert [skip["reason"] for skip in json.loads(report.stdout)["skipped"]] == ["not an image"]
    strict = run("index", "photos", "--strict")
    assert strict.exit_code == 1
    assert "unchanged 4, skipped 1" in strict.stdout


def test_include_and_exclude(here):
    report = answer("index", "photos", "--include", "*e*", "--exclude", "blue.*", "--json")
    assert report["added"] == 3


def test_a_dry_run_changes_nothing(here):
    report = run("index", "photos", "--dry-run")
    assert report.stdout.startswith("would be added 4")
    assert not (here / ".polyseek").exists()


def test_max_pixels_skips_larger_pictures(here):
    report = answer("index", "photos", "--max-pixels", "10", "--dry-run", "--json")
    assert {skip["reason"] for skip in report["skipped"]} == {"too many pixels"}


def test_quiet_says_nothing(here):
    result = run("index", "photos", "--quiet")
    assert (result.exit_code, result.output) == (0, "")


@pytest.mark.parametrize("source", ["nowhere", "empty"])
def test_a_source_without_pictures_is_a_failure_and_leaves_no_collection(here, source):
    (here / "empty").mkdir()
    assert source in refusal(1, "index", source)
    assert not (here / ".polyseek").exists()


def test_a_vanished_source_needs_prune(indexed):
    (indexed / "photos").rename(indexed / "gone")
    assert "--prune" in refusal(1, "index", "photos")
    assert answer("index", "photos", "--prune", "--json")["removed"] == 4


def test_another_model_is_refused_for_an_existing_collection(indexed):
    assert "stranger" in refusal(4, "index", "photos", "--model", "stranger")


def test_the_model_of_the_settings_is_for_new_collections_only(indexed, monkeypatch):
    monkeypatch.setenv("POLYSEEK_MODEL", "stranger")
    assert answer("index", "photos", "--json")["unchanged"] == 4


def test_a_folder_that_is_there_and_empty_is_a_new_collection(here, monkeypatch):
    monkeypatch.setenv("POLYSEEK_MODEL", "stranger")
    (here / "volume").mkdir()
    made = run("index", "photos", "-c", "volume")
    assert made.exit_code == 0
    assert "volume (new)" in made.stderr
    assert answer("collection", "info", "-c", "volume", "--json")["model"] == "stranger"


def test_a_first_run_that_came_to_nothing_binds_no_model(here, monkeypatch):
    (here / "bad").mkdir()
    (here / "bad" / "page.jpg").write_text("<html>")
    assert run("index", "bad").exit_code == 0
    monkeypatch.setenv("POLYSEEK_MODEL", "stranger")
    assert "(new)" in run("index", "photos").stderr
    assert answer("collection", "info", "--json")["model"] == "stranger"


def test_an_unknown_model_names_the_known_ones(here):
    assert "mini" in refusal(1, "index", "photos", "--model", "nope")
    assert not (here / ".polyseek").exists()


@pytest.mark.parametrize("flag", ["--batch-size", "--workers", "--max-pixels"])
def test_a_number_out_of_range_is_usage(here, flag):
    for number in ("0", "-1", str(10**20)):
        assert flag in refusal(2, "index", "photos", flag, number)


def test_a_second_writer_is_told_to_wait(indexed):
    (indexed / "photos" / "new.png").write_bytes((indexed / "photos" / "red.png").read_bytes())
    with locked(indexed / ".polyseek", 0.0):
        assert "error:" in refusal(5, "index", "photos")
        assert "error:" in refusal(5, "collection", "delete", "1")
        assert "error:" in refusal(5, "collection", "destroy", "--yes")
    assert run("query", "red").exit_code == 0


def test_ctrl_c_is_130_and_one_line(here, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("indexer.service.index_folders", interrupt)
    result = run("index", "photos", "--quiet")
    assert (result.exit_code, result.output) == (130, "interrupted\n")


def test_archives_tables_and_lists_are_sources_too(here):
    write_tar(here / "s-0.tar", [("a.png", png(1)), ("a.txt", b"noise")])
    write_tar(here / "s-1.tar", [("b.png", png(2))])
    pq.write_table(pa.table({"pic": [png(3)], "words": ["more noise"]}), here / "t.parquet")
    (here / "urls.txt").write_text("http://127.0.0.1:1/a.png\n")
    report = answer(
        *("index", "s-{0..1}.tar", "t.parquet", "urls.txt", "--json"),
        *("--image-column", "pic", "--caption-column", "words"),
    )
    assert (report["added"], report["texts"]["added"]) == (3, 2)
    assert [skip["reason"] for skip in report["skipped"]] == ["address is not public"]


def test_a_table_without_the_column_says_which_it_has(here):
    pq.write_table(pa.table({"pic": [png(3)]}), here / "t.parquet")
    message = refusal(1, "index", "t.parquet")
    assert "its columns: pic" in message
    assert "--image-column" in message


@pytest.fixture
def vectors(here):
    np.save(here / "v.npy", np.eye(3, 8, dtype=np.float32))
    (here / "ids.txt").write_text("a\nb\nhttp://x/c\n")
    return ("index", "--embeddings", "v.npy", "--ids", "ids.txt")


def test_vectors_made_elsewhere(here, vectors):
    named = ("--model", "far", "--fingerprint", "ab" * 32)
    first = answer(*vectors, *named, "--json")
    assert list(first) == REPORT_KEYS
    assert (first["added"], first["texts"]) == (3, None)
    again = run(*vectors, *named)
    assert again.stdout.startswith("added 0, updated 0, moved 0, removed 0, unchanged 3")
    info = answer("collection", "info", "--json")
    assert (info["model"], info["fingerprint"], info["items"]) == ("far", "ab" * 32, 3)
    texts = answer(*vectors, "--gallery", "texts", "--json")
    assert [skip["reason"] for skip in texts["skipped"]] == [
        "the other gallery has this vector"
    ] * 3


def test_vectors_of_an_unknown_space_are_refused(here, vectors):
    assert "nothing says which encoder" in refusal(2, *vectors)
    assert "no model 'far'" in refusal(1, *vectors, "--model", "far")
    assert "have 8" in refusal(1, *vectors, "--model", "mini")
    assert not (here / ".polyseek").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        ("index",),
        ("index", "photos", "--ids", "ids.txt"),
        ("index", "photos", "--gallery", "texts"),
        ("index", "photos", "--fingerprint", "ab" * 32),
        ("index", "photos", "--embeddings", "v.npy", "--ids", "ids.txt"),
        ("index", "--embeddings", "v.npy", "--ids", "ids.txt", "--gallery", "films"),
    ],
)
def test_options_that_do_not_go_together_are_refused(here, vectors, arguments):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert not (here / ".polyseek").exists()
