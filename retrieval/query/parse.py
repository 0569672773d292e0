"""The query line of an interactive user: terms, weights and operators among literal words.

    2:golden retriever + ./pool.jpg - fruit
    a street at night without cars

Only the interactive command line reads texts so; everywhere else they are literal.

A term is what stands between the words `+` and `-`, which must be words of their own. It may begin
with a weight and a colon; what names an image file is one, everything else is a text. In a text the
path of an image in braces puts the image there, "a photo of {ref.jpg} on the beach". A text that
says "without X", or "no X" after what it is about, takes X away. Words that came quoted, as one
argument of the shell, are never operators.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from retrieval.errors import QuerySyntaxError
from retrieval.query.algebra import (
    Expression,
    ImageFile,
    Minus,
    Pseudo,
    Scale,
    Sum,
    Text,
    clean_text,
)
from retrieval.store.filters.problems import excerpt_of

_WEIGHT = re.compile(r"(?P<weight>[0-9]*\.?[0-9]+(?:[eE][+-]?[0-9]+)?|nan|inf):\s*(?=[^\s\d])")
"""`2:dog`, `0.5:dog`; not `16:9`, where a digit follows."""

_PICTURE = re.compile(
    r".+\.(?:jpe?g|jfif|png|webp|gif|bmp|tiff?|avif|hei[cf]|jxl|jp2|ppm)", re.IGNORECASE
)
_BRACES = re.compile(r"\{([^{}]*)\}")
_PLACE = re.compile(r"(?:\.{1,2}|~[^/\\\s]*)?[/\\]")

_WITHOUT = re.compile(r"\s(?:with\s+no|without|no)\s+(?:any\s+)?(?=\w)", re.IGNORECASE)
_UNFINISHED = re.compile(
    r"(?:^|\s)(?:an?|the|of|says?|saying|reads?|reading|to|or|and|is|are|was|were|has|have|had)$",
    re.I,
)
"""A text that ends so is not complete: "a no smoking sign", "there is no place like home"."""
_UNWANTED = re.compile(
    r"\s*(?:,|\band\b|\bor\b|\bnor\b)\s*(?:(?:any|no|without)\s+)?", re.IGNORECASE
)
_ARTICLE = re.compile(r"^(?:an?|the|any)\s+", re.IGNORECASE)


_IT = "it"


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    column: int

    @property
    def is_operator(self) -> bool:
        return self.text in ("+", "-")


@dataclass(frozen=True, slots=True)
class _Term:
    sign: str
    weight: float
    body: str
    column: int


def parse_query(
    words: Sequence[str],
    *,
    negations: bool = True,
    is_file: Callable[[Path], bool] = Path.is_file,
) -> Expression:
    """Read the arguments of a query line.

    Args:
        words: arguments as the shell gave them, at least one.
        negations: read "without X" and "no X" as taking X away; they are English.
        is_file: whether a path names a file.

    Raises:
        QuerySyntaxError: an operator lacks a term, a weight is no number above 0, nothing is
            sought, or what looks like the path of a picture names no file; says at which column.
    """
    line = _Line(" ".join(words))
    terms = list(line.terms(words))
    sought = [part for each in terms if each.sign == "+" for part in (line.part(each, is_file),)]
    unwanted = [line.part(each, is_file) for each in terms if each.sign == "-"]
    if not sought:
        line.fail(
            terms[0].column,
            "the query only says what is unwanted",
            "say what to look for first, e.g. beach - people; a text that begins with - is quoted",
        )
    if negations:
        sought, said = _take_out_negations(sought)
        unwanted += said
    expression: Expression = sought[0] if len(sought) == 1 else Sum(tuple(sought))
    for each in unwanted:
        expression = Minus(expression, each)
    return expression


class _Line:
    """The whole line, for messages that point into it."""

    def __init__(self, line: str) -> None:
        self._line = line

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
            sign, sign_at, held = word.text, word.column, []
        if not held:
            self.fail(
                sign_at,
                f"{sign!r} has no term after it",
                "end the query with a term, or quote a text that holds operators",
            )
        yield self._term(sign, held)

    def _term(self, sign: str, held: list[_Word]) -> _Term:
        body, column = " ".join(word.text for word in held), held[0].column
        if not (said := _WEIGHT.match(body)):
            return _Term(sign, 1.0, body, column)
        weight = float(said["weight"])
        if not 0 < weight < float("inf"):
            self.fail(
                column,
                f"a weight is a number above 0, not {said['weight']}",
                "leave the term out, or put - before it to take it away",
            )
        return _Term(sign, weight, body[said.end() :], column + said.end())

    def part(self, term: _Term, is_file: Callable[[Path], bool]) -> Expression:
        """The part of the query that a term stands for."""
        part = self._leaf(term, is_file)
        return part if term.weight == 1 else Scale(part, term.weight)

    def _text(self, term: _Term, is_file: Callable[[Path], bool]) -> Expression:
        """A text, with images in it where braces name some."""
        segments: list[str | Expression] = [""]
        end = 0
        for found in _BRACES.finditer(term.body):
            segments[-1] = f"{segments[-1]}{term.body[end : found.start()]}"
            end = found.end()
            image = self._slot(found, term.column + found.start(), is_file)
            if image is None:
                segments[-1] = f"{segments[-1]}{found[0]}"
            else:
                segments += [image, ""]
        segments[-1] = f"{segments[-1]}{term.body[end:]}"
        return Text(term.body.strip()) if len(segments) == 1 else Pseudo(tuple(segments))

    def _slot(
        self, found: re.Match[str], column: int, is_file: Callable[[Path], bool]
    ) -> ImageFile | None:
        """The image that braces name; None if they are text."""
        name = found[1].strip()
        if not name:
            self.fail(
                column,
                "a slot without an image",
                "put the path of an image into the braces; --literal takes them as text",
            )
        path = Path(name).expanduser()
        if is_file(path):
            return ImageFile(path)
        if _PICTURE.fullmatch(name) or _PLACE.match(name):
            self.fail(
                column + 1, f"no file {name}", "check the path; --literal takes the words as a text"
            )
        return None

    def _leaf(self, term: _Term, is_file: Callable[[Path], bool]) -> Expression:
        body = term.body.strip()
        if not clean_text(body).strip():
            self.fail(term.column, "a term is empty", "give each term at least one word or a file")
        if not (_PLACE.match(body) or (_PICTURE.fullmatch(body) and " " not in body)):
            return self._text(term, is_file)
        path = Path(body).expanduser()
        if is_file(path):
            return ImageFile(path)
        if _PICTURE.fullmatch(body) or body.startswith(("./", "../", "~")):
            self.fail(
                term.column,
                f"no file {body}",
                "check the path; --literal takes the words as a text",
            )
        return Text(body)


def _take_out_negations(sought: list[Expression]) -> tuple[list[Expression], list[Expression]]:
    kept: list[Expression] = []
    unwanted: list[Expression] = []
    for each in sought:
        weight, part = (each.weight, each.part) if isinstance(each, Scale) else (1.0, each)
        if isinstance(part, Text):
            wanted, without = without_of(part.text)
            part = Text(wanted)
            unwanted += [Text(text) for text in without]
        elif isinstance(part, Pseudo) and isinstance(end := part.segments[-1], str):
            # The image stands for what the text is about.
            wanted, without = without_of(f"{_IT} {end}")
            part = Pseudo((*part.segments[:-1], wanted.removeprefix(_IT)))
            unwanted += [Text(text) for text in without]
        kept.append(part if weight == 1 else Scale(part, weight))
    return kept, unwanted


def without_of(text: str) -> tuple[str, tuple[str, ...]]:
    """What an English text asks for, and what it says should not be there.

    "a street without cars and people" -> ("a street", ("cars", "people")). A text that only says
    what should not be there, or in which "no" belongs to what it names ("a no smoking sign"), is
    left as it is.
    """
    for found in _WITHOUT.finditer(text):
        wanted = text[: found.start()].rstrip(" ,;.")
        if not wanted or _UNFINISHED.search(wanted):
            continue
        if wanted.lower().endswith("with"):
            wanted = wanted[:-4].rstrip()
        rest = text[found.end() :].strip(" ,;.!?")
        unwanted = tuple(
            bare for each in _UNWANTED.split(rest) if (bare := _ARTICLE.sub("", each).strip())
        )
        if wanted and unwanted:
            return wanted, unwanted
    return text, ()
