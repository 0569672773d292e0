"""Every command on real collections: pictures of one colour, an encoder of known geometry."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from cli.main import app
from indexer.lock import locked
from retrieval.encoders import registry
from tests.factories import GeometryEncoder

COLOURS = {"red": "#f00", "green": "#0f0", "blue": "#00f", "yellow": "#ff0"}
REPORT_KEYS = ["added", "updated", "moved", "removed", "unchanged", "skipped"]
REPORT_KEYS += ["generation", "seconds", "images_per_second"]


class Stranger(GeometryEncoder):
    """Another space under another name."""

    @property
    def info(self):
        return replace(super().info, name="stranger", fingerprint="f" * 64)


@pytest.fixture(autouse=True)
def geometry(monkeypatch):
    monkeypatch.setitem(registry._registered, "geometry", GeometryEncoder)
    monkeypatch.setitem(registry._registered, "stranger", Stranger)
    monkeypatch.setenv("POLYSEEK_MODEL", "geometry")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder: photos/ with four pictures, no collection."""
    for name, colour in COLOURS.items():
        path = tmp_path / "photos" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (32, 24), colour).save(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def indexed(here):
    assert run("index", "photos").exit_code == 0
    return here


def run(*arguments, stdin=None):
    return CliRunner().invoke(app, [str(each) for each in arguments], input=stdin)


def answer(*arguments, stdin=None):
    result = run(*arguments, stdin=stdin)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def names(result):
    return [Path(path).stem for path in result.stdout.split()]


def refusal(code, *arguments, stdin=None):
    """The error of a command that has to fail with this code and print no result."""
    result = run(*arguments, stdin=stdin)
    assert (result.exit_code, result.stdout) == (code, ""), result.output
    return result.stderr


# index


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


def test_an_unknown_model_names_the_known_ones(here):
    assert "mini" in refusal(1, "index", "photos", "--model", "nope")
    assert not (here / ".polyseek").exists()


@pytest.mark.parametrize("flag", ["--batch-size", "--workers", "--max-pixels"])
def test_a_number_out_of_range_is_usage(here, flag):
    assert flag in refusal(2, "index", "photos", flag, "0")


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


# query


def test_words_are_joined_to_one_literal_text(indexed):
    assert answer("query", "red", "or", "blue", "--json")["query"] == "red or blue"


def test_the_answer_as_json_has_the_documented_keys(indexed):
    found = answer("query", "red", "--json", "-k", "2")
    assert list(found) == ["query", "model", "generation", "hits"]
    assert found["model"] == "geometry"
    assert list(found["hits"][0]) == ["rank", "id", "score", "path", "width", "height"]
    best = found["hits"][0]
    assert (best["rank"], best["score"], best["width"], best["height"]) == (1, 1.0, 32, 24)
    assert best["path"] == os.fspath(indexed / "photos" / "red.png")


def test_top_by_flag_by_either_letter_by_variable_and_beyond_the_end(indexed, monkeypatch):
    assert len(names(run("query", "red", "-f", "-k", "2"))) == 2
    assert len(names(run("query", "red", "-f", "-t", "3"))) == 3
    assert len(names(run("query", "red", "-f", "--top", "99"))) == 4
    monkeypatch.setenv("POLYSEEK_TOP", "1")
    assert len(names(run("query", "red", "-f"))) == 1


def test_an_image_of_the_collection_is_not_its_own_answer(indexed):
    found = names(run("query", "-i", "photos/red.png", "-f"))
    assert set(found) == {"green", "blue", "yellow"}


def test_like_an_item(indexed):
    best = answer("query", "red", "--json", "-k", "1")["hits"][0]["id"]
    assert "red" not in names(run("query", "--like", best, "-f"))


def test_add_and_subtract_move_the_query(indexed):
    both = names(run("query", "red", "-a", "blue", "-f", "-k", "2"))
    assert set(both) == {"red", "blue"}
    away = names(run("query", "red and blue", "-s", "blue", "-f", "-k", "1"))
    assert away == ["red"]
    found = answer("query", "red", "-a", "blue", "-s", "green", "--json")
    assert found["query"] == "red + blue - green"


def test_slerp_takes_an_image_and_a_text(indexed):
    found = run("query", "blue", "-i", "photos/red.png", "--compose", "slerp", "-f", "-k", "1")
    assert names(found) == ["blue"]
    assert "slerp" in refusal(2, "query", "blue", "--compose", "slerp")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["  "],
        ["red", "-k", "0"],
        ["red", "-a", " "],
        ["red", "-s", "red"],
        ["--like", "999"],
        ["-i", "no.png"],
        ["-i", "page.jpg"],
        ["-i", "empty.jpg"],
        ["red", "--json", "--jsonl"],
        ["red", "--batch", "-"],
        ["--batch", "-", "--sheet", "x.png"],
        ["--batch", "-", "-f"],
    ],
    ids=" ".join,
)
def test_a_query_that_cannot_be_answered_is_usage(indexed, arguments):
    (indexed / "page.jpg").write_text("<html>")
    (indexed / "empty.jpg").touch()
    assert "error" in refusal(2, "query", *arguments)


def test_a_query_of_another_model_is_refused(indexed):
    message = refusal(4, "query", "red", "--model", "stranger")
    assert "geometry" in message
    assert "stranger" in message
    assert run("query", "red", "--model", "geometry").exit_code == 0


def test_an_odd_query_does_no_harm(indexed):
    for text in ("red " * 10_000, "red\0blue", "\udcff red", "🐕", "-- --json"):
        assert run("query", "--json", "--", text).exit_code == 0


def test_without_a_collection_the_hint_says_how_to_make_one(here):
    assert "polyseek index" in refusal(4, "query", "red")
    error = json.loads(refusal(4, "query", "red", "--json"))["error"]
    assert (error["type"], error["exit_code"]) == ("CollectionMissingError", 4)
    assert "error" in refusal(4, "query", "red", "-c", "elsewhere")


def test_index_first_where_there_is_no_collection(here):
    assert names(run("query", "red", "--index", "-f", "-k", "1")) == ["red"]
    assert (here / ".polyseek").is_dir()


@pytest.mark.parametrize(("reply", "code"), [(True, 0), (False, 4)])
def test_a_watched_query_offers_to_index(here, monkeypatch, reply, code):
    asked = []
    monkeypatch.setattr("cli.query.is_watched", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text) or reply)
    assert run("query", "red", "-f").exit_code == code
    assert len(asked) == 1
    assert (here / ".polyseek").is_dir() is reply


def test_nothing_found_is_3_only_if_asked(indexed):
    assert run("collection", "delete", "photos").exit_code == 0
    empty = run("query", "red")
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "no hits" in empty.stderr
    assert run("query", "red", "--fail-empty").exit_code == 3
    assert run("query", "--batch", "-", "--fail-empty", stdin="red\n").exit_code == 3


def test_a_sheet_and_a_page(indexed):
    assert run("query", "red", "--sheet", "s.png", "--html", "s.html").exit_code == 0
    assert (indexed / "s.png").stat().st_size > 1000
    assert "red.png" in (indexed / "s.html").read_text(encoding="utf-8")


def test_a_batch_answers_each_line_in_order(indexed):
    result = run("query", "--batch", "-", "-k", "1", stdin="blue\n\nred - blue\nred\n")
    assert result.exit_code == 0
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["query"] for line in lines] == ["blue", "", "red - blue", "red"]
    assert [len(line["hits"]) for line in lines] == [1, 0, 1, 1]
    assert [list(line) for line in lines][:2] == [["query", "hits"], ["query", "hits", "error"]]
    assert Path(lines[3]["hits"][0]["path"]).stem == "red"
    assert "1 of 4 queries" in result.stderr


def test_a_batch_equals_single_queries(indexed):
    (indexed / "queries.txt").write_text("\n".join(COLOURS))
    result = run("query", "--batch", "queries.txt")
    for line, text in zip(result.stdout.splitlines(), COLOURS, strict=True):
        assert json.loads(line)["hits"] == answer("query", text, "--json")["hits"]


def test_a_batch_file_that_is_not_there_is_a_failure(indexed):
    assert "nope.txt" in refusal(1, "query", "--batch", "nope.txt")


# collection


def test_info_tells_what_is_there(indexed):
    facts = answer("collection", "info", "--json")
    assert (facts["model"], facts["dim"]) == ("geometry", 8)
    assert (facts["items"], facts["files"]) == (4, 4)
    assert facts["roots"] == [os.fspath(indexed / "photos")]
    assert facts["galleries"]["images"]["index"] == {"kind": "exact", "recall": []}
    assert facts["bytes_on_disk"] > 1000
    text = run("collection", "info").stdout
    assert "items: 4 in 4 files" in text
    assert "search: exact" in text


def test_verify_finds_a_flipped_bit(indexed):
    assert answer("collection", "verify", "--json")["ok"] is True
    vectors = next((indexed / ".polyseek").rglob("vectors.npy"))
    content = bytearray(vectors.read_bytes())
    content[-1] ^= 1
    vectors.chmod(0o644)
    vectors.write_bytes(content)
    result = run("collection", "verify", "--json")
    assert result.exit_code == 4
    assert len(json.loads(result.stdout)["problems"]) == 1
    assert "vectors.npy" in run("collection", "verify").stdout


def test_a_corrupt_manifest_is_4(indexed):
    for path in (indexed / ".polyseek").glob("manifest-*.json"):
        path.chmod(0o644)
        path.write_bytes(b"{}")
    for command in (["query", "red"], ["index", "photos"], ["collection", "info"]):
        assert "error" in refusal(4, *command)


def test_delete_by_id_by_path_and_by_folder(indexed):
    best = answer("query", "red", "--json")["hits"][0]["id"]
    assert answer("collection", "delete", best, "--json") == {"deleted": 1}
    assert run("collection", "delete", "photos/blue.png").stdout == "deleted 1 items\n"
    assert set(names(run("query", "red", "-f"))) == {"green", "yellow"}
    assert answer("collection", "delete", "photos", "--json") == {"deleted": 2}
    assert sorted(path.stem for path in (indexed / "photos").iterdir()) == sorted(COLOURS)


def test_deleting_what_is_not_there_deletes_nothing(indexed):
    assert "999" in refusal(2, "collection", "delete", "1", "999")
    assert "nope.png" in refusal(2, "collection", "delete", "nope.png")
    assert answer("collection", "info", "--json")["items"] == 4


def test_destroy_does_not_go_unasked(indexed, monkeypatch):
    assert "--yes" in refusal(2, "collection", "destroy")
    monkeypatch.setattr("cli.collection.is_watched", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    refusal(1, "collection", "destroy")
    assert (indexed / ".polyseek").exists()
    assert run("collection", "destroy", "--yes").exit_code == 0
    assert not (indexed / ".polyseek").exists()
    assert len(list((indexed / "photos").iterdir())) == 4


@pytest.mark.parametrize("command", ["info", "verify", "destroy --yes", "delete 1"])
def test_every_collection_command_needs_one(here, command):
    assert "polyseek index" in refusal(4, "collection", *command.split())


# models, doctor, config


def test_models_are_listed_with_what_is_missing(monkeypatch):
    monkeypatch.setattr(registry, "_missing", lambda name: ("some-package",))
    listed = answer("models", "list", "--json")
    mini = listed["models"][0]
    assert (mini["name"], mini["available"]) == ("mini", False)
    assert "some-package" in mini["missing"]
    assert "not at hand: some-package" in run("models", "list").stdout


def test_a_model_is_shown_with_its_fingerprint():
    shown = answer("models", "show", "geometry", "--json")
    assert list(shown) == ["name", "dim", "input_px", "languages", "fingerprint", "parts"]
    assert shown["fingerprint"] == GeometryEncoder().info.fingerprint
    assert shown["fingerprint"] in run("models", "show", "geometry").stdout
    assert "nope" in refusal(1, "models", "show", "nope")


def test_doctor_names_what_is_installed(here):
    report = answer("doctor", "--json")
    assert report["ok"] is True
    topics = {check["topic"] for check in report["checks"]}
    assert topics == {"versions", "devices", "encoders", "pictures", "extras", "folders"}
    assert list(report["checks"][0]) == ["topic", "name", "value", "state", "fix"]


def test_doctor_fails_without_faiss_or_without_an_encoder(here, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("cli.doctor.faiss_build", lambda: None)
        result = run("doctor")
        assert result.exit_code == 1
        assert "polyseek[cpu]" in result.stdout
    monkeypatch.setattr(registry, "_missing", lambda name: ("some-package",))
    monkeypatch.setattr(registry, "_registered", {})
    result = run("doctor", "--json")
    assert result.exit_code == 1
    fixes = [check["fix"] for check in json.loads(result.stdout)["checks"]]
    assert "pip install 'polyseek[mini]'" in fixes


def test_doctor_sees_two_builds_of_faiss(here, monkeypatch):
    monkeypatch.setattr("cli.doctor.package_version", lambda name: "1.0")
    result = run("doctor")
    assert result.exit_code == 1
    assert "both builds" in result.stdout


def test_config_shows_values_and_origins(here, bare_settings, monkeypatch):
    file = bare_settings / "config" / "polyseek" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('device = "cpu"\ncatalogue_url = "postgresql://me:hunter2@host/db"\n')
    monkeypatch.setenv("POLYSEEK_TOP", "3")
    shown = run("config", "show", "--origin")
    assert f"device = cpu  (file {file})" in shown.stdout
    assert "top = 3  (env POLYSEEK_TOP)" in shown.stdout
    assert "batch_size = 32  (default)" in shown.stdout
    assert "hunter2" not in shown.output
    found = answer("config", "show", "--origin", "--json", "-c", "x")
    assert found["collection"] == {"value": "x", "origin": "flag --collection"}
    assert answer("config", "show", "--json")["top"] == 3


def test_a_wrong_setting_stops_every_command(here, monkeypatch):
    monkeypatch.setenv("POLYSEEK_TOP", "many")
    for command in (["index", "photos"], ["query", "red"], ["models", "list"], ["config", "show"]):
        assert "top = 'many' (from env POLYSEEK_TOP)" in refusal(2, *command)
