"""Real collections: pictures of one colour, an encoder of known geometry."""

from dataclasses import replace

import pytest
from PIL import Image

from retrieval.encoders import registry
from tests.cli.commands.kit import COLOURS, run
from tests.factories import GeometryEncoder


class Stranger(GeometryEncoder):
    """Another space under another name."""

    @property
    def info(self):
        return replace(super().info, name="stranger", fingerprint="f" * 64)


@pytest.fixture(autouse=True)
def geometry(monkeypatch):
    monkeypatch.setitem(registry._registered, "geometry", GeometryEncoder)
    monkeypatch.setitem(registry._registered, "stranger", Stranger)
    monkeypatch.setenv("POLYSEEK_MODEL", "geometry")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder: photos/ with four pictures, no collection."""
    for name, colour in COLOURS.items():
        path = tmp_path / "photos" / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new("RGB", (32, 24), colour).save(path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def indexed(here):
    assert run("index", "photos").exit_code == 0
    return here
