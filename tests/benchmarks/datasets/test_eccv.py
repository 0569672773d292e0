"""ECCV Caption and CxC: pairs by hand, from the ratings, from the true files; damaged ones."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.datasets.base import DatasetError
from benchmarks.datasets.eccv import more_positives, read_pairs, read_ratings
from tests.benchmarks.datasets.kit import write

TEXTS, PICTURES = ("770337", "771687", "19"), ("391895", "60623")
FILES = {
    "eccv_caption/cxc_image_to_caption.json": {"391895": [771687, 770337], "60623": [19, 770337]},
    "eccv_caption/eccv_image_to_caption.json": {"60623": [19, 771687, 5]},
    "eccv_caption/eccv_caption_to_image.json": {"771687": [60623, 391895], "19": [7]},
}
RATINGS = """\
caption,image,agg_score,sampling_method
COCO_val2014:sentid:770337,COCO_val2014_000000391895.jpg,4.8,c2i_original
COCO_val2014:sentid:771687,COCO_val2014_000000391895.jpg,2.9,c2i_original
COCO_val2014:sentid:771687,COCO_val2014_000000060623.jpg,3.0,c2i_intrasim
COCO_val2014:sentid:19,COCO_val2014_000000391895.jpg,0,c2i_intrasim
"""


def test_pairs_are_rows_in_order_and_the_directions_are_two(tmp_path):
    found = more_positives(write(tmp_path, FILES), TEXTS, PICTURES)
    assert {name: rows.tolist() for name, rows in found.pairs.items()} == {
        "cxc": [[0, 0], [0, 1], [1, 0], [2, 1]],
        "eccv_i2t": [[1, 1], [2, 1]],
        "eccv_t2i": [[1, 0], [1, 1]],
    }
    assert all(rows.dtype == np.int64 for rows in found.pairs.values())


def test_pairs_without_their_text_or_picture_are_counted(tmp_path):
    found = more_positives(write(tmp_path, FILES), TEXTS[:2], PICTURES[1:])
    assert found.pairs["cxc"].tolist() == [[0, 0]]
    assert found.left_out == {"cxc": 3, "eccv_i2t": 2, "eccv_t2i": 2}
    nothing = more_positives(tmp_path, (), ())
    assert nothing.pairs["eccv_t2i"].shape == (0, 2)
    assert nothing.left_out["eccv_t2i"] == 3


def test_files_may_lie_in_the_folder_itself_and_any_may_be_absent(tmp_path):
    assert not more_positives(tmp_path, TEXTS, PICTURES).pairs
    write(tmp_path, {"eccv_image_to_caption.json": {"391895": [19]}})
    found = more_positives(tmp_path, TEXTS, PICTURES)
    assert (list(found.pairs), list(found.sha256)) == (["eccv_i2t"], ["eccv_image_to_caption.json"])


def test_what_raters_find_right_is_right(tmp_path):
    write(tmp_path, {"sits_test.csv": RATINGS})
    found = more_positives(tmp_path, TEXTS, PICTURES)
    assert found.pairs["cxc"].tolist() == [[0, 0], [1, 1]]
    assert found.sha256 == {"sits_test.csv": hashlib.sha256(RATINGS.encode()).hexdigest()}
    write(tmp_path, FILES)
    found = more_positives(tmp_path, TEXTS, PICTURES)
    assert "sits_test.csv" not in found.sha256, "the file of pairs goes first"


IDS = st.integers(1, 6)


@given(st.dictionaries(IDS, st.lists(IDS)), st.sets(IDS), st.sets(IDS))
def test_pairs_are_those_of_which_both_are_given(found, texts, pictures):
    with TemporaryDirectory() as name:
        folder = write(Path(name), {"eccv_caption_to_image.json": found})
        text_keys, picture_keys = sorted(map(str, texts)), sorted(map(str, pictures))
        more = more_positives(folder, text_keys, picture_keys)
    rows = [
        [row, column]
        for row, text in enumerate(text_keys)
        for column, picture in enumerate(picture_keys)
        if int(picture) in found.get(int(text), [])
    ]
    assert more.pairs["eccv_t2i"].tolist() == rows
    assert more.left_out["eccv_t2i"] == sum(map(len, map(set, found.values()))) - len(rows)


@pytest.mark.parametrize(
    "content",
    [
        b'{"391895": [7703',
        "[]",
        '{"391895": 770337}',
        '{"x": [1]}',
        '{"1": ["a"]}',
        '{"1": [true]}',
    ],
)
def test_damaged_pairs_are_refused(tmp_path, content):
    path = tmp_path / "eccv_image_to_caption.json"
    write(tmp_path, {path.name: content})
    with pytest.raises(DatasetError, match=path.name) as caught:
        more_positives(tmp_path, TEXTS, PICTURES)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "has not the columns"),
        (RATINGS.replace("agg_score", "score"), "has not the columns"),
        (RATINGS.replace("4.8", "good"), "line 2 is no rating"),
        (RATINGS.replace("4.8", "nan"), "line 2 is no rating"),
        (RATINGS.replace("4.8", "5.1"), "line 2 is no rating"),
        (RATINGS.replace("COCO_val2014:sentid:19", "19"), "line 5 is no rating"),
        (RATINGS.replace("COCO_val2014_000000060623", "60623"), "line 4 is no rating"),
        (RATINGS[:-14], "line 5 is no rating"),
    ],
)
def test_damaged_ratings_are_refused(tmp_path, content, message):
    write(tmp_path, {"sits_test.csv": content})
    with pytest.raises(DatasetError, match=message):
        read_ratings(tmp_path / "sits_test.csv")


def test_the_true_files_have_their_counts(test_data):
    folder = test_data / "eccv_caption"
    texts = [str(each) for each in np.load(folder / "coco_test_ids.npy")]
    own, _ = read_pairs(folder / "original_caption_to_image.json")
    picture_of = dict(own)
    pictures = [*dict.fromkeys(picture_of[text] for text in texts)]
    assert (len(texts), len(own), len(pictures)) == (25_000, 25_000, 5_000)
    cxc, _ = read_pairs(folder / "cxc_image_to_caption.json")
    assert (len(cxc), len(own - cxc)) == (35_585, 29)
    assert cxc == read_pairs(folder / "cxc_caption_to_image.json")[0]
    of_pictures, _ = read_pairs(folder / "eccv_image_to_caption.json")
    of_texts, _ = read_pairs(folder / "eccv_caption_to_image.json")
    assert (len({picture for _, picture in of_pictures}), len(of_pictures)) == (1_261, 22_550)
    assert (len({text for text, _ in of_texts}), len(of_texts)) == (1_332, 11_279)
    assert not of_texts <= of_pictures

    found = more_positives(test_data, texts, pictures)
    assert {name: len(rows) for name, rows in found.pairs.items()} == {
        "cxc": 35_585,
        "eccv_i2t": 22_548,
        "eccv_t2i": 11_279,
    }
    assert found.left_out == {"cxc": 0, "eccv_i2t": 2, "eccv_t2i": 0}
