"""Tables of Hugging Face: their rows, their pictures, and what is refused of them."""

import builtins
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.datasets import flickr
from benchmarks.datasets.base import DatasetError, LoadOptions
from benchmarks.datasets.captioned import SplitCounts
from benchmarks.datasets.flickr import FLICKR30K
from benchmarks.datasets.hf_parquet import read_tables
from retrieval.errors import MissingDependencyError
from tests.benchmarks.datasets.forms import Image, parquet
from tests.benchmarks.datasets.kit import touch

FIVE = [{10 * row + at: f"A dog, {row} {at}." for at in range(5)} for row in range(3)]
IMAGES = [
    Image("1000092795.jpg", FIVE[0], "train"),
    Image("1007129816.jpg", FIVE[1]),
    Image("1009434119.jpg", FIVE[2]),
]
CONTENTS = {image.name: image.name.encode() * 3 for image in IMAGES}
SMALL = replace(FLICKR30K, splits={"test": SplitCounts(2, 10, 10)})


def load(folder):
    (data,) = flickr.load(SMALL, folder, LoadOptions())
    return data


@pytest.mark.parametrize("place", [".", "data", "parquet", "TEST/test"])
def test_rows_of_all_tables_are_taken_by_the_column_split(tmp_path, place):
    parquet(tmp_path / place / "0000.parquet", IMAGES[:2], contents=CONTENTS)
    parquet(tmp_path / place / "0001.parquet", IMAGES[2:], contents=CONTENTS)
    data = load(tmp_path)
    assert [each.key for each in data.pictures] == ["1007129816.jpg", "1009434119.jpg"]
    assert data.text_keys[:2] == ("10", "11")
    assert sorted(data.origin.sha256) == ["0000.parquet", "0001.parquet"]


def test_pictures_are_written_once_and_byte_for_byte(tmp_path):
    parquet(tmp_path / "0000.parquet", IMAGES, contents=CONTENTS)
    data = load(tmp_path)
    written = {path.name: path.read_bytes() for path in (tmp_path / "images").iterdir()}
    assert written == {name: CONTENTS[name] for name in ("1007129816.jpg", "1009434119.jpg")}
    before = data.pictures[0].path.stat().st_mtime_ns
    assert load(tmp_path).pictures == data.pictures
    assert data.pictures[0].path.stat().st_mtime_ns == before


def test_a_picture_that_lies_elsewhere_is_not_written(tmp_path):
    touch(tmp_path, "flickr30k-images/1007129816.jpg")
    parquet(tmp_path / "0000.parquet", IMAGES, contents=CONTENTS)
    load(tmp_path)
    assert [path.name for path in (tmp_path / "images").iterdir()] == ["1009434119.jpg"]


def test_a_table_without_pictures_asks_for_files(tmp_path):
    touch(tmp_path, "images/1007129816.jpg")
    parquet(tmp_path / "0000.parquet", IMAGES)
    assert load(tmp_path).missing == ("1009434119.jpg",)
    parquet(tmp_path / "0000.parquet", IMAGES, leave_out=("image",))
    assert load(tmp_path).missing == ("1009434119.jpg",)


def test_a_column_of_bytes_will_do(tmp_path):
    rows = {
        "image": list(CONTENTS.values()),
        "caption": [list(image.said.values()) for image in IMAGES],
        "split": [image.split for image in IMAGES],
        "filename": [image.name for image in IMAGES],
    }
    pq.write_table(pa.table(rows), tmp_path / "a.parquet")
    data = load(tmp_path)
    assert data.pictures[0].path.read_bytes() == CONTENTS["1007129816.jpg"]
    assert data.text_keys[0] == "1007129816.jpg#0"


def test_where_pictures_cannot_be_written_is_said(tmp_path):
    parquet(tmp_path / "0000.parquet", IMAGES, contents=CONTENTS)
    (tmp_path / "images").write_bytes(b"a file")
    with pytest.raises(
        DatasetError, match=r"cannot write the pictures of .*0000\.parquet"
    ) as caught:
        load(tmp_path)
    assert "images yourself" in caught.value.hint


def test_a_table_without_splits_is_the_split_if_its_counts_are(tmp_path):
    parquet(tmp_path / "a.parquet", IMAGES[1:], contents=CONTENTS, leave_out=("split", "img_id"))
    assert len(load(tmp_path).texts) == 10
    parquet(tmp_path / "a.parquet", IMAGES, contents=CONTENTS, leave_out=("split",))
    with pytest.raises(DatasetError, match="has 3 pictures in the split test, which has 2"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"filename": ["a/1007129816.jpg"]}, "is no name of a picture"),
        ({"filename": ["../1007129816.jpg"]}, "is no name of a picture"),
        ({"filename": [None]}, "None is no name of a picture"),
        ({"caption": ["A dog."]}, "the captions of 1007129816.jpg are no list of texts"),
        ({"caption": [[1]]}, "are no list of texts"),
        ({"caption": [None]}, "are no list of texts"),
        ({"sentids": [["1", "2"]]}, "1007129816.jpg has 1 captions and other sentids"),
        ({"caption": [[" "]]}, "caption 1 of 1007129816.jpg has no words"),
        ({"caption": [["x", "y"]], "sentids": [["1", "1"]]}, "has the caption 1 twice"),
    ],
)
def test_cells_of_another_kind_are_refused(tmp_path, change, message):
    row = {"filename": ["1007129816.jpg"], "caption": [["A dog."]], "sentids": [["1"]]}
    pq.write_table(pa.table(row | change), tmp_path / "a.parquet")
    with pytest.raises(DatasetError, match=message):
        load(tmp_path)


def test_a_table_that_lacks_a_column_or_is_damaged_is_refused(tmp_path):
    parquet(tmp_path / "a.parquet", IMAGES, leave_out=("caption",))
    with pytest.raises(DatasetError, match="has no column 'caption'") as caught:
        load(tmp_path)
    assert "it has image, sentids" in caught.value.hint
    parquet(tmp_path / "a.parquet", IMAGES)
    whole = (tmp_path / "a.parquet").read_bytes()
    for content in (whole[:-20], b"", b"no parquet file"):
        (tmp_path / "a.parquet").write_bytes(content)
        with pytest.raises(DatasetError, match="is no parquet file, or is damaged"):
            load(tmp_path)


def test_pyarrow_is_asked_for_where_tables_are_all_there_is(tmp_path, monkeypatch):
    parquet(tmp_path / "a.parquet", IMAGES)
    true_import = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("pyarrow"):
            raise ModuleNotFoundError("gone", name="pyarrow")
        return true_import(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingDependencyError, match="needs the package pyarrow") as caught:
        read_tables(tmp_path, "test")
    assert "polyseek[parquet]" in caught.value.hint
