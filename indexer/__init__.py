"""The only writer of collections.

The names below are the public Python API; they load on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from indexer.service import IndexOptions, IndexReport, index_folders

__all__ = ["IndexOptions", "IndexReport", "index_folders"]


def __getattr__(name: str) -> object:
    """Load a public name from its home module (PEP 562)."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("indexer.service"), name)
