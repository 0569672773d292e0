"""Words of a filter as typed values: which field, which operator, which number, date or box."""

import difflib
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from lark import Token

from retrieval.store.fields import INT64_MAX, clean_text
from retrieval.store.filters.names import FIELDS, Field, Op
from retrieval.store.filters.predicates import Box, Value

_NUMBER = re.compile(r"([+-]?\d{1,19})(k|M|G|T|Ki|Mi|Gi|Ti)?(B)?", re.ASCII)
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d(T\d\d:\d\d(:\d\d)?)?)?)?", re.ASCII)
_A_DATE = "0001-01-01T00:00:00"
_DEGREES = re.compile(r"[+-]?\d{1,3}(\.\d+)?(e[+-]\d+)?", re.ASCII)
_FACTORS = {
    **{"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12},
    **{"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40},
}


class Problem(Exception):  # noqa: N818 - a message on its way to a FilterError
    """Something that cannot stand where it stands.

    Attributes:
        message: what is wrong.
        position: in characters from 0.
        hint: what would be right.
    """

    def __init__(self, message: str, position: int, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.position = position
        self.hint = hint


def field_named(token: Token) -> Field:
    """The field of this name, in any case."""
    name = str(token)
    field = FIELDS.get(name.lower())
    if field is None:
        close = difflib.get_close_matches(name.lower(), FIELDS, n=1)
        guess = f"did you mean {close[0]}? " if close else ""
        raise _problem(f"there is no field {name!r}", token, f"{guess}fields: {', '.join(FIELDS)}")
    return field


def operator(field: Field, token: Token) -> Op:
    """The operator, if the field takes it."""
    for op in field.ops:
        if op == token:
            return op
    takes = f"{field.name} takes {', '.join(field.ops)}" if field.ops else f"{field.name} takes in"
    also = {"text": ", in", "place": "", "number": ", in, between", "date": ", in, between"}
    raise _problem(
        f"{field.name} {token} makes no sense: its values are {field.kind}s",
        token,
        f"{takes}{also[field.kind]}; e.g. {field.example}",
    )


def value_of(field: Field, token: Token, op: Op = "=") -> Value:
    """What the token means as a value of the field."""
    match field.kind:
        case "text":
            return _text(field, token, op)
        case "number":
            return _number(field, token)
        case "date":
            return _date(field, token)
        case "place":
            raise _problem("gps takes a box", token, f"write {field.example}")


def texts_box(name: Token, tokens: Sequence[Token]) -> Box:
    """South, west, north and east as a box."""
    if len(tokens) != 4:
        raise _problem(
            f"a box has four numbers, not {len(tokens)}",
            tokens[4] if len(tokens) > 4 else name,
            f"{FIELDS['gps'].takes}, e.g. {FIELDS['gps'].example}",
        )
    south, north = (_degrees(token, 90, "latitude") for token in (tokens[0], tokens[2]))
    west, east = (_degrees(token, 180, "longitude") for token in (tokens[1], tokens[3]))
    if south > north:
        raise _problem(
            f"the south ({tokens[0]}) lies north of the north ({tokens[2]})",
            tokens[0],
            "the order is south, west, north, east; only west may be greater than east, for a box "
            "across the 180th meridian",
        )
    return Box(south, west, north, east)


def _text(field: Field, token: Token, op: Op) -> str:
    text = clean_text(str(token))
    if field.name not in ("path", "folder") or op == "~":
        return text
    if text.startswith("~/") or text == "~":
        text = str(Path(text).expanduser())
    if not text.startswith("/") and "://" not in text:
        raise _problem(
            f"{str(token)!r} is no whole path",
            token,
            f'write it from / on, or look for a part of it: {field.name} ~ "{token}"',
        )
    return text


def _number(field: Field, token: Token) -> int:
    found = _NUMBER.fullmatch(token) if _is_bare(token) else None
    factor = (found[2] or "") if found else ""
    if found is None or (field.name != "bytes" and (factor or found[3])):
        raise _problem(
            f"{field.name} is a whole number, {str(token)!r} is not", token, f"e.g. {field.example}"
        )
    number = int(found[1]) * _FACTORS[factor]
    if abs(number) > INT64_MAX:
        raise _problem(f"{token} is too large a number", token, f"at most {INT64_MAX}")
    return number


def _date(field: Field, token: Token) -> str:
    text = str(token).strip().upper().replace(" ", "T")
    found = _DATE.fullmatch(text)
    if found is None:
        raise _problem(
            f"{field.name} is a date, {str(token)!r} is not",
            token,
            "write YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDTHH:MM:SS",
        )
    try:
        datetime.fromisoformat(text + _A_DATE[len(text) :])
    except ValueError:
        raise _problem(
            f"there is no such date as {token}", token, f"e.g. {field.example}"
        ) from None
    return text


def _degrees(token: Token, limit: int, name: str) -> float:
    found = _DEGREES.fullmatch(token) if _is_bare(token) else None
    if found is None or abs(float(token)) > limit:
        raise _problem(
            f"{str(token)!r} is no {name}", token, f"degrees from -{limit} to {limit}, e.g. 48.137"
        )
    return float(token)


def _is_bare(token: Token) -> bool:
    return token.type == "WORD"


def _problem(message: str, token: Token, hint: str) -> Problem:
    return Problem(message, token.start_pos or 0, hint)
