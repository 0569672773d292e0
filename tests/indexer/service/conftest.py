"""A folder of seven pictures, and where its collection goes."""

import pytest

from tests.indexer.service.kit import paint


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for i in range(6):
        paint(folder / f"{i}.png", i)
    paint(folder / "sub" / "0.png", 100)
    return folder


@pytest.fixture
def collection(tmp_path):
    return tmp_path / "collection"
