"""The shared kernel and the query side: encoders, images, the on-disk format, search.

The names below are the public Python API; they load on first use, so that importing a part of the
package does not load torch or FAISS.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retrieval.calibrate import at_least
    from retrieval.encoders.registry import get_encoder
    from retrieval.engine import SearchEngine
    from retrieval.model import Hit, SearchResult
    from retrieval.query.algebra import ImageFile, ItemRef, Minus, Query, Scale, Sum, Text, Vector
    from retrieval.query.ways import (
        EachOf,
        Feedback,
        Mean,
        Product,
        Pseudo,
        Residual,
        Slerp,
        Where,
        analogy,
    )
    from retrieval.shaping import PseudoFeedback, Shaping, search_shaped

__all__ = [
    "EachOf",
    "Feedback",
    "Hit",
    "ImageFile",
    "ItemRef",
    "Mean",
    "Minus",
    "Product",
    "Pseudo",
    "PseudoFeedback",
    "Query",
    "Residual",
    "Scale",
    "SearchEngine",
    "SearchResult",
    "Shaping",
    "Slerp",
    "Sum",
    "Text",
    "Vector",
    "Where",
    "analogy",
    "at_least",
    "get_encoder",
    "search_shaped",
]

_WAYS = (
    "EachOf",
    "Feedback",
    "Mean",
    "Product",
    "Pseudo",
    "Residual",
    "Slerp",
    "Where",
    "analogy",
)
_HOMES = (
    dict.fromkeys(__all__, "retrieval.query.algebra")
    | dict.fromkeys(_WAYS, "retrieval.query.ways")
    | {
        "Hit": "retrieval.model",
        "PseudoFeedback": "retrieval.shaping",
        "SearchEngine": "retrieval.engine",
        "SearchResult": "retrieval.model",
        "Shaping": "retrieval.shaping",
        "at_least": "retrieval.calibrate",
        "get_encoder": "retrieval.encoders.registry",
        "search_shaped": "retrieval.shaping",
    }
)


def __getattr__(name: str) -> object:
    """Load a public name from its home module (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
