"""A build grows by no more than its budget, for codes of 4 and of 8 bits."""

import pytest

from benchmarks.perf.build_memory import measured_build

BUDGET = 40_000_000
MARGIN = 1.25
"""For pages that the allocators of libraries keep."""

ATTEMPTS = 3
"""How much allocators keep differs between runs of one build by a quarter; it only ever adds."""


@pytest.mark.parametrize("spec", ["auto", "ivf62,pq16"])
def test_a_build_keeps_to_its_budget(tmp_path, spec):
    for attempt in range(ATTEMPTS):
        folder = tmp_path / f"{attempt}"
        folder.mkdir()
        measured = measured_build(folder, BUDGET, items=12_000, dim=64, spec=spec)
        if measured.peak_bytes < MARGIN * BUDGET:
            return
    assert measured.peak_bytes < MARGIN * BUDGET
