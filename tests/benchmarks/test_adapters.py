"""The benchmark of adapters: its rows on a small scale, and the full promise in the slow run."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import adapters
from benchmarks.adapters import LANGUAGES, Row, cipher_pairs, languages
from benchmarks.adapters_photographs import Photographs, _cell, taught
from benchmarks.shapes.grammar import LATIN
from benchmarks.shapes.pictures import ALL, TRAINED
from benchmarks.shapes.sentences import write_sentence_encoder
from benchmarks.shapes.world import encoder_of, opened_world
from retrieval.encoders.registry import get_encoder
from retrieval.encoders.sentences import get_text_encoder
from retrieval.learn.adapter_fit import fit_adapter
from retrieval.learn.pairs import match_texts
from tests import bundles


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    place = tmp_path_factory.mktemp("sentences")
    write_sentence_encoder(place)
    return get_text_encoder(f"sentence:{place}/model", device="cpu")


def test_a_row_says_mean_and_spread():
    assert str(Row("mlp", (0.5, 0.7))) == "| mlp | 60.0 ± 10.0 | 2 |"


def test_pairs_are_of_trained_combinations_and_both_ciphers():
    pairs = cipher_pairs()
    assert {each.language for each in pairs} == {*LANGUAGES, "en"}
    assert LATIN.translate("large red circle") not in {each.english for each in pairs}
    assert len(TRAINED) < len(ALL)


def test_ciphers_become_what_their_english_is_to_a_clip_of_random_weights(
    sentences, tmp_path_factory
):
    """Of held-out texts, nearly all meet their own English; without the map none does."""
    folder = bundles.native(tmp_path_factory.mktemp("native"))
    teacher = get_encoder(f"local-dir:{folder}", device="cpu")
    pairs = [each for each in cipher_pairs() if each.language != "en"]
    matched = match_texts(pairs, sentences.encode_texts, teacher.encode_texts)
    fitted = fit_adapter(matched, "ridge")
    assert fitted.alignment.n > 300
    assert fitted.alignment.recall > 0.8
    raw = teacher.encode_texts([each.text for each in pairs[:500]])
    english = teacher.encode_texts([each.english for each in pairs[:500]])
    assert ((raw @ english.T).argmax(axis=1) == np.arange(500)).mean() < 0.02


@pytest.mark.slow
def test_new_languages_find_pictures_without_indexing_anew(tmp_path, monkeypatch):
    """The promise: from chance to at least .8 of English, in both languages, by both methods."""
    monkeypatch.setattr(adapters, "METHODS", ("ridge", "mlp"))
    encoder = encoder_of(None, tmp_path / "model")
    world = tmp_path / "world"
    world.mkdir()
    with opened_world(encoder, world):
        pass
    rows = {row.name: row.figures for row in languages(world, encoder, [0])}
    (english,) = rows.pop("English")
    assert english > 0.9
    for name, (figure,) in rows.items():
        if name.endswith("no adapter"):
            assert figure < 0.01
        else:
            assert figure >= 0.8 * english, name
    assert not list(Path(world / "collection").glob("text-adapter*"))


def test_photographs_are_asked_by_odd_classes_alone():
    rows = np.eye(4, dtype=np.float32)
    seen = Photographs(rows, np.array([1, 2, 3, 5]))
    vectors = {"one": rows[0], "three": rows[2], "five": rows[0]}
    names = {1: "one", 2: "two", 3: "three", 5: "five"}
    top1 = seen.top1(names, lambda texts: np.stack([vectors[each] for each in texts]))
    assert top1 == pytest.approx(1 / 3)  # "one" and "five" tie, which counts against both


def test_names_of_even_classes_are_taught():
    names = {"EN": {0: "tench", 1: "shark", 2: "ray"}, "DE": {0: "Schleie", 1: "Hai", 4: "Huhn"}}
    pairs = {(each.text, each.english) for each in taught(names, ["DE"])}
    assert {("Schleie", "tench"), ("tench", "tench")} <= pairs
    assert not {"Hai", "Huhn"} & {text for text, _ in pairs}


def test_a_cell_has_a_spread_where_there_are_seeds():
    assert _cell([0.123]) == "12.3"
    assert _cell([0.1, 0.3]) == "20.0 ± 10.0"
