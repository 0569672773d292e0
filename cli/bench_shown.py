"""What `polyseek bench run` says of records: a line each, and what is missing or unknown."""

from typing import TYPE_CHECKING

from cli.bench_unknown import unknown_teller
from cli.output import note, write_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.records.run import RunRecord

_APART = ("rank", "rsum", "mrr", "ndcg", "fraction", "/")
"""Parts of names of figures that a line has no room for."""


def teller(*, quiet: bool) -> "Callable[[RunRecord], None]":
    """Says each record in a line, and once a data set what is missing or unknown."""
    said: set[tuple[str, str]] = set()
    tell_unknown = unknown_teller(quiet=quiet)

    def tell(record: "RunRecord") -> None:
        key = record.key
        if (missing := record.data["missing"]) and (key.dataset, key.gallery) not in said:
            said.add((key.dataset, key.gallery))
            named = ", ".join(missing[:3])
            note(
                f"warning: {key.dataset} lacks {len(missing):,} pictures ({named}, ...); "
                "its figures compare with no others",
                quiet=quiet,
            )
        tell_unknown(record)
        write_text(line_of(record))

    return tell


def line_of(record: "RunRecord") -> str:
    """What was measured, how, and the figures that people look for first."""
    key = record.key
    composed = record.settings.get("compose", "")
    what = [key.dataset, key.split, key.language, key.captions, key.prompt, composed]
    folds = [f"{key.folds} folds"] if key.folds > 1 else []
    shown = " ".join(each for each in [*what, *folds] if each)
    figures = ", ".join(
        f"{name} {100 * value:.2f}"
        for name, value in record.figures.items()
        if not any(each in name for each in _APART)
    )
    return f"{shown}  {record.model['name']}  {record.system}: {figures}"
