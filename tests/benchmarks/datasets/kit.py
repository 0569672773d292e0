"""Small data sets on disk, as their authors lay them out."""

import json
from pathlib import Path
from typing import Any


def touch(folder: Path, *names: str) -> None:
    """Make empty files: loaders look whether a picture is there, and open none."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def write(folder: Path, files: dict[str, Any]) -> Path:
    """Write texts as they are, bytes likewise, and anything else as JSON."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder
