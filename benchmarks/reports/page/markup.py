"""HTML that is put together from elements: whatever is not HTML already is escaped."""

import html
from collections.abc import Mapping
from typing import TypeAlias

_VOID = frozenset({"meta", "img", "br", "hr"})

_REPLACED: Mapping[int, str] = dict.fromkeys(
    (*range(9), 11, *range(14, 32), *range(127, 160), *range(0xD800, 0xE000)), "\ufffd"
)
"""Characters that no page may hold, and halves of characters that cannot be written."""


class Html(str):
    """Text that is HTML."""

    __slots__ = ()


Child: TypeAlias = "str | Html | None"
Attribute: TypeAlias = "str | int | bool | None"


def element(tag: str, *children: Child, **attributes: Attribute) -> Html:
    """One element.

    Args:
        tag: its name.
        children: what it holds; text is escaped, None is nothing.
        attributes: by name; "class_" is class, "aria_label" is aria-label. True stands alone, False
            and None are left out.
    """
    given = "".join(
        _attribute(name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items()
    )
    if tag in _VOID:
        return Html(f"<{tag}{given}>")
    return Html(f"<{tag}{given}>{joined(*children)}</{tag}>")


def joined(*children: Child) -> Html:
    """Elements and text, one after the other."""
    return Html(
        "".join(
            each if isinstance(each, Html) else escaped(each)
            for each in children
            if each is not None
        )
    )


def escaped(text: str) -> Html:
    """Text as HTML, in quotes or out of them."""
    return Html(html.escape(text.translate(_REPLACED)))


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escaped(str(value))}"'
