"""Captions beside pictures: which file speaks of which picture, and what it says."""

import os

import pytest

from indexer.readers.base import Caption, Skip
from indexer.readers.folder import FolderReader
from indexer.readers.globs import Globs
from indexer.readers.sidecars import MAX_BYTES, parse_lines
from retrieval.errors import ImageError


def listing(folder, **patterns):
    return FolderReader(os.fsencode(folder), Globs.parse(**patterns)).read()


def put(folder, **files):
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def said(found):
    """(sidecar, pictures, texts) by base names."""
    return [
        (
            os.path.basename(each.file.path).decode(),
            [os.path.basename(path).decode() for path in each.images],
            sorted({caption.text for caption in each.read()}),
        )
        for each in found.captions
    ]


def test_a_text_of_the_same_stem_is_the_caption(tmp_path):
    found = listing(put(tmp_path, a_jpg="x", a_txt="a dog\n", b_png="x", notes_txt="not a caption"))
    assert said(found) == [("a.txt", ["a.jpg"], ["a dog"])]
    assert found.skips == ()


def test_the_fuller_name_goes_first_and_the_other_one_is_told(tmp_path):
    put(tmp_path, a_jpg="x", a_jpg_txt="near", a_txt="far", a_caption="farther")
    found = listing(tmp_path)
    assert said(found) == [("a.jpg.txt", ["a.jpg"], ["near"])]
    reason = "another captions file: a.jpg.txt"
    assert found.skips == tuple(
        Skip(os.fsencode(tmp_path / name), reason) for name in ("a.caption", "a.txt")
    )


def test_one_file_may_speak_of_several_pictures(tmp_path):
    found = listing(put(tmp_path, a_jpg="x", a_png="x", a_png_txt="png", a_txt="both"))
    assert said(found) == [("a.png.txt", ["a.png"], ["png"]), ("a.txt", ["a.jpg"], ["both"])]
    assert found.skips == (), "a.txt serves a.jpg, so nothing is left over"


def test_captions_stay_in_their_folder(tmp_path):
    found = listing(put(tmp_path, sub__a_jpg="x", a_txt="elsewhere"))
    assert found.captions == ()


def test_patterns_choose_pictures_and_captions_follow(tmp_path):
    put(tmp_path, a_jpg="x", a_txt="a", b_png="x", b_txt="b")
    assert [name for name, _, _ in said(listing(tmp_path, include=["*.jpg"]))] == ["a.txt"]
    assert said(listing(tmp_path, exclude=["a.txt"])) == [("b.txt", ["b.png"], ["b"])]


def test_a_link_or_a_pipe_is_no_caption(tmp_path):
    put(tmp_path, a_jpg="x", b_jpg="x", far_md="far")
    (tmp_path / "a.txt").symlink_to(tmp_path / "far.md")
    os.mkfifo(tmp_path / "b.txt")
    assert listing(tmp_path).captions == ()


def test_a_file_that_is_too_large_is_refused_whole(tmp_path):
    found = listing(put(tmp_path, a_jpg="x", a_txt="dog " * (MAX_BYTES // 3)))
    with pytest.raises(ImageError, match="captions file too large"):
        list(found.captions[0].read())


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (b"one\ntwo\r\nthree", ["one", "two", "three"]),
        (b"\n \t\n", []),
        (b"", []),
        ("\ufeffein Hund \n".encode(), ["ein Hund"]),
        ("ein Käfer".encode("latin-1"), ["ein Käfer"]),
        ("犬".encode("utf-16"), ["犬"]),
        (b"a\0 b", ["a b"]),
        (b"\xff\xfe\x00", ["\ufffd"]),
    ],
)
def test_lines_in_any_encoding(content, texts):
    assert list(parse_lines(content, [b"/a.jpg"])) == [Caption(text, b"/a.jpg") for text in texts]
