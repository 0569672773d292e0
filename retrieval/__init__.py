"""The shared kernel and the query side: encoders, images, the on-disk format, search.

The names below are the public Python API; they load on first use, so that importing a part of the
package does not load torch or FAISS.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.encoders.registry import get_encoder
    from retrieval.engine import SearchEngine
    from retrieval.model import Hit, SearchResult
    from retrieval.query.algebra import (
        ImageFile,
        ItemRef,
        Minus,
        Product,
        Query,
        Residual,
        Scale,
        Slerp,
        Sum,
        Text,
        Vector,
        Where,
    )

__all__ = [
    "Hit",
    "ImageFile",
    "ItemRef",
    "Minus",
    "Product",
    "Query",
    "Residual",
    "Scale",
    "SearchEngine",
    "SearchResult",
    "Slerp",
    "Sum",
    "Text",
    "Vector",
    "Where",
    "get_encoder",
]

_HOMES = dict.fromkeys(__all__, "retrieval.query.algebra") | {
    "Hit": "retrieval.model",
    "SearchEngine": "retrieval.engine",
    "SearchResult": "retrieval.model",
    "get_encoder": "retrieval.encoders.registry",
}


def __getattr__(name: str) -> object:
    """Load a public name from its home module (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
