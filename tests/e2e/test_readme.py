"""The README's examples run as they stand, in a home folder that has a few pictures."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cli.demo import copy_photographs
from tests.factories import tiny_clip

PROJECT = Path(__file__).resolve().parents[2]
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home folder with pictures, and everything that the examples mention by name."""
    pytest.importorskip("skimage", reason="the sample photographs come with polyseek[demo]")
    home = tmp_path_factory.mktemp("home")
    copy_photographs(home / "Pictures")
    copy_photographs(home / "photographs")
    shutil.copy(home / "Pictures" / "chelsea.png", home / "dog.jpg")
    (home / "captions.txt").write_text("a cat\na cup of coffee\n")
    (home / "captions.csv").write_text("image,caption\nPictures/coffee.png,a cup of coffee\n")
    mine = {"name": "mine", "split": "all", "images": ".", "captions": "captions.csv"}
    lines = [f'{key} = "{value}"' for key, value in mine.items()]
    (home / "my.toml").write_text("\n".join(lines))
    (home / "labels.txt").write_text("a cat\na rocket\n")
    (home / "cats").mkdir()
    return home


def run(command, home):
    bin_folder = os.fspath(Path(sys.executable).parent)
    environment = os.environ | {
        "HOME": os.fspath(home),
        "PATH": bin_folder + os.pathsep + os.environ["PATH"],
    }
    return subprocess.run(
        command, cwd=home, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def test_the_commands_run_as_they_stand(home):
    commands = [line for line in blocks("console")[0].splitlines() if line.startswith("polyseek ")]
    assert len(commands) >= 9
    for command in commands:
        done = run(["bash", "-c", f"set -o pipefail; {command}"], home)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    assert (home / "hits.png").stat().st_size > 10_000
    assert "data:image/jpeg" in (home / "hits.html").read_text()
    assert len((home / "answers.jsonl").read_text().splitlines()) == 2
    assert (home / "cats" / "chelsea.png").exists()


def test_the_model_folder_example_runs_with_a_tiny_model(home, tmp_path):
    [command] = [line for line in blocks("console")[1].splitlines() if "local-dir:" in line]
    model = "local-dir:/models/ViT-B-32"
    assert model in command
    done = run(["bash", "-c", command.replace(model, f"local-dir:{tiny_clip(tmp_path)}")], home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "added 11" in done.stdout


def test_the_python_example_runs_as_it_stands(home):
    shutil.rmtree(home / ".polyseek", ignore_errors=True)
    done = run([sys.executable, "-c", blocks("python")[0]], home)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].endswith("astronaut.png")
