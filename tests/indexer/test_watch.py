"""Watching real folders: what is followed by a run, what is not, and what comes back."""

import os
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest

from indexer.readers.globs import Globs
from indexer.watch import Pace, WatchedSources, _Settling, watch_sources
from retrieval.errors import MissingDependencyError, SourceError

PACE = Pace(settle_s=0.05, longest_s=2.0, look_s=0.05)
PATIENCE_S = 30.0


class Watching:
    """A watch in a thread of its own, and what became of it.

    Attributes:
        runs: what lay in the folder at each run.
        ticks: how often the sources were looked at.
        during: called in each run.
        replies: of the next runs; True when there are none left.
    """

    def __init__(self, *sources, **options):
        self.runs, self.ticks, self.replies = [], 0, []
        self.error = None
        self.during = lambda: None
        self.stop = threading.Event()
        self._sources = self._counting(WatchedSources(sources, **options))
        self._shown = Path(sources[0])
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self):
        self._thread.start()
        self.wait(lambda: self.runs)
        return self

    def __exit__(self, *_):
        self.stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        if self.error:
            raise self.error

    def wait(self, condition):
        """Until a condition holds, or something went wrong."""
        end_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert self._thread.is_alive(), self.error
            assert time.monotonic() < end_s, (self.runs, self.ticks)
            time.sleep(0.005)

    def wait_for_run(self, change):
        """Make a change; until a run has followed it."""
        before = len(self.runs)
        change()
        self.wait(lambda: len(self.runs) > before)

    def stays_quiet(self, change):
        """Whether no run follows a change for as long as ten looks at the sources take."""
        self.settle()
        before = len(self.runs)
        change()
        self.settle()
        return len(self.runs) == before

    def settle(self):
        self.wait(lambda end=self.ticks + 10: self.ticks >= end)

    def _counting(self, sources):
        watching = self

        class Counting(WatchedSources):
            def marks(self):
                watching.ticks += 1
                return super().marks()

        return Counting(sources.sources, sources.globs, sources.avoid)

    def _run(self):
        self.runs.append(sorted(os.listdir(self._shown)) if self._shown.is_dir() else [])
        self.during()
        return self.replies.pop(0) if self.replies else True

    def _watch(self):
        try:
            watch_sources(self._sources, self._run, self.stop, PACE)
        except Exception as error:  # noqa: BLE001 - it is raised again where the test waits
            self.error = error


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "photos"
    path.mkdir()
    return path


def test_a_run_at_once_and_one_after_every_change(folder):
    (folder / "a.jpg").touch()
    with Watching(folder) as watching:
        assert watching.runs == [["a.jpg"]]
        watching.wait_for_run((folder / "b.jpg").touch)
        assert watching.runs[-1] == ["a.jpg", "b.jpg"]
        watching.wait_for_run(lambda: (folder / "a.jpg").write_text("other"))
        watching.wait_for_run(lambda: (folder / "a.jpg").rename(folder / "c.jpg"))
        watching.wait_for_run((folder / "b.jpg").unlink)
        assert watching.runs[-1] == ["c.jpg"]
        watching.wait_for_run((folder / "new.d").mkdir)
        watching.wait_for_run((folder / "new.d" / "d.jpg").touch)
        watching.wait_for_run(lambda: shutil.rmtree(folder / "new.d"))


def test_what_happens_during_a_run_is_followed_by_another(folder):
    with Watching(folder) as watching:
        late = iter(["late.jpg", "later.jpg"])
        watching.during = lambda: [(folder / name).touch() for name in [next(late, None)] if name]
        (folder / "a.jpg").touch()
        watching.wait(lambda: watching.runs[-1] == ["a.jpg", "late.jpg", "later.jpg"])


def test_a_run_that_could_not_work_is_tried_again(folder):
    with Watching(folder) as watching:
        watching.replies = [False, False, True]
        (folder / "a.jpg").touch()
        watching.wait(lambda: len(watching.runs) == 4)
        assert watching.stays_quiet(lambda: None)


def test_what_a_run_raises_ends_the_watch(folder):
    def fail():
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        watch_sources(WatchedSources([folder]), fail, threading.Event(), PACE)


def test_hidden_excluded_and_useless_files_and_the_collection_are_passed_over(folder):
    for name in (".polyseek", "thumbs", "collection"):
        (folder / name).mkdir()
    avoid = os.fsencode(folder / "collection")
    with Watching(folder, globs=Globs.parse(exclude=["thumbs"]), avoid=avoid) as watching:
        for name in (".x.jpg", ".polyseek/x.jpg", "thumbs/x.jpg", "collection/x.jpg", "notes.log"):
            assert watching.stays_quiet((folder / name).touch), name
        watching.wait_for_run((folder / "x.jpg").touch)


def test_a_name_that_is_no_utf_8_is_followed_by_a_run_as_any_other(folder):
    with Watching(folder) as watching:
        watching.wait_for_run(lambda: open(os.fsencode(folder) + b"/\xff.jpg", "wb").close())
        watching.wait_for_run((folder / "b.jpg").touch)
        assert watching.runs[-1][0] == "b.jpg"


def test_a_folder_that_goes_is_awaited(folder):
    with Watching(folder) as watching:
        for name in ("one.jpg", "two.jpg"):
            watching.wait_for_run(lambda: shutil.rmtree(folder))
            watching.settle()
            folder.mkdir()
            (folder / name).touch()
            watching.wait(lambda name=name: watching.runs[-1] == [name])
        watching.wait_for_run((folder / "three.jpg").touch)


def test_another_folder_in_its_place_is_watched(folder):
    other = folder.with_name("other")
    other.mkdir()
    (other / "o.jpg").touch()
    with Watching(folder) as watching:
        folder.rename(folder.with_name("away"))
        other.rename(folder)
        watching.wait(lambda: watching.runs[-1] == ["o.jpg"])
        watching.settle()
        watching.wait_for_run((folder / "p.jpg").touch)


def test_a_source_that_is_a_file_is_watched_however_it_is_saved(folder):
    table = folder / "captions.csv"
    table.write_text("one")
    with Watching(table) as watching:
        watching.wait_for_run(lambda: table.write_text("longer"))
        (folder / "new").write_text("another inode")
        watching.wait_for_run(lambda: (folder / "new").rename(table))
        watching.wait_for_run(table.unlink)
        watching.wait_for_run(lambda: table.write_text("again"))
        assert watching.stays_quiet((folder / "a.jpg").touch)


def test_files_that_braces_stand_for_are_watched_when_they_come(folder):
    (folder / "s-0.tar").touch()
    with Watching(folder / "s-{0..1}.tar") as watching:
        watching.wait_for_run((folder / "s-1.tar").touch)


def test_several_sources_at_once(folder, tmp_path):
    (tmp_path / "more").mkdir()
    (tmp_path / "list.csv").touch()
    with Watching(folder, tmp_path / "more", tmp_path / "list.csv") as watching:
        watching.wait_for_run((tmp_path / "more" / "a.jpg").touch)
        watching.wait_for_run(lambda: (tmp_path / "list.csv").write_text("x"))
        watching.wait_for_run((folder / "a.jpg").touch)


def test_a_source_that_is_not_there_yet_is_awaited(tmp_path):
    with Watching(tmp_path / "later") as watching:
        assert watching.runs == [[]]
        watching.wait_for_run((tmp_path / "later").mkdir)
        watching.settle()
        watching.wait_for_run((tmp_path / "later" / "a.jpg").touch)


@pytest.mark.parametrize(
    ("name", "is_wanted"),
    [
        *(("a.jpg", True), ("a.JPG", True), ("sub/a.png", True), ("a.txt", True), ("sub", True)),
        *(("gone.log", True), ("a.log", False), (".hidden/a.jpg", False), (".a.jpg", False)),
        *(("raw/a.jpg", False), ("raw", False), ("a.gif", False), ("c", False), ("c/x.jpg", False)),
        *(("cc", True), ("fresh/a.jpg", True), ("", True), ("../other/a.jpg", False)),
    ],
)
def test_which_changes_concern_a_run(tmp_path, name, is_wanted):
    for each in ("a.jpg", "a.JPG", "sub/a.png", "a.txt", "a.log", ".a.jpg", "raw/a.jpg", "a.gif"):
        (tmp_path / each).parent.mkdir(exist_ok=True)
        (tmp_path / each).touch()
    root = os.fsencode(tmp_path)
    globs = Globs.parse(exclude=["raw", "*.gif"])
    sources = WatchedSources([tmp_path], globs, avoid=root + b"/c")
    path = root + b"/" + name.encode() if name else root
    assert sources.concerns(root, path) is is_wanted


def test_pictures_that_are_not_included_do_not_concern_a_run(tmp_path):
    for name in ("a.jpg", "a.png", "a.txt"):
        (tmp_path / name).touch()
    root = os.fsencode(tmp_path)
    sources = WatchedSources([tmp_path], Globs.parse(include=["*.jpg"]))
    found = [sources.concerns(root, root + name) for name in (b"/a.jpg", b"/a.png", b"/a.txt")]
    assert found == [True, False, True]


def test_the_first_run_is_due_at_once_and_others_when_things_settled():
    settling = _Settling(Pace(settle_s=2, longest_s=10))
    assert settling.is_due(0.0)
    settling.clear()
    assert not settling.is_due(1e9)
    settling.see(100.0)
    assert not settling.is_due(101.9)
    settling.see(101.9)
    assert not settling.is_due(102.1)
    assert settling.is_due(103.9)


def test_a_run_is_not_put_off_for_ever():
    settling = _Settling(Pace(settle_s=2, longest_s=10))
    settling.clear()
    for now_s in range(100, 110):
        settling.see(now_s)
        assert not settling.is_due(now_s)
    settling.see(110)
    assert settling.is_due(110)


def never():
    raise AssertionError("no run")


def test_without_watchfiles_the_hint_says_how_to_get_it(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    with pytest.raises(MissingDependencyError, match="watchfiles") as caught:
        watch_sources(WatchedSources([folder]), never, threading.Event(), PACE)
    assert caught.value.hint == "pip install 'polyseek[watch]'"


def test_a_folder_whose_name_is_no_utf_8_is_refused(tmp_path):
    folder = tmp_path / os.fsdecode(b"\xff")
    folder.mkdir()
    with pytest.raises(SourceError, match="no UTF-8"):
        watch_sources(WatchedSources([folder]), never, threading.Event(), PACE)


@pytest.mark.parametrize(
    "error", [OSError("OS file watch limit reached"), RuntimeError("creating")]
)
def test_a_limit_of_the_kernel_says_which(folder, monkeypatch, error):
    def full(*_, **__):
        raise error
        yield

    monkeypatch.setattr("watchfiles.watch", full)
    with pytest.raises(SourceError, match=str(error)) as caught:
        watch_sources(WatchedSources([folder]), never, threading.Event(), PACE)
    assert "max_user_watches" in caught.value.hint


def test_a_watch_that_is_stopped_before_it_began_runs_nothing(folder):
    stop = threading.Event()
    stop.set()
    watch_sources(WatchedSources([folder]), never, stop, PACE)
