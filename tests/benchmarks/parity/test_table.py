"""Rows of two harnesses: equal, explained, or not."""

import pytest

from benchmarks.parity.table import HEAD, Row, line, unexplained


def row(theirs, ours, **more):
    return Row("shapes", "t2i_r@1", theirs, ours, **more)


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        (row(0.5, 0.5), "equal"),
        (row(0.5000009, 0.5), "equal"),
        (row(0.500002, 0.5), "differs"),
        (row(0.75, 0.5, ties=(0.25, 0.75)), "ties"),
        (row(0.76, 0.5, ties=(0.25, 0.75)), "differs"),
        (row(0.75, 0.8, ties=(0.25, 0.75)), "differs"),  # ours has to lie there too
        (row(0.76, 0.5, ties=(0.25, 0.75), rounding=(0.25, 0.76)), "rounding"),
        (row(None, 0.5, expected="no templates"), "expected"),
        (row(None, 0.5), "differs"),
        (row(0.5, None), "differs"),
    ],
)
def test_verdicts(given, verdict):
    assert given.verdict == verdict
    assert (unexplained([given]) == (given,)) == (verdict == "differs")


def test_lines_have_the_columns_of_the_head():
    columns = HEAD.splitlines()[0].count("|")
    same = line(row(0.5, 0.5))
    assert same == "| shapes | t2i_r@1 | 0.500000 | 0.500000 | 0 | equal |"
    tied = line(row(0.75, 0.5, ties=(0.25, 0.75)))
    assert "-2.5e-01 | ties: any order gives 0.250000 to 0.750000 |" in tied
    close = line(row(0.76, 0.5, ties=(0.25, 0.75), rounding=(0.25, 0.76)))
    assert "float32 cannot tell scores apart: 0.250000 to 0.760000" in close
    none = line(row(None, 0.5, expected="no templates"))
    assert none == "| shapes | t2i_r@1 | - | 0.500000 | - | no templates |"
    assert line(row(0.9, 0.5)).endswith("| NOT EXPLAINED |")
    assert {each.count("|") for each in (same, tied, close, none)} == {columns}
