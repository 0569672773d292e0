"""Where published figures come from, and how far each is to be believed."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, TypeAlias

from benchmarks.reference.settings import Settings

ReadIn: TypeAlias = Literal["data file", "own page", "copy", "memory"]
"""How a figure was read: from its authors' file, from the page of whoever measured it, from a table
that repeats it, or from nothing that could be found again."""

VERIFIED: tuple[ReadIn, ...] = ("data file", "own page")


@dataclass(frozen=True, slots=True)
class Source:
    """Where figures were published.

    Attributes:
        name: short, as in sources.toml.
        title: what a reader looks for.
        address: where it is; "" if unknown.
        date: of the file or the paper, "2024-05-22", "2024-05" or "2024"; "" if unknown.
        licence: "facts" where only single figures were taken.
        read_in: how the figures were read.
        settings: what is known of all runs of it.
    """

    name: str
    title: str
    address: str
    date: str
    licence: str
    read_in: ReadIn
    settings: Settings

    @property
    def is_verified(self) -> bool:
        """Whether its figures were seen where they were published first."""
        return self.read_in in VERIFIED


@cache
def sources() -> Mapping[str, Source]:
    """All of them, by their names."""
    text = files("benchmarks.reference").joinpath("sources.toml").read_text(encoding="utf-8")
    return {
        name: Source(name, **(given | {"settings": Settings(**given.get("settings", {}))}))
        for name, given in tomllib.loads(text).items()
    }
