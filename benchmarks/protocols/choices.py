"""Two pictures and two texts at a time: does the right text score more, and the right picture?

The score is the cosine of float32 unit rows. What counts: `benchmarks.metrics.choices`.
"""

import numpy as np
import numpy.typing as npt

from benchmarks.datasets.base import Choices
from benchmarks.metrics.choices import OF_ASPECT, outcomes
from benchmarks.metrics.counting import exact_scores
from benchmarks.protocols.evaluation import Evaluation
from benchmarks.protocols.figures import choices_figures
from retrieval.model import Float32Array


def evaluate_choices(data: Choices, pictures: Float32Array, texts: Float32Array) -> Evaluation:
    """Ask every item; figures of all of them, and of those of each aspect.

    Args:
        data: n pictures, m texts, q items.
        pictures: (n, dim) unit rows.
        texts: (m, dim) unit rows.

    Returns:
        Its `ranks` are no ranks, but of each item 1 or 0, (q,): by the name of a score whether it
        counts, by "items/ASPECT" whether it has the aspect. A figure is the mean of its score's,
        over the items of its aspect.
    """
    found = outcomes(*_cosines(data, pictures, texts))
    having = _having_aspect(data)
    marks = found | {f"items{OF_ASPECT}{aspect}": rows for aspect, rows in having.items()}
    kept = {name: each.astype(np.int64) for name, each in marks.items()}
    counts = {"items": len(data.aspects)}
    counts |= {f"items{OF_ASPECT}{aspect}": int(rows.sum()) for aspect, rows in having.items()}
    return Evaluation(choices_figures(kept), counts, kept)


def _cosines(
    data: Choices, pictures: Float32Array, texts: Float32Array
) -> tuple[Float32Array, Float32Array]:
    """Of texts and their own pictures, and of texts and each other's; (q, 2) both."""
    own, other = (
        np.column_stack(
            [
                exact_scores(texts[data.texts_of[:, side]], pictures[shown[:, side]])
                for side in (0, 1)
            ]
        )
        for shown in (data.pictures_of, data.pictures_of[:, ::-1])
    )
    return own, other


def _having_aspect(data: Choices) -> dict[str, npt.NDArray[np.bool_]]:
    """Which items have each aspect, (q,), in the order of the aspects' first items."""
    aspects = dict.fromkeys(each for own in data.aspects for each in own)
    return {aspect: np.array([aspect in own for own in data.aspects]) for aspect in aspects}
