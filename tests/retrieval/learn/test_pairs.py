"""Files of pairs, and what is embedded of them."""

import numpy as np
import pytest

from retrieval.errors import SourceError
from retrieval.learn.pairs import Pair, match_texts, own_pairs, read_pairs, with_pivots


def test_fields_between_tabs(tmp_path):
    path = tmp_path / "pairs.tsv"
    path.write_text("ein Hund\ta dog\tDE\n\nun chat\ta cat\nein Hund\ta dog\tde\n", "utf-8-sig")
    assert read_pairs(path) == (Pair("ein Hund", "a dog", "de"), Pair("un chat", "a cat"))


def test_objects_a_line(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text(
        '{"text": "犬", "english": "a dog", "language": "ja"}\n'
        '{"english": "a cat", "text": "猫"}\n',
        "utf-8",
    )
    assert read_pairs(path) == (Pair("犬", "a dog", "ja"), Pair("猫", "a cat"))


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("p.tsv", "a dog", "line 2: it lacks a text or its English"),
        ("p.tsv", "\ta dog", "line 2: it lacks"),
        ("p.tsv", "a\tb\tde\tmore", "line 2: it has 4 fields"),
        ("p.tsv", "a\tb\tgerman", "line 2: 'german' is the tag of no language"),
        ("p.jsonl", "[1]", "line 2: it is no object of texts"),
        ("p.jsonl", '{"text": 1}', "line 2: it is no object of texts"),
        ("p.jsonl", '{"text": "a", "lang": "de"}', "line 2: it has a field 'lang'"),
        ("p.jsonl", '{"text": "a"}', "line 2: it lacks"),
        ("p.jsonl", "{", "line 2: Expecting"),
    ],
)
def test_a_line_that_is_no_pair_is_named(tmp_path, name, line, message):
    good = "a\tb" if name.endswith("tsv") else '{"text": "a", "english": "b"}'
    (tmp_path / name).write_text(f"{good}\n{line}\n")
    with pytest.raises(SourceError) as caught:
        read_pairs(tmp_path / name)
    assert message in str(caught.value)
    assert "docs/adapters.md" in caught.value.hint


def test_files_without_pairs_are_refused(tmp_path):
    with pytest.raises(SourceError, match="cannot read the pairs"):
        read_pairs(tmp_path / "gone.tsv")
    (tmp_path / "empty.tsv").write_text("\n")
    with pytest.raises(SourceError, match="no pairs in"):
        read_pairs(tmp_path / "empty.tsv")
    (tmp_path / "latin.tsv").write_bytes(b"gr\xfcn\tgreen\n")
    with pytest.raises(SourceError, match="cannot read the pairs"):
        read_pairs(tmp_path / "latin.tsv")


def test_each_text_is_embedded_once_and_english_is_the_group():
    asked = {"source": [], "target": []}

    def embed(name):
        def rows(texts):
            asked[name] += texts
            return np.array([[len(text), ord(text[0])] for text in texts], np.float32)

        return rows

    pairs = [Pair("rot", "red"), Pair("rouge", "red"), Pair("blau", "blue"), Pair("rot", "blue")]
    matched = match_texts(pairs, embed("source"), embed("target"))
    assert asked == {"source": ["rot", "rouge", "blau"], "target": ["red", "blue"]}
    assert matched.groups.tolist() == [0, 0, 1, 1]
    assert matched.sources[:, 0].tolist() == [3, 5, 4, 3]
    assert matched.targets[:, 0].tolist() == [3, 3, 4, 4]


def test_english_is_its_own_partner():
    pairs = [Pair("rot", "red", "de"), Pair("rouge", "red", "fr")]
    assert with_pivots(pairs) == (*pairs, Pair("red", "red", "en"))
    own = own_pairs()
    assert len(own) == len({each.text for each in own}) > 4_000
    assert all(each.text == each.english for each in own)


def test_a_separator_within_a_text_ends_no_line(tmp_path):
    path = tmp_path / "pairs.jsonl"
    path.write_text('{"text": "ein\u2028Hund", "english": "a dog"}\r\n', encoding="utf-8")
    assert read_pairs(path) == (Pair("ein\u2028Hund", "a dog"),)
