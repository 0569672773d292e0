"""All measurements of a data set, whatever its task."""

from collections.abc import Iterator

from benchmarks.datasets.base import Choices, Crossmodal, DataSet, DatasetError, Zeroshot
from benchmarks.features import Features
from benchmarks.plans.base import Planned, RunOptions
from benchmarks.plans.choices import plan_choices
from benchmarks.plans.composed import plan_composed
from benchmarks.plans.crossmodal import plan_crossmodal
from benchmarks.plans.zeroshot import plan_zeroshot


def plan(data: DataSet, features: Features, options: RunOptions) -> Iterator[Planned]:
    """All measurements of a data set; embeds its pictures.

    Raises:
        DatasetError: no picture is left, or it cannot be measured so.
    """
    if options.distractors and not isinstance(data, Crossmodal):
        raise DatasetError(
            f"{data.origin.name} has no gallery that distractors could pad",
            hint="they pad the pictures that captions look for; leave --distractors out",
        )
    if isinstance(data, Crossmodal):
        yield from plan_crossmodal(data, features, options)
    elif isinstance(data, Zeroshot):
        yield from plan_zeroshot(data, features, options)
    elif isinstance(data, Choices):
        yield from plan_choices(data, features, options)
    else:
        yield from plan_composed(data, features, options)
