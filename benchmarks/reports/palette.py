"""Colours of reports, by name: on white paper, and on dark."""

from typing import NamedTuple


class Colour(NamedTuple):
    """One colour, as "#rrggbb"."""

    light: str
    dark: str


COLOURS = {
    "paper": Colour("#ffffff", "#161617"),
    "ink": Colour("#1c1c1a", "#ececea"),
    "faint": Colour("#5f5f5a", "#a3a39e"),
    "rule": Colour("#e2e2de", "#343437"),
    "tile": Colour("#f3f3f0", "#212124"),
    "accent": Colour("#0b5cb8", "#7ab8ff"),
    "good": Colour("#17652e", "#7fd99a"),
    "good-tile": Colour("#def4e4", "#143322"),
    "near": Colour("#6f4b00", "#f0c674"),
    "near-tile": Colour("#fdf0d0", "#3a2d0d"),
    "bad": Colour("#a3201a", "#ff9d94"),
    "bad-tile": Colour("#fde6e3", "#441a18"),
    "apart": Colour("#4d4d49", "#c4c4bf"),
    "apart-tile": Colour("#ecece8", "#2e2e32"),
    "series-1": Colour("#2367b5", "#6fb1ff"),
    "series-2": Colour("#b55a00", "#f2a24d"),
    "series-3": Colour("#00796b", "#45cdb8"),
    "series-4": Colour("#7d4cc2", "#bd9bff"),
    "series-5": Colour("#b02f78", "#f581bd"),
    "series-6": Colour("#6f6900", "#cbc33c"),
}
"""Plots are drawn in the light ones; on the page each follows the reader's scheme."""

SERIES = tuple(each.light for name, each in COLOURS.items() if name.startswith("series-"))
"""Of models, in order."""

RANK_BINS = ("#0f5c4a", "#3f987f", "#93c9b2", "#ecdcab", "#e5a660", "#c8652f", "#8f2d1f")
"""Of bins of ranks, from the first place down, under both schemes."""

_DARK_LETTERS, _LIGHT_LETTERS = "#111111", "#fffffe"


def contrast(one: str, other: str) -> float:
    """How well a colour is read on another, 1 to 21.

    Source: W3C, "Web Content Accessibility Guidelines 2.1", contrast ratio; 4.5 is asked of texts.
    """
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def letters_on(ground: str) -> str:
    """The colour of letters that is read better on a ground."""
    return max((_DARK_LETTERS, _LIGHT_LETTERS), key=lambda each: contrast(each, ground))


def _luminance(colour: str) -> float:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in shares
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
