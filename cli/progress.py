"""The progress bar of an index run: on stderr, and only where somebody watches."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from indexer.pipeline import Progress

    OnProgress = Callable[[Progress], None]


class _Unfailing:
    """A text stream that takes what is written even when the terminal behind it is gone."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever else a stream has
        return getattr(self._stream, name)


@contextmanager
def index_progress(*, quiet: bool) -> "Iterator[OnProgress | None]":
    """Give a callback that draws; None when stderr is no terminal or `quiet` is set."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    console = Console(file=cast(IO[str], _Unfailing(sys.stderr)))
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("looking for images", total=None)

        def draw(progress: "Progress") -> None:
            bar.update(
                task,
                description=describe(progress),
                completed=progress.done,
                total=progress.total,
            )

        yield draw


def describe(progress: "Progress") -> str:
    """One line beside the bar: "118.2 images/s, 0:01:30 left, 3 skipped"."""
    parts = [f"{progress.images_per_second:.1f} images/s"]
    if progress.eta_s is not None:
        minutes, seconds = divmod(round(progress.eta_s), 60)
        parts.append(f"{minutes // 60}:{minutes % 60:02}:{seconds:02} left")
    if progress.skipped:
        parts.append(f"{progress.skipped} skipped")
    return ", ".join(parts)


@contextmanager
def step_progress(what: str, *, quiet: bool) -> "Iterator[Callable[[int, int], None] | None]":
    """Give a callback (done, total) that draws; None where nobody watches."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(file=cast(IO[str], _Unfailing(sys.stderr)))
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
