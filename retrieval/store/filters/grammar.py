"""Read a filter: `width > 1000 and (tag in (beach, sea) or caption ~ "dog")`.

    filter      alternatives joined by `or`, each of parts joined by `and`; `not`; parentheses
    comparison  FIELD = | != | < | <= | > | >= | ~ VALUE
                FIELD [not] in (VALUE, ...), FIELD between VALUE and VALUE, has FIELD
    VALUE       "quoted", 'quoted' or a bare word; the field says whether it must be a number

`x not in (...)` is `not x in (...)`. Keywords and field names may be written in any case.
"""

import re
from functools import cache
from typing import NoReturn

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from retrieval.errors import FilterError
from retrieval.store.filters.literals import Problem, field_named, operator, texts_box, value_of
from retrieval.store.filters.predicates import (
    And,
    Between,
    Comparison,
    Has,
    Leaf,
    Not,
    OneOf,
    Or,
    Predicate,
)
from retrieval.store.filters.problems import excerpt_of, in_words

MAX_CHARS = 20_000
MAX_VALUES = 500
MAX_DEPTH = 40
"""What the databases take in one statement, with room: SQLite ends at an expression 1,000 deep."""

_GRAMMAR = r"""
    start: any_of
    ?any_of: all_of
           | all_of (_OR all_of)+                 -> either
    ?all_of: part
           | part (_AND part)+                    -> both
    ?part: _NOT part                              -> negated
         | "(" any_of ")"
         | WORD OPERATOR value                    -> compared
         | WORD _IN values                          -> listed
         | WORD _NOT _IN values                     -> unlisted
         | WORD _BETWEEN value _AND value         -> ranged
         | _HAS WORD                              -> present
    values: "(" value ("," value)* ")"
    value: WORD | STRING

    _AND.2: /and(?![^\s()"',<>=!~])/i
    _OR.2: /or(?![^\s()"',<>=!~])/i
    _NOT.2: /not(?![^\s()"',<>=!~])/i
    _IN.2: /in(?![^\s()"',<>=!~])/i
    _BETWEEN.2: /between(?![^\s()"',<>=!~])/i
    _HAS.2: /has(?![^\s()"',<>=!~])/i
    OPERATOR: "!=" | "<=" | ">=" | "=" | "<" | ">" | "~"
    STRING: /"(\\.|[^"\\])*"/s | /'(\\.|[^'\\])*'/s
    WORD: /(~\/)?[^\s()"',<>=!~]+/
    %ignore /\s+/
"""

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def parse_filter(text: str) -> Predicate:
    """The predicate that a filter says.

    Raises:
        FilterError: it names an unknown field, compares with a wrong type, or is no filter; the
            error says where and what would be right.
    """
    if len(text) > MAX_CHARS:
        _fail(text[:MAX_CHARS], MAX_CHARS, f"a filter has at most {MAX_CHARS:,} characters", None)
    try:
        predicate: Predicate = _parser().parse(text)  # type: ignore[assignment]
    except Problem as problem:
        _fail(text, problem.position, problem.message, problem.hint)
    except UnexpectedInput as error:
        _fail(text, *_syntax_problem(text, error))
    n_values, depth = _size(predicate)
    if n_values > MAX_VALUES or depth > MAX_DEPTH:
        _fail(
            text,
            0,
            f"the filter has {n_values:,} values, {depth} deep",
            f"at most {MAX_VALUES} values and {MAX_DEPTH} levels go into one; a tag can stand for"
            " many items",
        )
    return predicate


class _Builder(Transformer[Token, Predicate]):
    """Makes predicates as the parser goes, so that depth costs no recursion."""

    def start(self, children: list[Predicate]) -> Predicate:
        return children[0]

    def either(self, children: list[Predicate]) -> Predicate:
        return Or(tuple(children))

    def both(self, children: list[Predicate]) -> Predicate:
        return And(tuple(children))

    def negated(self, children: list[Predicate]) -> Predicate:
        (part,) = children
        return part.part if isinstance(part, Not) else Not(part)

    def compared(self, children: list[Token]) -> Predicate:
        name, sign, value = children
        field = field_named(name)
        op = operator(field, sign)
        return Comparison(field.name, op, value_of(field, value, op))

    def listed(self, children: list[Token | list[Token]]) -> Leaf:
        name, values = children
        if not isinstance(name, Token) or isinstance(values, Token):
            raise TypeError("a list follows a name")
        field = field_named(name)
        if field.kind == "place":
            return texts_box(name, values)
        return OneOf(field.name, tuple(value_of(field, value) for value in values))

    def unlisted(self, children: list[Token | list[Token]]) -> Predicate:
        return Not(self.listed(children))

    def ranged(self, children: list[Token]) -> Predicate:
        name, low, high = children
        field = field_named(name)
        if field.kind not in ("number", "date"):
            raise Problem(
                f"{field.name} has no order", name.start_pos or 0, f"write e.g. {field.example}"
            )
        return Between(field.name, value_of(field, low), value_of(field, high))

    def present(self, children: list[Token]) -> Predicate:
        return Has(field_named(children[0]).name)

    def values(self, children: list[Token]) -> list[Token]:
        return children

    def value(self, children: list[Token]) -> Token:
        (token,) = children
        if token.type != "STRING":
            return token
        return token.update(value=_ESCAPED.sub(r"\1", token[1:-1]))


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", lexer="basic", transformer=_Builder(), start="start")


def _syntax_problem(text: str, error: UnexpectedInput) -> tuple[int, str, str]:
    """Where the filter stops making sense, in which words, and what could stand there."""
    if isinstance(error, UnexpectedCharacters):
        at = error.pos_in_stream or 0
        if text[at] in "\"'":
            return at, "a quoted text has no end", f"end it with {text[at]}"
        return at, f"{text[at]!r} has no meaning here", "quote what is text"
    if not isinstance(error, UnexpectedToken):
        raise TypeError(f"a parser error that nobody knows: {error!r}")
    could_be = in_words(error.accepts or error.expected)
    if error.token.type == "$END":
        start = len(text.rstrip())
        what = "the filter ends too early" if text.strip() else "the filter is empty"
        return start, what, f"here could be {could_be}"
    at = error.token.start_pos or 0
    return at, f"{str(error.token)!r} does not go here", f"here could be {could_be}"


def _fail(text: str, position: int, problem: str, hint: str | None) -> NoReturn:
    raise FilterError(
        problem, excerpt=excerpt_of(text, position), column=position + 1, hint=hint
    ) from None


def _size(predicate: Predicate) -> tuple[int, int]:
    """How many values a predicate has, and how deep it is; without recursion."""
    n_values, deepest = 0, 0
    waiting: list[tuple[Predicate, int]] = [(predicate, 1)]
    while waiting:
        each, depth = waiting.pop()
        deepest = max(deepest, depth)
        match each:
            case And(parts) | Or(parts):
                waiting += [(part, depth + 1) for part in parts]
            case Not(part):
                waiting.append((part, depth + 1))
            case OneOf(_, values):
                n_values += len(values)
            case _:
                n_values += 1
    return n_values, deepest
