"""Captions of a machine, a file a language."""

import pytest

from benchmarks.datasets import flores200
from benchmarks.datasets.base import DatasetError, LoadOptions
from retrieval.languages.codes import FLORES
from tests.benchmarks.datasets.kit import touch, write

FILES = {
    "filenames.txt": "1.jpg\n2.jpg\n",
    "deu_Latn.txt": "Ein Mann.\r\nEin Hund, er rennt.\r\n",
    "eng_Latn.txt": "A man.\nA dog.\n",
    "arb_Arab.txt": "رجل\nكلب\n",
    "zho_Hant.txt": "一個男人\n一隻狗\n",
    "README.txt": "not a language\n",
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(flores200, "N_PICTURES", 2)
    touch(tmp_path / "flickr30k", "images/1.jpg", "flickr30k-images/2.jpg")
    return write(tmp_path / "flickr30k_200", FILES)


def load(folder, *languages):
    return flores200.load("flickr30k-200", folder, LoadOptions(languages=languages))


def test_a_value_a_language_english_first(folder):
    found = load(folder, "all")
    assert [each.language for each in found] == ["en", "ar", "de", "zh-Hant"]
    assert found[2].texts == ("Ein Mann.", "Ein Hund, er rennt.")
    assert found[2].text_keys == ("1.jpg#0", "2.jpg#0")
    assert sorted(found[2].origin.sha256) == ["deu_Latn.txt", "filenames.txt"]
    assert all(each.missing == () for each in found)
    (default,) = load(folder)
    assert (default.language, default.picture_of.tolist()) == ("en", [0, 1])


@pytest.mark.parametrize(
    ("asked", "language"),
    [("arb_Arab", "ar"), ("ar", "ar"), ("zho_Hant", "zh-Hant"), ("deu_Latn", "de"), ("DE", "de")],
)
def test_languages_are_tags_or_codes_of_flores(folder, asked, language):
    (found,) = load(folder, asked)
    assert found.language == language


def test_pictures_of_coco_are_found_by_their_names(folder):
    name = "COCO_train2014_000000061844.jpg"
    touch(folder.parent / "coco", f"train2014/{name}")
    write(
        folder.parent / "xtd200",
        {
            "test_image_names.txt": f"{name}\nCOCO_val2014_000000129903.jpg\n",
            "eng_Latn.txt": "A\nB\n",
        },
    )
    (found,) = flores200.load("xtd200", folder.parent / "xtd200", LoadOptions())
    assert [each.key for each in found.pictures] == [name]
    assert found.missing == ("COCO_val2014_000000129903.jpg",)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"eng_Latn.txt": "A man.\n"}, "captions in en for 1"),
        ({"eng_Latn.txt": "A man.\n \n"}, "line 2 is no caption"),
        ({"filenames.txt": "1.jpg\n"}, "names 1 pictures, and should name 2"),
        ({"filenames.txt": "1.jpg\n1.jpg\n"}, "the picture 1.jpg is named twice"),
    ],
)
def test_files_that_do_not_fit_are_refused(folder, files, message):
    with pytest.raises(DatasetError, match=message):
        load(write(folder, files))


def test_a_language_that_is_not_there_is_refused(folder):
    with pytest.raises(DatasetError, match="has no language 'sw' here") as caught:
        load(folder, "sw")
    assert caught.value.hint == "it has en, ar, de, zh-Hant"


def test_every_language_of_flores_has_a_tag_of_its_own():
    assert list(flores200._CODES) == list(FLORES)
    assert len(set(flores200._CODES.values())) == len(FLORES)
