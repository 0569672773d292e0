"""What a budget of memory allows is said before anything is done."""

from dataclasses import replace

import pytest

from indexer.budget import plan_build
from indexer.compact import compact_collection
from indexer.due import check_memory
from indexer.options import BuildOptions
from indexer.writer import CollectionWriter
from retrieval.ann.spec import IndexSpec
from retrieval.errors import SettingsError
from retrieval.store.manifest import newest_manifest
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
