"""Patterns are those of .gitignore, on relative paths that may be no text."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.readers.globs import Globs, compile_glob
from retrieval.errors import SettingsError


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("*.png", "a.png", True),
        ("*.png", "deep/er/a.png", True),
        ("*.png", "a.png.jpg", False),
        ("/top.jpg", "top.jpg", True),
        ("/top.jpg", "sub/top.jpg", False),
        ("raw", "raw/a.jpg", True),
        ("raw", "2023/raw/b/c.jpg", True),
        ("raw", "straw/a.jpg", False),
        ("raw/", "raw/a.jpg", True),
        ("2023/trip", "2023/trip/a.jpg", True),
        ("2023/trip", "old/2023/trip/a.jpg", False),
        ("2023/**/x.jpg", "2023/x.jpg", True),
        ("2023/**/x.jpg", "2023/a/b/x.jpg", True),
        ("**/x.jpg", "x.jpg", True),
        ("a/*/b.jpg", "a/c/b.jpg", True),
        ("a/*/b.jpg", "a/c/d/b.jpg", False),
        ("?.jpg", "é.jpg", True),
        ("[a-c].jpg", "b.jpg", True),
        ("[!a-c].jpg", "b.jpg", False),
        ("[!a-c].jpg", "/.jpg", False),
        ("[]x].jpg", "].jpg", True),
        ("[x.jpg", "[x.jpg", True),
        ("a+(b).jpg", "a+(b).jpg", True),
        ("*.JPG", "a.jpg", False),
        ("*", "line\nbreak.jpg", True),
    ],
)
def test_a_pattern_means_what_gitignore_says(pattern, path, matches):
    assert Globs.parse(exclude=[pattern]).excludes(os.fsencode(path)) is matches


def test_names_that_are_no_text_match_too():
    assert Globs.parse(include=["*.jpg"]).admits(b"caf\xe9.jpg")


def test_without_an_include_all_is_admitted_and_exclude_wins():
    assert Globs.parse().admits(b"a.jpg")
    globs = Globs.parse(include=["*.jpg"], exclude=["drafts"])
    assert globs.admits(b"a.jpg")
    assert not globs.admits(b"a.png")
    assert not globs.admits(b"drafts/a.jpg")


@pytest.mark.parametrize("pattern", ["", "/", "[z-a].jpg"])
def test_a_pattern_that_means_nothing_is_refused_by_name(pattern):
    with pytest.raises(SettingsError, match="pattern"):
        Globs.parse(include=[pattern])


@given(st.text(alphabet=st.characters(exclude_characters="*?[/\\\0"), min_size=1))
def test_plain_text_matches_itself_and_nothing_longer(name):
    glob = compile_glob(name)
    assert glob.fullmatch(name)
    assert glob.fullmatch(f"folder/{name}")
    assert not glob.fullmatch(f"{name}x")
