"""Reading files that change, vanish or are no pictures; and decoding ahead in a fixed order."""

import hashlib
import io
import os
import threading
import time

import numpy as np
import pytest
from PIL import Image

from indexer.decode import FileDecoder, map_ahead
from indexer.readers import files
from indexer.readers.base import Skip
from indexer.readers.files import read_stable
from retrieval.errors import ImageError
from retrieval.images import PixelLimits
from retrieval.model import FileRef


def jpeg(colour=(200, 30, 30), size=(64, 48)):
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


def ref(path):
    return FileRef(os.fsencode(path), 0, 0)


class Shrinker:
    """The preprocessing half of an encoder."""

    input_px = 8

    def preprocess(self, image):
        return np.asarray(image.resize((8, 8)), dtype=np.uint8)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg())
    return path


def test_a_picture_is_read_hashed_decoded_and_preprocessed(photo):
    read = FileDecoder(Shrinker())(ref(photo))
    status = photo.stat()
    assert read.file == FileRef(os.fsencode(photo), status.st_size, status.st_mtime_ns)
    assert read.sha256 == hashlib.sha256(photo.read_bytes()).hexdigest()
    assert (read.picture.meta.width, read.picture.meta.height) == (64, 48)
    assert read.picture.pixels.shape == (8, 8, 3)


def test_known_content_is_not_decoded(photo):
    digest = hashlib.sha256(photo.read_bytes()).hexdigest()
    assert FileDecoder(Shrinker(), known={digest: 1})(ref(photo)).picture is None


def test_without_an_encoder_pictures_are_decoded_all_the_same(photo):
    read = FileDecoder(None)(ref(photo))
    assert read.picture.pixels is None
    photo.write_bytes(jpeg()[:200])
    assert FileDecoder(None)(ref(photo)).reason == "truncated"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty file"),
        (jpeg()[:300], "truncated"),
        (b"<!doctype html><title>404</title>", "not an image"),
    ],
)
def test_what_is_no_whole_picture_is_a_skip(tmp_path, content, reason):
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    assert FileDecoder(Shrinker())(ref(path)) == Skip(os.fsencode(path), reason)


def test_the_pixel_limits_reach_the_decoder(photo):
    tight = FileDecoder(Shrinker(), limits=PixelLimits(jpeg=100, other=100))
    assert tight(ref(photo)).reason == "too many pixels"


def test_a_file_that_vanished_since_the_scan_is_a_skip(tmp_path):
    skip = FileDecoder(Shrinker())(ref(tmp_path / "gone.jpg"))
    assert skip.reason == "vanished since the scan"


def test_a_file_that_may_not_be_read_is_a_skip(photo, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.os, "open", refuse)
    assert FileDecoder(Shrinker())(ref(photo)).reason == "unreadable file: permission denied"


def test_a_pipe_in_place_of_the_file_neither_blocks_nor_is_read(tmp_path):
    os.mkfifo(tmp_path / "a.jpg")
    assert FileDecoder(Shrinker())(ref(tmp_path / "a.jpg")).reason == "not a regular file"


def test_a_link_in_place_of_the_file_is_not_followed(photo, tmp_path):
    (tmp_path / "b.jpg").symlink_to(photo)
    reason = FileDecoder(Shrinker())(ref(tmp_path / "b.jpg")).reason
    assert reason.startswith("unreadable file: ")


def test_a_file_that_is_too_large_is_not_read(photo, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 100)
    assert FileDecoder(Shrinker())(ref(photo)).reason == "file too large"


class ChangesWhileRead(io.FileIO):
    """A file that somebody writes to between our two looks at it."""

    times = 0

    def readall(self):
        content = super().readall()
        if type(self).times > 0:
            type(self).times -= 1
            os.utime(self.fileno(), ns=(0, time.monotonic_ns()))
        return content


@pytest.mark.parametrize(("times", "is_read"), [(1, True), (2, False)])
def test_a_file_that_changes_while_it_is_read_is_read_once_more(photo, monkeypatch, times, is_read):
    def open_changing(path):
        return ChangesWhileRead(path, "r")

    monkeypatch.setattr(ChangesWhileRead, "times", times)
    monkeypatch.setattr(files, "open_regular", open_changing)
    if is_read:
        file, content = read_stable(os.fsencode(photo))
        assert content == photo.read_bytes()
        assert file.mtime_ns == photo.stat().st_mtime_ns
    else:
        with pytest.raises(ImageError, match="changed while it was read"):
            read_stable(os.fsencode(photo))


def test_no_descriptor_is_left_open(photo, tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    before = len(os.listdir("/proc/self/fd"))
    for name in ("a.jpg", "pipe.jpg", "none.jpg"):
        FileDecoder(Shrinker())(ref(tmp_path / name))
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("error", [MemoryError, ValueError, ZeroDivisionError])
def test_whatever_preprocessing_raises_costs_one_picture(photo, monkeypatch, error):
    def fail(self, image):
        raise error

    monkeypatch.setattr(Shrinker, "preprocess", fail)
    reason = FileDecoder(Shrinker())(ref(photo)).reason
    assert reason == (
        "out of memory" if error is MemoryError else f"cannot decode: {error.__name__}"
    )


# -- map_ahead ----------------------------------------------------------------------------------


def test_results_come_in_the_order_of_the_input():
    def slow_first(x):
        time.sleep(0.02 if x == 0 else 0)
        return x

    assert list(map_ahead(slow_first, range(20), workers=4, window=8)) == list(range(20))


def test_never_more_than_a_window_is_taken_ahead():
    taken = []

    def inputs():
        for i in range(50):
            taken.append(i)
            yield i

    for i in map_ahead(lambda x: x, inputs(), workers=3, window=5):
        assert len(taken) - i <= 5


def test_workers_run_side_by_side():
    meeting = threading.Barrier(3, timeout=5)
    assert list(map_ahead(lambda x: meeting.wait() >= 0, range(6), workers=3, window=6))


def test_an_exception_comes_in_its_place_and_ends_the_threads():
    def fail_at_2(x):
        if x == 2:
            raise ArithmeticError
        return x

    results = map_ahead(fail_at_2, range(10), workers=2, window=4)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ArithmeticError):
        next(results)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_closing_drops_what_was_not_started():
    started = []

    def slowly(x):
        started.append(x)
        time.sleep(0.01)
        return x

    results = map_ahead(slowly, range(1000), workers=1, window=100)
    next(results)
    results.close()
    assert len(started) < 20
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


def test_no_input_gives_no_result():
    assert list(map_ahead(abs, [], workers=1, window=1)) == []


@pytest.mark.parametrize(("workers", "window"), [(0, 1), (1, 0)])
def test_counts_below_one_are_refused(workers, window):
    with pytest.raises(ValueError, match="at least 1"):
        list(map_ahead(abs, [1], workers=workers, window=window))
