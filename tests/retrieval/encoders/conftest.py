"""A tiny model with random weights, and a hub on this machine to fetch it from."""

import shutil

import pytest

from tests.factories import tiny_clip
from tests.hub import serving


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    return tiny_clip(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def copied(bundle, tmp_path):
    """The tiny model in a folder of the test's own."""
    return shutil.copytree(bundle, tmp_path / "model")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A hub that huggingface_hub talks to, with an empty cache."""
    from huggingface_hub import constants

    with serving() as served:
        template = served.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", served.url)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield served
