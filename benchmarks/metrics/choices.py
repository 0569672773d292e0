"""Scores of two pictures and two texts that say one of them each.

Source: T. Thrush, R. Jiang, M. Bartolo, A. Singh, A. Williams, D. Kiela, C. Ross, "Winoground:
Probing Vision and Language Models for Visio-Linguistic Compositionality", CVPR 2022, section 4.1.
Of pictures I0, I1 and texts C0, C1 with cosines s an item counts for the

    text score     if s(C0, I0) > s(C1, I0) and s(C1, I1) > s(C0, I1)
    image score    if s(C0, I0) > s(C0, I1) and s(C1, I1) > s(C1, I0)
    group score    if it counts for both

Equal cosines count for none, so an encoder that says one thing of everything gets 0. One whose
cosines are random gets `CHANCE`. One that sees nothing and prefers some texts gets less than that
text score, for it says the same text of both pictures.
"""

import numpy as np
import numpy.typing as npt

from retrieval.model import Float32Array

CHANCE = {"text_score": 1 / 4, "image_score": 1 / 4, "group_score": 1 / 6}
"""Of four different numbers in random order: two comparisons of two of them each hold in a quarter
of the orders; two of the numbers are the two largest in a sixth."""

OF_ASPECT = "/"
"""Between the name of a figure and the aspect that it is of: "group_score/red"."""


def outcomes(own: Float32Array, other: Float32Array) -> dict[str, npt.NDArray[np.bool_]]:
    """Which items count for each score, (q,) by name.

    Args:
        own: (q, 2) cosines: of the first text and the first picture, of the second and the second.
        other: (q, 2): of the first text and the second picture, of the second text and the first.
    """
    text = (own[:, 0] > other[:, 1]) & (own[:, 1] > other[:, 0])
    image = (own[:, 0] > other[:, 0]) & (own[:, 1] > other[:, 1])
    return {"text_score": text, "image_score": image, "group_score": text & image}
