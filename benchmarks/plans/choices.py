"""Two pictures and two texts at a time: what is said of which."""

from collections.abc import Iterator

from benchmarks.datasets.base import Choices
from benchmarks.features import Features
from benchmarks.plans.base import Planned, RunOptions, key_of, seen
from benchmarks.protocols.choices import evaluate_choices
from benchmarks.records.run import EXACT


def plan_choices(data: Choices, features: Features, options: RunOptions) -> Iterator[Planned]:
    """One measurement; no index is asked, for nothing is ranked."""
    data, found, facts = seen(data, features, options)
    yield Planned(
        key_of(data, options, language=data.language),
        EXACT,
        facts,
        {"score": "float32 cosine", "texts": "as they stand"},
        {"pictures": len(data.pictures), "texts": len(data.texts)},
        lambda: evaluate_choices(data, found.rows, features.texts(data.texts, data.language)),
    )
