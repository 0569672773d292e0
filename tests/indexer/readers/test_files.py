"""What a user is told of a list or a table that cannot be opened."""

import os

import pytest

from indexer.readers.files import opening_source, read_stable
from retrieval.errors import SourceError


def test_a_file_that_is_missing_or_cannot_be_read_is_an_error_of_its_source(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    for name, message, hint in [
        ("none.csv", "no such list: {}", "check the path"),
        ("loop.csv", "cannot read {}: too many levels of symbolic links", "check its permissions"),
        ("pipe.csv", "cannot read {}: not a regular file", "name a text file"),
    ]:
        path = os.fsencode(tmp_path / name)
        with pytest.raises(SourceError) as error, opening_source(path, "list", "a text file"):
            read_stable(path)
        assert str(error.value) == message.format(tmp_path / name)
        assert error.value.hint == hint
        assert error.value.__cause__ is not None
