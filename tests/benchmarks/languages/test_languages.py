"""The quality of an encoder in each language, on pictures of one colour."""

import json
import sys

import numpy as np
import pytest
from PIL import Image

from benchmarks.languages.__main__ import main
from benchmarks.languages.cache import Cache
from benchmarks.languages.quality import Labels, Quality, quality, ranks_of
from benchmarks.languages.tables import BEGIN, END, main_table, tables, whole_table, write_between
from retrieval.encoders import registry
from retrieval.encoders.fingerprint import encoder_info
from tests.factories import COLOURS, GeometryEncoder

RED, GREEN, BLUE = np.eye(3, dtype=np.float32)
LABELS = Labels.of([3, 7, 8], ["blue", "red", "red"])


def test_names_are_distinct_and_known_by_class():
    assert LABELS.names == ("blue", "red")
    assert LABELS.name_of == {3: 0, 7: 1, 8: 1}


def test_a_photograph_counts_where_its_class_has_a_name():
    """Classes 7 and 8 are both red; the photograph of class 5 has no name here."""
    photographs = np.stack([BLUE, RED, BLUE, GREEN])
    classes = np.array([3, 7, 8, 5])
    found = quality(photographs, classes, LABELS, np.stack([BLUE, RED]))
    assert found == Quality(n_classes=3, n_names=2, top1=pytest.approx(2 / 3), top5=1.0)


def test_no_photograph_with_a_name_is_an_error():
    with pytest.raises(ValueError, match="no photograph"):
        quality(RED[None], np.array([5]), LABELS, np.stack([BLUE, RED]))


def test_a_tie_counts_against_the_true_name():
    scores = np.array([[0.5, 0.5, 0.1], [0.9, 0.5, 0.1], [0.2, 0.2, 0.2]], np.float32)
    assert ranks_of(scores, np.array([0, 0, 2])).tolist() == [2, 1, 3]


def test_what_was_embedded_is_not_embedded_again(tmp_path):
    class Once(GeometryEncoder):
        asked = 0

        def encode_texts(self, texts):
            self.asked += 1
            return super().encode_texts(texts)

    encoder = Once()
    first = Cache(tmp_path, encoder).texts("EN", ["red", "blue"])
    np.testing.assert_array_equal(Cache(tmp_path, encoder).texts("EN", ["red", "blue"]), first)
    assert encoder.asked == 1
    Cache(tmp_path, encoder).texts("EN", ["red", "green"])
    assert encoder.asked == 2


FOUND = {
    "EN": Quality(1000, 998, 0.5, 0.75),
    "ZH_YUE": Quality(100, 100, 0.25, 0.5),
    "DE": Quality(738, 730, 0.4, 0.6),
    "LA": Quality(200, 200, 0.1, 0.2),
}


def test_the_main_languages_have_a_row_each_in_their_order():
    assert main_table(FOUND)[2:] == [
        "| English (en) | 50.0 | 75.0 | 1,000 | 0.1 |",
        "| German (de) | 40.0 | 60.0 | 738 | 0.1 |",
    ]


def test_all_languages_stand_beside_each_other_by_tag():
    assert whole_table(FOUND)[2:] == [
        "| de | 40.0 / 60.0 | 738 | la | 10.0 / 20.0 | 200 |  | |  |",
        "| en | 50.0 / 75.0 | 1,000 | yue | 25.0 / 50.0 | 100 |  | |  |",
    ]


def test_languages_that_the_encoder_knows_are_summed_up_apart():
    text = tables(FOUND, encoder_info("tiny", 8, {}, ("en", "de")))
    assert "`tiny`, 4 languages" in text
    assert "trained on (2): top-1 45.0, top-5 67.5 in the mean, 869 classes" in text
    assert "All others (2): top-1 17.5" in text
    everything = tables(FOUND, encoder_info("tiny", 8, {}, ("*",)))
    assert "All others: none was measured." in everything


def test_a_page_keeps_what_is_not_between_its_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    for text in ("new", "newer"):
        write_between(page, text)
        assert page.read_text() == f"before\n{BEGIN}\n\n{text}\n\n{END}\nafter\n"
    page.write_text(f"{END} {BEGIN}")
    with pytest.raises(ValueError, match="lacks the marks"):
        write_between(page, "new")


def test_a_whole_run(tmp_path, monkeypatch, capsys):
    """A thousand pictures in eight colours, and names for the first eight classes."""
    monkeypatch.setitem(registry._registered, "geometry", GeometryEncoder)
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    colours = list(COLOURS.values())
    for number in range(1000):
        colour = tuple(255 * part for part in colours[number % 8])
        Image.new("RGB", (8, 8), colour).save(pictures / f"n{number:08}_x.png")
    labels, page = tmp_path / "labels.json", tmp_path / "page.md"
    names = {"EN": [list(range(8)), list(COLOURS)], "DE": [[0, 1], ["schwarz", "grün"]]}
    labels.write_text(json.dumps(names))
    page.write_text(f"{BEGIN}{END}")
    asked = [str(pictures), "--labels", str(labels), "--out", str(tmp_path / "out")]
    monkeypatch.setattr(sys, "argv", ["x", *asked, "--encoder", "geometry", "--doc", str(page)])
    main()
    said = capsys.readouterr().out
    assert "| English (en) | 100.0 | 100.0 | 8 | 12.5 |" in said
    assert "| German (de) | 50.0 | 100.0 | 2 | 50.0 |" in said
    assert said.strip() in page.read_text()
    assert "schwarz" not in said
