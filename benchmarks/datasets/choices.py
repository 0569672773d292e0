"""What may be chosen of a data set: its choices are checked, and what it lacks is refused."""

from collections.abc import Sequence
from typing import TypeVar

from benchmarks.datasets.base import DatasetError, LoadOptions
from retrieval.errors import QueryError
from retrieval.languages.tags import canonical_tag

_Choice = TypeVar("_Choice", bound=str)


def refuse(options: LoadOptions, name: str, *choices: str) -> None:
    """Refuse choices that a data set does not have.

    Args:
        options: as they were given.
        name: of the data set.
        choices: fields of the options that it does not have.

    Raises:
        DatasetError: one of them was given.
    """
    for choice in choices:
        if getattr(options, choice):
            raise DatasetError(f"{name} has no choice of {choice}", hint=f"leave --{choice} out")


def one_of(asked: str | None, known: Sequence[_Choice], what: str, name: str) -> _Choice:
    """The one that was asked for, or the first.

    Args:
        asked: None takes the first.
        known: all there are; the one that results are published on goes first.
        what: they are, e.g. "split".
        name: of the data set.

    Raises:
        DatasetError: there is none of that name.
    """
    found = known[0] if asked is None else next((each for each in known if each == asked), None)
    if found is None:
        raise DatasetError(f"{name} has no {what} {asked!r}", hint=f"it has {', '.join(known)}")
    return found


def chosen_languages(asked: Sequence[str], codes: Sequence[str], name: str) -> tuple[str, ...]:
    """The codes of the languages that were asked for, once each.

    Args:
        asked: codes or tags of any spelling; () is the first code, ("all",) is every one.
        codes: of the data set, each of which can be read as a tag.
        name: of the data set.

    Raises:
        DatasetError: it does not have one of them, or has none at all.
    """
    if not codes:
        raise DatasetError(f"{name} has no language here", hint="look at its files")
    if tuple(asked) == ("all",):
        return tuple(codes)
    by_tag = {canonical_tag(code): code for code in reversed(codes)}
    chosen = [each if each in codes else by_tag.get(_tag(each)) for each in asked or (codes[0],)]
    if None in chosen:
        raise DatasetError(
            f"{name} has no language {asked[chosen.index(None)]!r} here",
            hint=f"it has {', '.join(codes)}",
        )
    return tuple(dict.fromkeys(each for each in chosen if each is not None))


def _tag(asked: str) -> str:
    """The canonical tag of what was asked for; "" where it names no language."""
    try:
        return canonical_tag(asked)
    except QueryError:
        return ""
