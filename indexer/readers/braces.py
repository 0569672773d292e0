"""Names of many files written as one, as shards are: `shard-{000..009}.tar`, `{train,val}.tar`."""

import re
from itertools import product

from retrieval.errors import SourceError

MAX_NAMES = 100_000
"""More names than any data set has shards; a slip of the finger must not fill the memory."""

_GROUP = re.compile(r"\{(?:(?P<first>\d+)\.\.(?P<last>\d+)|(?P<list>[^{}]*,[^{}]*))\}")


def expand_braces(text: str) -> list[str]:
    """All names that a pattern stands for, the last group running fastest; itself if it has none.

    `{8..11}` counts up or down; a number written with leading zeros sets the width of all. Groups
    do not nest, and other braces mean themselves.

    Raises:
        SourceError: the pattern stands for more than MAX_NAMES names.
    """
    fixed, groups, start = [], [], 0
    n_names = 1
    for group in _GROUP.finditer(text):
        fixed.append(text[start : group.start()])
        start = group.end()
        n_names *= _size(group)
        if n_names > MAX_NAMES:
            raise SourceError(
                f"{text} stands for more than {MAX_NAMES:,} files",
                hint="check the numbers in braces",
            )
        groups.append(_alternatives(group))
    rest = text[start:]
    return [
        "".join(part for pair in zip(fixed, chosen, strict=True) for part in pair) + rest
        for chosen in product(*groups)
    ]


def _size(group: re.Match[str]) -> int:
    if group["list"] is not None:
        return group["list"].count(",") + 1
    return abs(_number(group["last"]) - _number(group["first"])) + 1


def _number(digits: str) -> int:
    # Python refuses to read thousands of digits; nineteen are too many already.
    return int(digits[-19:]) if len(digits.lstrip("0")) < 19 else 10**19


def _alternatives(group: re.Match[str]) -> list[str]:
    if group["list"] is not None:
        return group["list"].split(",")
    first, last = group["first"], group["last"]
    is_padded = any(len(each) > 1 and each.startswith("0") for each in (first, last))
    width = max(len(first), len(last)) if is_padded else 0
    step = 1 if _number(last) >= _number(first) else -1
    return [f"{n:0{width}d}" for n in range(_number(first), _number(last) + step, step)]
