"""Where an export goes and in which form; what must not be written over."""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Self

from cli.output import shown_path
from retrieval.errors import SettingsError


class Form(StrEnum):
    """What is written; the choices of `--format`."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"
    NPY = "npy"


_STREAMED = (Form.JSONL, Form.CSV)


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to write.

    Attributes:
        form: of what is written.
        out: the file, or of npy the folder; None is stdout.
        force: replace files that are there.
        names: of the files in the folder `out`; () where `out` is the file.
    """

    form: Form
    out: Path | None
    force: bool
    names: tuple[str, ...] = ()

    @classmethod
    def choose(
        cls, what: str, forms: Sequence[Form], form: Form | None, out: Path | None, *, force: bool
    ) -> Self:
        """Settle the form: as asked, else as the name ends, else the first that fits.

        Args:
            what: is exported, for messages.
            forms: that it has.
            form: that was asked for, or None.
            out: where to, or None.
            force: replace files that are there.

        Raises:
            SettingsError: it has no such form, the name says another, or the form needs a file.
            MissingDependencyError: the form needs a package that is not installed.
        """
        suffix = out.suffix.lower().removeprefix(".") if out else ""
        named = next((each for each in Form if each.value == suffix), None)
        chosen = form or named or forms[0]
        if chosen not in forms:
            raise SettingsError(
                f"{what} cannot be exported as {chosen.value}",
                hint=f"choose {' or '.join(each.value for each in forms)} with --format",
            )
        if chosen is Form.NPY and named is Form.NPY:
            raise SettingsError(
                f"--out {shown_path(out or '')}: as npy, vectors are several files in one folder",
                hint="name the folder, for example --out vectors/",
            )
        if named not in (None, chosen):
            raise SettingsError(
                f"--out {shown_path(out or '')} says another form than --format {chosen.value}",
                hint="drop --format, or let the name end otherwise",
            )
        if out is None and chosen not in _STREAMED:
            raise SettingsError(
                f"{chosen.value} does not go to stdout", hint="name a place with --out PATH"
            )
        if chosen is Form.PARQUET:
            from retrieval.export.tables import import_pyarrow

            import_pyarrow()  # before anything is read
        return cls(chosen, out, force)

    def as_folder(self, names: tuple[str, ...]) -> Self:
        """With `out` as the folder of these files."""
        return replace(self, names=names)

    @property
    def targets(self) -> tuple[Path, ...]:
        """The files that are to be written."""
        if self.out is None:
            return ()
        return tuple(self.out / name for name in self.names) or (self.out,)

    def refuse_places(self, collection: Path, is_source: Callable[[bytes], bool]) -> None:
        """Refuse to write into a collection, or over an archive or a list that was indexed.

        Args:
            collection: its folder.
            is_source: whether pictures or texts come from the file of a path.

        Raises:
            SettingsError: names the target.
        """
        inside = os.path.join(os.path.realpath(collection), "")
        for target in self.targets:
            place = os.path.realpath(target)
            if os.path.join(place, "").startswith(inside):
                raise SettingsError(
                    f"{shown_path(target)} lies in the collection",
                    hint="choose a place outside of it",
                )
            if is_source(os.fsencode(place)):
                raise SettingsError(
                    f"{shown_path(target)} is indexed and would be lost", hint="choose another name"
                )

    @contextlib.contextmanager
    def new_files(self) -> Iterator[list[Path]]:
        """Temporary names for the targets; see `retrieval.export.files.new_files`.

        The folder of several files is made, and unmade if nothing comes of it.
        """
        from retrieval.export.files import new_files

        is_new = False
        if self.names and self.out is not None and not self.out.is_dir():
            self.out.mkdir()
            is_new = True
        try:
            with new_files(self.targets, force=self.force) as partials:
                yield partials
        finally:
            if is_new and self.out is not None:
                with contextlib.suppress(OSError):
                    self.out.rmdir()  # succeeds only where it is empty
