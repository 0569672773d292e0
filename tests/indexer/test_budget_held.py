"""A build grows by no more than its budget, for codes of 4 and of 8 bits."""

import pytest

from benchmarks.perf.build_memory import measured_build

BUDGET = 40_000_000
MARGIN = 1.25
"""For pages that the allocators of libraries keep."""


@pytest.mark.parametrize("spec", ["auto", "ivf62,pq16"])
def test_a_build_keeps_to_its_budget(tmp_path, spec):
    measured = measured_build(tmp_path, BUDGET, items=12_000, dim=64, spec=spec)
    assert measured.peak_bytes < MARGIN * BUDGET
