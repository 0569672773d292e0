"""Refuses options of `polyseek bench run` that no data set of a command takes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from retrieval.errors import SettingsError

if TYPE_CHECKING:
    from benchmarks.datasets.base import DatasetSpec
    from benchmarks.plans.base import RunOptions

_CAPTIONS, _NAMES, _COMPOSED = "crossmodal", "zeroshot", "composed"


def check_suits(specs: "Sequence[DatasetSpec]", options: "RunOptions") -> None:
    """Refuse what would change nothing; beside a data set that takes it, others may stand.

    Args:
        specs: the data sets of the command.
        options: what was asked; what is the default is not told from what was not asked.

    Raises:
        SettingsError: no data set takes an option, or one can be searched by no index that is
            asked for.
    """
    from benchmarks.plans.base import RunOptions as Default
    from benchmarks.records.run import EXACT

    default = Default()
    tasks = {each.task for each in specs}
    # composed queries refuse an index themselves
    is_indexed = options.indexes != default.indexes and _COMPOSED not in tasks
    asked = (
        ("--prompts", options.prompts != default.prompts, _NAMES, "names of classes"),
        ("--compose", options.compose != default.compose, _COMPOSED, "composed queries"),
        ("--phi", options.phi is not None, _COMPOSED, "composed queries"),
        ("--index", is_indexed, _CAPTIONS, "pictures with captions"),
    )
    for option, is_asked, task, what in asked:
        if is_asked and task not in tasks:
            names = ", ".join(each.name for each in specs)
            raise SettingsError(
                f"{option} is for {what}, of which {names} has none", hint=f"leave {option} out"
            )
    bare = [each.name for each in specs if each.task not in (_CAPTIONS, _COMPOSED)]
    if bare and EXACT not in options.indexes:
        raise SettingsError(
            f"{bare[0]} is measured exactly alone, and --index asks for no exact search",
            hint="add --index exact, or measure it by another command",
        )
