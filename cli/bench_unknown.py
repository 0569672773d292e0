"""Says of each data set once that its annotations may be others than those that were published."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from cli.output import note

if TYPE_CHECKING:
    from benchmarks.records.run import RunRecord


def unknown_teller(*, quiet: bool) -> "Callable[[RunRecord], None]":
    """Warns of a record whose annotation files are unknown, if it is the first of its data set."""
    said: set[str] = set()

    def tell(record: "RunRecord") -> None:
        from benchmarks.datasets.sources import unknown_files

        name = record.key.dataset
        if (unknown := unknown_files(name, record.data["annotations"])) and name not in said:
            said.add(name)
            named = ", ".join(unknown[:3]) + (", ..." if len(unknown) > 3 else "")
            note(
                f"warning: {name}: {named} may be another than the published file: its sha256 is "
                "not known",
                quiet=quiet,
            )

    return tell
