"""The log of tags: what it says, and what is made of one that a crash or a flipped bit spoiled."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.errors import CorruptCollectionError, QueryError
from retrieval.store.tags import (
    MAX_TAG_CHARS,
    TagChange,
    TagLog,
    decode_tag_log,
    encode_tag_change,
    net_tags,
    read_tag_log,
    tag_name,
)

PATH = Path("tags.jsonl")
A, B = "a" * 64, "b" * 64
CHANGES = (TagChange("add", "Été 🐶", (A, B)), TagChange("remove", "x", (B,)))
DATA = b"".join(map(encode_tag_change, CHANGES))


def test_a_log_is_read_back():
    assert decode_tag_log(DATA, PATH) == TagLog(CHANGES, len(DATA))
    assert decode_tag_log(b"", PATH) == TagLog()
    first = json.loads(DATA.splitlines()[0])
    assert (first["op"], first["tag"], first["contents"]) == ("add", "Été 🐶", [A, B])


@given(cut=st.integers(1, len(DATA) - 1))
def test_of_a_torn_log_the_whole_lines_count(cut):
    log = decode_tag_log(DATA[:cut], PATH)
    n_whole = DATA[:cut].count(b"\n")
    assert log.changes == CHANGES[:n_whole]
    assert log.is_torn == (not DATA[:cut].endswith(b"\n"))
    assert decode_tag_log(DATA[: log.n_bytes], PATH) == TagLog(log.changes, log.n_bytes)


def test_a_last_line_of_zeros_is_torn_too():
    log = decode_tag_log(DATA + b"\0" * 20 + b"\n", PATH)
    assert log == TagLog(CHANGES, len(DATA), is_torn=True)


@given(at=st.integers(0, len(encode_tag_change(CHANGES[0])) - 2), bit=st.integers(0, 7))
def test_a_flipped_bit_before_the_last_line_is_an_error(at, bit):
    damaged = bytearray(DATA)
    damaged[at] ^= 1 << bit
    same = json.loads(DATA.splitlines()[0])
    try:
        says_the_same = json.loads(bytes(damaged).splitlines()[0]) == same
    except ValueError:
        says_the_same = False
    if says_the_same:  # a blank of another kind
        assert decode_tag_log(bytes(damaged), PATH).changes == CHANGES
        return
    with pytest.raises(CorruptCollectionError, match=r"tags\.jsonl, line 1"):
        decode_tag_log(bytes(damaged), PATH)


def test_what_holds_after_changes():
    changes = [
        TagChange("add", "Dog", (A, B)),
        TagChange("add", "DOG", (A,)),  # there already, as Dog
        TagChange("remove", "dog", (B,)),
        TagChange("remove", "cat", (A,)),
        TagChange("add", "dOG", (B,)),
    ]
    assert net_tags(changes) == {(A, "dog"): "Dog", (B, "dog"): "dOG"}


def test_no_file_is_an_empty_log(tmp_path):
    assert read_tag_log(tmp_path) == TagLog()


@pytest.mark.parametrize("text", ["", "  ", "a\nb", "\x1b[2J", "x" * (MAX_TAG_CHARS + 1)])
def test_what_cannot_be_a_tag(text):
    with pytest.raises(QueryError, match="cannot be a tag"):
        tag_name(text)


def test_blanks_around_a_tag_do_not_count():
    assert tag_name("  two words ") == "two words"
