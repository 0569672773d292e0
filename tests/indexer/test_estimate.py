"""Estimates of builds: laws that they keep, and when one is told."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer import estimate
from indexer.estimate import BuildSize, Paces, estimate_build
from indexer.foresight import announce_builds
from indexer.options import BuildOptions
from retrieval.ann.spec import IndexSpec

SPEC = IndexSpec.parse("ivf195,pq256x4fs")
PACES = Paces()

sizes = st.integers(10_000, 3_000_000)


@given(n=sizes, more=st.integers(1, 3_000_000), texts=st.sampled_from([0, 25_000]))
def test_more_items_take_no_less_of_anything(n, more, texts):
    one, other = (
        estimate_build(BuildSize(size, 512, texts, size), SPEC, PACES) for size in (n, n + more)
    )
    assert one.seconds < other.seconds
    assert one.peak_bytes <= other.peak_bytes
    assert one.disk_bytes < other.disk_bytes


@given(n=st.integers(10_000, 300_000), budget=st.integers(600_000_000, 4_000_000_000))
def test_a_budget_bounds_the_peak_and_a_large_one_changes_nothing(n, budget):
    free = BuildSize(n, 512, 25_000, n)
    bound = estimate_build(replace(free, max_memory=budget), SPEC, PACES).peak_bytes
    assert bound <= budget
    assert bound <= estimate_build(free, SPEC, PACES).peak_bytes


def test_a_slower_machine_takes_longer():
    size = BuildSize(50_000, 512, 25_000)
    assert estimate_build(size, SPEC, Paces(2, 2)).seconds == pytest.approx(
        2 * estimate_build(size, SPEC, PACES).seconds
    )


def test_the_disk_holds_vectors_and_codes():
    found = estimate_build(BuildSize(50_000, 512, 0, 50_000), SPEC, PACES)
    assert found.disk_bytes == pytest.approx(89.3e6, rel=0.1)  # measured


def told(monkeypatch, n, paces, **fields):
    monkeypatch.setattr(estimate, "measured", lambda: paces)
    lines = []
    options = BuildOptions(device="cpu", announce=lines.append, **fields)
    announce_builds({}, {"images": n}, 384, options)
    return lines


def test_a_long_build_is_told_in_one_line(monkeypatch):
    (line,) = told(monkeypatch, 20_000, Paces(10, 10))
    assert line.startswith("building ivf78,pq192x4fs for 20,000 items: about ")
    assert line.endswith("MB on disk")


def test_a_short_build_and_an_exact_search_are_not_told(monkeypatch):
    assert not told(monkeypatch, 20_000, Paces(0.1, 0.1))
    assert not told(monkeypatch, 9_000, Paces(1000, 1000))
    assert not told(monkeypatch, 20_000, Paces(1000, 1000), spec=IndexSpec("exact"))
