"""Hits made from files that a test wrote."""

import os

import pytest
from PIL import Image

from retrieval.model import FileRef, Hit, ImageMeta, ItemId, ItemRecord


@pytest.fixture
def make_hit(tmp_path):
    """A hit whose file is one plain colour; colour None writes no file."""

    def make(name="red.png", colour="red", *, rank=1, score=0.25, size=(80, 60)):
        path = os.path.join(os.fsencode(tmp_path), os.fsencode(name))
        if colour is not None:
            with open(path, "wb") as file:
                Image.new("RGB", size, colour).save(file, "PNG")
        meta = ImageMeta(format="PNG", width=size[0], height=size[1])
        file_ref = FileRef(path, 1_234_567, 0)
        return Hit(rank, score, ItemRecord(ItemId(rank), f"{rank:064x}", meta, (file_ref,)))

    return make
