"""A drawn plot as part of a page: its colours follow the reader's scheme."""

import re

from benchmarks.reports.page.markup import Html, escaped
from benchmarks.reports.palette import COLOURS
from benchmarks.reports.run_plots import Plot

_UNUSED = re.compile(
    r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL
)
_HEAD = re.compile(r'<svg[^>]*?viewBox="([^"]*)"[^>]*>')
_FONT = re.compile(r"(font: [^;\"]*?px) [^;\"]*")
_ID, _LINK = re.compile(r'\bid="'), re.compile(r'(?:xlink:)?href="#|url\(#')
_VARIABLES = {each.light: f"var(--{name})" for name, each in COLOURS.items()}
_COLOUR = re.compile(r"#[0-9a-f]{6}\b")


def inline_svg(plot: Plot) -> Html:
    """An <svg> element of a plot, told to those who cannot see it by its alternative text."""
    text = _UNUSED.sub("", plot.svg.decode("utf-8")).strip()
    text = _ID.sub(f'id="{plot.name}-', text)
    text = _LINK.sub(lambda found: f"{found[0].removeprefix('xlink:')}{plot.name}-", text)
    text = _COLOUR.sub(lambda found: _VARIABLES.get(found[0], found[0]), text)
    text = _FONT.sub(r"\1 var(--font)", text)
    head = f'<svg viewBox="\\1" role="img" aria-label="{escaped(plot.alt)}">'
    return Html(_HEAD.sub(lambda found: head.replace("\\1", found[1]), text, count=1))
