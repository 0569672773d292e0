"""Small pictures to index, and what a run made of them."""

import os

import numpy as np
from PIL import Image

from indexer.service import IndexOptions, index_folders
from retrieval.store.collection import Collection
from tests.factories import GeometryEncoder


def paint(path, seed, *, size=(24, 16), **options):
    """A small picture that no other seed gives."""
    noise = np.random.default_rng(seed).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    Image.fromarray(noise).save(path, **options)


def index(source, collection, *, encoder=None, on_progress=None, **options):
    sources = source if isinstance(source, list) else [source]
    return index_folders(
        sources,
        collection,
        encoder=encoder or GeometryEncoder(),
        options=IndexOptions(batch_size=4, workers=2, **options),
        on_progress=on_progress,
    )


def counts(report):
    return (
        report.added,
        report.updated,
        report.moved,
        report.removed,
        report.unchanged,
        len(report.skipped),
    )


def indexed(collection):
    """sha256 and item of every file, by path."""
    with Collection.open(collection) as view:
        files = view.catalogue.files_under(b"/", view.generation)
        return {entry.file.path: (entry.sha256, entry.item_id) for entry in files}


def n_items(collection):
    with Collection.open(collection) as view:
        return view.gallery("images").n_items
