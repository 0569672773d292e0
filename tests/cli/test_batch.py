"""Batches of query lines: as they come, in order, none lost, none waited for."""

import io
import itertools
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.batch import MAX_BATCH, batches


class Pieces:
    """A stream that gives its bytes piece by piece, as a pipe does."""

    def __init__(self, pieces):
        self.pieces = list(pieces)

    def read1(self, size):
        return self.pieces.pop(0) if self.pieces else b""


def lines_of(*pieces):
    return [line for batch in batches(Pieces(pieces)) for line in batch]


def test_lines_are_batched_as_they_arrive():
    assert list(batches(Pieces([b"a\nb\nc", b"d\n", b"e"]))) == [["a", "b"], ["cd"], ["e"]]


def test_no_more_lines_than_asked_for_come_together():
    found = list(batches(Pieces([b"a\nb\nc\nd\ne"]), 2))
    assert found == [["a", "b"], ["c", "d"], ["e"]]


def test_no_input_is_no_query():
    assert lines_of() == []


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"a", ["a"]),
        (b"a\n", ["a"]),
        (b"\n", [""]),
        (b"a\n\nb\n", ["a", "", "b"]),
        (b"a\r\nb\r\n", ["a", "b"]),
        (b"a\rb\n", ["a\rb"]),
        (b"\xef\xbb\xbfa\n\xef\xbb\xbfb", ["a", "\ufeffb"]),
        (b"\xef\xbb\xbfa", ["a"]),
        (b"\xff\n", ["\ufffd"]),
        ("犬\n\u2028x\n".encode(), ["犬", "\u2028x"]),
        (b"a\0b\n", ["a\0b"]),
    ],
)
def test_what_a_line_is(content, lines):
    assert lines_of(content) == lines


def test_a_full_input_is_cut_into_batches_of_the_maximum():
    content = b"".join(b"%d\n" % number for number in range(2 * MAX_BATCH + 1))
    sizes = [len(batch) for batch in batches(Pieces([content]))]
    assert sizes == [MAX_BATCH, MAX_BATCH, 1]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\ufeff"))), st.data())
def test_where_the_pieces_are_cut_changes_nothing(lines, data):
    content = "".join(f"{line}\n" for line in lines).encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=5)))
    edges = [0, *cuts, len(content)]
    pieces = [content[a:b] for a, b in itertools.pairwise(edges) if a < b]
    assert lines_of(*pieces) == lines == lines_of(content) if content else lines_of() == []


def test_a_partner_that_waits_for_its_answer_is_served_at_once():
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reader, os.fdopen(write_end, "wb", 0) as writer:
        answers = batches(reader)
        for text in ("first", "second"):
            writer.write(f"{text}\n".encode())
            assert next(answers) == [text]


def test_a_file_is_a_stream_too():
    assert list(batches(io.BytesIO(b"a\nb"))) == [["a"], ["b"]]
