"""Models from the hub, over HTTP: revisions, tokens, the cache, and every way to fail."""

import json
import os
import socket
import subprocess
import sys

import numpy as np
import pytest

from retrieval.encoders.hub import Repository
from retrieval.encoders.registry import get_encoder
from retrieval.errors import EncoderUnavailableError
from tests import bundles
from tests.hub import COMMIT, OTHER_COMMIT, serving

TEXTS = ["a red car", "two dogs on a beach"]


@pytest.fixture
def published(hub, bundle):
    hub.add("org/tiny", bundle)
    return hub


def test_a_model_of_the_hub_answers_as_its_folder(published, bundle):
    encoder = get_encoder("hf-hub:org/tiny")
    expected = get_encoder(f"local-dir:{bundle}")
    np.testing.assert_array_equal(encoder.encode_texts(TEXTS), expected.encode_texts(TEXTS))
    assert encoder.info.fingerprint == expected.info.fingerprint
    assert encoder.source.commits == {"org/tiny": COMMIT}


def test_a_revision_is_honoured(published, copied):
    config = copied / "open_clip_config.json"
    config.write_text(config.read_text().replace("bicubic", "bilinear"))
    published.add("org/tiny", copied, commit=OTHER_COMMIT, branch="v2")
    names = ("hf-hub:org/tiny", "openclip:hf-hub:org/tiny@v2", f"hf-hub:org/tiny@{OTHER_COMMIT}")
    main, branch, commit = (get_encoder(name) for name in names)
    assert branch.info.fingerprint == commit.info.fingerprint != main.info.fingerprint
    assert branch.info.name == "hf-hub:org/tiny@v2"
    assert branch.source.commits == {"org/tiny": OTHER_COMMIT}


def test_a_branch_that_moves_while_files_are_fetched_is_not_mixed(published, bundle, copied):
    repository = Repository("org/tiny")
    repository.fetch(["open_clip_config.json"])
    published.add("org/tiny", copied, commit=OTHER_COMMIT)
    path = repository.fetch(["open_clip_model.safetensors"])
    assert path.parent.name == repository.commit == COMMIT


def test_what_is_cached_needs_no_hub(published, monkeypatch):
    wanted = get_encoder("hf-hub:org/tiny").info.fingerprint
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    asked = len(published.requests)
    assert get_encoder("hf-hub:org/tiny").info.fingerprint == wanted
    assert len(published.requests) == asked


def test_a_gated_repository_wants_a_token(published, monkeypatch):
    published.gated.add("org/tiny")
    with pytest.raises(EncoderUnavailableError, match=r"org/tiny is gated") as caught:
        _ = get_encoder("hf-hub:org/tiny").info
    assert "HF_TOKEN" in caught.value.hint
    monkeypatch.setenv("HF_TOKEN", published.token)
    assert get_encoder("hf-hub:org/tiny").info.dim == 64
    assert published.requests[-1][2] == published.token


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("hf-hub:org/none", "org/none does not exist, or is private", "HF_TOKEN"),
        ("hf-hub:org/tiny@v9", "org/tiny@v9 has no such revision", "whole commit"),
        ("hf-hub:org/empty", "holds no open_clip_config.json", "made for open_clip"),
        ("hf-hub:org/pickle", "holds no safetensors weights", "--allow-pickle"),
    ],
)
def test_what_the_hub_cannot_give_is_named(published, bundle, tmp_path, name, message, hint):
    (tmp_path / "empty").mkdir()
    published.add("org/empty", tmp_path / "empty")
    (tmp_path / "pickle").mkdir()
    config = (bundle / "open_clip_config.json").read_bytes()
    (tmp_path / "pickle" / "open_clip_config.json").write_bytes(config)
    (tmp_path / "pickle" / "open_clip_pytorch_model.bin").write_bytes(b"\x80\x04pickle")
    published.add("org/pickle", tmp_path / "pickle")
    with pytest.raises(EncoderUnavailableError, match=message) as caught:
        _ = get_encoder(name).info
    assert hint in caught.value.hint


@pytest.mark.parametrize("offline", [True, False])
def test_without_a_network_the_error_names_the_ways_out(hub, monkeypatch, offline):
    monkeypatch.setattr("time.sleep", lambda _: None)  # the waits between tries
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, and nobody listens
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        template = url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", offline)
        with pytest.raises(EncoderUnavailableError, match="neither cached") as caught:
            _ = get_encoder("hf-hub:org/tiny").info
    for way in ("HF_HOME", "HF_HUB_OFFLINE", "local-dir:"):
        assert way in caught.value.hint


def test_published_weights_come_from_their_repository(published, bundle):
    name = "openclip:ViT-B-32:laion2b_s34b_b79k"
    published.add("laion/CLIP-ViT-B-32-laion2B-s34B-b79K", bundle)
    source = get_encoder(name).source
    assert source.weights.name == "open_clip_model.safetensors"
    assert source.commits == {"laion/CLIP-ViT-B-32-laion2B-s34B-b79K": COMMIT}
    assert source.text_files == ()
    assert source.preprocess_cfg["resize_mode"] == "shortest"


def test_a_tokenizer_of_another_repository_is_part_of_the_model(published, tmp_path, monkeypatch):
    pytest.importorskip("transformers")
    import open_clip.factory

    folder = tmp_path / "clipa"
    folder.mkdir()
    bundles.clipa(folder)
    config = json.loads((folder / "open_clip_config.json").read_text())["model_cfg"]
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "tiny-clipa", config)
    name = f"openclip:tiny-clipa:{folder}/open_clip_model.safetensors"
    published.add("bert-base-uncased", folder)
    encoder, expected = get_encoder(name), get_encoder(f"local-dir:{folder}")
    np.testing.assert_array_equal(encoder.encode_texts(TEXTS), expected.encode_texts(TEXTS))
    assert encoder.source.commits == {"bert-base-uncased": COMMIT}
    names = {path.name for path in encoder.source.text_files}
    assert names == {"vocab.txt", "tokenizer_config.json", "config.json"}
    # A changed tokenizer is another space.
    (folder / "vocab.txt").write_text((folder / "vocab.txt").read_text() + "more\n")
    published.add("bert-base-uncased", folder, commit=OTHER_COMMIT)
    assert get_encoder(name).info.fingerprint != encoder.info.fingerprint


def test_the_environment_decides_as_for_every_program_of_the_hub(bundle, tmp_path):
    code = (
        "from retrieval.encoders.hub import Repository;"
        "print(Repository('org/tiny', 'v1').fetch(['open_clip_config.json']))"
    )
    with serving() as served:
        served.add("org/tiny", bundle, branch="v1")
        served.gated.add("org/tiny")
        given = {"HF_ENDPOINT": served.url, "HF_HOME": str(tmp_path), "HF_TOKEN": served.token}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | given,
            capture_output=True,
            text=True,
            check=True,
        )
        assert served.requests
    assert done.stdout.startswith(str(tmp_path))
    offline = given | {"HF_HUB_OFFLINE": "1"}
    again = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | offline,
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout == done.stdout
