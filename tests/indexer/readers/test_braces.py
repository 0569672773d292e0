"""Names with braces, as shards are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.readers.braces import expand_braces
from retrieval.errors import SourceError


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("/data/a.tar", ["/data/a.tar"]),
        ("s-{000..003}.tar", ["s-000.tar", "s-001.tar", "s-002.tar", "s-003.tar"]),
        ("{8..11}", ["8", "9", "10", "11"]),
        ("{08..11}", ["08", "09", "10", "11"]),
        ("{2..0}", ["2", "1", "0"]),
        ("{train,val}.tar", ["train.tar", "val.tar"]),
        ("{a,b}-{0..1}", ["a-0", "a-1", "b-0", "b-1"]),
        ("{a,}x", ["ax", "x"]),
        ("odd{}, {one}, {1..}, }{", ["odd{}, {one}, {1..}, }{"]),
        ("{5..5}", ["5"]),
    ],
)
def test_worked_examples(text, names):
    assert expand_braces(text) == names


@pytest.mark.parametrize(
    "text", ["{0..100000}", "{0..999}{0..999}", "{0.." + "9" * 50 + "}", "{0.." + "9" * 6000 + "}"]
)
def test_a_slip_of_the_finger_does_not_fill_the_memory(text):
    with pytest.raises(SourceError, match="more than 100,000") as error:
        expand_braces(text)
    assert error.value.hint


@given(st.integers(0, 10**6), st.integers(0, 300), st.integers(1, 9))
def test_padded_ranges_have_one_width_and_every_number(first, n_more, width):
    names = expand_braces(f"x{{{first:0{width}d}..{first + n_more:0{width}d}}}.tar")
    numbers = [name.removeprefix("x").removesuffix(".tar") for name in names]
    assert [int(number) for number in numbers] == list(range(first, first + n_more + 1))
    if len(str(first + n_more)) <= width:
        assert {len(number) for number in numbers} == {width} or width == 1


@given(st.text(max_size=30).filter(lambda text: "{" not in text))
def test_a_name_without_braces_is_itself(text):
    assert expand_braces(text) == [text]
