"""Receipts: what was hashed once is not hashed again, until anything about the file changes."""

import os
import time

import pytest

from retrieval.errors import CorruptCollectionError
from retrieval.store import receipts as receipts_module
from retrieval.store.manifest import FileEntry
from retrieval.store.receipts import MAX_AGE_S, Receipts
from retrieval.store.segment import check_file, read_checked


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(receipts_module, "_SETTLED_S", 0.0)
    path = tmp_path / "codes"
    path.write_bytes(b"codes")
    return path


@pytest.fixture
def hashed(monkeypatch):
    """Sizes of what check_file hashed."""
    from retrieval.store import segment

    real, log = segment.sha256, []

    def counting():
        log.append(1)
        return real()

    monkeypatch.setattr(segment, "sha256", counting)
    return log


ENTRY = FileEntry.of("codes", b"codes")


def test_a_file_is_hashed_once(file, tmp_path, hashed):
    receipts = Receipts(tmp_path / "cache")
    check_file(file, ENTRY, receipts)
    assert len(hashed) == 1
    check_file(file, ENTRY, receipts)
    check_file(file, ENTRY, Receipts(tmp_path / "cache"))
    assert len(hashed) == 1


def test_reading_uses_receipts_too(file, tmp_path, monkeypatch):
    receipts = Receipts(tmp_path / "cache")
    assert read_checked(file, ENTRY, receipts) == b"codes"
    monkeypatch.setattr("retrieval.store.segment.sha256", None)
    assert read_checked(file, ENTRY, receipts) == b"codes"


def test_a_change_of_the_file_voids_the_receipt(file, tmp_path):
    receipts = Receipts(tmp_path / "cache")
    check_file(file, ENTRY, receipts)
    time.sleep(0.02)
    file.write_bytes(b"cOdes")
    with pytest.raises(CorruptCollectionError):
        check_file(file, ENTRY, receipts)
    file.write_bytes(b"co")
    with pytest.raises(CorruptCollectionError):
        check_file(file, ENTRY, receipts)


def test_a_damaged_file_gets_no_receipt(file, tmp_path):
    file.write_bytes(b"cOdes")
    receipts = Receipts(tmp_path / "cache")
    for _ in range(2):
        with pytest.raises(CorruptCollectionError):
            check_file(file, ENTRY, receipts)
    assert not (tmp_path / "cache").exists()


def test_a_file_that_changed_a_moment_ago_gets_none_yet(tmp_path, hashed):
    path = tmp_path / "codes"
    path.write_bytes(b"codes")
    receipts = Receipts(tmp_path / "cache")
    check_file(path, ENTRY, receipts)
    check_file(path, ENTRY, receipts)
    assert len(hashed) == 2


def test_old_receipts_do_not_count_and_are_forgotten(file, tmp_path, hashed):
    receipts = Receipts(tmp_path / "cache")
    check_file(file, ENTRY, receipts)
    (receipt,) = (tmp_path / "cache" / "receipts").iterdir()
    old = time.time() - MAX_AGE_S - 1
    os.utime(receipt, (old, old))
    check_file(file, ENTRY, receipts)
    assert len(hashed) == 2
    os.utime(receipt, (old, old))
    receipts.forget_old()
    assert not receipt.exists()


def test_no_cache_and_a_cache_that_cannot_be_written_only_cost_time(file, tmp_path, hashed):
    (tmp_path / "cache").write_text("a file is in the way")
    for receipts in (Receipts(None), Receipts(tmp_path / "cache")):
        check_file(file, ENTRY, receipts)
        check_file(file, ENTRY, receipts)
        receipts.forget_old()
    assert len(hashed) == 4
