"""Embeddings of data sets: once for all, whatever cannot be read is named."""

import numpy as np
import pytest
from PIL import Image

from benchmarks import features as module
from benchmarks.datasets.base import DatasetError, Picture
from benchmarks.features import Features
from indexer.adhoc import Skip, embed_files, files_of
from retrieval.store.cached import CacheFolder
from tests.factories import COLOURS, GeometryEncoder
from tests.retrieval.images.kit import gradient, linear_profile
from tests.retrieval.query.test_language import Polyglot


class Counting(GeometryEncoder):
    """Counts what it is asked."""

    def __init__(self):
        super().__init__()
        self.n_pictures = self.n_texts = 0

    def encode_pixels(self, pixels):
        self.n_pictures += len(pixels)
        return super().encode_pixels(pixels)

    def encode_texts(self, texts):
        self.n_texts += len(texts)
        return super().encode_texts(texts)


@pytest.fixture
def pictures(tmp_path):
    made = []
    for name, corner in COLOURS.items():
        path = tmp_path / f"{name}.png"
        Image.new("RGB", (16, 16), tuple(255 * level for level in corner)).save(path)
        made.append(Picture(name, path))
    return made


@pytest.fixture
def cache(tmp_path):
    return CacheFolder(tmp_path / "cache", "features")


def test_rows_are_the_encoders_own(pictures, cache):
    encoder = Counting()
    seen = Features(encoder, cache).pictures(pictures)
    images = [Image.open(each.path).convert("RGB") for each in pictures]
    np.testing.assert_allclose(seen.rows, GeometryEncoder().encode_images(images), atol=1e-6)
    assert seen.unreadable == ()
    texts = Features(encoder, cache).texts(["red", "blue"])
    np.testing.assert_array_equal(texts, GeometryEncoder().encode_texts(["red", "blue"]))


def test_pictures_are_seen_as_they_are_stored(tmp_path, cache):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = gradient(400, 200)
    picture.save(tmp_path / "turned.jpg", exif=exif, icc_profile=linear_profile())
    encoder = GeometryEncoder()
    seen = Features(encoder, cache).pictures([Picture("turned", tmp_path / "turned.jpg")])
    plain = Image.open(tmp_path / "turned.jpg").convert("RGB")
    np.testing.assert_array_equal(seen.rows, encoder.encode_images([plain]))
    ((_, upright),) = embed_files(encoder, files_of([tmp_path / "turned.jpg"]))
    assert not np.allclose(seen.rows, upright, atol=1e-3)


def test_nothing_is_embedded_twice(pictures, cache, monkeypatch):
    monkeypatch.setattr(module, "_PICTURES_AT_ONCE", 3)
    encoder = Counting()
    features = Features(encoder, cache)
    first = features.pictures(pictures)
    assert features.pictures(list(pictures)) is first
    again = Features(encoder, cache).pictures(pictures)
    np.testing.assert_array_equal(first.rows, again.rows)
    assert (first.sha256, encoder.n_pictures) == (again.sha256, len(COLOURS))
    for _ in range(2):
        Features(encoder, cache).texts(["red", "blue"])
    assert encoder.n_texts == 2


def test_a_picture_that_changes_is_another_one(pictures, cache):
    before = Features(GeometryEncoder(), cache).pictures(pictures)
    Image.new("RGB", (16, 16), (255, 0, 0)).save(pictures[0].path)
    after = Features(GeometryEncoder(), cache).pictures(pictures)
    assert after.sha256 != before.sha256
    assert not np.array_equal(after.rows[0], before.rows[0])


def test_one_that_cannot_be_read_stops_nothing(pictures, cache):
    pictures[2].path.write_bytes(b"no picture")
    seen = Features(GeometryEncoder(), cache).pictures(pictures)
    assert seen.unreadable == (2,)
    left = seen.without_unreadable()
    assert (len(left.rows), left.sha256) == (len(COLOURS) - 1, seen.sha256)
    assert left.rows.any(axis=1).all()
    pictures[3].path.unlink()
    with pytest.raises(DatasetError, match="cannot read the picture"):
        Features(GeometryEncoder(), cache).pictures(pictures)


def test_languages_are_told_to_encoders_that_ask(cache):
    features = Features(Polyglot(), cache)
    german, english = features.texts(["red"], "de"), features.texts(["red"], "en")
    assert not np.array_equal(german, english)
    np.testing.assert_array_equal(german, features.texts(["red"], "de"))
    assert Features(GeometryEncoder(), cache).texts([]).shape == (0, 8)


def test_progress_is_told(pictures, cache, monkeypatch):
    monkeypatch.setattr(module, "_PICTURES_AT_ONCE", 5)
    told = []
    features = Features(GeometryEncoder(), cache, lambda *step: told.append(step))
    features.pictures(pictures)
    features.texts(["red"])
    assert told == [("pictures", 5, 8), ("pictures", 8, 8), ("texts", 1, 1)]


def test_one_that_can_be_read_again_is(pictures, cache, monkeypatch):
    def nothing(encoder, files, **options):
        return [(each, Skip(b"", "truncated")) for each in files]

    with monkeypatch.context() as patched:
        patched.setattr(module, "embed_files", nothing)
        assert len(Features(GeometryEncoder(), cache).pictures(pictures).unreadable) == 8
    assert Features(GeometryEncoder(), cache).pictures(pictures).unreadable == ()


def test_what_another_device_embedded_is_not_taken(tmp_path, pictures, monkeypatch):
    monkeypatch.setattr(module, "device_of", lambda encoder: getattr(encoder, "where", "cpu"))
    cache = CacheFolder(tmp_path / "cache", "features")
    here, there, again = Counting(), Counting(), Counting()
    there.where = again.where = "cuda"
    for encoder in (here, there, again):
        features = Features(encoder, cache)
        features.pictures(pictures)
        features.texts(["red"])
    assert [each.n_pictures for each in (here, there, again)] == [len(pictures)] * 2 + [0]
    assert [each.n_texts for each in (here, there, again)] == [1, 1, 0]


def test_the_pace_is_that_of_one_data_set(pictures):
    features = Features(Counting(), CacheFolder(None, "features"))
    features.pictures(pictures[:3])
    assert features.pace()["images_embedded"] == 3
    features.start_pace()
    assert features.pace() == {}
    features.pictures(pictures)
    assert features.pace()["images_embedded"] == len(pictures)


def test_pictures_of_a_list_in_memory_are_not_looked_at_again(pictures, cache):
    """A language that lacks some of them; as if they had been asked for alone."""
    encoder = Counting()
    features = Features(encoder, cache)
    features.pictures(pictures)
    few = [pictures[5], pictures[2]]
    part = features.pictures(few)
    assert encoder.n_pictures == len(COLOURS)
    alone = Features(Counting(), CacheFolder(None, "features")).pictures(few)
    np.testing.assert_array_equal(part.rows, alone.rows)
    assert (part.sha256, part.digests, part.unreadable) == (alone.sha256, alone.digests, ())
    features.pictures(pictures[:3])
    features.pictures(pictures[:4])
    assert encoder.n_pictures == len(COLOURS)  # the list that has them all stays
