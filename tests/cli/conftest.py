"""What every test of the command line starts from: no settings of the machine it runs on."""

import logging
import os

import pytest

from retrieval.encoders.options import EncoderOptions, configure_encoders


@pytest.fixture(autouse=True)
def bare_settings(tmp_path_factory, monkeypatch):
    """No variables, no settings file, a cache of its own; log levels as they were afterwards."""
    home = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith("POLYSEEK_") and name not in (
            "POLYSEEK_TEST_DATA",
            "POLYSEEK_REWRITE_GOLDEN",
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", os.fspath(home / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", os.fspath(home / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", os.fspath(home / "cache"))
    monkeypatch.setenv("OMP_WAIT_POLICY", "PASSIVE")
    root = logging.getLogger()
    handlers = list(root.handlers)
    yield home
    root.handlers = handlers
    configure_encoders(EncoderOptions())
    for name in ("retrieval", "indexer", "benchmarks", "cli"):
        logging.getLogger(name).setLevel(logging.NOTSET)
