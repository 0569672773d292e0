"""The contract of readers, on folders and on lists of pairs; others have it in their own tests."""

import os
import shutil

import pytest

from indexer.readers.folder import FolderReader
from indexer.readers.pairs import PairsReader
from tests.contracts.reader import ReaderContract, Source
from tests.indexer.readers.kit import png


def pictures(folder, names):
    contents = {}
    for seed, name in enumerate(names):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(seed))
        contents[os.fsencode(path)] = png(seed)
    return contents


class TestFolder(ReaderContract):
    @pytest.fixture
    def source(self, tmp_path):
        root = tmp_path / "photos"
        contents = pictures(root, [f"{i // 3}/{i}.png" for i in range(8)])
        (root / "0" / "0.txt").write_text("a dog\n\ntwo dogs")
        (root / "1" / "link.png").symlink_to("/etc/passwd")
        return Source(
            make=lambda: FolderReader(os.fsencode(root)),
            contents=contents,
            strangers=[os.fsencode(root), os.fsencode(tmp_path / "photos2" / "a.png")],
            cut=None,
            empty=lambda: [shutil.rmtree(each) for each in root.iterdir()],
            skipped={os.fsencode(root / "1" / "link.png"): "symbolic link"},
            n_captions=1,
        )


class TestPairs(ReaderContract):
    @pytest.fixture
    def source(self, tmp_path):
        contents = pictures(tmp_path, [f"images/{i}.png" for i in range(5)])
        path = tmp_path / "pairs.csv"
        rows = [f"images/{i}.png,caption {i}" for i in range(5)]
        rows += ["images/0.png,another", "images/none.png,lost", ",nobody's"]
        path.write_text("\n".join(["image,caption", *rows]))
        root = os.fsencode(path)
        return Source(
            make=lambda: PairsReader(root),
            contents=contents,
            strangers=[root, os.fsencode(tmp_path / "images" / "9.png")],
            cut=None,  # half a list is a list
            empty=lambda: path.write_bytes(b""),
            skipped={
                os.fsencode(tmp_path / "images" / "none.png"): "no such file",
                root + b":9": "caption without image",
            },
            n_captions=1,
        )
