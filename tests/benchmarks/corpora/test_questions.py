"""Questions as the published files hold them."""

import json

import pytest

from benchmarks.corpora.questions import captions, class_names


def test_names_are_those_of_the_language_each_once(tmp_path):
    table = tmp_path / "names.json"
    table.write_text(json.dumps({"EN": [[0, 1, 2], ["tench", "crane", "crane"]]}))
    assert class_names(table, "EN") == ["tench", "crane"]
    with pytest.raises(ValueError, match="no language 'XX'; it has EN"):
        class_names(table, "XX")


def test_captions_are_read_each_once_without_blanks_around_them(tmp_path):
    file = tmp_path / "captions.json"
    texts = ["A dog. ", "A cat.", "A dog."]
    file.write_text(json.dumps({"annotations": [{"caption": text} for text in texts]}))
    assert captions(file) == ["A dog.", "A cat."]
