"""Rows as they are read: places of ids, and vectors that come out as if each were alone."""

import hashlib
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.readers.base import Skip
from indexer.readers.vectors import VectorPart
from indexer.vector_rows import read_rows


def part_of(vectors, ids, base=b"/nowhere"):
    return VectorPart(b"v.npy", vectors, ids, base, "images")


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_row_is_what_it_is_alone(dtype):
    rng = np.random.default_rng(3)
    vectors = (rng.standard_normal((300, 24)) * rng.uniform(0.1, 9, (300, 1))).astype(dtype)
    part = part_of(vectors, [b"%d" % i for i in range(300)])
    together = read_rows(part, range(300))
    for at in (0, 1, 127, 128, 129, 255, 256, 299):
        raw = vectors[at].astype("<f4")
        length = np.linalg.norm(raw.astype(np.float64))
        assert together[at].sha256 == hashlib.sha256(raw.tobytes()).hexdigest()
        np.testing.assert_array_equal(together[at].vector, (raw / length).astype(np.float32))
        assert together[at].was_scaled == (abs(length - 1) > 2e-3)
        (alone,) = read_rows(part, range(at, at + 1))
        assert (alone.sha256, alone.vector.tobytes()) == (
            together[at].sha256,
            together[at].vector.tobytes(),
        )


def test_rows_that_cannot_be_used_leave_their_neighbours_as_they_are():
    vectors = np.ones((5, 4), np.float32)
    vectors[1], vectors[2, 0], vectors[3, 1] = 0, np.nan, np.inf
    found = read_rows(part_of(vectors, [b"a", b"b", b"c", b"d", b""]), range(5))
    assert [each.reason if isinstance(each, Skip) else "" for each in found] == [
        "",
        "vector is zero",
        "vector is not finite",
        "vector is not finite",
        "no id",
    ]
    np.testing.assert_array_equal(found[0].vector, np.full(4, 0.5, np.float32))


_PIECES = st.sampled_from([b"a", b"b.jpg", b".", b"..", b"", b"...", b".a", b"a."])


@given(st.lists(_PIECES, min_size=1, max_size=5), st.booleans())
def test_an_id_names_the_file_that_normpath_says(tmp_path_factory, pieces, is_absolute):
    root = os.fsencode(tmp_path_factory.getbasetemp() / "places")
    base = root + b"/a/a"
    os.makedirs(base, exist_ok=True)
    for folder in (root, root + b"/a", base):
        with open(folder + b"/b.jpg", "wb") as file:
            file.write(b"12345")
    name = (root + b"/" if is_absolute else b"") + b"/".join(pieces)
    if not name.strip() or (name.startswith(b"/") and not is_absolute):
        return
    (row,) = read_rows(part_of(np.ones((1, 4), np.float32), [name], base), range(1))
    path = os.path.normpath(os.path.join(base, name))
    expected = (path, 5) if os.path.isfile(path) else (name, 0)
    assert (row.file.path, row.file.size_bytes) == expected


def places(names, base):
    rows = read_rows(part_of(np.ones((len(names), 4), np.float32), names, base), range(len(names)))
    return [(row.file.path, row.file.size_bytes) for row in rows]


def test_files_are_found_in_any_folder_that_is_there_and_in_one_that_comes(tmp_path):
    base = os.fsencode(tmp_path)
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "a.jpg").write_bytes(b"123")
    (tmp_path / "link").symlink_to("there")
    (tmp_path / "broken").symlink_to("gone")
    names = [b"there/a.jpg", b"link/a.jpg", b"broken/a.jpg", b"there/a.jpg/b.jpg", b"there/b.jpg"]
    names += [b"later/a.jpg", b"/a.jpg"]
    found = places(names, base)
    assert found[:2] == [(base + b"/there/a.jpg", 3), (base + b"/link/a.jpg", 3)]
    assert found[2:] == [(name, 0) for name in names[2:]]
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "a.jpg").write_bytes(b"1234")
    assert places(names, base)[5] == (base + b"/later/a.jpg", 4)


def test_a_folder_that_is_not_there_is_looked_for_once(tmp_path, monkeypatch):
    looked_at = []
    for name in ("lstat", "stat"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda path, *a, real=real, **k: looked_at.append(path) or real(path, *a, **k)
        )
    base = os.fsencode(tmp_path)
    assert len(places([b"gone/%d.jpg" % number for number in range(100)], base)) == 100
    assert looked_at == [base + b"/gone"]
