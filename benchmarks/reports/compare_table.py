"""Two runs beside each other as lines for a terminal."""

from collections.abc import Iterator, Sequence

from benchmarks.compare.figures import FigureDifference
from benchmarks.compare.runs import Comparison, Pair
from benchmarks.compare.sides import Place
from benchmarks.metrics.seeds import Spread

_SHOWN = 3
"""Protocols that one side alone has, named before the rest are counted."""

_LEFT = (0, 5)
"""Columns of words."""

Cells = tuple[str, ...]


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """Every figure of every pair, then what could not be compared, then the summary."""
    for pair in comparison.pairs:
        yield from _pair_lines(pair)
    for each in comparison.refused:
        yield f"incomparable: {shown_place(each.a)}"
        yield from (f"    {reason}" for reason in each.reasons)
    for side, places in (("A", comparison.only_a), ("B", comparison.only_b)):
        if places:
            yield f"only in {side}: {_few(places)}"
    yield from _summary_lines(comparison)


def shown_place(place: Place) -> str:
    """A protocol in a line, without what is as usual."""
    key = place.key
    words = [key.dataset, key.split, key.language, key.captions, key.prompt, key.rerank]
    gallery = "" if key.gallery == "complete" else f"({key.gallery})"
    folds = f"{key.folds} folds" if key.folds > 1 else ""
    training = "" if key.training == "zero-shot" else key.training
    shown = [*words, gallery, folds, training, place.system, place.compose]
    return " ".join(each for each in shown if each)


def _pair_lines(pair: Pair) -> Iterator[str]:
    a, b = (
        name if len(set(pair.systems)) == 1 else f"{name} {system}"
        for name, system in zip(pair.names, pair.systems, strict=True)
    )
    yield f"{shown_place(pair.place)}: A {a}, B {b}"
    heads = ("figure", "A", "B", "B - A", "95 % interval", "")
    yield from _aligned([heads, *(_cells(each) for each in pair.figures)])
    if pair.settings:
        differing = (f"{name} {own} / {other}" for name, (own, other) in pair.settings.items())
        yield f"  settings that differ: {', '.join(differing)}"


def _cells(figure: FigureDifference) -> Cells:
    finding = figure.finding
    words = "" if finding == "differs" else f"{finding}: {figure.reason}".removesuffix(": ")
    return (
        figure.name,
        _spread(figure.a),
        _spread(figure.b),
        f"{figure.difference:+.2f}",
        _interval(figure),
        words,
    )


def _spread(spread: Spread) -> str:
    if spread.sd is None:
        return f"{spread.mean:.2f}"
    return (
        f"{spread.mean:.2f} +- {spread.sd:.2f} ({spread.n} seeds, {spread.least:.2f} to "
        f"{spread.most:.2f})"
    )


def _interval(figure: FigureDifference) -> str:
    shown = [f"{low:+.2f} to {high:+.2f}" for low, high in filter(None, [figure.interval])]
    shown += [
        f"seeds {low:+.2f} to {high:+.2f}" for low, high in filter(None, [figure.seed_interval])
    ]
    return ", ".join(shown)


def _aligned(lines: Sequence[Cells]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (
            cell.ljust(width) if at in _LEFT else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield f"  {'  '.join(cells)}".rstrip()


def _few(places: Sequence[Place]) -> str:
    more = f" and {len(places) - _SHOWN:,} more" if len(places) > _SHOWN else ""
    return ", ".join(map(shown_place, places[:_SHOWN])) + more


def _summary_lines(comparison: Comparison) -> Iterator[str]:
    """How many differ; said only of several, where some would by chance."""
    for each in comparison.summaries():
        if each.n > 1:
            yield (
                f"{each.name}: {each.n_differ} of {each.n} differ by more than noise at 95 % "
                f"(chance alone: {0.05 * each.n:.1f}), {each.n_after_holm} after Holm-Bonferroni"
            )
