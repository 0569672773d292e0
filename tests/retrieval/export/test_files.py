"""Files appear whole or not at all, and in place of others only by force."""

import os

import pytest

from retrieval.errors import SettingsError
from retrieval.export.files import new_files


def write(targets, *contents, force=False):
    with new_files(targets, force=force) as partials:
        for partial, content in zip(partials, contents, strict=True):
            partial.write_text(content)


def test_files_are_put_in_place_together(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    with new_files([one, two], force=False) as partials:
        for partial in partials:
            partial.write_text(partial.name)
        assert not one.exists()
    assert sorted(os.listdir(tmp_path)) == ["one", "two"]


def test_a_failure_leaves_nothing_and_keeps_what_was_there(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("earlier")

    def fail():
        with new_files([one, two], force=True) as partials:
            partials[0].write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert os.listdir(tmp_path) == ["one"]
    assert one.read_text() == "earlier"


def test_what_is_there_is_replaced_by_force_only(tmp_path):
    one = tmp_path / "one"
    write([one], "earlier")
    with pytest.raises(SettingsError, match="one is there already") as caught:
        write([one], "later")
    assert "--force" in caught.value.hint
    assert one.read_text() == "earlier"
    write([one], "later", force=True)
    assert one.read_text() == "later"


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to("file")
    write([tmp_path / "link"], "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"
    with pytest.raises(SettingsError, match="already"):
        write([tmp_path / "link"], "newer")


def test_a_folder_or_a_pipe_is_never_replaced(tmp_path):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("folder", "pipe"):
        with pytest.raises(SettingsError, match="is no file"):
            write([tmp_path / name], "x", force=True)


def test_an_error_names_the_target(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write([tmp_path / "no" / "such"], "x")
    assert caught.value.filename == os.fspath(tmp_path / "no" / "such")
