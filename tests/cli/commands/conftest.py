"""Real collections: pictures of one colour, an encoder of known geometry."""

import json
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


@pytest.fixture
def coco_mini(here):
    """The four pictures of the folder with two captions each, in the official form."""
    folder = here / "data" / "coco_mini"
    folder.mkdir(parents=True)
    names = sorted(each.name for each in (here / "photos").iterdir())
    (here / "photos").rename(folder / "images")
    images = [{"id": number, "file_name": name} for number, name in enumerate(names)]
    said = [
        {"id": 10 * number + each, "image_id": number, "caption": f"{name[:-4]} {'very' * each}"}
        for number, name in enumerate(names)
        for each in range(2)
    ]
    (folder / "captions_mine.json").write_text(json.dumps({"images": images, "annotations": said}))
    return folder
