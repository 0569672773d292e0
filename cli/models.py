"""`polyseek models`: which encoders there are, and which of them can be used here."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import begin
from cli.exits import reported_errors
from cli.options import JsonOption, QuietOption, examples
from cli.output import write_json, write_text

if TYPE_CHECKING:
    from retrieval.encoders.registry import EncoderSummary

app = typer.Typer(help="See which encoders there are.", no_args_is_help=True)


@app.callback()
def models() -> None:
    """See which encoders there are."""


@app.command(
    "list",
    epilog=examples(
        "polyseek models list",
    ),
)
def list_models(quiet: QuietOption = False, json: JsonOption = False) -> None:
    """List the encoders, and what is missing for those that cannot be used."""
    with reported_errors(as_json=json):
        begin({}, quiet=quiet)
        from retrieval.encoders.registry import default_encoder, known_encoders

        summaries = known_encoders()
        if json:
            listed = [_as_json(summary) for summary in summaries]
            write_json({"default": default_encoder(), "models": listed})
            return
        width = max(len(summary.name) for summary in summaries)
        for summary in summaries:
            state = "ready" if summary.available else f"not at hand: {summary.missing}"
            mark = "*" if summary.name == default_encoder() else " "
            write_text(f"{mark} {summary.name:<{width}}  {state}")
            write_text(f"  {'':<{width}}  {summary.note}")


@app.command(
    "show",
    epilog=examples(
        "polyseek models show mini",
        "polyseek models show openclip:ViT-B-32:openai --json",
    ),
)
def show_model(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="Name of an encoder.")],
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Show one encoder: its fingerprint and what that covers. Loads it."""
    with reported_errors(as_json=json):
        context = begin({}, quiet=quiet)
        from retrieval.encoders.registry import get_encoder

        encoder = get_encoder(name, device=context.settings.device)
        found = encoder.info
        shown: dict[str, object] = {
            "name": found.name,
            "dim": found.dim,
            "input_px": encoder.input_px,
            "languages": list(found.languages),
            "fingerprint": found.fingerprint,
            "parts": dict(found.parts),
        }
        if json:
            write_json(shown)
            return
        del shown["parts"]
        shown["languages"] = ", ".join(found.languages)
        for key, value in shown.items():
            write_text(f"{key}: {value}")
        write_text("the fingerprint covers:")
        for key, value in found.parts.items():
            write_text(f"  {key}: {value}")


def _as_json(summary: "EncoderSummary") -> dict[str, object]:
    return {
        "name": summary.name,
        "dim": summary.dim,
        "languages": list(summary.languages),
        "available": summary.available,
        "missing": summary.missing,
        "note": summary.note,
    }
