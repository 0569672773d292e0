"""Encoders of texts alone: the packaged one, folders of sentence-transformers, the hub."""

import json
import shutil

import numpy as np
import pytest

from benchmarks.shapes.grammar import LATIN
from benchmarks.shapes.sentences import write_sentence_encoder
from retrieval.encoders import sentences
from retrieval.encoders.base import Encoder, LimitsTexts
from retrieval.encoders.registry import get_encoder
from retrieval.encoders.sentences import get_text_encoder
from retrieval.errors import EncoderUnavailableError
from retrieval.languages.tags import ANY, knows

TEXTS = ["a small red circle", "", LATIN.translate("large blue square")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("sentences")
    write_sentence_encoder(place)
    return place / "model"


@pytest.fixture
def copied(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copied")


def named(folder):
    return get_text_encoder(f"sentence:{folder}", device="cpu")


def test_a_folder_answers_as_sentence_transformers_does(folder):
    from sentence_transformers import SentenceTransformer

    encoder = named(folder)
    rows = encoder.encode_texts(TEXTS)
    assert rows.shape == (3, 128)
    assert rows.dtype == np.float32
    model = SentenceTransformer(str(folder), device="cpu")
    expected = model.encode(TEXTS, normalize_embeddings=True)
    np.testing.assert_allclose(rows, expected, atol=1e-6)
    assert encoder.encode_texts([]).shape == (0, 128)


def test_its_identity_is_all_that_is_read(folder, copied):
    info = named(folder).info
    assert (info.dim, info.languages) == (128, (ANY,))
    assert info.fingerprint == named(copied).info.fingerprint
    (copied / "README.md").write_text("another one")
    assert info.fingerprint == named(copied).info.fingerprint
    pooling = next(copied.glob("*_Pooling/config.json"))
    pooling.write_text(pooling.read_text() + "\n")
    assert info.fingerprint != named(copied).info.fingerprint


def test_it_says_how_much_it_reads(folder):
    encoder = named(folder)
    assert isinstance(encoder, LimitsTexts)
    limit = encoder.text_limit()
    assert (limit.most, limit.unit, limit.overhead) == (32, "tokens", 2)
    assert limit.length_of("red " * 50) == 52
    cut, whole = encoder.encode_texts(["red " * 30, "red " * 50])
    np.testing.assert_allclose(cut, whole, atol=1e-6)


def test_its_prompt_for_queries_is_put_before(copied):
    path = copied / "config_sentence_transformers.json"
    config = json.loads(path.read_text()) | {"prompts": {"query": "red "}}
    path.write_text(json.dumps(config))
    expected = named(copied.parent / "copied").encode_texts(["circle"])
    path.write_text(json.dumps(config | {"prompts": {}}))
    np.testing.assert_allclose(named(copied).encode_texts(["red circle"]), expected, atol=1e-6)


def test_weights_that_may_run_code_are_refused(copied):
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(EncoderUnavailableError, match="as a pickle only"):
        named(copied).encode_texts(["red"])


def test_what_is_no_model_is_refused(tmp_path, copied):
    with pytest.raises(EncoderUnavailableError, match="no model of sentence-transformers"):
        named(tmp_path).encode_texts(["red"])
    (copied / "model.safetensors").unlink()
    with pytest.raises(EncoderUnavailableError, match="cannot load the sentence encoder"):
        named(copied).encode_texts(["red"])


def test_a_repository_of_the_hub_answers_as_its_folder(hub, folder):
    hub.add("org/sentences", folder)
    encoder = get_text_encoder("sentence:org/sentences", device="cpu")
    np.testing.assert_array_equal(encoder.encode_texts(TEXTS), named(folder).encode_texts(TEXTS))
    assert encoder.info.fingerprint == named(folder).info.fingerprint
    with pytest.raises(EncoderUnavailableError, match="has no such revision"):
        get_text_encoder("sentence:org/sentences@gone").encode_texts(["red"])
    with pytest.raises(EncoderUnavailableError, match="does not exist, or is private"):
        get_text_encoder("sentence:org/nothing").encode_texts(["red"])


def test_what_was_fetched_needs_no_hub(hub, folder, monkeypatch):
    hub.add("org/sentences", folder)
    get_text_encoder("sentence:org/sentences").encode_texts(["red"])
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert get_text_encoder("sentence:org/sentences").encode_texts(["red"]).shape == (1, 128)
    with pytest.raises(EncoderUnavailableError, match="neither cached"):
        get_text_encoder("sentence:org/other").encode_texts(["red"])


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(sentences.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(EncoderUnavailableError) as caught:
        get_text_encoder("sentence:org/any")
    assert "polyseek[sentences]" in caught.value.hint
    with pytest.raises(EncoderUnavailableError) as caught:
        get_text_encoder("e5")
    assert "polyseek[mini]" in caught.value.hint


def test_the_packaged_one_is_the_tower_of_mini():
    encoder = get_text_encoder("e5")
    one, two, other = encoder.encode_texts(["ein Hund", "a dog", "the stock market"])
    assert one @ two > one @ other
    assert encoder.info.dim == 384
    assert knows(encoder.info.languages, "ja")
    assert encoder.info.fingerprint != get_encoder("mini").info.fingerprint


def test_any_encoder_will_do():
    assert isinstance(get_text_encoder("mini-en"), Encoder)
    with pytest.raises(EncoderUnavailableError, match="no model 'nothing'"):
        get_text_encoder("nothing")


def test_a_folder_goes_by_its_whole_path(tmp_path, monkeypatch):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "modules.json").write_text("[]")
    monkeypatch.chdir(tmp_path)
    encoder = get_text_encoder("sentence:model")
    monkeypatch.setattr(encoder, "encode_texts", lambda texts: np.ones((1, 2), np.float32))
    assert encoder.info.name == f"sentence:{tmp_path / 'model'}"
