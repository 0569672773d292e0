"""Which name makes which reader."""

import os
import sys
from pathlib import Path

import pytest

from indexer.readers.columns import Columns
from indexer.readers.folder import FolderReader
from indexer.readers.globs import Globs
from indexer.readers.pairs import PairsReader
from indexer.readers.parquet import ParquetReader
from indexer.readers.sources import SourceOptions, readers_for
from indexer.readers.tar import TarReader
from indexer.readers.urls import UrlReader
from retrieval.errors import MissingDependencyError, SourceError


def kinds(*sources, options=None):
    return [
        type(each) for each in readers_for([Path(s) for s in sources], options or SourceOptions())
    ]


def test_a_folder_is_a_folder_whatever_it_is_called(tmp_path):
    (tmp_path / "x.tar").mkdir()
    assert kinds(tmp_path, tmp_path / "x.tar") == [FolderReader, FolderReader]


def test_archives_by_the_end_of_their_name(tmp_path):
    assert kinds(tmp_path / "a.tar", tmp_path / "B.TAR") == [TarReader, TarReader]


@pytest.mark.parametrize("name", ["a.tar.gz", "a.tgz", "a.TAR.XZ", "a.tar.zst", "a.tar.bz2"])
def test_compressed_archives_are_refused_with_a_way_out(tmp_path, name):
    with pytest.raises(SourceError, match="compressed") as error:
        kinds(tmp_path / name)
    assert "unpack" in error.value.hint


def test_braces_stand_for_several(tmp_path):
    readers = readers_for([tmp_path / "s-{00..02}.tar"], SourceOptions())
    assert [os.path.basename(each.root) for each in readers] == [
        b"s-00.tar",
        b"s-01.tar",
        b"s-02.tar",
    ]


def test_braces_in_a_name_that_is_there_mean_themselves(tmp_path):
    (tmp_path / "{a,b}").mkdir()
    (reader,) = readers_for([tmp_path / "{a,b}"], SourceOptions())
    assert reader.root == os.fsencode(tmp_path / "{a,b}")


def test_links_are_resolved_and_equal_sources_count_once(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (reader,) = readers_for([tmp_path / "real", tmp_path / "link"], SourceOptions())
    assert reader.root == os.fsencode(tmp_path / "real")


def test_options_reach_the_readers(tmp_path):
    options = SourceOptions(globs=Globs.parse(exclude=["x"]), avoid=b"/away")
    folder, archive = readers_for([tmp_path, tmp_path / "a.tar"], options)
    assert (folder.globs, folder.avoid, archive.globs) == (options.globs, b"/away", options.globs)


def test_no_source_is_an_error():
    with pytest.raises(SourceError, match="no source"):
        readers_for([], SourceOptions())


@pytest.mark.parametrize(
    ("name", "plain", "with_urls"),
    [
        ("a.parquet", ParquetReader, UrlReader),
        ("a.csv", PairsReader, UrlReader),
        ("a.TSV", PairsReader, UrlReader),
        ("a.jsonl", PairsReader, UrlReader),
        ("a.json", PairsReader, PairsReader),
        ("a.txt", UrlReader, UrlReader),
        ("a.tar", TarReader, TarReader),
        ("a", FolderReader, FolderReader),
    ],
)
def test_a_column_of_addresses_turns_tables_into_lists(tmp_path, name, plain, with_urls):
    assert kinds(tmp_path / name) == [plain]
    options = SourceOptions(columns=Columns(url="link"))
    assert kinds(tmp_path / name, options=options) == [with_urls]


def test_a_text_file_has_no_columns(tmp_path):
    (tmp_path / "a.txt").write_text("http://a.example/1.png\n")
    (reader,) = readers_for([tmp_path / "a.txt"], SourceOptions(columns=Columns(url="link")))
    assert [file.path for file in reader.read().files] == [b"http://a.example/1.png"]


@pytest.mark.parametrize(
    ("name", "package", "modules", "extra"),
    [
        ("a.parquet", "pyarrow", ("parquet", "parquet_table"), "parquet"),
        ("a.txt", "httpx", ("urls", "url_fetch"), "urls"),
        ("a.txt", "httpcore", ("urls", "url_fetch", "url_guard"), "urls"),
    ],
)
def test_a_missing_extra_is_named(tmp_path, monkeypatch, name, package, modules, extra):
    for module in modules:
        monkeypatch.delitem(sys.modules, f"indexer.readers.{module}")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(
        MissingDependencyError, match=rf"reading .*{name} needs .*{package}"
    ) as error:
        kinds(tmp_path / name)
    assert error.value.hint == f"install polyseek[{extra}]"
