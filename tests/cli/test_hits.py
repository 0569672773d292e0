"""One answer in every form: what goes to stdout, and nothing else does."""

import json

import pytest
from PIL import Image

from cli.hits import Output, hit_as_json, show_result
from retrieval.errors import SettingsError
from retrieval.model import FileRef, Hit, ImageMeta, ItemId, ItemRecord, SearchResult

NO_FLAGS = {"--json": False, "--jsonl": False, "--print0": False, "--paths-only": False}


def result_of(*paths):
    hits = tuple(
        Hit(
            rank,
            0.5 / rank,
            ItemRecord(
                ItemId(rank + 6),
                "00" * 32,
                ImageMeta("JPEG", 640, 480),
                (FileRef(path, 1000 * rank, 0),),
            ),
        )
        for rank, path in enumerate(paths, start=1)
    )
    return SearchResult(hits, generation=3, exact=True)


RESULT = result_of(b"/p/one\n.jpg", b"/p/\xff.jpg")


def shown(capfdbinary, result=RESULT, **output):
    show_result(result, "a dog", "mini", Output(**output))
    return capfdbinary.readouterr().out


def chosen(*flags, preview=False):
    given = {flag: flag in flags for flag in NO_FLAGS}
    return Output.choose(given, preview=preview, sheet=None, html=None, quiet=False).form


@pytest.mark.parametrize(
    ("flags", "form"),
    [
        ((), "table"),
        (("--paths-only",), "paths"),
        (("--print0",), "paths0"),
        (("--paths-only", "--print0"), "paths0"),
        (("--json",), "json"),
        (("--jsonl",), "jsonl"),
    ],
)
def test_the_flags_choose_the_form(flags, form):
    assert chosen(*flags) == form


@pytest.mark.parametrize(
    "flags", [("--json", "--jsonl"), ("--json", "--paths-only"), ("--jsonl", "--print0")]
)
def test_two_forms_do_not_go_together(flags):
    with pytest.raises(SettingsError, match="do not go together"):
        chosen(*flags)


def test_a_preview_belongs_to_the_table():
    assert chosen(preview=True) == "table"
    with pytest.raises(SettingsError, match="--json and --preview"):
        chosen("--json", preview=True)


def test_a_hit_for_scripts():
    assert hit_as_json(RESULT.hits[0]) == {
        "rank": 1,
        "id": 7,
        "score": 0.5,
        "path": "/p/one\n.jpg",
        "width": 640,
        "height": 480,
    }


def test_json_is_one_object(capfdbinary):
    answer = json.loads(shown(capfdbinary, form="json"))
    assert list(answer) == ["query", "model", "generation", "hits"]
    assert (answer["query"], answer["model"], answer["generation"]) == ("a dog", "mini", 3)
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2]
    assert answer["hits"][1]["path"] == "/p/\ufffd.jpg"
    assert answer["hits"][1]["path_bytes"] == "L3Av/y5qcGc="
    assert "path_bytes" not in answer["hits"][0]


def test_jsonl_is_one_hit_a_line(capfdbinary):
    lines = shown(capfdbinary, form="jsonl").splitlines()
    assert [json.loads(line)["id"] for line in lines] == [7, 8]


def test_paths_are_the_bytes_of_the_file_system(capfdbinary):
    assert shown(capfdbinary, form="paths") == b"/p/one\n.jpg\n/p/\xff.jpg\n"
    assert shown(capfdbinary, form="paths0") == b"/p/one\n.jpg\0/p/\xff.jpg\0"


def test_the_table_is_never_folded_in_a_pipe(capfdbinary):
    long = b"/" + b"x" * 300 + b".jpg"
    lines = shown(capfdbinary, result_of(long)).decode().splitlines()
    assert len(lines) == 2
    assert long.decode() in lines[1]


def test_a_name_cannot_move_the_cursor(capfdbinary):
    table = shown(capfdbinary, result_of(b"/p/\x1b[2J[red]\n.jpg"))
    assert b"\x1b" not in table
    assert b"[red]" in table


def test_nothing_found_is_said_beside_stdout(capfd):
    show_result(result_of(), "a dog", "mini", Output())
    show_result(result_of(), "a dog", "mini", Output(quiet=True))
    assert capfd.readouterr() == ("", "no hits\n")


@pytest.mark.parametrize("form", ["paths", "paths0", "jsonl"])
def test_no_hits_are_no_lines(capfdbinary, form):
    assert shown(capfdbinary, result_of(), form=form) == b""


def test_pictures_are_written_beside_any_form(capfd, tmp_path):
    Image.new("RGB", (64, 48), "red").save(tmp_path / "red.png")
    sheet, page = tmp_path / "out.png", tmp_path / "out.html"
    result = result_of(bytes(tmp_path / "red.png"), b"/gone.jpg")
    show_result(result, "red", "mini", Output("json", sheet=sheet, html=page))
    out, err = capfd.readouterr()
    assert json.loads(out)["query"] == "red"
    assert [line.split()[0] for line in err.splitlines()] == ["wrote", "wrote"]
    with Image.open(sheet) as image:
        assert image.format == "PNG"
    assert "red.png" in page.read_text(encoding="utf-8")


def test_a_preview_draws_below_the_table(capfd, tmp_path):
    Image.new("RGB", (64, 48), "red").save(tmp_path / "red.png")
    show_result(result_of(bytes(tmp_path / "red.png")), "red", "mini", Output(preview=True))
    out = capfd.readouterr().out.splitlines()
    assert out[0].split() == ["rank", "score", "path", "pixels", "size"]
    assert len(out) > 10


def test_a_sheet_that_cannot_be_written_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        show_result(RESULT, "x", "mini", Output(sheet=tmp_path / "no" / "x.png"))
