"""`polyseek demo` as a user runs it."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image


def test_every_answer_of_the_demo_is_right_and_drawn(tmp_path):
    pytest.importorskip("skimage", reason="the sample photographs come with polyseek[demo]")
    command = [Path(sys.executable).parent / "polyseek", "demo", "--out", tmp_path / "out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["ok"] * 6
    with Image.open(tmp_path / "out" / "sheet.png") as sheet:
        assert sheet.width > 800
    assert (tmp_path / "out" / "index.html").read_text().count("<section>") == 6
