"""File systems that are full soon."""

import os
import subprocess
from contextlib import contextmanager

import pytest


@contextmanager
def disk_of(point, kib):
    """A file system of so many KiB, mounted for a while."""
    point.mkdir()
    if os.geteuid() != 0 or not _mounted(point, f"size={kib}k"):
        pytest.skip("mounting a tmpfs is not permitted here")
    try:
        yield point
    finally:
        subprocess.run(["umount", point], check=True, timeout=30)


def grow(point, kib):
    """Give a mounted one more room."""
    assert _mounted(point, f"remount,size={kib}k")


def _mounted(point, options):
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", point]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
