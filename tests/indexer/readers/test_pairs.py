"""Lists of pictures with captions, in every format, good and bad."""

import json
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.readers.base import Caption
from indexer.readers.columns import Columns
from indexer.readers.globs import Globs
from indexer.readers.pair_formats import parse_rows
from indexer.readers.pairs import PairsReader
from retrieval.errors import SourceError

COCO = {
    "images": [{"id": 7, "file_name": "a.jpg"}, {"id": 8, "file_name": "b.jpg"}],
    "annotations": [
        {"image_id": 7, "caption": "a dog"},
        {"image_id": 7, "caption": "one  dog\n"},
        {"image_id": 99, "caption": "nowhere"},
    ],
}
KARPATHY = {
    "images": [
        {
            "filepath": "val",
            "filename": "a.jpg",
            "split": "test",
            "sentences": [{"raw": "a dog"}, {"raw": "one dog"}],
        }
    ]
}


@pytest.fixture
def album(tmp_path):
    for name in ("a.jpg", "b.jpg", "images/c.jpg", "val/a.jpg"):
        path = tmp_path / "album" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "album"


def put(album, name, content):
    path = album / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return os.fsencode(path)


def read(path, **options):
    """What a list comes to, by names inside the album."""
    reader = PairsReader(path, **options)
    listing = reader.read()
    folder = os.path.dirname(path)
    said = [each for file in listing.captions for each in file.read()]

    def name(full):
        return os.path.relpath(full, folder).decode()

    return {
        "files": [name(file.path) for file in listing.files],
        "said": [(each.text, name(each.image)) for each in said if isinstance(each, Caption)],
        "skips": [
            (name(each.path), each.reason)
            for each in (*listing.skips, *said)
            if not isinstance(each, Caption)
        ],
    }


def test_a_table_names_pictures_and_says_what_is_on_them(album):
    path = put(album, "l.csv", 'image,caption\na.jpg,"a dog, a cat"\na.jpg,two pets\nb.jpg,\n')
    assert read(path) == {
        "files": ["a.jpg", "b.jpg"],
        "said": [("a dog, a cat", "a.jpg"), ("two pets", "a.jpg")],
        "skips": [("l.csv:4", "image without caption")],
    }


def test_tabs_other_names_and_a_mark_of_the_encoding(album):
    path = put(album, "l.tsv", "\ufeffTitle\tFilePath\nein Hund\ta.jpg\n")
    assert read(path)["said"] == [("ein Hund", "a.jpg")]


def test_columns_can_be_named(album):
    path = put(album, "l.csv", "image,alt,caption\nb.jpg,a.jpg,x\n")
    assert read(path, columns=Columns(image="alt", caption="image"))["said"] == [("b.jpg", "a.jpg")]


def test_json_lines_with_one_caption_or_several(album):
    path = put(
        album,
        "l.jsonl",
        '{"image": "a.jpg", "caption": "a dog"}\n\n{"image": "b.jpg", "caption": ["x", "", "y"]}\n',
    )
    assert read(path)["said"] == [("a dog", "a.jpg"), ("x", "b.jpg"), ("y", "b.jpg")]


def test_coco_with_an_annotation_of_no_image(album):
    found = read(put(album, "captions.json", COCO))
    assert found["said"] == [("a dog", "a.jpg"), ("one dog", "a.jpg")]
    assert found["skips"] == [
        ("captions.json:3", "caption without image"),
        ("captions.json:2", "image without caption"),
    ]


def test_coco_in_the_folders_it_is_unpacked_to(album):
    image = {"id": 7, "file_name": "d.jpg", "coco_url": "http://images.cocodataset.org/val/d.jpg"}
    annotations = [{"image_id": 7, "caption": "a dog"}]
    path = put(album, "annotations/l.json", {"images": [image], "annotations": annotations})
    for place in ("val", "images/val"):
        picture = album / place / "d.jpg"
        picture.parent.mkdir(parents=True, exist_ok=True)
        picture.write_bytes(b"x")
        assert read(path)["said"] == [("a dog", f"../{place}/d.jpg")]
        picture.unlink()
    assert read(path)["skips"][0] == ("d.jpg", "no such file")


def test_karpathys_splits(album):
    assert read(put(album, "dataset.json", KARPATHY))["said"] == [
        ("a dog", "val/a.jpg"),
        ("one dog", "val/a.jpg"),
    ]


def test_pictures_are_looked_for_beside_the_list_and_around_it(album):
    path = put(album, "annotations/l.csv", "image,caption\nb.jpg,b\nc.jpg,c\n")
    assert read(path)["files"] == ["../b.jpg", "../images/c.jpg"]


def test_a_picture_that_is_nowhere_belongs_where_the_others_lie(album):
    path = put(album, "l.csv", "image,caption\nc.jpg,c\nd.jpg,d\n")
    assert read(path)["skips"] == [("images/d.jpg", "no such file")]


def test_lines_that_cannot_be_used_are_told_one_by_one(album):
    path = put(album, "l.csv", "image,caption\n,lost\nmissing.jpg,x\na.jpg\na.jpg,kept\n")
    found = read(path)
    assert found["files"] == ["a.jpg"]
    assert found["skips"] == [
        ("l.csv:2", "caption without image"),
        ("l.csv:4", "1 fields, the header has 2"),
        ("missing.jpg", "no such file"),
    ]
    path = put(album, "l.jsonl", '{"image": "a.jpg"}\nno json\n[1]\n{"image": 7}\n')
    assert [reason for _, reason in read(path)["skips"]] == [
        "no JSON",
        "no JSON object",
        "the image is no path",
        "image without caption",
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("l.csv", "a,b\n1,2\n", "no column 'image'; its columns: a, b"),
        ("l.csv", "", "no column 'image'"),
        ("l.jsonl", '{"a": 1}\n', "no column 'image'"),
        ("l.json", "{", "is no JSON"),
        ("l.json", "[]", "no list of images"),
        ("l.json", '{"images": [1]}', "no list of images"),
    ],
)
def test_a_list_that_is_none_is_an_error(album, name, content, message):
    with pytest.raises(SourceError, match=message):
        read(put(album, name, content))


def test_each_json_line_has_its_own_keys(album):
    path = put(
        album,
        "l.jsonl",
        '{"id": 3}\n{"image": "a.jpg"}\n{"image": "b.jpg", "caption": "a\u2028cat"}\n',
    )
    found = read(path)
    assert (found["files"], found["said"]) == (["a.jpg", "b.jpg"], [("a cat", "b.jpg")])
    assert found["skips"] == [
        ("l.jsonl:1", "caption without image"),
        ("l.jsonl:2", "image without caption"),
    ]


def test_odd_values_are_skips_and_no_crash(album):
    path = put(album, "l.jsonl", '{"image": "p\\ud8001.jpg"}\n{"image": "a.jpg"}\n')
    assert read(path)["skips"][0] == ("l.jsonl:1", "no such file")
    odd = {
        "images": [{"id": [1], "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
        "annotations": [{"image_id": [1], "caption": "x"}, {"image_id": 2, "caption": "a cat"}],
    }
    assert read(put(album, "odd.json", odd))["said"] == [("a cat", "b.jpg")]


@pytest.mark.parametrize("name", ["l.csv", "l.tsv"])
def test_a_quote_that_is_never_closed_swallows_no_rows(album, name):
    rule = "," if name == "l.csv" else "\t"
    rows = [("image", "caption"), ("a.jpg", '"never closed'), ("b.jpg", "lost")]
    path = put(album, name, "".join(f"{a}{rule}{b}\n" for a, b in rows))
    with pytest.raises(SourceError, match="unexpected end of data"):
        read(path)


def test_a_missing_list_is_an_error(album):
    with pytest.raises(SourceError, match="no such list"):
        read(os.fsencode(album / "none.csv"))


def test_patterns_hold_for_pictures_as_the_list_writes_them(album):
    path = put(album, "l.csv", "image,caption\na.jpg,a\nval/a.jpg,b\n")
    found = read(path, globs=Globs.parse(exclude=["val"]))
    assert found["files"] == ["a.jpg"]
    assert found["skips"] == [("l.csv:3", "left out by a pattern")]


def test_a_list_covers_what_it_names_and_no_more(album):
    reader = PairsReader(put(album, "l.csv", "image,caption\na.jpg,a\n"))
    assert reader.covers(os.fsencode(album / "a.jpg"))
    assert not reader.covers(os.fsencode(album / "b.jpg"))


@pytest.mark.parametrize("suffix", [b".csv", b".tsv", b".jsonl", b".json"])
@given(content=st.binary(max_size=300))
def test_nonsense_is_rows_or_an_error(suffix, content):
    try:
        rows = parse_rows(b"/l" + suffix, b"image,image\n" + content, Columns())
    except SourceError:
        return
    assert all(row.problem or all(text.strip() for text in row.captions) for row in rows)
