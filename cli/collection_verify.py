"""`polyseek collection verify`: check every byte of a collection, and repair what can be."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.collection_info import recall_facts, recall_lines
from cli.context import Context, begin
from cli.exits import ExitCode, full_disk_at, reported_errors
from cli.options import CollectionOption, DeviceOption, JsonOption, QuietOption, examples
from cli.output import note, printable, write_json, write_text
from retrieval.errors import SettingsError

if TYPE_CHECKING:
    from indexer.service import RepairReport, VerifyReport

_AFTER_DAMAGE = (
    "`polyseek collection verify --repair` makes again what can be made (`polyseek collection "
    "repair` the catalogue alone); what it cannot, restore from a backup, give up with "
    "--drop-damaged, or index into a new collection with --collection"
)

EXAMPLES = examples("polyseek collection verify", "polyseek collection verify --repair")


def verify(
    repair: Annotated[
        bool, typer.Option("--repair", help="Make again what can be made, then check.")
    ] = False,
    drop_damaged: Annotated[
        bool,
        typer.Option("--drop-damaged", help="With --repair: give up what cannot be made again."),
    ] = False,
    device: DeviceOption = None,
    collection: CollectionOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Hash every file of the collection, and measure what its index finds.

    With --repair, files are made again from each other, pictures whose vectors are damaged are
    embedded again from their files if these have not changed, and the rest is named and stays as it
    is. Exits 4 if a file is not as it was written (with --repair: still).
    """
    with reported_errors(as_json=json):
        if drop_damaged and not repair:
            raise SettingsError("--drop-damaged goes with --repair", hint="say both")
        context = begin({"collection": collection, "device": device}, quiet=quiet)
        done = _repaired(context, drop_damaged=drop_damaged) if repair else None
        report = done.after if done is not None else _verified(context)
        if json:
            write_json({**_facts(report), **_repair_facts(done)})
        else:
            _tell_repair(done)
            _tell(report, quiet=quiet)
        if report.problems:
            note(f"hint: {_AFTER_DAMAGE}", quiet=quiet)
            raise typer.Exit(ExitCode.COLLECTION)


def _verified(context: Context) -> "VerifyReport":
    from indexer.service import verify_collection

    return verify_collection(
        context.collection(),
        device=context.settings.device,
        catalogue_url=context.settings.catalogue_url,
    )


def _repaired(context: Context, *, drop_damaged: bool) -> "RepairReport":
    from indexer.service import repair_collection

    folder = context.collection()
    with full_disk_at(folder):
        return repair_collection(
            folder,
            drop_damaged=drop_damaged,
            device=context.settings.device,
            catalogue_url=context.settings.catalogue_url,
            cache_dir=context.cache_dir,
        )


def _facts(report: "VerifyReport") -> dict[str, Any]:
    recorded = report.recorded_recall.items()
    return {
        "ok": not report.problems,
        "generation": report.generation,
        "items": report.n_items,
        "files_checked": report.n_files,
        "bytes_checked": report.n_bytes,
        "problems": list(report.problems),
        "recall": {name: recall_facts(each) for name, each in report.recall.items()},
        "recall_at_build": {name: recall_facts(each) for name, each in recorded},
    }


def _repair_facts(done: "RepairReport | None") -> dict[str, Any]:
    if done is None:
        return {}
    return {
        "repaired": list(done.repaired),
        "lost": list(done.lost),
        "unrepairable": list(done.hopeless),
    }


def _tell_repair(done: "RepairReport | None") -> None:
    if done is None:
        return
    said = {"repaired": done.repaired, "lost": done.lost, "cannot be repaired": done.hopeless}
    for word, lines in said.items():
        for line in lines:
            write_text(printable(f"{word}: {line}"))


def _tell(report: "VerifyReport", *, quiet: bool) -> None:
    for problem in report.problems:
        write_text(printable(problem))
    if report.problems or quiet:
        return
    write_text(
        f"all well: generation {report.generation}, {report.n_items:,} items, "
        f"{report.n_files:,} files, {report.n_bytes:,} bytes"
    )
    for name, recall in report.recall.items():
        for line in recall_lines(recall_facts(recall)):
            write_text(f"{name}: {line}")
        for line in recall_lines(recall_facts(report.recorded_recall[name])):
            write_text(f"{name}, at the build: {line}")
