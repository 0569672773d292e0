"""`polyseek bench verify`: what was measured beside what was published."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import begin
from cli.exits import reported_errors
from cli.options import JsonOption, QuietOption, examples
from cli.output import note, shown_path, write_json, write_text
from retrieval.errors import BenchmarkError

if TYPE_CHECKING:
    from benchmarks.records.run import RunRecord
    from benchmarks.reference.verdicts import Verdict

_EXAMPLES = examples("polyseek bench verify runs/clip", "polyseek bench verify runs/clip --json")


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify", epilog=_EXAMPLES)(verify)


def verify(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a run.")],
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Hold the figures of a run against published ones.

    reproduced: within 0.3 points where texts find pictures, 0.5 else. close: within 1. not
    reproduced: with the settings that differ, the likeliest cause first. incomparable: another
    protocol, which is named; such figures are never subtracted from each other.

    First every figure is computed again from the ranks that were kept; a run in which one comes to
    something else is damaged, and refused.
    """
    with reported_errors(as_json=json):
        begin({}, quiet=quiet)
        from benchmarks.records.folder import RunFolder
        from benchmarks.records.means import means_of
        from benchmarks.verify import as_json, unchecked, verdicts

        folder = RunFolder(run)
        records = folder.records()
        if not records:
            raise BenchmarkError(
                f"no records in {shown_path(run)}", hint="make some: polyseek bench run --out RUN"
            )
        if loose := unchecked(folder):
            note(
                f"figures of {len(loose)} of {len(records)} records cannot be computed again from "
                "what was kept",
                quiet=quiet,
            )
        found = [(each, verdicts(each)) for each in (*records, *means_of(records))]
        if json:
            rows = [
                each.to_json() | {"verdicts": {name: as_json(own) for name, own in told.items()}}
                for each, told in found
            ]
            write_json({"records": rows})
            return
        for record, told in found:
            for name, verdict in told.items():
                write_text(_line(record, name, verdict))
                for reason in verdict.reasons:
                    write_text(f"    {reason}")
        bare = sorted({each.model["name"] for each, told in found if not told})
        if bare:
            note(f"nothing comparable was published of {', '.join(bare)}", quiet=quiet)


def _line(record: "RunRecord", name: str, verdict: "Verdict") -> str:
    key, reference = record.key, verdict.reference
    said = (key.dataset, key.split, key.language, key.captions)
    what = " ".join(each for each in (*said, record.settings.get("compose", "")) if each)
    own = f"{100 * record.figures[name]:.2f}"
    delta = "" if verdict.delta_pp is None else f" ({verdict.delta_pp:+.2f})"
    return (
        f"{verdict.grade:<14}  {what} {name}  {record.model['name']}  {record.system}: {own}, "
        f"published {100 * reference.share:.2f}{delta}, {reference.source.title}"
    )
