"""Pins: trust on first use, and nothing else afterwards."""

import json

import pytest

from retrieval.encoders.openclip import OpenClipEncoder
from retrieval.encoders.options import EncoderOptions
from retrieval.encoders.pins import Pin, forget_pin, pin_model, read_pins
from retrieval.errors import EncoderUnavailableError
from tests.hub import COMMIT, OTHER_COMMIT

WEIGHTS = "open_clip_model.safetensors"


@pytest.fixture
def pins(tmp_path):
    return tmp_path / "data" / "pins.json"


def encoder_of(folder, pins):
    return OpenClipEncoder(f"local-dir:{folder}", "cpu", EncoderOptions(pins_file=pins))


def change_a_byte(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_changed_byte_is_refused_with_both_digests(copied, pins):
    source = encoder_of(copied, pins).source
    pinned = source.digests[WEIGHTS]
    assert pin_model(pins, source)
    assert not pin_model(pins, encoder_of(copied, pins).source)
    change_a_byte(copied / WEIGHTS)
    with pytest.raises(EncoderUnavailableError, match="is not what was pinned") as caught:
        encoder_of(copied, pins).encode_texts(["a"])
    present = encoder_of(copied, None).source.digests[WEIGHTS]
    assert pinned in str(caught.value)
    assert present in str(caught.value)
    assert pinned != present
    assert "--forget" in caught.value.hint


def test_a_changed_configuration_is_refused_too(copied, pins):
    pin_model(pins, encoder_of(copied, pins).source)
    path = copied / "open_clip_config.json"
    config = json.loads(path.read_text())
    config["preprocess_cfg"] = {**config.get("preprocess_cfg", {}), "mean": [0.1, 0.1, 0.1]}
    path.write_text(json.dumps(config))
    with pytest.raises(EncoderUnavailableError, match=r"open_clip_config\.json"):
        encoder_of(copied, pins).encode_texts(["a"])


def test_it_is_not_pinned_again_over_a_change_until_forgotten(copied, pins):
    pin_model(pins, encoder_of(copied, pins).source)
    change_a_byte(copied / WEIGHTS)
    changed = encoder_of(copied, None).source
    with pytest.raises(EncoderUnavailableError, match="is not what was pinned"):
        pin_model(pins, changed)
    assert forget_pin(pins, str(changed.name))
    assert not forget_pin(pins, str(changed.name))
    assert pin_model(pins, changed)
    assert encoder_of(copied, pins).info.dim == 64


def test_a_file_that_comes_or_goes_is_a_change(copied, pins):
    (copied / "tokenizer_config.json").write_text("{}")
    pin_model(pins, encoder_of(copied, pins).source)
    (copied / "tokenizer_config.json").unlink()
    with pytest.raises(EncoderUnavailableError, match="has the sha256 no such file, pinned is"):
        _ = encoder_of(copied, pins).info
    (copied / "tokenizer_config.json").write_text("{}")
    (copied / "vocab.txt").write_text("a")
    with pytest.raises(EncoderUnavailableError, match="vocab"):
        _ = encoder_of(copied, pins).info


def test_models_without_a_pin_pass_and_others_pins_stay(copied, pins, bundle):
    pin_model(pins, encoder_of(bundle, pins).source)
    assert encoder_of(copied, pins).info.dim == 64
    pin_model(pins, encoder_of(copied, pins).source)
    assert set(read_pins(pins)) == {f"local-dir:{bundle}", f"local-dir:{copied}"}


def test_a_pin_of_the_hub_holds_the_commit(hub, copied, pins):
    hub.add("org/tiny", copied)
    options = EncoderOptions(pins_file=pins)
    pin_model(pins, OpenClipEncoder("hf-hub:org/tiny", "cpu", options).source)
    assert read_pins(pins)["hf-hub:org/tiny"].commits == {"org/tiny": COMMIT}
    change_a_byte(copied / WEIGHTS)
    hub.add("org/tiny", copied, commit=OTHER_COMMIT)
    with pytest.raises(EncoderUnavailableError, match="is not what was pinned"):
        _ = OpenClipEncoder("hf-hub:org/tiny", "cpu", options).info


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b'{"format": 1}',
        b'{"format": 1, "models": {"a": {}}}',
        b'{"format": 9}',
        b"\xff",
    ],
)
def test_pins_that_cannot_be_read_stop_everything(copied, pins, content):
    pins.parent.mkdir()
    pins.write_bytes(content)
    with pytest.raises(EncoderUnavailableError, match=r"the pins .* (cannot be read|of format 9)"):
        _ = encoder_of(copied, pins).info


def test_the_file_is_plain_json(copied, pins):
    pin_model(pins, encoder_of(copied, pins).source)
    content = json.loads(pins.read_text())
    assert content["format"] == 1
    (pin,) = content["models"].values()
    assert Pin(**pin) == read_pins(pins)[f"local-dir:{copied}"]
    assert [path.name for path in pins.parent.iterdir() if "json" in path.name] == ["pins.json"]
