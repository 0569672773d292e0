"""What `polyseek bench run` says of files for servers."""

from pathlib import Path
from typing import TYPE_CHECKING

from cli.output import note, shown_path, write_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.plans.submissions import Submission


def teller(paths: list[str], *, quiet: bool, as_json: bool) -> "Callable[[Submission, Path], None]":
    """Keeps the path of each file for a server, and says where it goes.

    Args:
        paths: gets them.
        quiet: whether nothing is said on stderr.
        as_json: whether nothing is said on stdout.
    """

    def tell(submission: "Submission", path: Path) -> None:
        paths.append(shown_path(path))
        lacking = len(submission.missing)
        lack = f"; {lacking:,} pictures are missing, and in no ranking" if lacking else ""
        note(f"{submission.server} takes {submission.name}{lack}", quiet=quiet)
        if not as_json:
            write_text(paths[-1])

    return tell
