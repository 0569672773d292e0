"""Records as flat rows for tables: what was asked, of what size, its figures and their verdict."""

from typing import Any

from benchmarks.records.run import RunRecord
from benchmarks.verify import verdicts

_WORST_FIRST = ("not reproduced", "close", "reproduced", "incomparable")

_COUNTED = ("queries", "t2i_queries", "i2t_queries")
"""Names of the number of queries, the one that a row gives first."""


def row_of(record: RunRecord) -> dict[str, Any]:
    """One record as one flat row.

    Returns:
        `dataset`, `split`, `language`, `model`, `index`, `n` (queries; texts where both ways are
        asked), `classes` and `compose` (only where there are some), every figure by its name, and
        `verdict`: the worst of its figures that compare with published ones, "incomparable" where
        none does, None where nothing was published.
    """
    key = record.key
    grades = {each.grade for each in verdicts(record).values()}
    classes = {"classes": record.counts["classes"]} if "classes" in record.counts else {}
    composed = {"compose": way} if (way := record.settings.get("compose")) else {}
    return {
        "dataset": key.dataset,
        "split": key.split,
        "language": key.language,
        "model": record.model["name"],
        "index": record.system,
        "n": next((record.counts[name] for name in _COUNTED if name in record.counts), 0),
        **classes,
        **composed,
        **record.figures,
        "verdict": next((each for each in _WORST_FIRST if each in grades), None),
    }
