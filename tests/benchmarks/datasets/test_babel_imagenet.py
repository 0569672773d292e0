"""Babel-ImageNet: labels by language, pictures by class, and what may be wrong."""

import json

import pytest

from benchmarks.datasets import babel_imagenet as babel
from benchmarks.datasets.base import DatasetError, LoadOptions

TABLE = {
    "DE": [[0, 2], ["Schleie", "Weißer Hai"]],
    "EN": [[0, 1, 2], ["tench", "goldfish", "tench"]],
    "ZH_YUE": [[1], ["金魚"]],
}
WNIDS = ("n01440764", "n01443537", "n01484850")


@pytest.fixture(autouse=True)
def few_classes(monkeypatch):
    monkeypatch.setattr(babel, "N_CLASSES", len(WNIDS))


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "babel"
    made.mkdir()
    (made / "babel_imagenet.json").write_text(json.dumps(TABLE))
    (made / "nllb_dist13b_prompts.json").write_text(json.dumps({"DE": ["ein Foto von {} ."]}))
    pictures = made / "imagenet"
    for wnid in WNIDS:
        (pictures / wnid).mkdir(parents=True)
        for number in range(2):
            (pictures / wnid / f"{wnid}_{number}.JPEG").touch()
    return made


def load(folder, *languages):
    (data,) = babel.load(folder, LoadOptions(languages=languages))
    return data


def test_folders_of_classes_in_their_order(folder):
    data = load(folder, "de", "EN")
    assert data.class_of.tolist() == [0, 0, 1, 1, 2, 2]
    assert data.pictures[2].key == "n01443537/n01443537_0.JPEG"
    assert list(data.names) == ["DE", "EN"]
    assert data.names["DE"].classes.tolist() == [0, 2]
    assert data.names["EN"].names == ("tench", "goldfish", "tench")
    assert data.templates == {"DE": ("ein Foto von {} .",)}
    assert set(data.origin.sha256) == {"babel_imagenet.json", "nllb_dist13b_prompts.json"}
    assert not data.origin.is_known


def test_files_side_by_side(folder):
    flat = folder / "val"
    (folder / "imagenet").rename(folder / "other")
    flat.mkdir()
    for wnid in reversed(WNIDS):
        (flat / f"{wnid}_name.JPEG").touch()
    assert load(folder).class_of.tolist() == [0, 1, 2]


def test_languages_by_code_or_tag(folder):
    assert list(load(folder).names) == ["EN"]
    assert list(load(folder, "all").names) == list(TABLE)
    assert list(load(folder, "yue", "zh_yue").names) == ["ZH_YUE"]
    with pytest.raises(DatasetError, match="no language 'fr'"):
        load(folder, "fr")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ([[], []], "DE has 0 classes and 0 names"),
        ([[0], ["a", "b"]], "DE has 1 classes and 2 names"),
        ([[1, 0], ["a", "b"]], "not ascending"),
        ([[0, 3], ["a", "b"]], "not ascending from 0"),
        ([[0]], "DE is no pair"),
        ([["x"], ["a"]], "DE is no pair"),
    ],
)
def test_tables_that_do_not_fit_are_refused(folder, entry, message):
    (folder / "babel_imagenet.json").write_text(json.dumps({"DE": entry}))
    with pytest.raises(DatasetError, match=message):
        load(folder, "DE")


def test_missing_parts_are_named(folder):
    (folder / "imagenet" / WNIDS[0] / f"{WNIDS[0]}_0.JPEG").unlink()
    (folder / "imagenet" / WNIDS[0] / f"{WNIDS[0]}_1.JPEG").unlink()
    with pytest.raises(DatasetError, match="shows 2 classes"):
        load(folder)
    (folder / "babel_imagenet.json").write_text("[]")
    with pytest.raises(DatasetError, match="no table of languages"):
        load(folder)
    (folder / "babel_imagenet.json").unlink()
    with pytest.raises(DatasetError, match="no labels of Babel-ImageNet"):
        load(folder)
    with pytest.raises(DatasetError, match="has no captions"):
        babel.load(folder, LoadOptions(captions="all"))


def test_the_true_files_have_their_counts(test_data, monkeypatch):
    monkeypatch.setattr(babel, "N_CLASSES", 1_000)
    data = load(test_data / "babel_imagenet", "all")
    assert len(data.names) == 298
    assert data.origin.is_known
    assert len(data.pictures) == 1_000
    assert len(data.names["DE"].names) == 738
    assert len(data.templates) == 90
    assert len(data.templates["DE"]) == 80
