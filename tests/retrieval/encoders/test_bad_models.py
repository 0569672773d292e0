"""Models that are broken, incomplete or not to be trusted: each one clear error."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest

from retrieval.encoders.openclip import OpenClipEncoder
from retrieval.encoders.options import EncoderOptions
from retrieval.encoders.registry import get_encoder
from retrieval.encoders.weights import check_weights, find_weights
from retrieval.errors import EncoderUnavailableError
from tests import bundles

WEIGHTS = "open_clip_model.safetensors"
CONFIG = "open_clip_config.json"
TRUSTING = EncoderOptions(allow_pickle=True)


def refusal(folder, options=None):
    """The error that a model's first text ends in."""
    with pytest.raises(EncoderUnavailableError) as caught:
        get_encoder(f"local-dir:{folder}", options=options).encode_texts(["a"])
    return str(caught.value), caught.value.hint


def rewrite(folder, change):
    """Change the configuration of a model."""
    config = json.loads((folder / CONFIG).read_text())
    change(config["model_cfg"])
    (folder / CONFIG).write_text(json.dumps(config))


def as_pickle(folder, name="open_clip_pytorch_model.bin"):
    """Turn the weights of a model into a pickle of tensors."""
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(folder / WEIGHTS), folder / name)
    (folder / WEIGHTS).unlink()
    return folder


def test_missing_weights(copied):
    (copied / WEIGHTS).unlink()
    message, hint = refusal(copied)
    assert "holds no weights" in message
    assert WEIGHTS in hint


@pytest.mark.parametrize("left", [5_000, 100_000, -1])
def test_weights_that_are_cut_short(copied, left):
    content = (copied / WEIGHTS).read_bytes()
    (copied / WEIGHTS).write_bytes(content[:left])
    message, hint = refusal(copied)
    assert f"cut short: {len(content[:left])} of at least" in message
    assert hint == "get the file again"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not in the safetensors format"),
        (b"<html>not found</html>", "not in the safetensors format"),
        (b"\x08\0\0\0\0\0\0\0{garbage", "header is not in the safetensors format"),
        (b'\x09\0\0\0\0\0\0\0{"a": 1}\n', "header is not in the safetensors format"),
        (b"\x80\x04\x95pickle", "a pickle under another name"),
        (b"PK\x03\x04zip", "a pickle under another name"),
    ],
)
def test_weights_that_are_something_else(copied, content, message):
    (copied / WEIGHTS).write_bytes(content)
    assert message in refusal(copied)[0]
    # What says that it is safetensors is held to that, whoever is trusted.
    assert message in refusal(copied, TRUSTING)[0]


def test_weights_with_an_unknown_name(tmp_path):
    path = tmp_path / "weights.npz"
    path.write_bytes(b"PK")
    with pytest.raises(EncoderUnavailableError, match="ends neither in"):
        check_weights(path, allow_pickle=True)


def test_several_weights_want_one_name(copied):
    (copied / WEIGHTS).rename(copied / "a.safetensors")
    assert find_weights(copied).name == "a.safetensors"
    (copied / "b.safetensors").write_bytes((copied / "a.safetensors").read_bytes())
    message, hint = refusal(copied)
    assert "several weights files: a.safetensors, b.safetensors" in message
    assert WEIGHTS in hint


def test_weights_of_another_architecture(copied):
    rewrite(copied, lambda cfg: cfg["vision_cfg"].update(width=32))
    message, hint = refusal(copied)
    assert "size mismatch" in message
    assert "another architecture" in hint


def test_a_wrong_dimension(copied):
    rewrite(copied, lambda cfg: cfg.update(embed_dim=32))
    assert "size mismatch" in refusal(copied)[0]


def test_a_dimension_that_no_weight_shows(tmp_path):
    """timm's towers without a projection give what they give, whatever the configuration says."""
    pytest.importorskip("transformers")
    folder = bundles.timm_siglip(tmp_path)
    from PIL import Image

    source = get_encoder(f"local-dir:{folder}").source
    wrong = replace(source, model_cfg=source.model_cfg | {"embed_dim": 128})
    encoder = get_encoder(f"local-dir:{folder}")
    encoder.encode_texts(["a"])
    encoder._found = wrong
    with pytest.raises(EncoderUnavailableError, match="of 128 numbers and gives 64") as caught:
        encoder.encode_images([Image.new("RGB", (8, 8))])
    assert "embed_dim" in caught.value.hint


@pytest.mark.parametrize("dim", [0, -1, "many", None])
def test_a_dimension_that_is_none(copied, dim):
    rewrite(copied, lambda cfg: cfg.update(embed_dim=dim))
    assert "no open_clip configuration" in refusal(copied)[0]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"model_cfg": 1}', "\udcff"])
def test_a_configuration_that_is_none(copied, text):
    (copied / CONFIG).write_bytes(text.encode("utf-8", "surrogateescape"))
    message, hint = refusal(copied)
    assert "no open_clip configuration" in message
    assert "model_cfg" in hint


def test_a_bundle_without_its_tokenizer(tmp_path):
    pytest.importorskip("transformers")
    folder = bundles.siglip(tmp_path)
    (folder / "tokenizer.json").unlink()
    message, hint = refusal(folder)
    assert "lacks the tokenizer" in message
    assert "tokenizer.json" in hint


def test_a_bundle_without_the_configuration_of_its_tower_asks_the_hub(tmp_path, hub):
    pytest.importorskip("transformers")
    folder = tmp_path / "nllb"
    folder.mkdir()
    bundles.nllb(folder)
    expected = get_encoder(f"local-dir:{folder}").encode_texts(["a"])
    (tmp_path / "repository").mkdir()
    (folder / "config.json").rename(tmp_path / "repository" / "config.json")
    message, _ = refusal(folder)
    assert "org/not-on-this-machine does not exist" in message
    hub.add("org/not-on-this-machine", tmp_path / "repository")
    found = get_encoder(f"local-dir:{folder}").encode_texts(["a"])
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_tokenizer_that_would_run_code(copied):
    rewrite(copied, lambda cfg: cfg["text_cfg"].update(tokenizer_kwargs={"trust_remote_code": 1}))
    assert "asks to run code" in refusal(copied)[0]


def test_a_pickle_is_loaded_only_where_it_is_allowed(copied, bundle):
    as_pickle(copied)
    message, hint = refusal(copied)
    assert "its name says it is a pickle" in message
    assert "--allow-pickle" in hint
    encoder = get_encoder(f"local-dir:{copied}", options=TRUSTING)
    expected = get_encoder(f"local-dir:{bundle}").encode_texts(["a red car"])
    np.testing.assert_array_equal(encoder.encode_texts(["a red car"]), expected)


class _Evil:
    def __reduce__(self):
        return print, ("this ran",)


def test_an_allowed_pickle_still_runs_no_code(copied, capsys):
    import torch

    (copied / WEIGHTS).unlink()
    torch.save({"positional_embedding": _Evil()}, copied / "open_clip_pytorch_model.bin")
    message, _ = refusal(copied, TRUSTING)
    assert "holds more than tensors" in message
    assert "this ran" not in capsys.readouterr().out


def test_safetensors_go_before_a_pickle(copied, bundle):
    (copied / "open_clip_pytorch_model.bin").write_bytes(b"\x80\x04broken")
    assert find_weights(copied, allow_pickle=True).name == WEIGHTS


def test_a_file_of_weights_for_a_published_architecture(copied, tmp_path, monkeypatch):
    import open_clip.factory

    config = json.loads((copied / CONFIG).read_text())["model_cfg"]
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny-clip", config)
    path = copied / WEIGHTS
    encoder = get_encoder(f"openclip:tiny-clip:{path}")
    expected = get_encoder(f"local-dir:{copied}").encode_texts(["a red car"])
    np.testing.assert_array_equal(encoder.encode_texts(["a red car"]), expected)
    assert encoder.info.name == f"openclip:tiny-clip:{path}"
    with pytest.raises(EncoderUnavailableError, match="cannot read the weights"):
        _ = get_encoder(f"openclip:tiny-clip:{tmp_path}/none.safetensors").info
    with pytest.raises(EncoderUnavailableError, match="knows no model 'ViT-Q'"):
        _ = get_encoder(f"openclip:ViT-Q:{path}").info


def test_a_file_for_siglip_is_preprocessed_as_siglip_is():
    from retrieval.encoders.openclip_config import shared_preprocessing

    assert shared_preprocessing("ViT-B-16-SigLIP")["mean"] == (0.5, 0.5, 0.5)
    assert shared_preprocessing("ViT-B-16-SigLIP")["resize_mode"] == "squash"


def test_a_package_that_is_missing_is_named(tmp_path, monkeypatch):
    pytest.importorskip("transformers")
    folder = bundles.xlm_roberta(tmp_path)
    monkeypatch.setattr("open_clip.hf_model.transformers", None)
    encoder = OpenClipEncoder(f"local-dir:{folder}")
    with pytest.raises(EncoderUnavailableError, match="transformers") as caught:
        encoder.encode_texts(["a"])
    assert "polyseek[towers]" in caught.value.hint


def test_a_program_in_place_of_weights_is_not_run(copied):
    import torch

    (copied / WEIGHTS).unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit is deprecated
        torch.jit.script(torch.nn.Linear(2, 2)).save(str(copied / "model.pt"))
    message, hint = refusal(copied, TRUSTING)
    assert "TorchScript" in message
    assert "safetensors" in hint


def test_a_tokenizer_that_is_broken(tmp_path):
    pytest.importorskip("transformers")
    folder = bundles.siglip(tmp_path)
    (folder / "tokenizer.json").write_text("{}")
    message, hint = refusal(folder)
    assert "cannot be loaded" in message
    assert hint
