"""Query vectors that come ready made: checked, and what they are made of."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np

from retrieval.model import Float32Array, Modality
from retrieval.query.plan import MadeOf


def check_vectors(vectors: Float32Array, dim: int) -> None:
    """Refuse what is no (Q, dim) float32 of finite numbers.

    Raises:
        ValueError: says what it is.
    """
    if vectors.dtype != np.float32 or vectors.ndim != 2 or vectors.shape[1] != dim:
        raise ValueError(f"expected float32 (Q, {dim}), got {vectors.dtype} {vectors.shape}")
    # Where all are finite, so are their squares, unless they are vast: half the time of asking all.
    if not math.isfinite(np.vdot(vectors, vectors)) and not np.isfinite(vectors).all():
        raise ValueError("a query vector holds NaN or infinity")


def made_of_vectors(
    rows: Float32Array, modality: Literal["image", "text", "composed"] | Sequence[MadeOf]
) -> Sequence[MadeOf]:
    """The parts of each vector; one of which they are not known stands for them itself.

    Args:
        rows: (Q, dim) unit rows.
        modality: see `SearchEngine.search_vectors`.

    Raises:
        ValueError: there are parts of another number of vectors, or they are no vectors.
    """
    if not isinstance(modality, str):
        if len(modality) != len(rows):
            raise ValueError(f"{len(rows)} vectors, but parts of {len(modality)}")
        for each in modality:
            check_vectors(each.vectors, rows.shape[1])
        return modality
    parts: tuple[Modality, ...] = ("image", "text") if modality == "composed" else (modality,)
    if len(parts) == 1:
        return [MadeOf(row[None], parts) for row in rows]
    return [MadeOf(np.repeat(row[None], len(parts), axis=0), parts) for row in rows]
