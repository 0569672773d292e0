"""The collection commands: info, verify, repair, compact, delete, destroy."""

import json
import os

import pytest
from PIL import Image

from tests.cli.commands.kit import COLOURS, answer, names, refusal, run


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


@pytest.mark.parametrize("name", ["vectors.npy", "ids.npy", "rows.jsonl"])
@pytest.mark.parametrize("damage", ["gone", "cut"])
def test_every_error_about_damage_leads_on(indexed, name, damage):
    file = next((indexed / ".polyseek").glob(f"galleries/images/segments/*/{name}"))
    content = file.read_bytes()
    file.chmod(0o644)
    file.unlink()
    if damage == "cut":
        file.write_bytes(content[:-1])
    for command in (["query", "red"], ["index", "photos"], ["collection", "repair"]):
        result = run(*command)
        assert result.exit_code in (0, 4)
        assert result.exit_code == 0 or "hint: " in result.stderr
    assert run("collection", "repair").exit_code == 4
    checked = run("collection", "verify")
    assert checked.exit_code == 4
    assert "polyseek collection repair" in checked.stderr
    assert "--collection" in checked.stderr
    assert run("collection", "verify", "--quiet").stderr == ""


def test_verify_repairs_and_names_what_it_cannot(indexed):
    hits = answer("query", "red", "--json")["hits"]
    vectors = next((indexed / ".polyseek").rglob("vectors.npy"))
    vectors.write_bytes(vectors.read_bytes()[:-1])
    assert run("collection", "verify").exit_code == 4
    found = answer("collection", "verify", "--repair", "--json")
    assert found["ok"] is True
    assert "4 embedded again" in found["repaired"][0]
    assert (found["lost"], found["unrepairable"]) == ([], [])
    assert answer("query", "red", "--json")["hits"] == hits

    vectors = next((indexed / ".polyseek").rglob("vectors.npy"))
    vectors.unlink()
    (indexed / "photos" / "blue.png").unlink()
    result = run("collection", "verify", "--repair")
    assert result.exit_code == 4
    assert "cannot be repaired: item" in result.stdout
    assert "blue.png" in result.stdout
    assert "--drop-damaged" in result.stderr
    assert "--repair" in refusal(2, "collection", "verify", "--drop-damaged")
    result = run("collection", "verify", "--repair", "--drop-damaged")
    assert result.exit_code == 0
    assert "lost: item" in result.stdout
    assert set(names(run("query", "red", "-f"))) == {"red", "green", "yellow"}


def test_a_damaged_catalogue_is_repaired_as_the_hint_says(indexed):
    (indexed / ".polyseek" / "catalogue.db").write_bytes(b"no database" * 500)
    refused = json.loads(run("query", "red", "--json").stderr)["error"]
    assert refused["exit_code"] == 4
    assert "polyseek collection repair" in refused["hint"]
    assert run("collection", "repair").stdout == "rebuilt: 4 items in 4 files\n"
    assert len(answer("query", "red", "--json")["hits"]) == 4
    assert answer("collection", "repair", "--json") == {"items": 4, "files": 4}


def test_a_corrupt_manifest_is_4(indexed):
    for path in (indexed / ".polyseek").glob("manifest-*.json"):
        path.chmod(0o644)
        path.write_bytes(b"{}")
    for command in (["query", "red"], ["index", "photos"], ["collection", "info"]):
        assert "error" in refusal(4, *command)


def test_delete_by_id_by_path_and_by_folder(indexed):
    best = answer("query", "red", "--json")["hits"][0]["id"]
    found = answer("collection", "delete", best, "--json")
    assert found == {"deleted": 1, "files": 1, "dry_run": False}
    assert run("collection", "delete", "photos/blue.png").stdout == "deleted 1 items in 1 files\n"
    assert set(names(run("query", "red", "-f"))) == {"green", "yellow"}
    assert answer("collection", "delete", "photos", "--json")["deleted"] == 2
    assert sorted(path.stem for path in (indexed / "photos").iterdir()) == sorted(COLOURS)


def test_all_kinds_together_are_counted_first_and_deleted_then(indexed):
    wanted = ["1", "photos/blue.png", "photos"]
    would = answer("collection", "delete", *wanted, "--dry-run", "--json")
    assert would == {"deleted": 4, "files": 4, "dry_run": True}
    said = run("collection", "delete", "photos/blue.png", "-n").stdout
    assert said == "would delete 1 items in 1 files\n"
    assert answer("collection", "info", "--json")["items"] == 4
    done = answer("collection", "delete", *wanted, "--json", "--yes")
    assert done == {**would, "dry_run": False}
    assert answer("collection", "info", "--json")["items"] == 0


def test_a_filter_is_counted_first_and_deleted_then(indexed):
    warm = ("--where", "path ~ /red. or path ~ /yellow.")
    would = answer("collection", "delete", *warm, "--dry-run", "--json")
    assert would == {"deleted": 2, "files": 2, "dry_run": True}
    assert answer("collection", "info", "--json")["items"] == 4
    assert run("collection", "delete", "photos/red.png", *warm).stdout == (
        "deleted 1 items in 1 files\n"
    ), "beside a path it narrows"
    assert answer("collection", "delete", *warm, "--yes", "--json")["deleted"] == 1
    assert set(names(run("query", "red", "-f"))) == {"green", "blue"}
    assert run("collection", "delete", "photos", *warm).stdout == "deleted 0 items in 0 files\n"


def test_a_mistake_in_the_filter_of_a_delete_is_pointed_at(indexed):
    said = refusal(2, "collection", "delete", "-w", "width > 3 and colour = red")
    assert "there is no field 'colour' (column 15)" in said
    assert "\n" + " " * 16 + "^" in said
    error = json.loads(refusal(2, "collection", "delete", "1", "--json", "--where", "width >"))
    assert "column" in error["error"]["message"]
    assert answer("collection", "info", "--json")["items"] == 4


def test_a_delete_of_nothing_asks_what_is_meant(indexed):
    assert "--where" in refusal(2, "collection", "delete", "--yes")
    assert "error" in refusal(2, "collection", "delete", "--where", "")
    assert answer("collection", "info", "--json")["items"] == 4


def test_in_a_terminal_delete_asks_with_the_count(indexed, monkeypatch):
    asked = []
    monkeypatch.setattr("cli.collection_cut.is_watched", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text))
    refusal(1, "collection", "delete", "photos")
    assert asked == ["Take out 4 items in 4 files?"]
    assert answer("collection", "info", "--json")["items"] == 4
    assert run("collection", "delete", "photos", "--yes").exit_code == 0
    assert len(asked) == 1
    assert answer("collection", "info", "--json")["items"] == 0


def test_in_a_terminal_a_filter_is_asked_about_too(indexed, monkeypatch):
    asked = []
    monkeypatch.setattr("cli.collection_cut.is_watched", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text))
    refusal(1, "collection", "delete", "--where", "path ~ /red.")
    assert asked == ["Take out 1 items in 1 files?"]
    assert answer("collection", "info", "--json")["items"] == 4


def test_compact_leaves_one_segment_and_no_trace_of_what_was_deleted(indexed):
    Image.new("RGB", (32, 24), "#0ff").save(indexed / "photos" / "cyan.png")
    assert run("index", "photos").exit_code == 0
    assert run("collection", "delete", "photos/blue.png").exit_code == 0
    before = answer("query", "red", "--json")["hits"]
    folder = indexed / ".polyseek"
    assert any(b"blue.png" in each.read_bytes() for each in folder.rglob("*") if each.is_file())
    done = answer("collection", "compact", "--json")
    assert (done["segments"], done["dropped"]) == (1, 1)
    assert done["bytes_freed"] > 0
    assert answer("query", "red", "--json")["hits"] == before
    assert len([*folder.glob("galleries/images/segments/*")]) == 1
    assert not any(b"blue.png" in each.read_bytes() for each in folder.rglob("*") if each.is_file())
    again = answer("collection", "compact", "--json")
    assert (again["dropped"], again["generation"]) == (0, done["generation"])
    assert "1 segments became 1" in run("collection", "compact").stdout


def test_duplicates_are_listed_best_first(indexed):
    photos = indexed / "photos"
    Image.new("RGB", (320, 240), "#f00").save(photos / "large red.png")
    (photos / "copy.png").write_bytes((photos / "blue.png").read_bytes())
    assert run("index", "photos").exit_code == 0
    found = answer("collection", "duplicates", "--json")
    assert (found["threshold"], found["exact"]) == (0.97, True)
    copies, reds = sorted(found["groups"], key=lambda group: len(group["others"]))
    assert reds["best"]["path"] == os.fspath(photos / "large red.png")
    assert [each["path"] for each in reds["others"]] == [os.fspath(photos / "red.png")]
    assert reds["others"][0]["cosine"] == pytest.approx(1.0, abs=1e-3)
    assert {os.path.basename(copies["best"]["path"])} | {
        os.path.basename(each["path"]) for each in copies["best"]["copies"]
    } == {"blue.png", "copy.png"}
    result = run("collection", "duplicates", "--html", "page.html")
    assert [line.split()[0] for line in result.stdout.split("\n") if line] == [
        "best", "copy", "best", "1.000",
    ]  # fmt: skip
    assert "2 groups, 2 files beside the best" in result.stderr
    assert (indexed / "page.html").read_text().count("data:image/jpeg") == 3
    assert "threshold" in refusal(2, "collection", "duplicates", "--threshold", "1.5")


def test_a_query_shows_one_hit_of_each_group(indexed):
    Image.new("RGB", (320, 240), "#f00").save(indexed / "photos" / "large red.png")
    assert run("index", "photos").exit_code == 0
    hits = answer("query", "red", "--group-near-duplicates", "-k", "4", "--json")["hits"]
    assert [hit["alike"] for hit in hits] == [1, 0, 0, 0]
    assert [hit["rank"] for hit in hits] == [1, 2, 3, 4]
    assert "alike" not in answer("query", "red", "--json")["hits"][0]
    table = run("query", "red", "--group-near-duplicates").stdout
    assert "alike" in table.splitlines()[0]
    assert "+1" in table.splitlines()[1]
    batch = run("query", "--batch", "-", "--group-near-duplicates", stdin="red\n")
    assert batch.exit_code == 2


def test_deleting_what_is_not_there_deletes_nothing(indexed):
    assert "999" in refusal(2, "collection", "delete", "1", "999")
    assert "nope.png" in refusal(2, "collection", "delete", "nope.png")
    assert answer("collection", "info", "--json")["items"] == 4


@pytest.mark.parametrize("number", ["0", "9" * 18, "9" * 19, "9" * 23, "9" * 5000])
def test_a_number_that_is_no_item_is_usage_however_large(indexed, number):
    assert "error" in refusal(2, "collection", "delete", number)
    assert json.loads(refusal(2, "collection", "delete", number, "--json"))["error"]["hint"]


def test_an_id_may_begin_with_zeros(indexed):
    assert answer("collection", "delete", "0" * 30 + "1", "--json")["deleted"] == 1


def test_destroy_does_not_go_unasked(indexed, monkeypatch):
    assert "--yes" in refusal(2, "collection", "destroy")
    monkeypatch.setattr("cli.collection_cut.is_watched", lambda: True)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: False)
    refusal(1, "collection", "destroy")
    assert (indexed / ".polyseek").exists()
    assert run("collection", "destroy", "--yes").exit_code == 0
    assert not (indexed / ".polyseek").exists()
    assert len(list((indexed / "photos").iterdir())) == 4


@pytest.mark.parametrize("command", ["info", "verify", "destroy --yes", "delete 1", "compact"])
def test_every_collection_command_needs_one(here, command):
    assert "polyseek index" in refusal(4, "collection", *command.split())
