"""The models command: what is published, and the files of models."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from retrieval.encoders.published import published_models
from tests.cli.commands.kit import answer, refusal, run
from tests.factories import tiny_clip
from tests.hub import COMMIT, serving

WEIGHTS = "open_clip_model.safetensors"
PICKLE = "open_clip_pytorch_model.bin"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return tiny_clip(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def model(made, tmp_path):
    """A tiny model in a folder of the test's own."""
    return shutil.copytree(made, tmp_path / "model")


def change_a_byte(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_all_published_models_fit_a_terminal_of_a_hundred_columns():
    lines = run("models", "list", "--all").stdout.splitlines()
    assert max(map(len, lines)) <= 100
    table = lines[next(i for i, line in enumerate(lines) if line.startswith("openclip:...")) + 1 :]
    assert len(table) == len(published_models())
    row = next(line for line in table if line.startswith("ViT-B-32:laion2b_s34b_b79k "))
    assert row.split()[1:] == ["en", "151", "15", "66.6", "66.8", "39.3", "7.0"]
    # Sorted by COCO; what has no score comes last.
    scores = [float(line.split()[-2]) for line in table if line.split()[-2] != "-"]
    assert scores == sorted(scores, reverse=True)


def test_a_search_shows_what_matches_and_nothing_else():
    found = run("models", "list", "--search", "siglip many").stdout.splitlines()[1:]
    assert found
    assert all("siglip" in line.lower() and " many " in line for line in found)
    assert run("models", "list", "--search", "nope").stdout == "no published model matches\n"


def test_published_models_as_json():
    plain = answer("models", "list", "--json")
    assert list(plain) == ["default", "models"]
    listed = answer("models", "list", "--search", "laion2b_s34b_b79k ViT-B-32", "--json")
    assert "MIT" in listed["source"]
    (model,) = listed["published"]
    assert model["name"] == "openclip:ViT-B-32:laion2b_s34b_b79k"
    assert (model["mparams"], model["coco_i2t"]) == (151.28, 0.5632)
    everything = answer("models", "list", "--all", "--json")["published"]
    assert len(everything) == len(published_models())
    assert everything[-1]["coco_t2i"] is None


def test_fetch_names_the_files_and_their_digests(model):
    fetched = answer("models", "fetch", f"local-dir:{model}", "--json")
    (file,) = fetched["files"]
    assert file["path"] == str(model / WEIGHTS)
    assert file["bytes"] == (model / WEIGHTS).stat().st_size
    lines = run("models", "fetch", f"local-dir:{model}").stdout.splitlines()
    assert lines[0].startswith(file["sha256"])


def test_a_pinned_model_is_refused_by_every_command_once_it_changed(model, bare_settings):
    name = f"local-dir:{model}"
    pinned = answer("models", "pin", name, "--json")
    assert pinned["changed"]
    assert (bare_settings / "data" / "polyseek" / "pins.json").is_file()
    assert "is the same" in run("models", "pin", name).stdout
    assert answer("models", "show", name, "--json")["dim"] == 64
    change_a_byte(model / WEIGHTS)
    for command in ("show", "fetch", "pin"):
        said = refusal(1, "models", command, name)
        assert "is not what was pinned" in said
        assert pinned["pin"]["files"][WEIGHTS] in said
    assert "is not what was pinned" in refusal(1, "models", "export-dir", name, model / "out")
    assert "forgotten" in run("models", "pin", "--forget", name).stdout
    assert "was not pinned" in run("models", "pin", "--forget", name).stdout
    assert answer("models", "pin", name, "--json")["changed"]


def test_an_exported_folder_is_the_same_model(model, tmp_path):
    name = f"local-dir:{model}"
    target = tmp_path / "deep" / "copy"
    exported = answer("models", "export-dir", name, target, "--json")
    assert exported == {
        "name": f"local-dir:{target}",
        "files": ["open_clip_config.json", WEIGHTS],
    }
    shown = [answer("models", "show", each, "--json") for each in (name, exported["name"])]
    assert shown[0]["fingerprint"] == shown[1]["fingerprint"]
    assert "not empty" in refusal(1, "models", "export-dir", name, target)
    assert [path.name for path in target.parent.iterdir()] == ["copy"]


def test_a_pickle_wants_a_flag_or_a_setting_and_is_exported_as_safetensors(
    model, tmp_path, monkeypatch
):
    import torch
    from safetensors.torch import load_file

    tensors = load_file(model / WEIGHTS)
    torch.save({"state_dict": tensors}, model / PICKLE)
    (model / WEIGHTS).unlink()
    name = f"local-dir:{model}"
    assert "--allow-pickle" in refusal(1, "models", "fetch", name)
    assert answer("models", "fetch", name, "--allow-pickle", "--json")["files"][0]["file"] == PICKLE
    target = tmp_path / "safe"
    assert run("models", "export-dir", name, target, "--allow-pickle").exit_code == 0
    exported = load_file(target / WEIGHTS)
    assert exported.keys() == tensors.keys()
    assert all(torch.equal(exported[key], tensors[key]) for key in tensors)
    monkeypatch.setenv("POLYSEEK_ALLOW_PICKLE", "1")
    assert answer("models", "show", name, "--json")["dim"] == 64


@pytest.mark.parametrize("command", ["fetch", "pin"])
def test_a_built_in_model_has_no_files_to_get(command):
    said = refusal(1, "models", command, "mini")
    assert "mini is no open_clip model" in said
    assert "hf-hub:" in said


def test_an_error_is_json_where_json_is_asked_for(tmp_path):
    said = json.loads(refusal(1, "models", "fetch", f"local-dir:{tmp_path}", "--json"))
    assert said["error"]["type"] == "EncoderUnavailableError"
    assert WEIGHTS in said["error"]["hint"]


def test_the_installed_command_fetches_from_a_hub(made, tmp_path):
    polyseek = Path(sys.executable).with_name("polyseek")
    command = [polyseek, "models", "fetch", "hf-hub:org/tiny@v1", "--json", "--quiet"]

    def fetch(**variables):
        kept = {name: value for name, value in os.environ.items() if "HF_" not in name}
        env = kept | {"HF_HOME": str(tmp_path / "hf"), "HOME": str(tmp_path)} | variables
        return subprocess.run(command, env=env, capture_output=True, text=True, check=False)

    with serving() as hub:
        hub.add("org/tiny", made, branch="v1")
        hub.gated.add("org/tiny")
        refused = fetch(HF_ENDPOINT=hub.url)
        assert refused.returncode == 1
        assert "org/tiny@v1 is gated" in json.loads(refused.stderr)["error"]["message"]
        fetched = fetch(HF_ENDPOINT=hub.url, HF_TOKEN=hub.token)
        assert fetched.stderr == ""
        said = json.loads(fetched.stdout)
        assert said["commits"] == {"org/tiny": COMMIT}
        assert said["files"][0]["path"].startswith(str(tmp_path / "hf"))
    offline = fetch(HF_HUB_OFFLINE="1")
    assert json.loads(offline.stdout) == said
