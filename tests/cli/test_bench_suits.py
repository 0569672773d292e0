"""Options of `bench run` that no data set of a command takes are refused, not ignored."""

from pathlib import Path

import pytest

from benchmarks.datasets.registry import datasets
from benchmarks.plans.base import RunOptions
from cli.bench_suits import check_suits
from retrieval.errors import SettingsError

PROMPTS = RunOptions(prompts="translated")
COMPOSE = RunOptions(compose=("text-only",))
PHI = RunOptions(phi=Path("phi.npz"))
BOTH = RunOptions(indexes=("exact", "auto"))


@pytest.mark.parametrize(
    ("name", "options", "option"),
    [
        ("coco-mini", PROMPTS, "--prompts"),
        ("probe-size", PROMPTS, "--prompts"),
        ("coco-mini", COMPOSE, "--compose"),
        ("babel-imagenet", PHI, "--phi"),
        ("babel-imagenet", BOTH, "--index"),
        ("probe-size", BOTH, "--index"),
    ],
)
def test_what_changes_nothing_is_refused(name, options, option):
    with pytest.raises(SettingsError, match=f"{option} is for .* {name} has none"):
        check_suits(datasets([name]), options)


@pytest.mark.parametrize(
    ("names", "options"),
    [
        (["coco-mini"], RunOptions(indexes=("auto",))),
        (["babel-imagenet"], PROMPTS),
        (["cirr"], COMPOSE),
        (["coco-mini", "babel-imagenet", "cirr"], PROMPTS),
        (["coco-mini", "babel-imagenet"], BOTH),
        (["probe-size"], RunOptions()),
    ],
)
def test_one_data_set_that_takes_it_is_enough(names, options):
    check_suits(datasets(names), options)


def test_an_exact_search_is_not_made_in_the_place_of_an_index():
    with pytest.raises(SettingsError, match="babel-imagenet is measured exactly alone"):
        check_suits(datasets(["coco-mini", "babel-imagenet"]), RunOptions(indexes=("auto",)))
