"""Runs that something disturbs: Ctrl-C, another writer, files that go, an encoder that fails."""

import os

import numpy as np
import pytest
from PIL import Image

from indexer import run
from retrieval.errors import LockedError
from tests.factories import GeometryEncoder
from tests.indexer.service.kit import counts, index, indexed


def test_ctrl_c_loses_at_most_the_segment_in_flight_and_the_next_run_goes_on(photos, collection):
    def interrupt(progress):
        if progress.committed >= 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        index(photos, collection, on_progress=interrupt, segment_items=2)
    assert len(indexed(collection)) == 4
    assert counts(index(photos, collection)) == (3, 0, 0, 0, 4, 0)


def test_a_second_writer_is_refused(photos, collection):
    index(photos, collection)
    with run.CollectionWriter.open(collection, None), pytest.raises(LockedError):
        index(photos, collection)


def test_an_unreadable_file_is_skipped_and_comes_in_later(photos, collection, monkeypatch):
    real_open = os.open

    def refuse(path, *arguments, **options):
        if isinstance(path, bytes) and path.endswith(b"/3.png"):
            raise PermissionError(13, "Permission denied")
        return real_open(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        report = index(photos, collection)
    assert counts(report) == (6, 0, 0, 0, 0, 1)
    assert report.skipped[0].reason == "unreadable file: permission denied"
    assert counts(index(photos, collection)) == (1, 0, 0, 0, 6, 0)


def test_a_file_that_vanishes_between_scan_and_read_is_skipped_and_then_removed(
    photos, collection, monkeypatch
):
    index(photos, collection)
    os.utime(photos / "3.png", ns=(1, 1))
    plan = run.plan_changes

    def plan_then_delete(*arguments, **options):
        changes = plan(*arguments, **options)
        (photos / "3.png").unlink(missing_ok=True)
        return changes

    with monkeypatch.context() as patch:
        patch.setattr(run, "plan_changes", plan_then_delete)
        report = index(photos, collection)
    assert [skip.reason for skip in report.skipped] == ["vanished since the scan"]
    assert counts(index(photos, collection)) == (0, 0, 0, 1, 6, 0)


def test_an_encoder_that_fails_on_one_picture_costs_that_picture(photos, collection, monkeypatch):
    encode = GeometryEncoder.encode_pixels
    odd = GeometryEncoder().preprocess(Image.open(photos / "2.png").convert("RGB"))

    def fail_on_one(self, pixels):
        if any(np.array_equal(each, odd) for each in pixels):
            raise RuntimeError("out of luck")
        return encode(self, pixels)

    monkeypatch.setattr(GeometryEncoder, "encode_pixels", fail_on_one)
    report = index(photos, collection)
    assert counts(report) == (6, 0, 0, 0, 0, 1)
    assert report.skipped[0].path.endswith(b"/2.png")
