"""The harness's side of a worker: start it, ask it, watch its memory, end it."""

import contextlib
import json
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

from benchmarks.systems.base import Task
from benchmarks.systems.registry import Entry
from retrieval.errors import BenchmarkError, MissingDependencyError

_SAMPLE_S = 0.01
"""Between two looks at the memory of a worker that is building."""

LONGEST_S = 4 * 3600.0
"""That one command may take: a system that hangs must not cost the rows of the others."""

_TAIL = 1_500
"""Characters of a dead worker's stderr that its error shows."""


@dataclass(frozen=True, slots=True)
class Peak:
    """The most memory that a command took beyond what the worker had before.

    Attributes:
        anonymous_bytes: growth of RssAnon, sampled: what the system allocated.
        total_bytes: growth of VmHWM, exact: with the pages of files that it read.
    """

    anonymous_bytes: int
    total_bytes: int


class WorkerProcess:
    """One system in a process of its own. Close it, or use it in a `with`."""

    def __init__(self, entry: Entry, task: Task, python: Path | None = None) -> None:
        """Start it and load the system.

        Args:
            entry: of the system.
            task: for it.
            python: of another environment; None is this one.

        Raises:
            MissingDependencyError: its package is not installed there.
            BenchmarkError: it cannot be started.
        """
        self._name = entry.name
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        start = {
            "module": entry.module,
            "kind": entry.kind,
            "task": asdict(task),
            "is_own": python is None,
        }
        script = Path(__file__).with_name("worker.py")
        flag = "-P" if python is None else "-I"  # our folder must not shadow a package
        try:
            self._process = subprocess.Popen(
                [python or sys.executable, flag, script, json.dumps(start)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                text=True,
            )
        except OSError as error:
            self._said.close()
            raise BenchmarkError(f"cannot start {python}: {error}") from error
        with contextlib.ExitStack() as on_error:
            on_error.callback(self.close)
            self.version = self._load(entry)
            on_error.pop_all()

    def ask(self, command: str, **arguments: object) -> dict[str, Any]:
        """Carry out one command.

        Raises:
            BenchmarkError: the system failed, or died.
        """
        self._send(command, arguments)
        return self._answer(command)

    def ask_watched(self, command: str) -> tuple[dict[str, Any], Peak]:
        """Carry out one command, and say how much memory it took."""
        before = self.memory()
        peak = before["RssAnon"]
        self._send(command, {})
        stream = self._process.stdout
        deadline = time.monotonic() + LONGEST_S
        while stream is not None and not select.select([stream], [], [], _SAMPLE_S)[0]:
            if time.monotonic() > deadline:
                self._give_up()
            peak = max(peak, self.memory()["RssAnon"])
        answer = self._answer(command)
        after = self.memory()
        return answer, Peak(
            max(peak, after["RssAnon"]) - before["RssAnon"],
            after["VmHWM"] - before["VmHWM"],
        )

    def memory(self) -> Mapping[str, int]:
        """RssAnon and VmHWM of the worker, in bytes."""
        found = {"RssAnon": 0, "VmHWM": 0}
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{self._process.pid}/status").read_text()
            for line in text.splitlines():
                name, _, value = line.partition(":")
                if name in found:
                    found[name] = 1024 * int(value.split()[0])
        return found

    def close(self) -> None:
        """End the worker."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._said.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _load(self, entry: Entry) -> str:
        self._send("load", {"package": entry.package})
        answer = self._read()
        if answer.get("error") in ("ModuleNotFoundError", "ImportError"):
            raise MissingDependencyError(
                f"the system {entry.name} needs {entry.package}: {answer['message']}",
                hint="install polyseek[bench], or name an environment that has it with --peer-env",
            )
        self._check("load", answer)
        version: str = answer["version"]
        return version

    def _send(self, command: str, arguments: Mapping[str, object]) -> None:
        stream = self._process.stdin
        if stream is None:
            raise BenchmarkError(f"the system {self._name} is closed")
        with contextlib.suppress(BrokenPipeError):  # its answer will say that it died
            stream.write(json.dumps({"do": command, **arguments}) + "\n")
            stream.flush()

    def _answer(self, command: str) -> dict[str, Any]:
        answer = self._read()
        self._check(command, answer)
        return answer

    def _check(self, command: str, answer: Mapping[str, Any]) -> None:
        if "error" in answer:
            raise BenchmarkError(
                f"the system {self._name} failed to {command}: "
                f"{answer['error']}: {answer['message']}"
            )

    def _give_up(self) -> NoReturn:
        self._process.kill()
        raise BenchmarkError(f"the system {self._name} gave no answer for {LONGEST_S:g} s")

    def _read(self) -> dict[str, Any]:
        stream = self._process.stdout
        # One answer to one command: nothing is buffered that select could not see.
        if stream is not None and not select.select([stream], [], [], LONGEST_S)[0]:
            self._give_up()
        line = stream.readline() if stream is not None else ""
        if line:
            answer: dict[str, Any] = json.loads(line)
            return answer
        code = self._process.wait()
        self._said.seek(0)
        tail = self._said.read().decode(errors="replace")[-_TAIL:].strip()
        raise BenchmarkError(f"the system {self._name} died with code {code}: {tail}")
