"""Where the collection goes, how vectors get into it, and an encoder that is at hand."""

import numpy as np
import pytest

from indexer.embeddings import Embeddings, index_embeddings
from indexer.service import IndexOptions
from retrieval.encoders import registry
from tests.factories import GeometryEncoder
from tests.indexer.embeddings.kit import FINGERPRINT


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "collection"


@pytest.fixture
def put(tmp_path, folder):
    """Write vectors and ids, and take them in."""

    def put(vectors, ids, *, segment_items=4096, dry_run=False, **said):
        np.save(tmp_path / "v.npy", vectors)
        lines = b"".join((i if isinstance(i, bytes) else i.encode()) + b"\n" for i in ids)
        (tmp_path / "ids.txt").write_bytes(lines)
        said = said or {"model": "far", "fingerprint": FINGERPRINT}
        source = Embeddings(tmp_path / "v.npy", tmp_path / "ids.txt", **said)
        options = IndexOptions(import_items=segment_items, dry_run=dry_run)
        return index_embeddings(source, folder, options=options)

    return put


@pytest.fixture
def geometry(monkeypatch):
    monkeypatch.setitem(registry._registered, "geometry", GeometryEncoder)
    return GeometryEncoder().info
