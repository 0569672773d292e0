"""The name of a picture among the names of all classes of its language.

Source: G. Geigle, R. Timofte, G. Glavas, "Babel-ImageNet: Massively Multilingual Evaluation of
Vision-and-Language Representations", ACL 2024, section 3: a picture counts if its class has a name
in the language, and is held against those names alone. So languages have tasks of different size,
and figures compare models in one language, not languages.
"""

import numpy as np

from benchmarks.datasets.base import ClassNames, DatasetError, Zeroshot
from benchmarks.metrics.ranks import Positives, best_ranks
from benchmarks.protocols.evaluation import Evaluation
from benchmarks.protocols.figures import zeroshot_figures
from retrieval.model import Float32Array


def evaluate_zeroshot(
    data: Zeroshot, names: ClassNames, pictures: Float32Array, classes: Float32Array
) -> Evaluation:
    """Rank the names of a language for each picture of a class that it names.

    Of names that score the same, the class of the smaller number goes first, as an argmax has it;
    so it is of two classes with one name, and the figures "..._pessimistic" tell what that is
    worth. Where a language names no more than five classes, there is no top-5: it could be nothing
    but 1.

    Args:
        data: n pictures.
        names: c of one language.
        pictures: (n, dim) unit rows.
        classes: (c, dim) unit rows.

    Raises:
        DatasetError: no picture is of a class that the language names.
    """
    column_of = np.full(data.n_classes, -1)
    column_of[names.classes] = np.arange(len(names.classes))
    columns = column_of[data.class_of]
    named = columns >= 0
    if not named.any():
        raise DatasetError(f"{data.origin.name} has no picture of a class that is named")
    right = columns[named]
    own = Positives.of_pairs(np.arange(len(right)), right, len(right))
    found = best_ranks(pictures[named], classes, own)
    ranks = {"top": found.best, "class": data.class_of[named]}
    if (found.pessimistic != found.best).any():
        ranks["top_pessimistic"] = found.pessimistic
    figures = zeroshot_figures(ranks, len(names.names))
    return Evaluation(figures, {"queries": len(right)}, ranks)
