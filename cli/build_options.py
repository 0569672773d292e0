"""Which index a collection gets: the options that say so, and `polyseek collection retune`."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cli.collection_info import Facts, mode_facts, mode_lines
from cli.context import begin
from cli.exits import reported_errors
from cli.options import (
    CollectionOption,
    DeviceOption,
    JsonOption,
    MaxMemoryOption,
    QuietOption,
)
from cli.output import note, write_json, write_text
from retrieval.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from indexer.options import BuildOptions
    from indexer.retune import Retuned

IndexOption = Annotated[
    str,
    typer.Option(
        "--index",
        metavar="SPEC",
        help="How to search: auto, tuned, exact, or e.g. ivf1024,pq256x4fs (docs/design/index.md).",
    ),
]
TargetRecallOption = Annotated[
    float,
    typer.Option(
        "--target-recall",
        metavar="R",
        help="Share of the exact ten best that each kind of query should find.",
    ),
]
DEFAULT_TARGET = 0.95


def build_options(
    spec: str,
    target_recall: float,
    max_memory: str | None = None,
    announce: "Callable[[str], None] | None" = None,
) -> "BuildOptions":
    """What a build is asked for.

    Raises:
        SettingsError: no such index, or a target that is no share.
    """
    from indexer.options import BuildOptions
    from retrieval.ann.spec import IndexSpec
    from retrieval.memory import parse_size

    try:
        return BuildOptions(
            spec=IndexSpec.parse(spec),
            target_recall=target_recall,
            max_memory=None if max_memory is None else parse_size(max_memory),
            announce=announce,
        )
    except ValueError as error:
        raise SettingsError(str(error), hint="see `polyseek index --help`") from error


def retune(
    target_recall: TargetRecallOption = DEFAULT_TARGET,
    max_memory: MaxMemoryOption = None,
    collection: CollectionOption = None,
    device: DeviceOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Choose again how far each kind of query looks, for a recall of your own.

    The codes stay as they are, so it takes seconds. A search costs more the nearer to exact it is;
    `polyseek collection info` shows what was chosen and what it finds. Says also whether the items
    have moved away from the lists since they were trained. An exact search has nothing to choose.
    """
    with reported_errors(as_json=json):
        flags = {"collection": collection, "device": device, "max_memory": max_memory}
        context = begin(flags, quiet=quiet)
        from indexer.retune import retune_collection

        found = retune_collection(
            context.collection(),
            build_options("auto", target_recall, context.settings.max_memory),
            device=context.settings.device,
            catalogue_url=context.settings.catalogue_url,
            cache_dir=context.cache_dir,
        )
        facts = {name: retuned_facts(each) for name, each in found.items()}
        if json:
            write_json({"galleries": facts})
        elif not facts:
            write_text("searched exactly: there is nothing to tune")
        elif not quiet:
            for name, each in facts.items():
                write_text("\n".join([f"{name}:", *mode_lines(each["modes"])]))
        for each in facts.values():
            if each["retrain"]:
                hint = "`polyseek collection compact --retrain` trains anew"
                note(f"{each['retrain']}; {hint}", quiet=quiet)


def retuned_facts(retuned: "Retuned") -> Facts:
    """What was chosen and how the lists fit, in the shape of the JSON output."""
    drift = retuned.drift
    return {
        "modes": mode_facts(retuned.index.modes),
        "drift": None if drift is None else asdict(drift),
        "retrain": None if drift is None else drift.reason_to_retrain,
    }
