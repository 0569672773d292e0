"""Expressions made into others: with other texts, and with marks of feedback."""

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from retrieval.query.algebra import Expression, Leaf, Minus, Text
from retrieval.query.normal import LEAVES
from retrieval.query.ways import Feedback, Where

_MARKS = frozenset(("liked", "disliked"))
"""Fields that hold leaves and nothing else."""


def with_texts(
    expression: Expression, change: Callable[[Text], Expression], *, marks: bool = False
) -> Expression:
    """The same expression in which `change` was asked about every text that is a term.

    An expression that does not change is returned itself.

    Args:
        expression: any.
        change: gives what stands in place of a text.
        marks: ask about texts that are marks of feedback, too; they can only become leaves.
    """
    if isinstance(expression, Text):
        return change(expression)
    if isinstance(expression, LEAVES):
        return expression
    changed: dict[str, Any] = {}
    for field in fields(expression):  # type: ignore[arg-type]  # every node is a dataclass
        if field.name in _MARKS and not marks:
            continue
        old = getattr(expression, field.name)
        if isinstance(old, Expression):
            new: Any = with_texts(old, change, marks=marks)
        elif isinstance(old, tuple) and all(isinstance(each, Expression) for each in old):
            new = tuple(with_texts(each, change, marks=marks) for each in old)
        else:
            continue
        if new != old:
            changed[field.name] = new
    return replace(expression, **changed) if changed else expression  # type: ignore[type-var]


def with_feedback(
    expression: Expression, liked: tuple[Leaf, ...], disliked: tuple[Leaf, ...] = ()
) -> Expression:
    """What is sought moved by marks; what is unwanted, and filters, stay around it.

    Raises:
        QueryError: see `Feedback`.
    """
    match expression:
        case Where(part, predicate):
            return Where(with_feedback(part, liked, disliked), predicate)
        case Minus(sought, unwanted):
            return Minus(with_feedback(sought, liked, disliked), unwanted)
    return Feedback(expression, liked, disliked)
