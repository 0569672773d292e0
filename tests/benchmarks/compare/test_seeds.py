"""Trained methods: five seeds on each side, or nothing is concluded."""

from dataclasses import replace

import pytest

from benchmarks.compare.runs import compare_runs
from benchmarks.reports.compare_table import comparison_lines
from retrieval.errors import BenchmarkError
from tests.benchmarks.compare.kit import A, B, recorded, runs, trained


def seeded(folder, right_of_20, method="adapter"):
    """A record for each seed: how many of the last ten queries of 20 it has right."""
    for seed, right in enumerate(right_of_20):
        ranks = [1] * right + [2] * (20 - right)
        recorded(folder, ranks, model=f"{method} {seed}", settings=trained(seed, method))


def the_figure(folders):
    (pair,) = compare_runs(folders, (A, B)).pairs
    return pair.figures[0]


def test_mean_deviation_and_range_of_each_side(tmp_path):
    a, b = runs(tmp_path)
    seeded(a, [4, 5, 6, 5, 5])
    seeded(b, [15, 16, 14, 15, 15], "other")
    figure = the_figure((a, b))
    assert (figure.a.mean, figure.a.least, figure.a.most, figure.a.n) == (25.0, 20.0, 30.0, 5)
    assert figure.a.sd == pytest.approx((2 * 25 / 4) ** 0.5)
    assert figure.difference == 50.0
    # both variances are 12.5 / 5: t of 8 degrees of freedom times the root of 5
    assert figure.seed_interval == pytest.approx((50 - 2.306 * 5**0.5, 50 + 2.306 * 5**0.5))
    assert figure.finding == "differs"
    (line,) = [
        each for each in comparison_lines(compare_runs((a, b), (A, B))) if "t2i_r@1 " in each
    ]
    assert "25.00 +- 3.54 (5 seeds, 20.00 to 30.00)" in line
    assert "seeds +44.84 to +55.16" in line


def test_fewer_than_five_seeds_prove_nothing(tmp_path):
    a, b = runs(tmp_path)
    seeded(a, [0, 0, 0, 0, 0])
    seeded(b, [20, 20], "other")
    figure = the_figure((a, b))
    assert (figure.finding, figure.reason) == ("undecided", "needs 5 seeds, has 2")
    assert figure.p_like is None
    assert compare_runs((a, b), (A, B)).summaries() == ()
    recorded(runs(tmp_path / "plain")[0], [1] * 20)
    plain = runs(tmp_path / "plain")[0]
    assert the_figure((a, plain)).finding == "differs"  # an encoder in inference has no seed
    assert the_figure((plain, b)).reason == "needs 5 seeds, has 2"


def test_a_single_seed_of_something_trained_is_one_too_few(tmp_path):
    a, b = runs(tmp_path)
    recorded(a, [2] * 20)
    recorded(b, [1] * 20, settings=trained(0))
    assert the_figure((a, b)).reason == "needs 5 seeds, has 1"


def test_what_seeds_explain_is_noise_though_pictures_do_not(tmp_path):
    """Each picture gains in the mean, but two seeds of five gain nothing."""
    a, b = runs(tmp_path)
    recorded(a, [2] * 20)
    seeded(b, [0, 20, 0, 20, 20])
    figure = the_figure((a, b))
    assert figure.interval[0] > 0
    assert figure.seed_interval[0] < 0
    assert (figure.finding, figure.p_like) == ("noise", 1.0)


def test_a_method_is_chosen_by_its_name(tmp_path):
    a, _ = runs(tmp_path)
    seeded(a, [0] * 5)
    seeded(a, [20] * 5, "other")
    with pytest.raises(BenchmarkError, match="A has several models: adapter, other"):
        the_figure((a, a))
    (pair,) = compare_runs((a, a), (replace(A, model="adapter"), replace(B, model="other"))).pairs
    assert (pair.names, pair.figures[0].difference) == (("adapter", "other"), 100.0)


def test_one_seed_twice_is_no_second_seed(tmp_path):
    a, b = runs(tmp_path)
    recorded(a, [2] * 20)
    recorded(b, [1] * 20, model="one", settings=trained(0))
    recorded(b, [1] * 20, model="two", settings=trained(0))
    with pytest.raises(BenchmarkError, match="do not differ in their seed alone"):
        the_figure((a, b))
