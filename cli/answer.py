"""The answer to one query: how it is searched for, what is said about it, and how it is shown."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cli.context import Context
from cli.engine import tell_if_nothing_matches
from cli.hits import Output, show_result
from cli.languages import remarks
from cli.output import note
from cli.question import Question, Sort, in_order
from cli.stages import AS_FOUND, Stages

if TYPE_CHECKING:
    from retrieval.engine import SearchEngine
    from retrieval.model import GalleryName, ItemId, SearchResult
    from retrieval.store.filters.predicates import Predicate


@dataclass(frozen=True, slots=True)
class Shown:
    """What to search, and how to show what was found."""

    target: "GalleryName"
    where: "Predicate | None"
    sort: Sort
    output: Output
    is_grouped: bool = False
    adjust: bool = True
    stages: Stages = AS_FOUND
    weigh: bool = False
    least: float | None = None


def answer(engine: "SearchEngine", question: Question, context: Context, shown: Shown) -> int:
    """Search, and show what was found.

    Returns:
        The number of hits.
    """
    top = context.settings.top
    n_alike: dict[ItemId, int] | None = None
    query = question.to_query(engine.template if question.compose == "pseudo" else None)
    if shown.is_grouped:
        from retrieval.duplicates import search_grouped

        grouped = search_grouped(engine, query, top, target=shown.target, where=shown.where)
        result, n_alike = grouped.result, grouped.n_alike
    else:
        from retrieval.shaping import Among, search_shaped

        shaping = shown.stages.shaping(engine, context.settings.device)
        among = Among(shown.target, shown.where, shown.adjust, shown.weigh)
        shaped = search_shaped(engine, query, top, shaping, among)
        shown.stages.tell(shaped, quiet=shown.output.quiet)
        result = shaped.result
    quiet = shown.output.quiet
    tell_if_nothing_matches(result.n_matching, quiet=quiet)
    if result.looks_visual is False:
        note("warning: the query does not look like something that pictures show", quiet=quiet)
    if shown.least is not None:
        result = _sure_enough(result, shown.least, quiet=quiet)
    result = replace(result, hits=in_order(result.hits, shown.sort))
    model = engine.collection.manifest.encoder.name
    languages = engine.languages_of(question.to_query())
    for remark in remarks(languages):
        note(remark, quiet=quiet)
    if taken_away := question.taken_away():
        note(f"taken away: {', '.join(taken_away)}", quiet=quiet)
    show_result(result, question.describe(), model, shown.output, n_alike, languages.choices)
    return len(result.hits)


def _sure_enough(result: "SearchResult", least: float, *, quiet: bool) -> "SearchResult":
    """The hits that are; says plainly where none is, and where nobody can tell."""
    from retrieval.calibrate import at_least

    if any(hit.confidence is None for hit in result.hits):
        note(
            "warning: too few matches are known to judge hits of such a query; all are kept",
            quiet=quiet,
        )
    kept = at_least(result, least)
    if result.hits and not kept.hits:
        best = max(hit.confidence or 0.0 for hit in result.hits)
        note(f"no good match: the best hit has a confidence of {best:.3f}", quiet=quiet)
    return kept
