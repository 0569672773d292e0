"""The cache: a folder is whole or not there, made once however many processes ask."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.benchmarks.shapes.bundle import cached, installed_versions, key_of

PROJECT = Path(__file__).resolve().parents[3]

RACER = """
import os, sys
from pathlib import Path
from tests.benchmarks.shapes.bundle import cached

root = Path(sys.argv[1])

def make(folder):
    with open(root / "made.log", "a") as log:
        log.write(f"{os.getpid()}\\n")
    for number in range(200):
        (folder / f"{number}").write_text("whole")

print("ready", flush=True)
sys.stdin.readline()
folder = cached(root, "key", make)
print(len(list(folder.iterdir())))
"""

DYING = """
import os, sys
from pathlib import Path
from tests.benchmarks.shapes.bundle import cached

def make(folder):
    (folder / "half").write_text("")
    os._exit(9)

cached(Path(sys.argv[1]), "key", make)
"""


def write(text):
    return lambda folder: (folder / "content").write_text(text)


def start(code, root):
    return subprocess.Popen(
        [sys.executable, "-c", code, os.fspath(root)],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": os.fspath(PROJECT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_folder_is_made_once(tmp_path):
    folder = cached(tmp_path / "root", "key", write("first"))
    assert cached(tmp_path / "root", "key", write("second")) == folder
    assert (folder / "content").read_text() == "first"


def test_of_processes_at_once_one_makes_and_all_find_it_whole(tmp_path):
    racers = [start(RACER, tmp_path) for _ in range(4)]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    assert [racer.communicate()[0] for racer in racers] == ["200\n"] * 4
    assert len((tmp_path / "made.log").read_text().splitlines()) == 1


def test_a_maker_that_dies_leaves_nothing_behind(tmp_path):
    dying = start(DYING, tmp_path)
    dying.communicate()
    assert dying.returncode == 9
    assert not (tmp_path / "key").exists()
    cached(tmp_path, "key", write("whole"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["LOCK", "key"]
    assert [path.name for path in (tmp_path / "key").iterdir()] == ["content"]


def test_a_maker_that_fails_says_so_every_time(tmp_path):
    def fail(folder):
        raise ArithmeticError("diverged")

    for _ in range(2):
        with pytest.raises(ArithmeticError, match="diverged"):
            cached(tmp_path, "key", fail)
        assert not (tmp_path / "key").exists()


def test_the_oldest_make_room(tmp_path):
    for number in range(7):
        folder = cached(tmp_path, f"key-{number}", write(""))
        os.utime(folder, (number, number))
    assert sorted(path.name for path in tmp_path.glob("key*")) == [f"key-{n}" for n in (3, 4, 5, 6)]


def test_the_key_follows_code_versions_and_recipe(tmp_path):
    code = tmp_path / "code.py"
    code.write_text("a = 1")
    versions = {"torch": "2.13.0", "open_clip_torch": "3.3.0"}
    keys = {key_of([code], versions, "recipe"), key_of([code], versions, "recipe")}
    assert len(keys) == 1
    keys.add(key_of([code], versions | {"torch": "2.13.1"}, "recipe"))
    keys.add(key_of([code], versions | {"open_clip_torch": "3.3.1"}, "recipe"))
    keys.add(key_of([code], versions, "another"))
    code.write_text("a = 2")
    keys.add(key_of([code], versions, "recipe"))
    assert len(keys) == 5


def test_the_versions_are_those_of_the_libraries_that_run():
    torch = pytest.importorskip("torch")
    assert installed_versions()["torch"].partition("+")[0] == torch.__version__.partition("+")[0]
