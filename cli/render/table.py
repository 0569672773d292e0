"""The table: one row a hit."""

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from cli.render.thumbnails import shown_text
from retrieval.model import Hit, ItemId, display_path

_FURTHER = ("adjusted", "reranked", "confidence")
"""What else a hit may have been ranked by, or is known of it: a column where any hit has it."""

_UNITS = ("B", "kB", "MB", "GB", "TB")


def hits_table(hits: Sequence[Hit], n_alike: Mapping[ItemId, int] | None = None) -> Table:
    """Rank, score, path and size of every hit, for rich to print; a text shows its words.

    What ranks in place of the score has a column of its own, and so has the confidence.

    Words and paths are folded, never cut.

    Args:
        hits: in the order to be shown.
        n_alike: of grouped hits, how many others each stands for; a column of its own.
    """
    are_texts = any(hit.text is not None for hit in hits)
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    table.add_column("rank", justify="right", style="cyan", no_wrap=True)
    table.add_column("score", justify="right", no_wrap=True)
    further = [name for name in _FURTHER if any(getattr(hit, name) is not None for hit in hits)]
    for name in further:
        table.add_column(name, justify="right", no_wrap=True)
    if n_alike is not None:
        table.add_column("alike", justify="right", no_wrap=True)
    if are_texts:
        table.add_column("text", overflow="fold")
    table.add_column("path", overflow="fold", style="dim" if are_texts else "")
    if not are_texts:
        table.add_column("pixels", justify="right", style="dim", no_wrap=True)
        table.add_column("size", justify="right", style="dim", no_wrap=True)
    for hit in hits:
        meta, file = hit.item.meta, hit.item.files[0]
        # Text, so that [brackets] are no markup.
        path = Text(shown_text(display_path(file.path)))
        cells: tuple[Text, ...]
        if hit.text is not None:
            cells = (Text(shown_text(hit.text)), path)
        else:
            pixels, size = f"{meta.width}x{meta.height}", _shown_size(file.size_bytes)
            cells = (path, Text(pixels), Text(size))
        grouped = () if n_alike is None else (f"+{n_alike[hit.item.id]}",)
        known = [_shown_number(getattr(hit, name)) for name in further]
        table.add_row(str(hit.rank), f"{hit.score:.3f}", *known, *grouped, *cells)
    return table


def _shown_number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _shown_size(size_bytes: int) -> str:
    """Decimal units, as file managers show them: 1234567 -> "1.2 MB"."""
    size, unit = float(size_bytes), _UNITS[0]
    for unit in _UNITS:
        if size < 999.5 or unit == _UNITS[-1]:
            break
        size /= 1000
    return f"{size:.1f} {unit}" if size < 9.95 and unit != _UNITS[0] else f"{size:.0f} {unit}"
