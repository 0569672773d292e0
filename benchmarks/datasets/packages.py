"""Where the files of a Debian package lie: unpacked below a folder, or installed.

apt-get download PACKAGE && dpkg-deb -x PACKAGE_*.deb FOLDER    unpacks one, as any user
apt-get install PACKAGE                                         installs it
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from benchmarks.datasets.base import DatasetError

FOLDER = "debian"
"""Below `--data`: where packages are unpacked."""

INSTALLED = Path("/")


def packaged(folder: Path, below: str, package: str, installed: Path | None = None) -> Path:
    """A file or folder of a package.

    Args:
        folder: where packages are unpacked; looked at first.
        below: where it is in the package, e.g. "usr/share/tuxpaint/stamps".
        package: that has it.
        installed: the root of the system; None is `INSTALLED`.

    Raises:
        DatasetError: it is in neither.
    """
    for root in (folder, installed or INSTALLED):
        if (path := root / below).exists():
            return path
    raise DatasetError(
        f"the package {package} is neither installed nor unpacked in {folder}",
        hint=f"apt-get install {package}; or: apt-get download {package} && "
        f"dpkg-deb -x {package}_*.deb {folder}",
    )


def digest(files: Iterable[tuple[str, bytes]]) -> str:
    """One sha256 (hex) over many files: names and contents, in the order of the names."""
    whole = hashlib.sha256()
    for name, content in sorted(files):
        whole.update(f"{name}\0{len(content)}\0".encode())
        whole.update(content)
    return whole.hexdigest()
