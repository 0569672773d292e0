"""`polyseek models`: which encoders there are, what is known of them, and their files."""

from typing import TYPE_CHECKING, Annotated

import typer

from cli import model_files
from cli.context import begin
from cli.exits import reported_errors
from cli.options import AllowPickleOption, JsonOption, QuietOption, examples
from cli.output import note, printable, write_json, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.encoders.published import PublishedModel
    from retrieval.encoders.registry import EncoderSummary

app = typer.Typer(help="See which encoders there are.", no_args_is_help=True)

_SCORES = {
    "imagenet": "IN1k",
    "flickr_t2i": "F30k",
    "coco_t2i": "COCO",
    "xm3600_t2i": "XM36",
}
"""Scores of the table by the name of their column; `show` and --json have all."""


_TAGS_SHOWN = 12


@app.callback()
def models() -> None:
    """See which encoders there are, and get them."""


@app.command(
    "list",
    epilog=examples(
        "polyseek models list",
        "polyseek models list --all",
        "polyseek models list --search 'siglip many' --json",
    ),
)
def list_models(
    published: Annotated[
        bool, typer.Option("--all", help="Also every model that open_clip publishes.")
    ] = False,
    search: Annotated[
        str | None,
        typer.Option(
            "--search",
            metavar="TEXT",
            help="Of the published models those with these words in their name or languages.",
        ),
    ] = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """List the encoders, and what is missing for those that cannot be used.

    The published models are listed best on COCO first, with millions of weights, 1e9 operations for
    an image and a text, and scores in %: zero-shot accuracy on ImageNet-1k (IN1k), R@1 of text to
    image on Flickr30k (F30k), COCO and, over 36 languages, Crossmodal-3600 (XM36).
    """
    with reported_errors(as_json=json):
        begin({}, quiet=quiet)
        from retrieval.encoders.published import SOURCE, published_models, search_published
        from retrieval.encoders.registry import default_encoder, known_encoders

        summaries = known_encoders()
        wanted = search_published(search or "") if published or search is not None else ()
        ranked = sorted(wanted, key=lambda model: -(model.coco_t2i or 0))
        if json:
            listed: dict[str, object] = {
                "default": default_encoder(),
                "models": [_as_json(summary) for summary in summaries],
            }
            if published or search is not None:
                listed |= {"source": SOURCE, "published": [_figures(model) for model in ranked]}
            write_json(listed)
            return
        if search is None:
            _write_summaries(summaries, default_encoder())
        if published or search is not None:
            _write_table(ranked)
            note(f"scores in %: {SOURCE}", quiet=quiet)
        else:
            hidden = len(published_models())
            note(f"open_clip publishes {hidden} models: --all, --search TEXT", quiet=quiet)


@app.command(
    "show",
    epilog=examples(
        "polyseek models show mini",
        "polyseek models show openclip:ViT-B-32-quickgelu:openai --json",
    ),
)
def show_model(
    name: Annotated[str, typer.Argument(metavar="MODEL", help="Name of an encoder.")],
    allow_pickle: AllowPickleOption = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Show one encoder: its fingerprint, what that covers, and what is published. Loads it."""
    with reported_errors(as_json=json):
        context = begin({"allow_pickle": allow_pickle or None}, quiet=quiet)
        from retrieval.encoders.published import find_published
        from retrieval.encoders.registry import get_encoder

        encoder = get_encoder(name, device=context.settings.device)
        found = encoder.info
        published = find_published(found.name)
        shown: dict[str, object] = {
            "name": found.name,
            "dim": found.dim,
            "input_px": encoder.input_px,
            "languages": list(found.languages),
            "fingerprint": found.fingerprint,
            "parts": dict(found.parts),
            "published": _figures(published) if published else None,
        }
        if json:
            write_json(shown)
            return
        del shown["parts"], shown["published"]
        shown["languages"] = _in_short(found.languages)
        for key, value in shown.items():
            write_text(printable(f"{key}: {value}"))
        write_text("the fingerprint covers:")
        for key, value in found.parts.items():
            write_text(printable(f"  {key}: {value}"))
        if published:
            write_text("published:")
            for key, value in _figures(published).items():
                if key != "name" and value is not None:
                    write_text(f"  {key}: {value}")


def readiness(summary: "EncoderSummary") -> str:
    """How near to use an encoder is whose packages are installed: a family needs weights yet."""
    return "needs weights" if summary.dim is None else "ready"


def _write_summaries(summaries: "tuple[EncoderSummary, ...]", default: str) -> None:
    width = max(len(summary.name) for summary in summaries)
    for summary in summaries:
        state = readiness(summary) if summary.available else f"not at hand: {summary.missing}"
        mark = "*" if summary.name == default else " "
        write_text(f"{mark} {summary.name:<{width}}  {state}")
        write_text(f"  {'':<{width}}  {summary.note}")


def _write_table(published: "list[PublishedModel]") -> None:
    """One line a model, at most 100 columns wide."""
    if not published:
        write_text("no published model matches")
        return
    names = [f"{model.model}:{model.pretrained}" for model in published]
    width = max(len("openclip:..."), *map(len, names))
    heads = "".join(f"{head:>6}" for head in _SCORES.values())
    write_text(f"{'openclip:...':<{width}}  lang  Mparams  GFLOPs{heads}")
    for name, model in zip(names, published, strict=True):
        scores = "".join(_percent(getattr(model, column)) for column in _SCORES)
        size = f"{model.mparams or 0:>7,.0f}"
        work = f"{model.gflops:>7,.0f}" if model.gflops else f"{'-':>7}"
        write_text(f"{name:<{width}}  {model.languages:<4}  {size} {work}{scores}")


def _in_short(languages: "Sequence[str]") -> str:
    """Tags on one line; so many that nobody reads them all are counted."""
    shown = ", ".join(languages[:_TAGS_SHOWN])
    more = len(languages) - _TAGS_SHOWN
    return f"{shown} and {more} more (--json lists them)" if more > 0 else shown


def _percent(score: float | None) -> str:
    return f"{'-':>6}" if score is None else f"{100 * score:>6.1f}"


def _figures(model: "PublishedModel") -> dict[str, object]:
    """What is published about one model, scores in [0, 1]; null where nothing is."""
    from retrieval.encoders.published import COLUMNS

    named = {"name": model.name}
    return named | {column: getattr(model, column) for column in COLUMNS}


def _as_json(summary: "EncoderSummary") -> dict[str, object]:
    return {
        "name": summary.name,
        "dim": summary.dim,
        "languages": list(summary.languages),
        "available": summary.available,
        "missing": summary.missing,
        "note": summary.note,
    }


app.command("fetch", epilog=model_files.FETCH_EXAMPLES)(model_files.fetch)
app.command("pin", epilog=model_files.PIN_EXAMPLES)(model_files.pin)
app.command("export-dir", epilog=model_files.EXPORT_EXAMPLES)(model_files.export_dir)
