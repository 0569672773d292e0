"""Captions of the text form: commas, several lines a picture, and what is refused."""

import pytest
from PIL import Image

from benchmarks.datasets.base import DatasetError, LoadOptions
from benchmarks.parity.flickr_form import FILE, load, spec


def written(folder, text):
    folder.mkdir(exist_ok=True)
    for name in ("1007129816.jpg", "2.jpg"):
        Image.new("RGB", (4, 4)).save(folder / name)
    (folder / FILE).write_text(text, encoding="utf-8")
    return folder


def test_commas_belong_to_the_caption(tmp_path):
    folder = written(
        tmp_path / "shapes",
        "image,caption\n1007129816.jpg,A man, with a hat .\n2.jpg,Ein Hund\n\n"
        "1007129816.jpg, He smiles, sees a.jpg\n",
    )
    (data,) = load(folder, LoadOptions())
    assert [each.key for each in data.pictures] == ["1007129816.jpg", "2.jpg"]
    assert data.texts == ("A man, with a hat .", " He smiles, sees a.jpg", "Ein Hund")
    assert data.picture_of.tolist() == [0, 0, 1]
    assert data.origin.name == spec("shapes").name == "flickr30k-form-shapes"


def test_what_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"line 3: no picture before 'no comma'"):
        load(written(tmp_path / "a", "image,caption\n2.jpg,x\nno comma\n"), LoadOptions())
    with pytest.raises(DatasetError, match="names no picture"):
        load(written(tmp_path / "b", "image,caption\n"), LoadOptions())
    with pytest.raises(DatasetError, match="cannot read"):
        load(tmp_path / "none", LoadOptions())
