"""What a budget of memory allows is said before anything is done."""

import io
from dataclasses import replace

import pytest
from PIL import Image

from indexer import foresight
from indexer.budget import plan_build
from indexer.compact import compact_collection
from indexer.foresight import check_memory
from indexer.options import BuildOptions, IndexOptions
from indexer.service import index_folders
from indexer.writer import CollectionWriter
from retrieval.ann.spec import MIN_IVFPQ_ITEMS, IndexSpec
from retrieval.errors import SettingsError
from retrieval.store.manifest import newest_manifest
from tests.factories import GeometryEncoder
from tests.indexer.build.kit import INFO, N, commit, item_rows

LEAST = 5_000_000
"""Bytes that are too little for any index."""


def small(**fields):
    return replace(BuildOptions(max_memory=LEAST), **fields)


def test_items_that_there_are_and_items_that_come_are_counted_together():
    check_memory({}, {"images": 9_983}, 64, small())  # searched exactly
    with pytest.raises(SettingsError, match=r"too little for index .* 9,984 items"):
        check_memory({}, {"images": 9_984}, 64, small())


def test_no_budget_and_no_index_are_never_too_little():
    check_memory({}, {"images": 1_000_000}, 64, BuildOptions())
    check_memory({}, {"images": 1_000_000}, 64, small(spec=IndexSpec("exact")))


@pytest.mark.parametrize(("spec", "named"), [("tuned", "tuned"), ("opq16,ivf62,pq16", "opq")])
def test_kinds_that_keep_to_no_budget_are_refused(spec, named):
    options = BuildOptions(spec=IndexSpec.parse(spec), max_memory=1 << 40)
    with pytest.raises(SettingsError, match=f"--max-memory with .*{named}"):
        check_memory({}, {"images": 20_000}, 64, options)


def test_a_collection_that_is_compacted_keeps_its_generation_when_refused(tmp_path):
    with CollectionWriter.open(tmp_path / "c", INFO) as writer:
        commit(writer, item_rows(N), 0)
    before = newest_manifest(tmp_path / "c")[0].generation
    spec = IndexSpec("auto").resolved(N, INFO.dim)
    with pytest.raises(SettingsError):
        plan_build(N, INFO.dim, spec, LEAST)
    with pytest.raises(SettingsError, match="too little"):
        compact_collection(tmp_path / "c", build=small())
    assert newest_manifest(tmp_path / "c")[0].generation == before


class ToldError(Exception):
    """Stops a run at what it announces."""


def stop(line):
    raise ToldError(line)


@pytest.fixture(scope="module")
def many_pictures(tmp_path_factory):
    """As many files as it takes for an index, none of which is opened here."""
    folder = tmp_path_factory.mktemp("pictures")
    picture = io.BytesIO()
    Image.new("RGB", (1, 1)).save(picture, "PNG")
    for number in range(MIN_IVFPQ_ITEMS):
        (folder / f"{number}.png").write_bytes(picture.getvalue())
    return folder


@pytest.mark.parametrize("is_there", [False, True])
def test_too_little_for_the_pictures_of_a_folder_is_refused_before_one_is_read(
    many_pictures, tmp_path, is_there
):
    folder = tmp_path / "c"
    if is_there:
        CollectionWriter.open(folder, GeometryEncoder().info).close()
    options = IndexOptions(build=small())
    with pytest.raises(SettingsError, match=f"too little for index .* {MIN_IVFPQ_ITEMS:,} items"):
        index_folders([many_pictures], folder, encoder=GeometryEncoder(), options=options)
    assert folder.exists() == is_there
    assert not is_there or newest_manifest(folder)[0].generation == 1


def test_a_long_build_is_told_before_a_picture_of_a_folder_is_read(
    many_pictures, tmp_path, monkeypatch
):
    monkeypatch.setattr(foresight, "LONG_S", 0.0)
    options = IndexOptions(build=BuildOptions(announce=stop), device="cpu")
    with pytest.raises(ToldError, match=f"building ivf.* for {MIN_IVFPQ_ITEMS:,} items: about "):
        index_folders([many_pictures], tmp_path / "c", encoder=GeometryEncoder(), options=options)


def test_a_long_build_is_told_before_a_collection_is_compacted(tmp_path, monkeypatch):
    monkeypatch.setattr(foresight, "LONG_S", 0.0)
    with CollectionWriter.open(tmp_path / "c", INFO) as writer:
        commit(writer, item_rows(N), 0)
    with pytest.raises(ToldError, match=f"building ivf.* for {N:,} items: about .* on disk"):
        compact_collection(tmp_path / "c", build=BuildOptions(announce=stop), device="cpu")
    assert newest_manifest(tmp_path / "c")[0].generation == 2
