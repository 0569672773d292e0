"""Babel-ImageNet: labels by language, pictures by class, and what may be wrong."""

import json

import pytest

from benchmarks.datasets import babel_imagenet as babel
from benchmarks.datasets.base import DatasetError, LoadOptions
from benchmarks.datasets.sources import is_known

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


def load(folder, *languages, gallery=None):
    (data,) = babel.load(folder, LoadOptions(languages=languages, gallery=gallery))
    return data


def test_folders_of_classes_in_their_order(folder):
    data = load(folder, "de", "EN", gallery="babelnet")
    assert data.class_of.tolist() == [0, 0, 1, 1, 2, 2]
    assert data.pictures[2].key == "n01443537/n01443537_0.JPEG"
    assert list(data.names) == ["DE", "EN"]
    assert data.names["DE"].classes.tolist() == [0, 2]
    assert data.names["EN"].names == ("tench", "goldfish", "tench")
    assert data.templates == {"DE": ("ein Foto von {} .",)}
    assert set(data.origin.sha256) == {"babel_imagenet.json", "nllb_dist13b_prompts.json"}
    assert {named.gallery for named in data.names.values()} == {""}


def test_english_has_the_names_of_openai_unless_those_of_the_file_are_asked_for(folder):
    for gallery in (None, "openai"):
        data = load(folder, "EN", "DE", gallery=gallery)
        assert data.names["EN"].names == ("tench", "goldfish", "great white shark")
        assert data.names["EN"].classes.tolist() == [0, 1, 2]
        assert data.names["EN"].gallery == "OpenAI's class names"
        assert (data.names["DE"].gallery, data.names["DE"].names[0]) == ("", "Schleie")
    assert load(folder, "DE").names["DE"].gallery == ""


def test_names_of_openai_are_refused_where_english_is_not_asked_for(folder):
    with pytest.raises(DatasetError, match="in English alone") as caught:
        load(folder, "DE", gallery="openai")
    assert "--languages" in caught.value.hint
    with pytest.raises(DatasetError, match="has no gallery 'wordnet'") as caught:
        load(folder, gallery="wordnet")
    assert caught.value.hint == "it has openai, babelnet"


@pytest.mark.parametrize(
    ("templates", "message"),
    [
        ([], "is no table of lists of templates"),
        ({"DE": "ein Foto von {}"}, "is no table of lists of templates"),
        ({"DE": ["ein Foto von {}", "ein Foto"]}, "DE has the template 'ein Foto', which has not"),
        ({"DE": ["{} und {}"]}, "has not one place for a name"),
        ({"DE": [7]}, "has not one place for a name"),
    ],
)
def test_templates_without_one_place_for_a_name_are_refused(folder, templates, message):
    (folder / "nllb_dist13b_prompts.json").write_text(json.dumps(templates))
    with pytest.raises(DatasetError, match=message):
        load(folder)


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
        ([[0, 1], ["a", " "]], "DE calls a class ' '"),
        ([[0, 1], ["a", None]], "DE calls a class None"),
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
    with pytest.raises(DatasetError, match="has no choice of captions"):
        babel.load(folder, LoadOptions(captions="all"))


def test_the_true_files_have_their_counts(test_data, monkeypatch):
    monkeypatch.setattr(babel, "N_CLASSES", 1_000)
    data = load(test_data / "babel_imagenet", "all")
    assert len(data.names) == 298
    assert is_known("babel-imagenet", data.origin.sha256)
    assert min(len(named.names) for named in data.names.values()) == 10
    english = data.names["EN"].names
    assert sorted({name for name in english if english.count(name) > 1}) == [
        "missile",
        "sunglasses",
    ]
    assert len(data.pictures) == 1_000
    assert len(data.names["DE"].names) == 738
    assert len(data.templates) == 90
    assert len(data.templates["DE"]) == 80
