"""Urban-1k: pairs by number, halves that are missing, and what is refused."""

import pytest

from benchmarks.datasets import urban1k
from benchmarks.datasets.base import DatasetError, LoadOptions
from tests.benchmarks.datasets.kit import touch, write


@pytest.fixture(autouse=True)
def few_pairs(monkeypatch):
    monkeypatch.setattr(urban1k, "N_PAIRS", 3)


@pytest.fixture
def folder(tmp_path):
    touch(tmp_path, "image/1.jpg", "image/2.jpg", "image/10.jpg", "image/.DS_Store")
    captions = {1: "A street. It is wet.\nmore", 2: "A bridge, ", 10: "\ufeffA square.\n"}
    return write(tmp_path, {f"caption/{number}.txt": text for number, text in captions.items()})


def load(folder):
    (found,) = urban1k.load(folder, LoadOptions())
    return found


def test_the_first_lines_belong_to_the_pictures_of_their_numbers(folder):
    found = load(folder)
    assert [each.key for each in found.pictures] == ["1", "2", "10"]
    assert found.texts == ("A street. It is wet.", "A bridge,", "A square.")
    assert found.picture_of.tolist() == [0, 1, 2]
    assert (found.missing, found.language) == ((), "en")
    assert list(found.origin.sha256) == ["caption/*.txt"]


def test_the_zip_unpacks_into_a_folder_of_its_own(folder, tmp_path_factory):
    below = tmp_path_factory.mktemp("data") / "Urban1k"
    folder.rename(below)
    assert len(load(below.parent).texts) == 3


@pytest.mark.parametrize("half", ["image/2.jpg", "caption/2.txt"])
def test_either_half_that_is_missing_is_named(folder, half):
    (folder / half).unlink()
    found = load(folder)
    assert (found.texts, found.missing) == (("A street. It is wet.", "A square."), ("2",))


def test_a_caption_that_changed_is_told_by_the_digest(folder):
    before = load(folder).origin.sha256
    write(folder, {"caption/2.txt": "A tower"})
    assert load(folder).origin.sha256 != before


def test_another_number_of_pairs_is_refused(folder):
    touch(folder, "image/4.jpg")
    with pytest.raises(DatasetError, match=r"has 3 pairs, and .* holds 4"):
        load(folder)


@pytest.mark.parametrize("name", ["caption/notes.txt", "image/1a.jpg", "caption/01.txt"])
def test_names_that_are_no_numbers_are_refused(folder, name):
    touch(folder, name)
    with pytest.raises(DatasetError, match=name.rpartition("/")[2]):
        load(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [("\nA bridge", "no caption in its first line"), (b"\xff\xfe", "cannot read")],
)
def test_captions_that_cannot_be_read_are_refused(folder, content, message):
    write(folder, {"caption/2.txt": content})
    with pytest.raises(DatasetError, match=message):
        load(folder)


def test_pairs_without_a_whole_one_are_refused(folder):
    for number in (1, 2, 10):
        (folder / "image" / f"{number}.jpg").unlink()
    with pytest.raises(DatasetError, match="none of its 3 pictures is there"):
        load(folder)
    for number in (1, 2, 10):
        (folder / "caption" / f"{number}.txt").unlink()
        touch(folder, f"image/{number}.jpg")
    with pytest.raises(DatasetError, match="it names no picture"):
        load(folder)
