"""Fixtures that tests of every package share."""

import os
from pathlib import Path

import pytest

from tests.benchmarks.shapes.kit import trained_clip
from tests.postgres import catalogue_url, postgres_server

__all__ = ["catalogue_url", "postgres_server", "test_data", "trained_clip"]

# Before FAISS is imported: idle threads that spin make k-means several times slower on busy cores.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Folder of real photographs with captions; tests that need it are skipped without it."""
    folder = Path(os.environ.get("POLYSEEK_TEST_DATA", PROJECT.parent / "shared" / "data"))
    if not (folder / "coco_mini").is_dir():
        pytest.skip(f"no test photographs at {folder}; set POLYSEEK_TEST_DATA to their folder")
    return folder
