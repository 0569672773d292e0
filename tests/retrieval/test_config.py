"""Settings: the strongest layer wins, and what is wrong is refused by name, value and origin."""

import re
from dataclasses import fields
from enum import StrEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.service import IndexOptions
from retrieval.config import RULES, Origin, Settings, env_name, flag_name, load_settings
from retrieval.errors import SettingsError
from retrieval.images import PixelLimits
from retrieval.store.database import location_of

NO_FILE = Path("/no/such/config.toml")


@pytest.fixture
def write_file(tmp_path):
    def write(text):
        file = tmp_path / "config.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def test_every_setting_has_a_rule():
    assert [field.name for field in fields(Settings)] == list(RULES)


def test_the_documented_defaults_are_those_of_the_parts():
    assert Settings().batch_size == IndexOptions().batch_size
    assert Settings().workers is IndexOptions().workers is None
    shown = RULES["max_pixels"].help
    assert f"{PixelLimits().jpeg // 10**6} million for JPEG" in shown
    assert f"{PixelLimits().other // 10**6} million for the rest" in shown


def test_nothing_given_gives_the_defaults():
    settings, origins = load_settings({}, {}, NO_FILE)
    assert settings == Settings()
    assert set(origins.values()) == {Origin("default")}
    assert str(origins["top"]) == "default"


def test_flag_beats_environment_beats_file_beats_default(write_file):
    file = write_file('top = 1\nbatch_size = 1\nworkers = 1\ndevice = "cpu"')
    env = {"POLYSEEK_TOP": "2", "POLYSEEK_BATCH_SIZE": "2"}
    settings, origins = load_settings({"top": 3, "device": None}, env, file)
    assert (settings.top, settings.batch_size, settings.workers) == (3, 2, 1)
    assert settings.device == "cpu"
    assert settings.log_level == "warning"
    assert {key: str(origins[key]) for key in ("top", "batch_size", "workers", "log_level")} == {
        "top": "flag --top",
        "batch_size": "env POLYSEEK_BATCH_SIZE",
        "workers": f"file {file}",
        "log_level": "default",
    }


@given(
    st.dictionaries(
        st.sampled_from(["top", "batch_size", "workers", "max_pixels"]),
        st.tuples(*[st.none() | st.integers(1, 99)] * 2),
    )
)
def test_the_first_layer_that_has_a_value_decides(given_values):
    flags = {key: flag for key, (flag, _) in given_values.items()}
    env = {env_name(key): str(value) for key, (_, value) in given_values.items() if value}
    settings, origins = load_settings(flags, env, NO_FILE)
    for key, (flag, value) in given_values.items():
        expected = next((each for each in (flag, value) if each), getattr(Settings(), key))
        assert getattr(settings, key) == expected
        assert origins[key].layer == ("flag" if flag else "env" if value else "default")


def test_an_empty_variable_is_not_given():
    assert load_settings({}, {"POLYSEEK_TOP": ""}, NO_FILE)[0].top == 10


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1", True), ("true", True), ("YES", True), ("0", False), ("False", False), ("off", False)],
)
def test_a_variable_says_yes_or_no_in_the_usual_words(write_file, text, expected):
    file = write_file("allow_pickle = true")
    settings, _ = load_settings({}, {"POLYSEEK_ALLOW_PICKLE": text}, file)
    assert settings.allow_pickle is expected
    assert load_settings({}, {}, file)[0].allow_pickle is True


def test_paths_know_home_and_the_folder_of_the_file(write_file, monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    file = write_file('collection = "photos"\ncache_dir = "~/cache"')
    settings, _ = load_settings({}, {}, file)
    assert settings.collection == file.parent / "photos"
    assert settings.cache_dir == Path("/home/me/cache")
    assert load_settings({}, {"POLYSEEK_COLLECTION": "x"}, NO_FILE)[0].collection == Path("x")


@pytest.mark.parametrize(
    ("key", "value", "must"),
    [
        ("top", "ten", "whole number"),
        ("top", "0", "at least 1"),
        ("batch_size", "-4", "at least 1"),
        ("device", "tpu", "one of auto, cpu, cuda, mps"),
        ("log_level", "loud", "one of debug"),
        ("allow_pickle", "maybe", "true or false"),
        ("precision", "fp8", "one of auto, fp32"),
    ],
)
def test_a_wrong_variable_is_refused_with_name_value_and_origin(key, value, must):
    with pytest.raises(SettingsError, match=f"{key} = .*{value}.*{env_name(key)}.*{must}"):
        load_settings({}, {env_name(key): value}, NO_FILE)


@pytest.mark.parametrize(
    ("line", "must"),
    [
        ('top = "10"', "whole number"),
        ("top = 1.5", "whole number"),
        ("top = true", "whole number"),
        ("model = 3", "text that is not empty"),
        ('model = ""', "text that is not empty"),
        ('collection = ""', "text that is not empty"),
        ("[top]\nx = 1", "whole number"),
        ("allow_pickle = 1", "true or false"),
        ('allow_pickle = "yes"', "true or false"),
    ],
)
def test_a_wrong_type_in_the_file_is_refused(write_file, line, must):
    file = write_file(line)
    with pytest.raises(SettingsError, match=f"from file {re.escape(str(file))}.*{must}"):
        load_settings({}, {}, file)


@pytest.mark.parametrize(
    "url",
    [
        *("postgresql://", "postgresql:///db", "postgres://host", "postgresql+psycopg://h/db"),
        *("postgresql://me:p[:/w@host:5432/db", "postgresql://[::1]:5432/db"),
        *("postgresql://me@/photos?host=/run/pg&port=5433", "postgresql://host?sslmode=require"),
    ],
)
def test_a_url_of_a_postgresql_catalogue_is_taken_and_understood(url):
    env = {"POLYSEEK_CATALOGUE_URL": url}
    assert load_settings({}, env, NO_FILE)[0].catalogue_url == url
    assert location_of(url, "key").kind == "postgresql"


@pytest.mark.parametrize(
    "url",
    [
        *("mysql://u:secret@h/d", "sqlite:///secret.db", "secret", "postgresql:secret"),
        *("postgresql://u:secret@h:port/d", "postgresql://secret:99999999/d"),
    ],
)
def test_a_catalogue_of_another_kind_is_refused_by_its_origin_and_never_shown(url):
    with pytest.raises(SettingsError, match=r"env POLYSEEK_CATALOGUE_URL.*postgresql://") as caught:
        load_settings({}, {"POLYSEEK_CATALOGUE_URL": url}, NO_FILE)
    assert "secret" not in str(caught.value)


def test_a_choice_that_comes_as_an_enum_is_plain_text_from_then_on():
    device = StrEnum("Choice", {"CUDA": "cuda"}).CUDA
    settings, _ = load_settings({"device": device}, {}, NO_FILE)
    assert repr(settings.device) == "'cuda'"


def test_a_wrong_flag_is_refused():
    with pytest.raises(SettingsError, match=r"top = 0 .from flag --top.: must be at least 1"):
        load_settings({"top": 0}, {}, NO_FILE)


def test_a_wrong_value_is_refused_even_where_a_stronger_layer_hides_it(write_file):
    with pytest.raises(SettingsError, match="top"):
        load_settings({"top": 3}, {}, write_file("top = 0"))


def test_an_unknown_key_is_refused_and_the_likely_one_named(write_file):
    with pytest.raises(SettingsError, match="'batchsize' is no setting") as caught:
        load_settings({}, {}, write_file("batchsize = 3"))
    assert caught.value.hint == "did you mean 'batch_size'?"
    with pytest.raises(SettingsError, match="'zzz'") as caught:
        load_settings({}, {}, write_file("zzz = 3"))
    assert "collection" in caught.value.hint


def test_a_slip_in_a_variable_is_refused_and_a_foreign_one_is_left_alone():
    with pytest.raises(SettingsError, match="POLYSEEK_COLECTION") as caught:
        load_settings({}, {"POLYSEEK_COLECTION": "x"}, NO_FILE)
    assert caught.value.hint == "did you mean POLYSEEK_COLLECTION?"
    foreign = {"POLYSEEK_TEST_DATA": "/data", "PATH": "/bin", "TOP": "3"}
    assert load_settings({}, foreign, NO_FILE)[0] == Settings()


def test_an_unknown_flag_is_a_programmers_mistake():
    with pytest.raises(ValueError, match="no setting"):
        load_settings({"nope": 1}, {}, NO_FILE)


@pytest.mark.parametrize("content", [b"top = ", b"top = 1\ntop = 2", b"\xff\xfe", b"\x00"])
def test_a_file_that_is_no_toml_is_refused(write_file, content):
    with pytest.raises(SettingsError, match="no valid TOML"):
        load_settings({}, {}, write_file(content))


def test_a_folder_in_place_of_the_file_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings({}, {}, tmp_path)


def test_a_secret_never_shows_in_a_message(write_file):
    with pytest.raises(SettingsError) as caught:
        load_settings({}, {}, write_file('catalogue_url = ["postgresql://me:hunter2@host/db"]'))
    assert "hunter2" not in str(caught.value)


def test_the_names_of_a_setting():
    assert (env_name("batch_size"), flag_name("batch_size")) == (
        "POLYSEEK_BATCH_SIZE",
        "--batch-size",
    )
