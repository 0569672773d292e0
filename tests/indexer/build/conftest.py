"""A collection of some ten thousand items in a few segments, without an index and with one."""

import shutil

import pytest

from indexer.build import bring_index_up_to_date
from indexer.options import BuildOptions
from indexer.writer import CollectionWriter
from retrieval.ann import tune
from tests.indexer.build.kit import (
    INFO,
    ConeEncoder,
    N,
    commit,
    item_rows,
)


@pytest.fixture(scope="session")
def plain_folder(tmp_path_factory):
    """N items in three segments, a few of them deleted, no index."""
    folder = tmp_path_factory.mktemp("plain") / "c"
    rows = item_rows(N)
    with CollectionWriter.open(folder, INFO) as writer:
        for first, last in [(0, 5000), (5000, 9000), (9000, N)]:
            commit(writer, rows[first:last], first)
        writer.delete_items([1, 2, 9001])
    return folder


@pytest.fixture(scope="session")
def built_folder(plain_folder, tmp_path_factory):
    folder = shutil.copytree(plain_folder, tmp_path_factory.mktemp("built") / "c")
    with pytest.MonkeyPatch.context() as patch, CollectionWriter.open(folder, INFO) as writer:
        patch.setattr(tune, "CHEAP_NS", 0.0)
        bring_index_up_to_date(writer, ConeEncoder(), options=BuildOptions(seed=3))
    return folder


@pytest.fixture(autouse=True)
def _nothing_is_cheap(monkeypatch):
    """So few items would be searched nearly exactly, whatever the target."""
    monkeypatch.setattr(tune, "CHEAP_NS", 0.0)


@pytest.fixture
def plain(plain_folder, tmp_path):
    return shutil.copytree(plain_folder, tmp_path / "plain")


@pytest.fixture
def built(built_folder, tmp_path):
    return shutil.copytree(built_folder, tmp_path / "built")
