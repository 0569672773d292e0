"""`polyseek query --batch`: many text queries through one process, answered as they come.

One literal text a line, UTF-8; one JSON object {query, hits} a line, in the same order. A line that
cannot be answered (an empty one) gives {query, hits: [], error} and stops nothing.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from cli.hits import hit_as_json
from cli.output import note, write_json
from retrieval.errors import QueryError

if TYPE_CHECKING:
    from retrieval.engine import SearchEngine
    from retrieval.model import GalleryName
    from retrieval.query.algebra import Query

MAX_BATCH = 256
"""Queries answered together. What one call costs is spread thin long before; results stay small."""

_READ_BYTES = 1 << 16


class _Readable(Protocol):
    def read1(self, size: int, /) -> bytes: ...


def answer_batch(
    engine: "SearchEngine",
    source: str,
    top: int,
    *,
    target: "GalleryName" = "images",
    quiet: bool = False,
) -> int:
    """Answer every line of a file, or of stdin if `source` is "-".

    Returns:
        The number of hits of all queries together.

    Raises:
        OSError: the file cannot be read.
    """
    n_hits = n_lines = n_failed = 0
    with _opened(source) as stream:
        for lines in batches(stream):
            answers, found = _answers(engine, lines, top, target)
            n_lines += len(answers)
            n_failed += sum("error" in answer for answer in answers)
            n_hits += found
            if not all(write_json(answer, indent=None) for answer in answers):
                break  # nobody reads the answers any more
    if n_failed:
        note(f"warning: {n_failed:,} of {n_lines:,} queries not answered", quiet=quiet)
    return n_hits


def batches(stream: _Readable) -> Iterator[list[str]]:
    """Lines as they arrive, at most MAX_BATCH at a time.

    A partner on the other end of a pipe that waits for its answer before it asks again is served at
    once: nothing waits for a batch to be full.

    Args:
        stream: UTF-8, lines ended by LF or CR LF; a byte order mark at the start is dropped, bytes
            that are no UTF-8 become U+FFFD. The last line need not be ended.
    """
    rest = b""
    is_start = True
    while chunk := stream.read1(_READ_BYTES):
        *whole, rest = (rest + chunk).split(b"\n")
        if is_start and whole:
            whole[0] = whole[0].removeprefix(b"\xef\xbb\xbf")
            is_start = False
        for first in range(0, len(whole), MAX_BATCH):
            yield [_decoded(line) for line in whole[first : first + MAX_BATCH]]
    if rest:
        yield [_decoded(rest.removeprefix(b"\xef\xbb\xbf") if is_start else rest)]


def _decoded(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", errors="replace")


@contextmanager
def _opened(source: str) -> Iterator[_Readable]:
    if source == "-":
        yield cast(_Readable, sys.stdin.buffer)  # a BufferedReader, though typed more widely
    else:
        with Path(source).open("rb") as file:
            yield file


def _answers(
    engine: "SearchEngine", lines: Sequence[str], top: int, target: "GalleryName"
) -> tuple[list[dict[str, object]], int]:
    """One object a line, in order, and the number of hits in all of them."""
    asked = [_query_or_error(line) for line in lines]
    queries = [each for each in asked if not isinstance(each, QueryError)]
    results = engine.search_batch(queries, top, target=target)
    remaining = iter(results)
    answers: list[dict[str, object]] = []
    for line, each in zip(lines, asked, strict=True):
        if isinstance(each, QueryError):
            answers.append({"query": line, "hits": [], "error": str(each)})
        else:
            hits = [hit_as_json(hit) for hit in next(remaining).hits]
            answers.append({"query": line, "hits": hits})
    return answers, sum(len(result.hits) for result in results)


def _query_or_error(line: str) -> "Query | QueryError":
    from retrieval.query.algebra import Query

    try:
        return Query.text(line)
    except QueryError as error:
        return error
