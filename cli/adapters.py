"""What `polyseek train adapter` and `train text-adapter` share: method, gate, card, report."""

from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.exits import full_disk_at
from cli.output import shown_path, write_json, write_text
from retrieval.errors import SettingsError, TrainedMapError

if TYPE_CHECKING:
    from retrieval.learn.adapter import Adapter
    from retrieval.learn.net import NetRecipe


class Method(StrEnum):
    """How an adapter is learned; the choices of `--method`."""

    RIDGE = "ridge"
    MLP = "mlp"


MethodOption = Annotated[
    Method,
    typer.Option(
        "--method",
        metavar="ridge|mlp",
        help="ridge: closed form, a second. mlp: a small network, a minute.",
    ),
]
GateOption = Annotated[
    float | None,
    typer.Option(
        "--gate",
        metavar="SHARE",
        help="Refuse an adapter that leads fewer held-out texts or images to their own partners. "
        "Default: 0.5.",
        show_default=False,
    ),
]
StepsOption = Annotated[
    int | None,
    typer.Option("--steps", metavar="N", help="Of the network of mlp.", show_default=False),
]
SeedOption = Annotated[
    int, typer.Option("--seed", metavar="N", help="Of what is held out, and of the network.")
]


def checked_gate(gate: float | None) -> float:
    """The gate, or the usual one.

    Raises:
        SettingsError: it is not in [0, 1].
    """
    from retrieval.learn.adapter_fit import GATE

    if gate is None:
        return GATE
    if not 0 <= gate <= 1:
        raise SettingsError(f"--gate must be from 0 to 1, got {gate:g}")
    return gate


def recipe_of(steps: int | None, seed: int) -> "NetRecipe":
    """How the network of mlp is trained."""
    from retrieval.learn.net import NetRecipe

    usual = NetRecipe(seed=seed)
    return usual if steps is None else replace(usual, steps=steps)


def finish(adapter: "Adapter", path: Path, gate: float, *, as_json: bool) -> None:
    """Write an adapter that passes the gate, and report.

    Raises:
        TrainedMapError: it does not; nothing is written.
    """
    for modality, found in adapter.card.alignment.items():
        if found.recall < gate:
            raise TrainedMapError(
                f"of held-out {modality}s, the adapter leads {found.recall:.1%} to their own "
                f"partner among {found.n:,}; the gate is {gate:.0%}, and nothing was written",
                hint="give more texts or images, try --method mlp or another --from, or lower "
                "--gate if you know why",
            )
    with full_disk_at(path.parent):
        adapter.save(path)
    _report(adapter, path, as_json=as_json)


def _report(adapter: "Adapter", path: Path, *, as_json: bool) -> None:
    card = adapter.card
    if as_json:
        write_json({"path": shown_path(path), **asdict(card)})
        return
    learned = ", ".join(f"{count:,} {what}" for what, count in card.trained_on.items() if count)
    write_text(f"trained {card.method} from {card.source} to {card.target} on {learned}")
    for modality, found in card.alignment.items():
        write_text(
            f"held-out {modality}s: {found.recall:.1%} of them meet their own partner among "
            f"{found.n:,}, mean cosine {found.cosine:.3f}"
        )
    write_text(f"wrote {shown_path(path)}")
