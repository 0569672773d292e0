"""`polyseek index --watch`: a run at once, and one after every change, until Ctrl-C."""

import os
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cli.context import COLLECTION_NAME, Context
from cli.exits import exit_code_of, tell
from cli.index import Job, as_json, run_index, summary
from cli.output import note, shown_path, write_json
from retrieval.errors import LockedError, PolyseekError, SourceError

if TYPE_CHECKING:
    from indexer.service import IndexReport


def watch_job(context: Context, job: Job, *, as_json: bool) -> None:
    """Index, and go on; ends by KeyboardInterrupt or an error.

    The first run is an ordinary one, and its errors end the command. Later a source that is gone
    and a collection that another process writes are told, once, and awaited.

    Args:
        context: of the command.
        job: what to index.
        as_json: write each run's report as JSON on one line.

    Raises:
        PolyseekError: see `indexer.watch.watch_sources` and `cli.index.run_index`.
    """
    from indexer.readers.globs import Globs
    from indexer.watch import WatchedSources, watch_sources

    collection = context.nearest_collection() or Path.cwd() / COLLECTION_NAME
    sources = WatchedSources(
        job.sources,
        Globs.parse(job.include, job.exclude),
        os.path.realpath(os.fsencode(collection)),
    )
    watch_sources(sources, _Runs(context, job, as_json=as_json), threading.Event())


@dataclass(slots=True)
class _Runs:
    """Runs one after the other, and says what each did."""

    context: Context
    job: Job
    as_json: bool
    _is_first: bool = True
    _told: str = ""

    def __call__(self) -> bool:
        """Index what is there; False if it has to be tried again."""
        if self._is_first:
            self._show(run_index(self.context, self.job))
            self._is_first = False
            note("watching; Ctrl-C ends it", quiet=self.context.quiet)
            return True
        try:
            job = self._job_of_what_is_there()
            if job is not None:
                self._show(run_index(replace(self.context, quiet=True), job))
        except (SourceError, LockedError) as error:
            self._tell_once(error)
            return not isinstance(error, LockedError)
        return True

    def _job_of_what_is_there(self) -> Job | None:
        """The job without sources that are gone, or they would keep the others from their run.

        With --prune they stay: their files are to be taken out.
        """
        from indexer.readers.sources import roots_of

        gone = [
            source
            for source in self.job.sources
            if not any(map(os.path.lexists, roots_of([source])))
        ]
        if not gone:
            self._told = ""
        if not gone or self.job.prune:
            return self.job
        shown = ", ".join(map(shown_path, gone))
        self._tell_once(
            SourceError(f"not there any more: {shown}", hint="its files are kept; it is awaited")
        )
        present = tuple(source for source in self.job.sources if source not in gone)
        return replace(self.job, sources=present) if present else None

    def _tell_once(self, error: PolyseekError) -> None:
        if self._told == str(error):
            return
        self._told = str(error)
        code, kind = exit_code_of(error), type(error).__name__
        tell(kind, str(error), error.hint, code, as_json=self.as_json)

    def _show(self, report: "IndexReport") -> None:
        if self.as_json:
            write_json(as_json(report), indent=None)
        elif not self.context.quiet:
            note(f"{time.strftime('%H:%M:%S')} {one_line(report)}")


def one_line(report: "IndexReport") -> str:
    """What a run did, without the reasons why files were skipped."""
    lines = summary(report).splitlines()
    said = [lines[0], *(line for line in lines if line.startswith("captions: "))]
    return "; ".join([*said, f"generation {report.generation}, {report.seconds:.1f} s"])
