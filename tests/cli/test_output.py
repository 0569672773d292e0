"""Paths and texts on their way out: nothing is lost, nothing moves the cursor."""

import base64
import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.output import note, path_fields, printable, shown_path, write_json, write_text


def test_a_path_that_is_text_has_no_second_form():
    assert path_fields("/ü/日本/🐕\n.jpg".encode()) == {"path": "/ü/日本/🐕\n.jpg"}


def test_a_path_that_is_no_utf8_keeps_its_bytes_beside_the_display_form():
    fields = path_fields(b"/a/\xff.jpg")
    assert fields["path"] == "/a/\ufffd.jpg"
    assert base64.b64decode(fields["path_bytes"]) == b"/a/\xff.jpg"


@given(st.binary())
def test_the_bytes_of_a_path_can_always_be_had_back(path):
    fields = json.loads(json.dumps(path_fields(path)))
    back = (
        base64.b64decode(fields["path_bytes"])
        if "path_bytes" in fields
        else fields["path"].encode()
    )
    assert back == path


@given(st.text())
def test_printable_text_has_no_control_characters_and_stays_as_it_is_without(text):
    shown = printable(text)
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in shown)
    assert printable(shown) == shown


def test_home_is_shown_as_tilde(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert shown_path("/home/me/x") == "~/x"
    assert shown_path(b"/home/me") == "~"
    assert shown_path("/home/meow") == "/home/meow"
    monkeypatch.setenv("HOME", "/")
    assert shown_path("/x") == "/x"
    assert shown_path(os.fsdecode(b"/\xff\x1b")) == "/\ufffd\\x1b"


def test_json_is_utf8_on_one_line_or_indented(capfdbinary):
    write_json({"a": "é日"}, indent=None)
    write_json({"a": 1})
    assert capfdbinary.readouterr().out == '{"a": "é日"}\n{\n  "a": 1\n}\n'.encode()


def test_a_number_that_json_cannot_say_is_refused():
    with pytest.raises(ValueError, match="Out of range"):
        write_json({"a": float("nan")})


def test_text_that_the_encoding_cannot_say_is_escaped(capfdbinary, monkeypatch):
    with open(os.dup(1), "w", encoding="ascii") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        write_text("dog é")
    assert capfdbinary.readouterr().out == b"dog \\xe9\n"


def test_a_note_goes_to_stderr_unless_quiet(capsys):
    note("seen\x1b")
    note("unseen", quiet=True)
    assert capsys.readouterr() == ("", "seen\\x1b\n")
