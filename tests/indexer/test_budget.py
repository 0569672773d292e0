"""How memory is bounded: sizes as people write them, and plans that fit."""

import dataclasses
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.budget import BuildPlan, ImportPlan, check_bounded, plan_build, plan_import
from retrieval.ann.spec import IndexSpec
from retrieval.errors import SettingsError
from retrieval.memory import parse_size

SPEC = IndexSpec.parse("ivf260,pq256x4fs")
OPQ = IndexSpec.parse("opq256,ivf260,pq256")


def test_no_budget_takes_what_is_fastest():
    assert plan_build(50_000, 512, SPEC, None) == BuildPlan()
    assert plan_import(50_000, 512, None) == ImportPlan()


def test_fifty_megabytes_are_enough_for_fifty_thousand_vectors():
    plan = plan_build(50_000, 512, SPEC, 50_000_000)
    assert plan.in_folder(Path("x")).training.scratch == Path("x")
    assert plan.training.chunk_rows >= 128
    assert plan_import(50_000, 512, 50_000_000).segment_rows >= 128


def least(plan):
    """The size that a refusal names, in bytes."""
    with pytest.raises(SettingsError) as refusal:
        plan(1)
    return parse_size(re.search(r"--max-memory (\S+)", refusal.value.hint)[1])


@given(n=st.integers(9_984, 3_000_000), dim=st.sampled_from([64, 384, 512, 1024]))
def test_the_size_that_a_refusal_names_works_and_less_does_not(n, dim):
    spec = IndexSpec("auto").resolved(n, dim)
    for plan in (
        lambda size: plan_build(n, dim, spec, size),
        lambda size: plan_import(n, dim, size),
    ):
        named = least(plan)
        plan(named)
        with pytest.raises(SettingsError):
            plan(named - 1_000_000)


@given(n=st.integers(9_984, 3_000_000), more=st.integers(0, 1 << 32))
def test_chunks_take_no_more_than_the_budget(n, more):
    spec = IndexSpec("auto").resolved(n, 512)
    budget = least(lambda size: plan_build(n, 512, spec, size)) + more
    plan = plan_build(n, 512, spec, budget)
    assert plan.training.chunk_rows * (10 * 512 + 2 * spec.nlist) < budget
    assert plan.router_texts * 6 * 512 < budget
    assert plan.searched_rows * 10 * 512 < budget
    assert 4 * plan.router_blocks[0] * plan.router_blocks[1] < budget


def test_more_memory_never_makes_smaller_chunks():
    plans = [plan_build(200_000, 512, SPEC, size << 20) for size in (200, 400, 1_000, 8_000)]
    for field in ("coding_rows", "router_texts", "searched_rows"):
        sizes = [dataclasses.asdict(plan)[field] for plan in plans]
        assert sizes == sorted(sizes)


@pytest.mark.parametrize(
    ("specs", "named"), [((OPQ,), "opq"), ((SPEC, replace(SPEC, nlist=130)), "tuned")]
)
def test_what_does_not_keep_to_a_budget_is_refused_with_one_only(specs, named):
    check_bounded(specs, None)
    with pytest.raises(SettingsError, match=f"--max-memory with .*{named}"):
        check_bounded(specs, 1 << 40)
