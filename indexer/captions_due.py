"""Which sources have pictures whose captions are still to follow: runs that died, or left them out.

The file is there from a run's first change of pictures until their captions have followed. A run
over those sources then looks at the captions of all of their pictures.
"""

import json
from collections.abc import Collection
from pathlib import Path

from indexer import durable
from indexer.layout import CAPTIONS_DUE
from retrieval.store.fields import path_from_json, path_to_json


def read_due(folder: Path) -> frozenset[bytes]:
    """Roots of the sources; none where the file is absent, or no list of paths."""
    try:
        found = json.loads((folder / CAPTIONS_DUE).read_bytes())
        return frozenset(map(path_from_json, found if isinstance(found, list) else []))
    except (FileNotFoundError, ValueError):
        return frozenset()


def write_due(folder: Path, roots: Collection[bytes]) -> None:
    """Note the roots, durably; none takes the file away."""
    if roots:
        content = json.dumps([path_to_json(root) for root in sorted(roots)])
        durable.write_file(folder / CAPTIONS_DUE, content.encode("utf-8"))
    else:
        durable.remove(folder / CAPTIONS_DUE)


def overlap(due: Collection[bytes], roots: Collection[bytes]) -> bool:
    """Whether a run over these roots meets pictures of a source whose captions are due."""
    return any(_holds(one, other) or _holds(other, one) for one in due for other in roots)


def left_over(due: Collection[bytes], roots: Collection[bytes]) -> frozenset[bytes]:
    """What is still due after a run over these roots looked at everything below them."""
    return frozenset(each for each in due if not any(_holds(root, each) for root in roots))


def _holds(root: bytes, other: bytes) -> bool:
    return other == root or other.startswith(root.rstrip(b"/") + b"/")
