import gzip
import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.datasets.base import DatasetError
from benchmarks.datasets.texts import read_json_lines, read_lines

LINES = st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n\ufeff")))


@given(lines=LINES, packed=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_come_back_whatever_they_hold_packed_or_not(tmp_path, lines, packed):
    content = "".join(f"{line}\n" for line in lines).encode()
    path = tmp_path / ("lines.txt.gz" if packed else "lines.txt")
    path.write_bytes(gzip.compress(content) if packed else content)
    assert read_lines(path) == (lines, hashlib.sha256(path.read_bytes()).hexdigest())


def test_only_line_feeds_end_a_line(tmp_path):
    (tmp_path / "x").write_bytes("eins\u2028zwei\x85drei\r\nvier".encode())
    assert read_lines(tmp_path / "x")[0] == ["eins\u2028zwei\x85drei", "vier"]


@pytest.mark.parametrize(
    ("name", "content"), [("x", b"\xff\xfe"), ("x.gz", b"no gzip"), ("y", None)]
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DatasetError, match=f"cannot read .*{name}"):
        read_lines(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "problem"),
    [('{"a": 1}\n{"a"', "line 2 is no JSON"), ("{}\n[]\n", "line 2 is no object")],
)
def test_a_line_that_is_no_object_is_named(tmp_path, content, problem):
    (tmp_path / "x.jsonl").write_text(content)
    with pytest.raises(DatasetError, match=problem):
        read_json_lines(tmp_path / "x.jsonl")
