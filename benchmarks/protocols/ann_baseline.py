"""What systems are divided into: a scan in a process of its own, which may be lost on the way."""

from typing import Any

from benchmarks.systems.base import Task
from benchmarks.systems.process import WorkerProcess
from benchmarks.systems.registry import Entry
from retrieval.errors import BenchmarkError


class BaselineLostError(BenchmarkError):
    """There is nothing to divide by; what was asked for can still be measured."""


class Baseline:
    """An open scan, until it fails: from then on it is not asked again.

    It holds the whole base in float32 beside whatever system is being measured, so it is what a
    machine that is short of memory ends first. That must cost ratios, not hours of recalls.
    """

    def __init__(self, entry: Entry, task: Task, figure: str) -> None:
        """Start, build and open it; one that fails at this is lost from the beginning.

        Args:
            entry: of the scan.
            task: for it, with an empty folder.
            figure: that is made by it, e.g. "x_flat".

        Raises:
            MissingDependencyError: its package is not installed.
        """
        self._figure = figure
        self._worker: WorkerProcess | None = None
        self.failure: str | None = None
        try:
            self._worker = WorkerProcess(entry, task)
            self._worker.ask("build")
            self._worker.ask("open")
        except BenchmarkError as error:
            self._lose(error)

    def ask(self, command: str, **arguments: object) -> dict[str, Any]:
        """Carry out one command.

        Raises:
            BaselineLostError: it failed now, or before.
        """
        if self._worker is not None:
            try:
                return self._worker.ask(command, **arguments)
            except BenchmarkError as error:
                self._lose(error)
        raise BaselineLostError(str(self.failure))

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None

    def _lose(self, error: BenchmarkError) -> None:
        self.failure = f"no {self._figure} since its baseline failed: {error}"
        self.close()
