"""CSV files of Hugging Face, and what is refused of them."""

import pytest

from benchmarks.datasets.base import DatasetError
from benchmarks.datasets.hf_rows import read_csv
from tests.benchmarks.datasets.forms import Image, hf_csv
from tests.benchmarks.datasets.kit import write

IMAGES = [
    Image("1000092795.jpg", {0: "Two young guys."}, "train"),
    Image("1007129816.jpg", {125: ' A "hat", he\nsays '}),
]


def read(folder, split="test"):
    return read_csv(folder, split, files=("a.csv",))


def test_rows_are_taken_by_their_split(tmp_path):
    write(tmp_path, {"a.csv": ("\ufeff" + hf_csv(IMAGES)).encode()})
    (picture,) = read(tmp_path).pictures
    assert (picture.name, picture.said) == ("1007129816.jpg", (("125", 'A "hat", he\nsays'),))
    assert len(read(tmp_path, "train").pictures) == 1
    assert read(tmp_path, "all") is None


def test_without_splits_all_rows_are_of_the_one_asked_for(tmp_path):
    write(tmp_path, {"a.csv": 'filename,raw,sentids\n1.jpg,"[""A man.""]",[7]\n'})
    (picture,) = read(tmp_path).pictures
    assert picture.said == (("7", "A man."),)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("filename,raw\n", "has no column 'sentids'"),
        ("", "has no column 'filename'"),
        ('filename,raw,sentids\n1.jpg,"[""A', "is no CSV, or is cut off"),
        ("filename,raw,sentids\n1.jpg\n", "the captions of 1.jpg are no JSON list"),
        ("filename,raw,sentids\n1.jpg,A man.,[1]\n", "the captions of 1.jpg are no JSON list"),
        ("filename,raw,sentids\n1.jpg,7,[1]\n", "are no list of texts"),
        ("filename,raw,sentids\n,[],[]\n", "'' is no name of a picture"),
        ("filename,raw,sentids\n1.jpg,[],[]\n", "the picture 1.jpg has no caption"),
        ('filename,raw,sentids\n1.jpg,"[""A""]","[1,2]"\n', "1 captions and other sentids"),
        (b"\xff\xfe", "cannot read"),
    ],
)
def test_another_form_is_refused(tmp_path, content, message):
    write(tmp_path, {"a.csv": content})
    with pytest.raises(DatasetError, match=message):
        read(tmp_path)
