"""BLIP's matching head on a tiny model: its own answers, whatever the batch, and clear refusals."""

import json

import numpy as np
import pytest
from PIL import Image

from retrieval.encoders.blip import BlipMatcher, check_folder
from retrieval.errors import EncoderUnavailableError
from tests.retrieval.encoders.blip_kit import tiny_blip

pytest.importorskip("transformers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tiny_blip(tmp_path_factory.mktemp("blip") / "tiny")


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(0)
    shapes = [(32, 32, 3), (40, 20, 3), (17, 90, 3)]
    return [Image.fromarray(rng.integers(0, 255, each, dtype=np.uint8)) for each in shapes]


def own_answers(folder, text, pictures):
    """What transformers itself says, one pair at a time."""
    import torch
    from transformers import AutoTokenizer
    from transformers.models.blip import BlipForImageTextRetrieval

    model = BlipForImageTextRetrieval.from_pretrained(folder).eval()
    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    found = []
    for picture in pictures:
        levels = np.asarray(picture.resize((32, 32), Image.Resampling.BICUBIC), np.float32) / 255
        pixels = torch.from_numpy((levels - 0.5) / 0.25).permute(2, 0, 1)[None].float()
        with torch.no_grad():
            logits = model(
                input_ids=tokens.input_ids,
                attention_mask=tokens.attention_mask,
                pixel_values=pixels,
            ).itm_score
        found.append(float(logits.softmax(1)[0, 1]))
    return found


def test_it_answers_as_transformers_itself_and_in_any_batch(folder, pictures):
    matcher = BlipMatcher(folder, "cpu")
    expected = own_answers(folder, "a red dog", pictures)
    found = matcher.match("a red dog", pictures)
    assert found.dtype == np.float32
    assert found == pytest.approx(expected, abs=1e-5)
    assert len(set(found.tolist())) == 3
    alone = [float(matcher.match("a red dog", [each])[0]) for each in pictures]
    assert alone == pytest.approx(expected, abs=1e-5)
    assert matcher.match("a blue dog", pictures) != pytest.approx(expected, abs=1e-5)


def test_no_pictures_load_nothing(tmp_path):
    assert BlipMatcher(tmp_path / "gone").match("a dog", []).shape == (0,)


def test_a_long_text_is_cut_and_answered_and_said_once(folder, pictures, caplog):
    matcher = BlipMatcher(folder, "cpu")
    # With the two that stand for its start and end, 33 words are 35 tokens.
    just, long = "dog " * 33, "dog " * 33 + "red " * 67
    found = matcher.match(just, pictures)
    assert not caplog.records
    assert matcher.match(long, pictures).tolist() == found.tolist()
    matcher.match(long, pictures[:1])
    says = "BLIP reads 35 tokens of a text; of 100 words (102 tokens) the end does not count"
    assert caplog.messages == [says]
    matcher.match("a " + long, pictures[:1])
    assert len(caplog.messages) == 2


@pytest.mark.parametrize(
    ("missing", "says"),
    [("config.json", "config.json is missing"), ("model.safetensors", "safetensors is missing")],
)
def test_a_folder_without_a_model_is_refused_with_a_hint(folder, tmp_path, missing, says):
    for each in folder.iterdir():
        if each.name != missing:
            (tmp_path / each.name).write_bytes(each.read_bytes())
    with pytest.raises(EncoderUnavailableError, match=says) as caught:
        BlipMatcher(tmp_path).match("a dog", [Image.new("RGB", (8, 8))])
    assert "BlipForImageTextRetrieval" in caught.value.hint


def test_a_model_of_another_kind_is_refused(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"")
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(EncoderUnavailableError, match="type 'bert'"):
        check_folder(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(EncoderUnavailableError, match="cannot read"):
        check_folder(tmp_path)


def test_damaged_weights_are_refused(folder, tmp_path):
    for each in folder.iterdir():
        (tmp_path / each.name).write_bytes(each.read_bytes())
    (tmp_path / "model.safetensors").write_bytes(b"\0" * 64)
    with pytest.raises(EncoderUnavailableError, match="cannot load"):
        BlipMatcher(tmp_path, "cpu").match("a dog", [Image.new("RGB", (8, 8))])


def test_weights_without_the_matching_head_are_refused(folder, tmp_path):
    from safetensors.torch import load_file, save_file

    for each in folder.iterdir():
        (tmp_path / each.name).write_bytes(each.read_bytes())
    weights = load_file(folder / "model.safetensors")
    kept = {name: value for name, value in weights.items() if not name.startswith("itm_head")}
    save_file(kept, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(EncoderUnavailableError, match="it lacks itm_head"):
        BlipMatcher(tmp_path, "cpu").match("a dog", [Image.new("RGB", (8, 8))])


def test_without_transformers_it_says_what_to_install(folder, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(EncoderUnavailableError) as caught:
        check_folder(folder)
    assert caught.value.hint == "install polyseek[towers]"
