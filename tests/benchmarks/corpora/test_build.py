"""A corpus of a few drawn pictures: distinct, small, and the same every time."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.corpora import build
from benchmarks.corpora.build import build_corpus
from benchmarks.corpora.sources import CLIP_ART, LARGEST_PX, STAMPS


def noise(seed, size=(500, 400)):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (8, 10, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


@pytest.fixture(autouse=True)
def _no_packaged_photographs(monkeypatch):
    monkeypatch.setattr(build, "packaged_photographs", lambda: iter(()))


@pytest.fixture
def photographs(tmp_path):
    folder = tmp_path / "photographs"
    (folder / "below").mkdir(parents=True)
    noise(1).save(folder / "one.jpg")
    noise(2).save(folder / "below" / "two.png")
    noise(2).save(folder / "the-same-again.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "root"
    for where, seed in ((STAMPS / "animals", 3), (CLIP_ART, 4)):
        (root / where).mkdir(parents=True)
        noise(seed, (900, 300)).save(root / where / "drawing.png")
    (root / CLIP_ART / "link.png").symlink_to(root / CLIP_ART / "drawing.png")
    shape = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    shape.save(root / CLIP_ART / "transparent.png")
    return root


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_source_gives_its_distinct_pictures_and_crops_fill_up(photographs, root, tmp_path):
    corpus = build_corpus(tmp_path / "out", [photographs], 9, root)
    assert corpus.counts == {"photographs": 2, "stamps": 1, "clip-art": 2, "crops": 4}
    files = contents(tmp_path / "out")
    assert len(files) == corpus.n_pictures == 9
    assert len(set(files.values())) == 9
    assert "stamps/animals-drawing.jpg" in files
    for name in files:
        with Image.open(tmp_path / "out" / name) as image:
            assert max(image.size) <= LARGEST_PX
            assert image.mode == "RGB"
    with Image.open(tmp_path / "out" / "stamps" / "animals-drawing.jpg") as image:
        assert image.size == (LARGEST_PX, LARGEST_PX // 3)
    with Image.open(tmp_path / "out" / "clip-art" / "transparent.jpg") as image:
        assert image.getpixel((10, 10)) == (255, 255, 255)


def test_the_same_sources_give_the_same_files(photographs, root, tmp_path):
    for name in ("first", "second"):
        build_corpus(tmp_path / name, [photographs], 12, root)
    assert contents(tmp_path / "first") == contents(tmp_path / "second")


def test_missing_packages_are_made_up_by_crops(photographs, tmp_path):
    corpus = build_corpus(tmp_path / "out", [photographs], 10, tmp_path / "nowhere")
    assert corpus.counts == {"photographs": 2, "stamps": 0, "clip-art": 0, "crops": 8}


def test_enough_pictures_need_no_crops(photographs, root, tmp_path):
    assert "crops" not in build_corpus(tmp_path / "out", [photographs], 3, root).counts


def test_a_drawing_of_too_many_pixels_is_left_out(photographs, root, tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.corpora.sources._MAX_PIXELS", 900 * 300 - 1)
    assert build_corpus(tmp_path / "out", [photographs], 1, root).counts == {
        "photographs": 2,
        "stamps": 0,
        "clip-art": 1,
    }


def test_a_folder_that_is_not_empty_is_refused(photographs, root):
    with pytest.raises(ValueError, match="not empty: name a new folder"):
        build_corpus(photographs, [photographs], 9, root)


def test_a_folder_without_photographs_is_refused(root, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="holds no photographs"):
        build_corpus(tmp_path / "out", [tmp_path / "empty"], 9, root)
