"""What every reader must do: inherit ReaderContract and give a `source` fixture."""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from indexer.readers.base import Reader, Skip
from retrieval.errors import ImageError, SourceError


@dataclass
class Source:
    """One source on the disk, and what is in it.

    Attributes:
        make: a new reader of it.
        contents: bytes of every picture in it that can be used, by path.
        strangers: paths outside of it, or that it cannot have.
        cut: damage it, as a download that broke off does; None where nothing can be cut.
        empty: make it hold nothing at all.
        skipped: reasons of what it lists and cannot use, by path.
        n_captions: sources of captions in it.
    """

    make: Callable[[], Reader]
    contents: dict
    strangers: list
    cut: Callable | None
    empty: Callable
    skipped: dict = field(default_factory=dict)
    n_captions: int = 0


class ReaderContract:
    """The rules in the docstrings of indexer.readers.base, each a test."""

    def test_the_root_is_absolute(self, source):
        assert os.path.isabs(source.make().root)

    def test_it_lists_what_is_there_sorted_and_once(self, source):
        listing = source.make().read()
        paths = [file.path for file in listing.files]
        assert paths == sorted(source.contents)
        skipped = [skip.path for skip in listing.skips]
        assert skipped == sorted(set(skipped))
        assert {skip.path: skip.reason for skip in listing.skips} == source.skipped
        captions = [each.file.path for each in listing.captions]
        assert captions == sorted(set(captions))
        assert len(captions) == source.n_captions

    def test_twice_is_the_same(self, source):
        reader = source.make()
        first = reader.read()
        for again in (reader.read(), source.make().read()):
            assert again.files == first.files
            assert again.skips == first.skips
            assert [each.file for each in again.captions] == [each.file for each in first.captions]
        by_path = {file.path: file for file in first.files}
        assert all(reader.is_same(by_path[file.path], file) for file in reader.read().files)

    def test_what_is_listed_is_fetched(self, source):
        reader = source.make()
        for file in reader.read().files:
            for _ in range(2):
                current, content = reader.fetch(file)
                assert current.path == file.path
                assert content == source.contents[file.path]

    def test_threads_fetch_the_same(self, source):
        reader = source.make()
        files = reader.read().files * 8
        with ThreadPoolExecutor(8) as pool:
            for file, (current, content) in zip(files, pool.map(reader.fetch, files), strict=True):
                assert current.path == file.path
                assert content == source.contents[file.path]

    def test_any_order_fetches_the_same(self, source):
        reader = source.make()
        for file in reversed(reader.read().files):
            assert reader.fetch(file)[1] == source.contents[file.path]

    def test_it_covers_what_it_lists_and_nothing_outside(self, source):
        reader = source.make()
        listing = reader.read()
        assert all(reader.covers(file.path) for file in listing.files)
        assert not any(reader.is_gone(file.path) for file in listing.files)
        assert not any(reader.covers(path) for path in source.strangers)
        if reader.is_tree:
            below = reader.root + b"/"
            assert all(file.path.startswith(below) for file in listing.files)

    def test_captions_speak_of_pictures_that_are_listed_or_skipped(self, source):
        listing = source.make().read()
        paths = {each.path for each in (*listing.files, *listing.skips)}
        for each in listing.captions:
            assert set(each.images) <= paths
            for caption in each.read():
                if not isinstance(caption, Skip):
                    assert caption.text.strip()
                    assert caption.image in (each.images or paths)

    def test_what_was_cut_off_is_said_and_not_gone(self, source):
        if source.cut is None:
            pytest.skip("nothing that could be cut")
        source.cut()
        reader = source.make()
        listing = _listing_or_hint(reader)
        if isinstance(listing, str):
            assert listing
            return
        usable = set()
        skipped = {skip.path for skip in listing.skips}
        for file in listing.files:
            try:
                content = reader.fetch(file)[1]
            except (OSError, ImageError):
                skipped.add(file.path)
            else:
                assert content == source.contents[file.path]
                usable.add(file.path)
        assert skipped
        assert usable < set(source.contents)
        assert not any(reader.is_gone(path) for path in set(source.contents) - usable)

    def test_an_empty_source_lists_nothing_or_is_an_error(self, source):
        source.empty()
        listing = _listing_or_hint(source.make())
        assert listing if isinstance(listing, str) else listing.files == ()

    def test_a_missing_source_is_an_error_that_says_so(self, source):
        reader = source.make()
        gone = os.path.join(os.path.dirname(reader.root), b"moved away")
        os.rename(reader.root, gone)
        with pytest.raises(SourceError, match="no such") as error:
            source.make().read()
        assert isinstance(error.value.__cause__, FileNotFoundError)
        assert error.value.hint


def _listing_or_hint(reader):
    """The listing; where there is none, what the error says to do."""
    try:
        return reader.read()
    except SourceError as error:
        return error.hint or ""
