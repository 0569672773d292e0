import os
from dataclasses import replace
from pathlib import Path

import pytest

from cli.render.thumbnails import shown_name, shown_text, thumbnail_of
from tests.indexer.readers.kit import write_tar


def test_a_picture_is_shrunk_into_the_box_and_keeps_its_shape(make_hit):
    assert thumbnail_of(make_hit(size=(800, 400)), 100, 100).image.size == (100, 50)


def test_a_small_picture_is_not_enlarged(make_hit):
    assert thumbnail_of(make_hit(size=(8, 4)), 100, 100).image.size == (8, 4)


def test_what_is_gone_is_missing(make_hit):
    assert thumbnail_of(make_hit(colour=None), 100, 100).reason == "missing"


def test_what_is_broken_says_why(make_hit):
    hit = make_hit()
    path = Path(os.fsdecode(hit.path))
    path.write_bytes(path.read_bytes()[:60])
    assert thumbnail_of(hit, 100, 100).reason == "truncated"


def test_another_copy_stands_in_for_one_that_is_gone(make_hit):
    gone, copy = make_hit("gone.png", None), make_hit("copy.png", "blue")
    files = (*gone.item.files, *copy.item.files)
    both = replace(gone, item=replace(gone.item, files=files))
    assert thumbnail_of(both, 100, 100).image.getpixel((0, 0)) == (0, 0, 255)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_its_place_is_not_waited_for(make_hit):
    hit = make_hit(colour=None)
    os.mkfifo(hit.path)
    assert thumbnail_of(hit, 100, 100).reason == "missing"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb\tc\x1b[31m", "a\u240ab\u2409c\u241b[31m"),
        ("\x9b2J", "\ufffd2J"),
        ("photo\u202egpj.exe", "photo\ufffdgpj.exe"),
        ("half \ud83d", "half \ufffd"),
        ("浜辺の犬 🐶 größer", "浜辺の犬 🐶 größer"),
    ],
)
def test_text_stays_on_its_line_and_says_what_it_is(text, shown):
    assert shown_text(text) == shown


def test_a_name_that_is_no_text_can_be_shown(make_hit):
    assert shown_name(make_hit(b"caf\xe9.png").item.files[0]) == "caf\ufffd.png"


def test_a_picture_inside_an_archive_is_shown(make_hit, tmp_path):
    hit = make_hit(size=(800, 400))
    archive = write_tar(tmp_path / "s.tar", [("a.png", Path(os.fsdecode(hit.path)).read_bytes())])
    inside = replace(hit.item.files[0], path=os.fsencode(archive) + b"/a.png")
    hit = replace(hit, item=replace(hit.item, files=(inside,)))
    assert thumbnail_of(hit, 100, 100).image.size == (100, 50)
