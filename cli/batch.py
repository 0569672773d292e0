"""`polyseek query --batch`: many queries through one process, answered as they come.

One literal text a line, UTF-8, or one image path; one JSON object {query, hits} a line, in the same
order. A line that cannot be answered (an empty one) gives {query, hits: [], error} and stops
nothing.
"""

import errno
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, cast

from cli.hits import hit_as_json, visual_as_json
from cli.languages import unknown
from cli.output import note, write_json
from retrieval.errors import QueryError

if TYPE_CHECKING:
    from retrieval.engine import SearchEngine
    from retrieval.model import GalleryName, SearchResult
    from retrieval.query.algebra import Query
    from retrieval.store.filters.predicates import Predicate

MAX_BATCH = 256
"""Queries answered together. What one call costs is spread thin long before; results stay small."""

_READ_BYTES = 1 << 16


class _Readable(Protocol):
    def read1(self, size: int, /) -> bytes: ...


def answer_batch(
    engine: "SearchEngine",
    source: str,
    among: "Among",
    *,
    kind: Literal["text", "image"] = "text",
    quiet: bool = False,
) -> int:
    """Answer every line of a file, or of stdin if `source` is "-".

    Args:
        engine: that answers.
        source: of lines; each is one text, or the path of one image.
        among: what each is answered from.
        kind: what a line is.
        quiet: say nothing beside the answers.

    Returns:
        The number of hits of all queries together.

    Raises:
        QueryError: the file cannot be opened.
    """
    n_hits = n_lines = n_failed = 0
    n_matching: int | None = None
    strange: dict[str, tuple[str, ...]] = {}
    at_most = min(MAX_BATCH, engine.queries_at_once(among.top) or MAX_BATCH)
    with _opened(source) as stream:
        for lines in batches(stream, at_most):
            asked = [_asked(line, kind, among.lang) for line in lines]
            results = _results(engine, [each.query for each in asked], among)
            strange.update(_unknown_languages(engine, asked))
            for each in results:
                if not isinstance(each, QueryError):
                    n_matching = each.n_matching
            answers, found = _answers(asked, results)
            n_lines += len(answers)
            n_failed += sum("error" in answer for answer in answers)
            n_hits += found
            if not all(write_json(answer, indent=None) for answer in answers):
                break  # nobody reads the answers any more
    if n_matching == 0:
        note("the filter of --where matched nothing", quiet=quiet)
    for tag, others in strange.items():
        note(unknown(tag, others), quiet=quiet)
    if n_failed:
        note(f"warning: {n_failed:,} of {n_lines:,} queries not answered", quiet=quiet)
    return n_hits


def batches(stream: _Readable, at_most: int = MAX_BATCH) -> Iterator[list[str]]:
    """Lines as they arrive, at most so many at a time.

    A partner on the other end of a pipe that waits for its answer before it asks again is served at
    once: nothing waits for a batch to be full.

    Args:
        stream: UTF-8, lines ended by LF or CR LF; a byte order mark at the start is dropped, bytes
            that are no UTF-8 become U+FFFD. The last line need not be ended.
        at_most: at least 1.
    """
    rest = b""
    is_start = True
    while chunk := stream.read1(_READ_BYTES):
        *whole, rest = (rest + chunk).split(b"\n")
        if is_start and whole:
            whole[0] = whole[0].removeprefix(b"\xef\xbb\xbf")
            is_start = False
        for first in range(0, len(whole), at_most):
            yield [_decoded(line) for line in whole[first : first + at_most]]
    if rest:
        yield [_decoded(rest.removeprefix(b"\xef\xbb\xbf") if is_start else rest)]


def _decoded(line: bytes) -> str:
    return line.removesuffix(b"\r").decode("utf-8", errors="replace")


@contextmanager
def _opened(source: str) -> Iterator[_Readable]:
    if source == "-":
        yield cast(_Readable, sys.stdin.buffer)  # a BufferedReader, though typed more widely
    else:
        with _open(source) as file:
            yield file


def _open(source: str) -> io.BufferedReader:
    try:
        if not source:
            raise FileNotFoundError(errno.ENOENT, "the name is empty")
        return Path(source).open("rb")
    except OSError as error:
        raise QueryError(
            f"cannot read the queries of --batch {source!r}: {error.strerror}",
            hint="give a file with one query a line, or - for stdin",
        ) from error


@dataclass(frozen=True, slots=True)
class _Asked:
    """One line: its query, or why it is none."""

    line: str
    query: "Query | QueryError"


def _asked(line: str, kind: Literal["text", "image"], lang: str | None) -> _Asked:
    from retrieval.query.algebra import ImageFile, Query, Text

    try:
        part = Text(line, lang) if kind == "text" else ImageFile(_path_of(line))
        return _Asked(line, Query(part))
    except QueryError as error:
        return _Asked(line, error)


def _unknown_languages(
    engine: "SearchEngine", asked: Sequence[_Asked]
) -> dict[str, tuple[str, ...]]:
    """Languages of lines that the encoder does not know, with encoders that do."""
    queries = [each.query for each in asked if not isinstance(each.query, QueryError)]
    return dict(other for query in queries for other in engine.languages_of(query).others)


def _path_of(line: str) -> Path:
    if not line.strip():
        raise QueryError("the line names no image")
    return Path(line).expanduser()


@dataclass(frozen=True, slots=True)
class Among:
    """What every query of a batch is answered from: at most `top` hits of the items let through.

    `adjust` and `weigh` are as for `SearchEngine.search`; `lang` is the tag of all lines, or None;
    hits less sure than `least` are dropped.
    """

    top: int
    target: "GalleryName" = "images"
    where: "Predicate | None" = None
    adjust: bool = True
    lang: str | None = None
    weigh: bool = False
    least: float | None = None


def _answers(
    asked: Sequence[_Asked], results: "Sequence[SearchResult | QueryError]"
) -> tuple[list[dict[str, object]], int]:
    """One object a line, in order, and the number of hits in all of them."""
    answers: list[dict[str, object]] = []
    n_hits = 0
    for each, result in zip(asked, results, strict=True):
        if isinstance(result, QueryError):
            answers.append({"query": each.line, "hits": [], "error": str(result)})
        else:
            n_hits += len(result.hits)
            hits = [hit_as_json(hit) for hit in result.hits]
            answers.append({"query": each.line, **visual_as_json(result), "hits": hits})
    return answers, n_hits


def _sure_enough(found: "Sequence[SearchResult]", least: float) -> "list[SearchResult]":
    from retrieval.calibrate import at_least

    return [at_least(each, least) for each in found]


def _results(
    engine: "SearchEngine", queries: "Sequence[Query | QueryError]", among: Among
) -> "list[SearchResult | QueryError]":
    """Answer together what can be; where one image spoils that, each by itself."""
    good = [each for each in queries if not isinstance(each, QueryError)]
    try:
        found = engine.search_batch(
            good,
            among.top,
            target=among.target,
            where=among.where,
            adjust=among.adjust,
            weigh=among.weigh,
        )
    except QueryError as error:
        if len(queries) == 1:
            return [error]
        return [_results(engine, [each], among)[0] for each in queries]
    answered = iter(found if among.least is None else _sure_enough(found, among.least))
    return [each if isinstance(each, QueryError) else next(answered) for each in queries]
