"""Thumbnails in the terminal: two pixels a character cell, by the upper half block."""

from collections.abc import Iterator, Sequence

from PIL import Image
from rich.color import Color
from rich.columns import Columns
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from cli.render.thumbnails import shown_name, thumbnail_of
from retrieval.model import Hit

_UPPER_HALF = "\u2580"
_SHADES = " \u2591\u2592\u2593\u2588"  # where the terminal has no colours: dark to light
DEFAULT_CELLS = 32


def hits_preview(hits: Sequence[Hit], *, width_cells: int = DEFAULT_CELLS) -> Columns:
    """Thumbnails side by side with rank, score and name below, for rich to print.

    Args:
        hits: best first.
        width_cells: width of a thumbnail; it is at most half as many cells high.
    """
    return Columns([_captioned(hit, width_cells) for hit in hits], padding=(1, 2))


class HalfBlocks:
    """A picture that rich can print; a cell shows two pixels, one above the other."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image.resize((image.width, image.height + image.height % 2))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        cells = self._coloured if console.color_system else self._shaded
        for row in range(0, self._image.height, 2):
            yield from cells(row)
            yield Segment.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self._image.width, self._image.width)

    def _coloured(self, row: int) -> Iterator[Segment]:
        for upper, lower in self._pairs(row):
            style = Style(color=Color.from_rgb(*upper), bgcolor=Color.from_rgb(*lower))
            yield Segment(_UPPER_HALF, style)

    def _shaded(self, row: int) -> Iterator[Segment]:
        for upper, lower in self._pairs(row):
            lightness = (sum(upper) + sum(lower)) / (6 * 256)
            yield Segment(_SHADES[int(lightness * len(_SHADES))])

    def _pairs(self, row: int) -> Iterator[tuple[tuple[int, ...], tuple[int, ...]]]:
        for column in range(self._image.width):
            yield self._pixel(column, row), self._pixel(column, row + 1)

    def _pixel(self, column: int, row: int) -> tuple[int, ...]:
        pixel = self._image.getpixel((column, row))
        assert isinstance(pixel, tuple)  # the image is RGB
        return pixel


def _captioned(hit: Hit, width_cells: int) -> Group:
    thumbnail = thumbnail_of(hit, width_cells, width_cells)
    picture = Text(thumbnail.reason) if thumbnail.image is None else HalfBlocks(thumbnail.image)
    name = Text(shown_name(hit.item.files[0]), style="dim")
    name.truncate(width_cells, overflow="ellipsis")
    return Group(picture, Text(f"{hit.rank}  {hit.score:.3f}", style="bold"), name)
