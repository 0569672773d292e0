"""`polyseek train text-adapter`: new languages for a collection, without indexing it anew."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.adapters import (
    GateOption,
    Method,
    MethodOption,
    SeedOption,
    StepsOption,
    checked_gate,
    finish,
    recipe_of,
)
from cli.context import begin
from cli.exits import reported_errors
from cli.languages import checked_tag
from cli.lessons import at_least, at_least_one, encoder_of, folder_of, home_of, kept
from cli.options import CollectionOption, DeviceOption, JsonOption, QuietOption, examples
from cli.progress import step_progress
from retrieval.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from retrieval.learn.pairs import Pair
    from retrieval.model import EncoderInfo

_EXAMPLES = examples(
    "polyseek train text-adapter --collection photos.polyseek",
    "polyseek train text-adapter -c photos.polyseek --pairs german.tsv --languages de",
    "polyseek train text-adapter --from sentence:sentence-transformers/LaBSE --pairs pairs.jsonl",
    "polyseek train text-adapter --model openclip:ViT-B-32:openai --out text-adapter.safetensors",
)


def add_to(app: typer.Typer) -> None:
    """Add the command."""
    app.command("text-adapter", epilog=_EXAMPLES)(text_adapter)


def text_adapter(
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="ENCODER",
            help="The text encoder that knows the languages: e5, sentence:FOLDER, "
            "sentence:ORG/REPO, or any --model.",
        ),
    ] = "e5",
    collection: CollectionOption = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="MODEL", help="For this encoder, where there is no collection."
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(
            "--pairs",
            metavar="FILE",
            help="Texts with their English: a tab between them, or .jsonl. Default: polyseek's "
            "own English texts.",
            show_default=False,
        ),
    ] = None,
    languages: Annotated[
        str | None,
        typer.Option(
            "--languages",
            metavar="TAGS",
            help="Which languages go through it, e.g. de,fr. Default: those of the pairs but "
            "English; without pairs, those of the text encoder that the model does not know.",
            show_default=False,
        ),
    ] = None,
    method: MethodOption = Method.RIDGE,
    gate: GateOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Where to write. Default: text-adapter.safetensors in the collection, where "
            "queries look for it.",
            show_default=False,
        ),
    ] = None,
    steps: StepsOption = None,
    seed: SeedOption = 0,
    device: DeviceOption = None,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Teach a collection new languages; nothing is indexed anew.

    A multilingual encoder of texts is led into the space of the collection's model. Queries in its
    languages go through it from then on, those in English stay as they are. Without pairs it learns
    from English alone, which is enough where its languages lie close to each other.
    """
    flags = {"collection": collection, "device": device.value if device else None}
    with reported_errors(as_json=json):
        least = checked_gate(gate)
        at_least_one(steps=steps)
        at_least(0, seed=seed)
        tags = None if languages is None else _tags(languages)
        context = begin(flags, quiet=quiet)
        folder = folder_of(context, model)

        from retrieval.encoders.base import default_language
        from retrieval.encoders.sentences import get_text_encoder
        from retrieval.learn.adapter import TEXT_ADAPTER_NAME
        from retrieval.learn.adapter_fit import adapter_of, fit_adapter
        from retrieval.learn.pairs import match_texts, own_pairs, read_pairs, with_pivots

        said = None if pairs is None else read_pairs(pairs)
        # Polyseek's own first: what the cache keeps of them serves whatever comes after.
        learned = tuple(dict.fromkeys((*own_pairs(), *with_pivots(said or ()))))
        reader = get_text_encoder(source, device=context.settings.device)
        teacher = encoder_of(context, folder, model)
        if default_language(reader) is not None:
            raise SettingsError(
                f"{source} has to be told the language of each text, which adapters do not do",
                hint="take one that needs no telling, e.g. e5",
            )
        path = home_of(out, folder, TEXT_ADAPTER_NAME)
        through = tags or _languages(said, reader.info, teacher.info)
        if not through or reader.info.fingerprint == teacher.info.fingerprint:
            raise SettingsError(
                f"{source} reads no language that {teacher.info.name} does not",
                hint="name another --from, or --languages that are to go through it",
            )
        with step_progress("embedding texts", quiet=quiet) as shown:
            matched = match_texts(
                learned, kept(context, reader, shown), kept(context, teacher, shown)
            )
        with step_progress("training", quiet=quiet) as on_progress:
            fitted = fit_adapter(matched, method.value, recipe_of(steps, seed), on_progress)
        trained_on = {"pairs": len(said or ()), "English texts": len(learned) - len(said or ())}
        made = adapter_of(
            reader.info, teacher.info, method.value, {"text": fitted}, trained_on, through
        )
        finish(made, path, least, as_json=json)


def _tags(languages: str) -> tuple[str, ...]:
    """Tags that were given, in their one spelling."""
    given = (checked_tag(each.strip()) for each in languages.split(",") if each.strip())
    tags = tuple(dict.fromkeys(each for each in given if each is not None))
    if not tags:
        raise SettingsError("--languages names none", hint="e.g. --languages de,fr")
    return tags


def _languages(
    said: "Sequence[Pair] | None", source: "EncoderInfo", target: "EncoderInfo"
) -> tuple[str, ...]:
    """Those of the pairs but English; else those that the text encoder knows and the model not.

    English among the pairs is there to learn from: what the model reads stays as it is.
    """
    from retrieval.languages.tags import ANY, family, knows

    of_pairs = (each.language for each in said or () if each.language is not None)
    named = dict.fromkeys(each for each in of_pairs if family(each) != "en")
    tags = tuple(each for each in named or source.languages if each is not None)
    return tuple(each for each in tags if each == ANY or named or not knows(target.languages, each))
