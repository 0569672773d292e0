"""How the answer to one query is shown: as a table, as paths, as JSON, and as pictures."""

import io
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from cli.output import note, path_fields, shown_path, write_bytes, write_json, write_text
from cli.picture_files import check_suffixes, write_page, write_sheet
from retrieval.errors import SettingsError

if TYPE_CHECKING:
    from retrieval.model import Hit, ItemId, SearchResult
    from retrieval.query.language import Choice

CONFIDENCE_DIGITS = 4

SCORE_DIGITS = 6
"""Decimals of a score in JSON; float32 has no more to say about a cosine."""

_PIPED_WIDTH = 100_000
_PIPED_PREVIEW_WIDTH = 100

Form = Literal["table", "paths", "paths0", "json", "jsonl"]


@dataclass(frozen=True, slots=True)
class Output:
    """What to write about an answer.

    Attributes:
        form: of what goes to stdout.
        preview: show the images in the terminal, below the table.
        sheet: where to write a contact sheet, in the format of its suffix, or None.
        html: where to write a page, or None.
        quiet: say nothing beside the results.
    """

    form: Form = "table"
    preview: bool = False
    sheet: Path | None = None
    html: Path | None = None
    quiet: bool = False

    @classmethod
    def choose(
        cls,
        flags: Mapping[str, bool],
        *,
        preview: bool,
        sheet: Path | None,
        html: Path | None,
        quiet: bool,
    ) -> Self:
        """The form that the flags ask for; --print0 is a way of --paths-only.

        Raises:
            SettingsError: the flags ask for two forms, or a file's suffix does not fit.
        """
        check_suffixes(sheet, html)
        forms: dict[str, Form] = {"--print0": "paths0", "--json": "json", "--jsonl": "jsonl"}
        given = [flag for flag in forms if flags[flag]]
        if flags["--paths-only"] and given != ["--print0"]:
            forms["--paths-only"] = "paths"
            given.append("--paths-only")
        if preview and given:
            given.append("--preview")
        if len(given) > 1:
            raise SettingsError(f"{' and '.join(given)} do not go together", hint="choose one")
        return cls(forms[given[0]] if given else "table", preview, sheet, html, quiet)

    @property
    def targets(self) -> tuple[Path, ...]:
        """The files that are to be written."""
        return tuple(path for path in (self.sheet, self.html) if path is not None)

    @property
    def has_pictures(self) -> bool:
        """Whether images are to be drawn."""
        return self.preview or bool(self.targets)


def language_as_json(choice: "Choice") -> dict[str, object]:
    """The language of one text, and how it was chosen."""
    shown: dict[str, object] = {"text": choice.text, "lang": choice.lang, "by": choice.by}
    return {**shown, "adapted": True} if choice.is_adapted else shown


def hit_as_json(hit: "Hit", n_alike: "Mapping[ItemId, int] | None" = None) -> dict[str, object]:
    """One hit as documented for scripts; a text has its words where an image has its size.

    Args:
        hit: to tell of.
        n_alike: of grouped hits, how many others each stands for.
    """
    known = {
        "rank": hit.rank,
        "id": hit.item.id,
        "score": round(hit.score, SCORE_DIGITS),
        **({} if hit.adjusted is None else {"adjusted": round(hit.adjusted, SCORE_DIGITS)}),
        **({} if hit.reranked is None else {"reranked": round(hit.reranked, SCORE_DIGITS)}),
        **_sureness(hit),
        **path_fields(hit.path),
    }
    if n_alike is not None:
        known["alike"] = n_alike[hit.item.id]
    if hit.text is not None:
        return {**known, "text": hit.text}
    return {**known, "width": hit.item.meta.width, "height": hit.item.meta.height}


def _sureness(hit: "Hit") -> dict[str, float]:
    """What is known of how sure a hit is."""
    known = {"confidence": hit.confidence, "z": hit.z, "probability": hit.probability}
    return {
        name: round(value, CONFIDENCE_DIGITS) for name, value in known.items() if value is not None
    }


def visual_as_json(result: "SearchResult") -> dict[str, object]:
    """Whether the query looks visual, where that is known."""
    return {} if result.looks_visual is None else {"looks_visual": result.looks_visual}


def show_result(
    result: "SearchResult",
    title: str,
    model: str,
    output: Output,
    n_alike: "Mapping[ItemId, int] | None" = None,
    languages: "Sequence[Choice]" = (),
) -> None:
    """Write the answer to a query.

    Args:
        result: of the engine.
        title: the query as one line.
        model: name of the encoder.
        output: what to write.
        n_alike: of grouped hits, how many others each stands for.
        languages: of the texts of the query.

    Raises:
        OSError: a file cannot be written.
        SettingsError: the sheet is too large for its format.
    """
    hits = result.hits
    if output.form == "paths":
        write_bytes(b"".join(hit.path + b"\n" for hit in hits))
    elif output.form == "paths0":
        write_bytes(b"".join(hit.path + b"\0" for hit in hits))
    elif output.form == "jsonl":
        for hit in hits:
            write_json(hit_as_json(hit, n_alike), indent=None)
    elif output.form == "json":
        write_json(
            {
                "query": title,
                **(
                    {"languages": [language_as_json(each) for each in languages]}
                    if languages
                    else {}
                ),
                "model": model,
                "generation": result.generation,
                **({} if result.n_matching is None else {"matching": result.n_matching}),
                **visual_as_json(result),
                "hits": [hit_as_json(hit, n_alike) for hit in hits],
            }
        )
    else:
        _show_table(hits, output, n_alike)
    _write_pictures(hits, title, output)


def _show_table(
    hits: Sequence["Hit"], output: Output, n_alike: "Mapping[ItemId, int] | None"
) -> None:
    from rich.console import Console

    from cli.render.preview import hits_preview
    from cli.render.table import hits_table

    if not hits:
        note("no hits", quiet=output.quiet)
        return
    # A line that goes to a pipe or a file is never folded.
    width = None if sys.stdout.isatty() else _PIPED_WIDTH
    laid_out = _LikeStdout()
    console = Console(file=laid_out, width=width, highlight=False, emoji=False)
    console.print(hits_table(hits, n_alike))
    if output.preview:
        if width is not None:
            console.width = _PIPED_PREVIEW_WIDTH
        console.print(hits_preview(hits))
    write_text(laid_out.getvalue().removesuffix("\n"))


class _LikeStdout(io.StringIO):
    """Where rich lays out for stdout. On stdout itself it ends the command if the reader leaves."""

    @property
    def encoding(self) -> str:  # type: ignore[override]  # of StringIO it cannot be set
        return sys.stdout.encoding

    def isatty(self) -> bool:
        return sys.stdout.isatty()


def _write_pictures(hits: Sequence["Hit"], title: str, output: Output) -> None:
    if output.sheet is not None:
        from cli.render.sheet import draw_sheet

        write_sheet(draw_sheet([(title, hits)]), output.sheet)
        note(f"wrote {shown_path(output.sheet)}", quiet=output.quiet)
    if output.html is not None:
        from cli.render.page import render_page

        write_page(render_page([(title, hits)]), output.html)
        note(f"wrote {shown_path(output.html)}", quiet=output.quiet)
