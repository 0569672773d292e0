"""Folders that clip-retrieval's inference wrote: what goes where, and what does not fit."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from indexer.embeddings import Embeddings, index_embeddings
from indexer.service import verify_collection
from retrieval.errors import SourceError
from retrieval.model import FIRST_ID
from retrieval.store.collection import Collection
from tests.collection_kit import read_state
from tests.indexer.embeddings.kit import FINGERPRINT, counts, unit_rows


def clip_retrieval(folder, n=(3, 2), *, columns=("image_path", "caption"), texts=True):
    """A folder as clip-retrieval inference writes it."""
    for name in ("img_emb", "text_emb", "metadata"):
        (folder / name).mkdir(parents=True)
    for part, rows in enumerate(n):
        np.save(folder / "img_emb" / f"img_emb_{part}.npy", unit_rows(rows, part, np.float16))
        if texts:
            vectors = unit_rows(rows, part + 50, np.float16)
            np.save(folder / "text_emb" / f"text_emb_{part}.npy", vectors)
        values = {
            "image_path": [f"{part}{i:08}" for i in range(rows)],
            "caption": [f"caption {part} {i}" for i in range(rows)],
            "url": [f"http://x/{part}/{i}" if i else None for i in range(rows)],
        }
        table = pa.table({name: values[name] for name in columns})
        pq.write_table(table, folder / "metadata" / f"metadata_{part}.parquet")
    return Embeddings(folder, model="far", fingerprint=FINGERPRINT)


def test_a_folder_of_clip_retrieval_fills_both_galleries(tmp_path, folder):
    source = clip_retrieval(tmp_path / "out")
    assert counts(index_embeddings(source, folder)) == (10, 0, 0, 0)
    assert counts(index_embeddings(source, folder)) == (0, 0, 10, 0)
    with Collection.open(folder) as view:
        assert [view.gallery(name).n_items for name in ("images", "texts")] == [5, 5]
        found = view.catalogue.hydrate([4, FIRST_ID["texts"] + 3], view.generation)
    for record in found.values():
        assert record.files[0].path == b"100000000"
        assert record.captions == ("caption 1 0",)
    assert verify_collection(folder).problems == ()


def test_one_gallery_of_a_folder(tmp_path, folder):
    source = clip_retrieval(tmp_path / "out")
    only = Embeddings(source.vectors, None, "texts", "far", FINGERPRINT)
    assert counts(index_embeddings(only, folder))[0] == 5


def test_an_address_says_more_than_a_key(tmp_path, folder):
    source = clip_retrieval(tmp_path / "out", (2,), columns=("image_path", "url"), texts=False)
    index_embeddings(source, folder)
    paths = {path for _, files, _ in read_state(folder).items.values() for path in files}
    assert paths == {b"000000000", b"http://x/0/1"}


def test_folders_that_do_not_fit_together_are_refused(tmp_path, folder):
    source = clip_retrieval(tmp_path / "a", columns=("caption",))
    with pytest.raises(SourceError, match="neither a column image_path nor url"):
        index_embeddings(source, folder)
    source = clip_retrieval(tmp_path / "b")
    np.save(tmp_path / "b" / "img_emb" / "img_emb_1.npy", unit_rows(7))
    with pytest.raises(SourceError, match=r"7 rows, .*metadata_1.parquet has 2"):
        index_embeddings(source, folder)
    np.save(tmp_path / "b" / "img_emb" / "img_emb_1.npy", unit_rows(2, dim=4))
    with pytest.raises(SourceError, match=r"vectors of 8 numbers in .*, of 4 in"):
        index_embeddings(source, folder)
    (tmp_path / "b" / "metadata" / "metadata_0.parquet").unlink()
    with pytest.raises(SourceError, match="no such table"):
        index_embeddings(source, folder)
    with pytest.raises(SourceError, match="no img_emb"):
        index_embeddings(Embeddings(tmp_path / "none", model="far"), folder)
