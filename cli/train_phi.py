"""`polyseek train phi`: the map that makes a word of an image."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import Context, begin
from cli.exits import full_disk_at, reported_errors
from cli.lessons import (
    at_least_one,
    encoder_of,
    folder_of,
    home_of,
    lines_of,
    vectors_in,
    vectors_of,
)
from cli.options import (
    CollectionOption,
    DeviceOption,
    JsonOption,
    QuietOption,
    examples,
)
from cli.output import shown_path, write_json, write_text
from cli.progress import step_progress
from retrieval.errors import SettingsError

if TYPE_CHECKING:
    from retrieval.encoders.base import Encoder
    from retrieval.learn.net import OnProgress
    from retrieval.learn.phi import Phi
    from retrieval.learn.phi_lessons import Lessons, PhiRecipe
    from retrieval.model import Float32Array


class Method(StrEnum):
    """How a phi is learned; the choices of `--method`."""

    RIDGE = "ridge"
    LINCIR = "lincir"
    PIC2WORD = "pic2word"


_EXAMPLES = examples(
    "polyseek train phi --collection photos.polyseek",
    "polyseek train phi -c photos.polyseek --method pic2word --steps 2000",
    "polyseek train phi --model openclip:ViT-B-32:openai --method ridge --out phi.safetensors",
    "polyseek train phi --model local-dir:clip --texts captions.txt --images ~/Pictures "
    "--out phi.safetensors",
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("phi", epilog=_EXAMPLES)(phi)


def phi(
    method: Annotated[
        Method,
        typer.Option(
            "--method",
            metavar="ridge|lincir|pic2word",
            help="ridge: closed form, seconds. lincir: from texts alone. pic2word: from images.",
        ),
    ] = Method.LINCIR,
    collection: CollectionOption = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="MODEL", help="For this encoder, where there is no collection."
        ),
    ] = None,
    texts: Annotated[
        Path | None,
        typer.Option(
            "--texts",
            metavar="FILE",
            help="Captions to learn from, one a line. Default: polyseek's own.",
            show_default=False,
        ),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            "--images",
            metavar="FOLDER",
            help="Images to learn from. Default: the vectors of the collection.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Where to write. Default: phi.safetensors in the collection, where queries "
            "look for it.",
            show_default=False,
        ),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(
            "--template",
            metavar="TEXT",
            help="How an image and words become one text. Default: a photo of {image} that {text}.",
            show_default=False,
        ),
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", metavar="N", help="Of lincir and pic2word.", show_default=False),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", metavar="N", help="Likewise.", show_default=False),
    ] = None,
    tokens: Annotated[
        int, typer.Option("--tokens", metavar="N", help="Words that an image becomes; likewise.")
    ] = 1,
    seed: Annotated[int, typer.Option("--seed", metavar="N", help="Likewise.")] = 0,
    device: DeviceOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Train the map that makes a word of an image.

    With it, queries hold images inside of texts ("a photo of {ref.jpg} on the beach"), and
    --compose pseudo makes one text of an image and words. It serves the encoder that it was
    trained for, and no other. The models themselves are not changed.
    """
    flags = {"collection": collection, "device": device.value if device else None}
    with reported_errors(as_json=json):
        context = begin(flags, quiet=quiet)
        folder = folder_of(context, model)

        from retrieval.learn.phi import PHI_NAME

        recipe = _recipe(method, steps, batch_size, tokens, seed)
        encoder = encoder_of(context, folder, model)
        path = home_of(out, folder, PHI_NAME)
        lessons = _lessons(encoder, texts, _vectors(context, folder, encoder, images), template)
        with step_progress("training", quiet=quiet) as on_progress:
            made = _train(method, lessons, recipe, on_progress)
        with full_disk_at(path.parent):
            made.save(path)
        _report(made, path, as_json=json)


def _report(phi: "Phi", path: Path, *, as_json: bool) -> None:
    from dataclasses import asdict

    if as_json:
        write_json({"path": shown_path(path), **asdict(phi.card)})
        return
    learned = ", ".join(f"{count:,} {what}" for what, count in phi.card.trained_on.items() if count)
    write_text(f"trained {phi.card.method} on {learned}; wrote {shown_path(path)}")


def _recipe(
    method: Method, steps: int | None, batch: int | None, tokens: int, seed: int
) -> "PhiRecipe":
    from retrieval.learn.phi_lessons import PhiRecipe

    usual = PhiRecipe()
    at_least_one(steps=steps, batch_size=batch, tokens=tokens)
    if method is Method.RIDGE and tokens != 1:
        raise SettingsError("ridge makes one word of an image", hint="drop --tokens")
    return PhiRecipe(
        steps=usual.steps if steps is None else steps,
        batch=usual.batch if batch is None else batch,
        n_tokens=tokens,
        seed=seed,
    )


def _lessons(
    encoder: "Encoder", texts: Path | None, images: "Float32Array | None", template: str | None
) -> "Lessons":
    from retrieval.learn.phi import DEFAULT_TEMPLATE
    from retrieval.learn.phi_lessons import Lessons

    lines = [] if texts is None else lines_of(texts)
    return Lessons.of(encoder, lines, images, template or DEFAULT_TEMPLATE)


def _vectors(
    context: Context, folder: Path | None, encoder: "Encoder", images: Path | None
) -> "Float32Array | None":
    """Embeddings of images, (n, dim); None where there are none."""
    if images is not None:
        return vectors_in(encoder, images)
    return None if folder is None else vectors_of(context, folder)


def _train(
    method: Method, lessons: "Lessons", recipe: "PhiRecipe", on_progress: "OnProgress | None"
) -> "Phi":
    from retrieval.learn.phi_lincir import train_lincir
    from retrieval.learn.phi_pic2word import train_pic2word
    from retrieval.learn.phi_ridge import train_ridge

    if method is Method.RIDGE:
        return train_ridge(lessons)
    if method is Method.LINCIR:
        return train_lincir(lessons, recipe, on_progress)
    return train_pic2word(lessons, recipe, on_progress)
