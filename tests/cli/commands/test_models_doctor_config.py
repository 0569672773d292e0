"""The commands that need no collection: models, doctor, config."""

import json

from retrieval.encoders import registry
from retrieval.encoders.options import EncoderOptions, process_options
from tests.cli.commands.kit import answer, refusal, run
from tests.factories import GeometryEncoder


def test_models_are_listed_with_what_is_missing(monkeypatch):
    monkeypatch.setattr(registry, "_missing", lambda name: ("some-package",))
    listed = answer("models", "list", "--json")
    mini = listed["models"][0]
    assert (mini["name"], mini["available"]) == ("mini", False)
    assert "some-package" in mini["missing"]
    assert "not at hand: some-package" in run("models", "list").stdout


def test_a_model_is_shown_with_its_fingerprint():
    shown = answer("models", "show", "geometry", "--json")
    assert list(shown) == [
        "name",
        "dim",
        "input_px",
        "languages",
        "fingerprint",
        "parts",
        "published",
    ]
    assert shown["fingerprint"] == GeometryEncoder().info.fingerprint
    assert shown["fingerprint"] in run("models", "show", "geometry").stdout
    assert "nope" in refusal(1, "models", "show", "nope")


def test_doctor_names_what_is_installed(here):
    report = answer("doctor", "--json")
    assert report["ok"] is True
    topics = {check["topic"] for check in report["checks"]}
    assert topics == {"versions", "devices", "encoders", "pictures", "extras", "folders"}
    assert list(report["checks"][0]) == ["topic", "name", "value", "state", "fix"]


def test_doctor_says_what_computes_searches_and_builds(here, monkeypatch):
    def devices():
        checks = answer("doctor", "--json")["checks"]
        return {each["name"]: each["value"] for each in checks if each["topic"] == "devices"}

    monkeypatch.setattr("retrieval.ann.gpu_codes.n_gpus", lambda: 0)
    monkeypatch.setenv("POLYSEEK_DEVICE", "cpu")
    assert devices()["search and build"] == "cpu (device = cpu)"
    assert devices()["faiss"] == "no GPU: codes are searched on the CPU"
    monkeypatch.setattr("retrieval.ann.gpu_codes.n_gpus", lambda: 2)
    assert devices()["faiss"] == "2 GPU(s): codes are searched there"
    monkeypatch.setenv("POLYSEEK_DEVICE", "cuda")
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert "was asked for" in devices()["search and build"]


def test_doctor_fails_without_faiss_or_without_an_encoder(here, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("cli.doctor.faiss_build", lambda: None)
        result = run("doctor")
        assert result.exit_code == 1
        assert "polyseek[cpu]" in result.stdout
    monkeypatch.setattr(registry, "_missing", lambda name: ("some-package",))
    monkeypatch.setattr(registry, "_registered", {})
    result = run("doctor", "--json")
    assert result.exit_code == 1
    fixes = [check["fix"] for check in json.loads(result.stdout)["checks"]]
    assert "pip install 'polyseek[mini]'" in fixes


def test_doctor_sees_two_builds_of_faiss(here, monkeypatch):
    monkeypatch.setattr("cli.doctor.package_version", lambda name: "1.0")
    result = run("doctor")
    assert result.exit_code == 1
    assert "both builds" in result.stdout


def test_config_shows_values_and_origins(here, bare_settings, monkeypatch):
    file = bare_settings / "config" / "polyseek" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('device = "cpu"\ncatalogue_url = "postgresql://me:hunter2@host/db"\n')
    monkeypatch.setenv("POLYSEEK_TOP", "3")
    shown = run("config", "show", "--origin")
    assert f"device = cpu  (file {file})" in shown.stdout
    assert "top = 3  (env POLYSEEK_TOP)" in shown.stdout
    assert "batch_size = 32  (default)" in shown.stdout
    assert "hunter2" not in shown.output
    found = answer("config", "show", "--origin", "--json", "-c", "x")
    assert found["collection"] == {"value": "x", "origin": "flag --collection"}
    assert answer("config", "show", "--json")["top"] == 3


def test_the_settings_decide_how_models_are_loaded(bare_settings, monkeypatch):
    monkeypatch.setenv("POLYSEEK_PRECISION", "bf16")
    monkeypatch.setenv("POLYSEEK_ALLOW_PICKLE", "yes")
    assert "allow_pickle = true" in run("config", "show").stdout
    pins = bare_settings / "data" / "polyseek" / "pins.json"
    expected = EncoderOptions(precision="bf16", allow_pickle=True, pins_file=pins)
    assert process_options() == expected


def test_a_wrong_setting_stops_every_command(here, monkeypatch):
    monkeypatch.setenv("POLYSEEK_TOP", "many")
    for command in (["index", "photos"], ["query", "red"], ["models", "list"], ["config", "show"]):
        assert "top = 'many' (from env POLYSEEK_TOP)" in refusal(2, *command)


def test_a_catalogue_of_a_wrong_kind_is_a_wrong_setting_and_leaves_nothing(here, monkeypatch):
    monkeypatch.setenv("POLYSEEK_CATALOGUE_URL", "mysql://u:secret@h/d")
    for command in (["index", "photos"], ["query", "red"], ["config", "show"]):
        message = refusal(2, *command)
        assert "catalogue_url = *** (from env POLYSEEK_CATALOGUE_URL)" in message
        assert "secret" not in message
    assert not (here / ".polyseek").exists()


def test_a_full_disk_is_a_failure_that_names_the_collection(here, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("indexer.service.index_folders", full)
    assert ".polyseek: No space left on device" in refusal(1, "index", "photos")


def test_models_and_doctor_agree_on_what_needs_weights(here):
    listed, checked = run("models", "list").stdout, run("doctor").stdout
    assert "local-dir:PATH: needs weights" in checked
    states = [line.split()[1:] for line in listed.splitlines() if "local-dir:PATH" in line]
    assert states == [["needs", "weights"]]
