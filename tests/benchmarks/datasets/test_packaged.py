"""Data sets from packages of Debian: laid out as the packages do, and the packages themselves."""

import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.datasets import cldr_emoji, openclipart, packages, tuxpaint
from benchmarks.datasets.base import DatasetError, LoadOptions
from benchmarks.datasets.emoji_pictures import draw
from benchmarks.datasets.same_words import SAME_WORDS
from benchmarks.datasets.sources import is_known
from tests.benchmarks.datasets.kit import touch, write

ALL = LoadOptions(languages=("all",))
APPLE = "An apple.\nde.utf8=Ein Apfel.\nca@valencia.utf8=Una poma.\nsr@latin.utf8=Jabuka.\n"


@pytest.fixture(autouse=True)
def nothing_installed(tmp_path, monkeypatch):
    monkeypatch.setattr(packages, "INSTALLED", tmp_path / "system")


def stamps(folder):
    place = folder / tuxpaint.STAMPS
    touch(place, *(f"food/{name}.png" for name in ("apple", "apple2", "pear", "pear_mirror")))
    touch(place, "food/drawn.svg")
    pear = "A pear.\nde.utf8=Eine Birne.\npt_BR.utf8=\n"
    files = {"apple": APPLE, "apple2": APPLE, "pear": pear, "drawn": "A plum.\n"}
    write(place, {f"food/{name}.txt": content for name, content in files.items()})
    return folder


def test_stamps_are_described_in_languages_and_some_alike(tmp_path):
    english, valencian, german, serbian = tuxpaint.load(stamps(tmp_path), ALL)
    assert [each.language for each in (english, valencian, german, serbian)] == [
        "en",
        "ca-valencia",
        "de",
        "sr-Latn",
    ]
    assert [each.key for each in english.pictures] == ["food/apple", "food/apple2", "food/pear"]
    assert german.texts == ("Ein Apfel.", "Ein Apfel.", "Eine Birne.")
    np.testing.assert_array_equal(german.more[SAME_WORDS], [[0, 1], [1, 0]])
    assert [each.key for each in serbian.pictures] == ["food/apple", "food/apple2"]
    assert list(english.origin.sha256) == ["stamps/**.txt"]


def test_the_digest_of_stamps_tells_every_change(tmp_path):
    before = tuxpaint.load(stamps(tmp_path), LoadOptions())[0].origin.sha256
    write(tmp_path / tuxpaint.STAMPS, {"food/pear.txt": "A Pear.\n"})
    assert tuxpaint.load(tmp_path, LoadOptions())[0].origin.sha256 != before


@pytest.mark.parametrize(
    ("load", "package"),
    [
        (tuxpaint.load, "tuxpaint-stamps-default"),
        (openclipart.load, "openclipart-png"),
        (cldr_emoji.load, "unicode-cldr-core"),
    ],
)
def test_a_package_that_is_not_here_is_named_with_the_command_that_brings_it(
    tmp_path, load, package
):
    with pytest.raises(DatasetError, match=f"{package} is neither installed nor unpacked") as no:
        load(tmp_path, LoadOptions())
    assert f"apt-get install {package}" in (no.value.hint or "")


def test_what_is_installed_is_found_and_what_is_unpacked_goes_first(tmp_path):
    system = stamps(tmp_path / "system")
    assert len(tuxpaint.load(tmp_path / "none", LoadOptions())[0].pictures) == 3
    assert packages.packaged(tmp_path / "none", tuxpaint.STAMPS, "x") == system / tuxpaint.STAMPS
    own = stamps(tmp_path / "own")
    assert packages.packaged(own, tuxpaint.STAMPS, "x") == own / tuxpaint.STAMPS


def png(**texts):
    """A PNG file of one pixel with text chunks before it."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    said = [chunk(b"tEXt", key.encode() + b"\0" + text) for key, text in texts.items()]
    pixels = chunk(b"IDAT", zlib.compress(b"\0\0"))
    return b"".join(
        (b"\x89PNG\r\n\x1a\n", chunk(b"IHDR", head), *said, pixels, chunk(b"IEND", b""))
    )


@pytest.mark.parametrize(
    ("texts", "title"),
    [
        ({"Software": b"inkscape", "Title": b" Apple  Core "}, "Apple Core"),
        ({"Title": "Aragón".encode()}, "Aragón"),
        ({"Title": "Aragón".encode("latin-1")}, "Aragón"),
        ({"Title": b"Dog&#39;s bone"}, "Dog's bone"),
        ({"Author": b"somebody"}, ""),
        ({}, ""),
    ],
)
def test_a_title_is_read_from_the_head_of_the_file(tmp_path, texts, title):
    write(tmp_path, {"x.png": png(**texts)})
    assert openclipart.read_title(tmp_path / "x.png") == title
    with Image.open(tmp_path / "x.png") as image:  # the sample is a true PNG file
        image.load()


@pytest.mark.parametrize("content", [b"", b"GIF89a", png()[:20]])
def test_what_is_no_png_file_is_named(tmp_path, content):
    write(tmp_path, {"x.png": content})
    with pytest.raises(DatasetError, match=r"x\.png is"):
        openclipart.read_title(tmp_path / "x.png")


def test_clip_art_is_taken_where_its_title_is_its_own(tmp_path):
    place = tmp_path / openclipart.CLIP_ART
    collection = png(Title=b"Lemon SVG theme")
    files = {
        "a.png": collection,
        "b.png": collection,
        "c.png": png(),
        "food/d.png": png(Title=b"Pear"),
    }
    write(place, files)
    (place / "e.png").symlink_to("food/d.png")
    (found,) = openclipart.load(tmp_path, LoadOptions())
    assert [(each.key, each.path) for each in found.pictures] == [
        ("food/d.png", place / "food" / "d.png")
    ]
    assert (found.texts, found.language) == (("Pear",), "en")


ANNOTATIONS = """<?xml version="1.0" encoding="UTF-8" ?>
<!DOCTYPE ldml SYSTEM "../../common/dtd/ldml.dtd">
<ldml><annotations>
<annotation cp="{{" type="tts">brace</annotation>
<annotation cp="\U0001f600">face | grin</annotation>
<annotation cp="\U0001f600" type="tts">{grin}</annotation>
<annotation cp="\U0001f34e" type="tts">{apple}</annotation>
<annotation cp="\U0001f3f4\u200d\u2620" type="tts">pirate flag</annotation>
</annotations></ldml>
"""


def emoji(folder):
    place = folder / cldr_emoji.ANNOTATIONS
    write(
        place,
        {
            "de.xml": ANNOTATIONS.format(grin="grinsendes Gesicht", apple="roter Apfel"),
            "en.xml": ANNOTATIONS.format(grin="grinning face", apple="red apple"),
            "de_CH.xml": ANNOTATIONS.format(grin="↑↑↑", apple="↑↑↑"),
            "zh_Hant.xml": ANNOTATIONS.format(grin="笑臉", apple="↑↑↑"),
        },
    )
    touch(folder, "emoji/u1f600.png", "emoji/u1f34e.png")
    listed = {"characters": ["\U0001f34e", "\U0001f600"], "font_sha256": "ab"}
    return write(folder, {"emoji/emoji.json": listed})


def test_names_of_single_characters_are_those_that_are_spoken():
    named = cldr_emoji.read_names(ANNOTATIONS.format(grin="a", apple="↑↑↑").encode())
    assert named == {"\U0001f600": "a"}


def test_a_language_names_half_of_what_is_drawn_itself(tmp_path):
    found = cldr_emoji.load(emoji(tmp_path), ALL)
    assert [each.language for each in found] == ["en", "de", "zh-Hant"]
    assert found[1].texts == ("roter Apfel", "grinsendes Gesicht")
    assert [each.key for each in found[1].pictures] == ["u1f34e", "u1f600"]
    assert found[2].texts == ("笑臉",)
    assert found[0].origin.sha256["NotoColorEmoji.ttf"] == "ab"


def test_emoji_have_to_be_drawn_first(tmp_path):
    (emoji(tmp_path) / "emoji" / "emoji.json").unlink()
    with pytest.raises(DatasetError, match="no pictures of emoji") as caught:
        cldr_emoji.load(tmp_path, LoadOptions())
    assert "python -m benchmarks.datasets.cldr_emoji" in (caught.value.hint or "")
    with pytest.raises(DatasetError, match="fonts-noto-color-emoji is neither installed"):
        cldr_emoji.draw_all(tmp_path)


class TestTruePackages:
    """What the packages of Debian 12 hold; skipped where they are not here."""

    @pytest.fixture
    def root(self, monkeypatch):
        root = Path(os.environ.get("POLYSEEK_TEST_PACKAGES", "/"))
        monkeypatch.setattr(packages, "INSTALLED", root)
        return root

    @staticmethod
    def needs(path, package):
        if not path.exists():
            pytest.skip(
                f"{package} is not here; install it, or unpack it and set POLYSEEK_TEST_PACKAGES"
            )

    def test_stamps(self, root, tmp_path):
        self.needs(root / tuxpaint.STAMPS, tuxpaint.PACKAGE)
        found = {each.language: each for each in tuxpaint.load(tmp_path, ALL)}
        assert len(found) >= 70
        assert {tag: len(found[tag].pictures) for tag in ("en", "fr", "ja")} == dict.fromkeys(
            ("en", "fr", "ja"), len(found["en"].pictures)
        )
        assert "A frog." in found["en"].texts
        assert is_known("tuxpaint", found["en"].origin.sha256)

    def test_clip_art(self, root, tmp_path):
        self.needs(root / openclipart.CLIP_ART, openclipart.PACKAGE)
        (found,) = openclipart.load(tmp_path, LoadOptions())
        assert len(found.texts) > 2_000
        assert "Apple Core" in found.texts
        assert is_known("openclipart", found.origin.sha256)

    def test_emoji(self, root, tmp_path):
        self.needs(root / cldr_emoji.ANNOTATIONS, cldr_emoji.NAMES_PACKAGE)
        self.needs(root / cldr_emoji.FONT, cldr_emoji.FONT_PACKAGE)
        drawn = draw(root / cldr_emoji.FONT, ["\U0001f34e", "\U0001f600", "¬"], tmp_path / "emoji")
        assert drawn == 2
        with Image.open(tmp_path / "emoji" / "u1f34e.png") as apple:
            red, green, _ = np.asarray(apple)[80, 80].tolist()
        assert red > 2 * green
        found = cldr_emoji.load(tmp_path, ALL)
        assert len(found) > 100
        assert found[0].texts == ("red apple", "grinning face")
        assert is_known("cldr-emoji", found[0].origin.sha256)
