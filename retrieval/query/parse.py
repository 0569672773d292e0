"""The query line of an interactive user: terms, weights and operators among literal words.

    2:golden retriever + ./pool.jpg - fruit
    a street at night without cars

Only the interactive command line reads texts so; everywhere else they are literal.

A term is what stands between the words `+` and `-`, which must be words of their own. It may begin
with a weight and a colon; what names an image file is one, everything else is a text. In a text the
path of an image in braces puts the image there, "a photo of {ref.jpg} on the beach". A text that
says "without X" takes X away (`retrieval.query.negations`). Words that came quoted, as one argument
of the shell, are never operators.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from retrieval.errors import QuerySyntaxError
from retrieval.query.algebra import Expression, ImageFile, Minus, Scale, Sum, Text, clean_text
from retrieval.query.negations import without_of
from retrieval.query.ways import Pseudo
from retrieval.store.filters.problems import excerpt_of

_WEIGHT = re.compile(
    r"(?=[0-9.]{1,6}:)(?P<weight>(?:0|[1-9][0-9]*)?(?:\.[0-9]+)?):(?=[^\s\d])", re.ASCII
)
"""`2:dog`, `0.5:dog`; not `16:9`, `2001: a space odyssey`, `007:bond`."""
_LEAST_WEIGHT, _MOST_WEIGHT = 0.01, 100.0
"""Other numbers but 0 are part of the text: `1917:film`."""

_PICTURE = re.compile(
    r".+\.(?:jpe?g|jfif|png|webp|gif|bmp|tiff?|avif|hei[cf]|jxl|jp2|ppm)", re.IGNORECASE
)
_BRACES = re.compile(r"\{([^{}]*)\}")
_PLACE = re.compile(r"(?:\.{1,2}|~[^/\\\s]*)?[/\\]")
_ADDRESS = re.compile(r"(?:https?|ftp|s3|gs|file):/", re.IGNORECASE)

_SIGNS = {
    "+": "+",
    "\N{FULLWIDTH PLUS SIGN}": "+",
    "-": "-",
    "\N{EN DASH}": "-",
    "\N{MINUS SIGN}": "-",
    "\N{FULLWIDTH HYPHEN-MINUS}": "-",
}
"""Operators, as keyboards and programs that mend typography write them."""

_IT = "it"


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    column: int

    @property
    def is_operator(self) -> bool:
        return self.text in _SIGNS


@dataclass(frozen=True, slots=True)
class _Term:
    sign: str
    weight: float
    body: str
    column: int


@dataclass(frozen=True, slots=True)
class Reading:
    """How a query line was read.

    Attributes:
        expression: what it asks.
        taken_away: what "without X" and the like take away, in their order.
    """

    expression: Expression
    taken_away: tuple[str, ...] = ()


def parse_query(
    words: Sequence[str],
    *,
    negations: bool = True,
    is_file: Callable[[Path], bool] = Path.is_file,
) -> Expression:
    """What the arguments of a query line ask; takes and raises what `read_query` does."""
    return read_query(words, negations=negations, is_file=is_file).expression


def read_query(
    words: Sequence[str],
    *,
    negations: bool = True,
    beside: Sequence[Expression] = (),
    is_file: Callable[[Path], bool] = Path.is_file,
) -> Reading:
    """Read the arguments of a query line.

    Args:
        words: arguments as the shell gave them, at least one.
        negations: read "without X" and "no X" as taking X away; they are English.
        beside: what is sought besides, such as pictures of options; added after the line's terms.
        is_file: whether a path names a file; may raise OSError.

    Raises:
        QuerySyntaxError: an operator lacks a term, a weight is 0, nothing is sought, what looks
            like the path of a picture names no file, or a term is an address; says at which column.
    """
    line = _Line(" ".join(words), is_file)
    terms = list(line.terms(words))
    sought = [line.part(each) for each in terms if each.sign == "+"]
    unwanted = [line.part(each) for each in terms if each.sign == "-"]
    if not (sought or beside):
        line.fail(
            terms[0].column,
            "the query only says what is unwanted",
            "say what to look for first, e.g. beach - people; a text that begins with - is quoted",
        )
    taken_away: list[str] = []
    if negations:
        split = [_without(each) for each in sought]
        sought = [kept for kept, _, _ in split]
        for _, without, weight in split:
            unwanted += [_weighed(Text(text), weight) for text in without]
            taken_away += without
    sought += beside
    expression: Expression = sought[0] if len(sought) == 1 else Sum(tuple(sought))
    for each in unwanted:
        expression = Minus(expression, each)
    return Reading(expression, tuple(dict.fromkeys(taken_away)))


class _Line:
    """The whole line, for messages that point into it."""

    def __init__(self, line: str, is_file: Callable[[Path], bool]) -> None:
        self._line = line
        self._is_file = is_file

    def fail(self, column: int, problem: str, hint: str) -> NoReturn:
        """Raise an error that points at a character, counted from 0."""
        raise QuerySyntaxError(
            problem, excerpt=excerpt_of(self._line, column), column=column + 1, hint=hint
        )

    def terms(self, arguments: Sequence[str]) -> Iterator[_Term]:
        """The terms in their order."""
        sign, sign_at, held = "+", 0, list[_Word]()
        column = 0
        for number, argument in enumerate(arguments):
            word = _Word(argument, column)
            column += len(argument) + 1
            if not word.is_operator:
                held.append(word)
                continue
            if held:
                yield self._term(sign, held)
            elif number:
                self.fail(
                    word.column,
                    f"{word.text!r} has no term before it",
                    "give a term between operators, or quote a text that holds them",
                )
            sign, sign_at, held = _SIGNS[word.text], word.column, []
        if not held:
            self.fail(
                sign_at,
                f"{self._line[sign_at]!r} has no term after it",
                "end the query with a term, or quote a text that holds operators",
            )
        yield self._term(sign, held)

    def _term(self, sign: str, held: list[_Word]) -> _Term:
        body, column = " ".join(word.text for word in held), held[0].column
        said = _WEIGHT.match(body)
        weight = float(said["weight"]) if said else 1.0
        if said and weight == 0:
            self.fail(
                column,
                f"a weight is a number above 0, not {said['weight']}",
                "leave the term out, or put - before it to take it away",
            )
        if not said or not _LEAST_WEIGHT <= weight <= _MOST_WEIGHT:
            return _Term(sign, 1.0, body, column)
        return _Term(sign, weight, body[said.end() :], column + said.end())

    def part(self, term: _Term) -> Expression:
        """The part of the query that a term stands for."""
        return _weighed(self._leaf(term), term.weight)

    def _leaf(self, term: _Term) -> Expression:
        body = term.body.strip()
        column = term.column + len(term.body) - len(term.body.lstrip())
        if not clean_text(body).strip():
            self.fail(term.column, "a term is empty", "give each term at least one word or a file")
        is_place, is_picture = bool(_PLACE.match(body)), bool(_PICTURE.fullmatch(body))
        must_exist = body.startswith(("./", "../", "~")) if is_place else " " not in body
        if is_place or is_picture or _ADDRESS.match(body):
            image = self._file(body, column, must_exist=must_exist or (is_place and is_picture))
            return image or self._text(term)
        return self._text(term)

    def _text(self, term: _Term) -> Expression:
        """A text, with images in it where braces name some."""
        segments: list[str | Expression] = []
        end = 0
        for found in _BRACES.finditer(term.body):
            if image := self._slot(found, term.column + found.start()):
                segments += [term.body[end : found.start()], image]
                end = found.end()
        return Pseudo((*segments, term.body[end:])) if segments else Text(term.body.strip())

    def _slot(self, found: re.Match[str], column: int) -> ImageFile | None:
        """The image that braces name; None if they are text."""
        name = found[1].strip()
        if not name:
            self.fail(
                column,
                "a slot without an image",
                "put the path of an image into the braces; --literal takes them as text",
            )
        must_exist = bool(_PICTURE.fullmatch(name) or _PLACE.match(name))
        return self._file(name, column + 1, must_exist=must_exist)

    def _file(self, name: str, column: int, *, must_exist: bool) -> ImageFile | None:
        """The file of a name; None where there is none and need not be."""
        if _ADDRESS.match(name):
            self.fail(
                column,
                f"{name.split()[0]} is an address, and a query image is a file",
                "download it and give the path of the file; --literal takes the words as a text",
            )
        why = ""
        try:
            path = Path(name).expanduser()
            if self._is_file(path):
                return ImageFile(path)
        except OSError as error:  # a name that is too long, a folder that may not be read
            why = f": {error.strerror}"
        except (RuntimeError, ValueError):  # from expanduser
            why = f": {name.split('/')[0]} is nobody's home folder"
        if must_exist:
            self.fail(
                column,
                f"no file {name}{why}",
                "check the path; --literal takes the words as a text",
            )
        return None


def _weighed(part: Expression, weight: float) -> Expression:
    return part if weight == 1 else Scale(part, weight)


def _without(sought: Expression) -> tuple[Expression, tuple[str, ...], float]:
    """A term less its negations, what they name, and the weight of the term."""
    weight, part = (sought.weight, sought.part) if isinstance(sought, Scale) else (1.0, sought)
    unwanted: tuple[str, ...] = ()
    if isinstance(part, Text):
        wanted, unwanted = without_of(part.text)
        part = Text(wanted)
    elif isinstance(part, Pseudo) and isinstance(end := part.segments[-1], str):
        # The image stands for what the text is about.
        wanted, unwanted = without_of(f"{_IT} {end}")
        part = Pseudo((*part.segments[:-1], wanted.removeprefix(_IT)))
    return _weighed(part, weight), unwanted, weight
