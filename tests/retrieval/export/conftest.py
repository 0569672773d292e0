"""One odd collection for all tests here: none of them changes it."""

import pytest

from retrieval.store.collection import Collection
from tests.retrieval.export.kit import odd_collection


@pytest.fixture(scope="session")
def odd_folder(tmp_path_factory):
    return odd_collection(tmp_path_factory.mktemp("odd") / "c")


@pytest.fixture
def odd(odd_folder):
    with Collection.open(odd_folder) as collection:
        yield collection
