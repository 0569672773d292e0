"""A phi in closed form: from the embedding of a text to the embeddings of its words, by ridge.

Texts stand for images: what tells one text from another in the joint space should give the words
that say so, and an image is put in with the mean of images taken off where that of texts was.

Sources: the linear map from images to word embeddings is that of F. Paischer, T. Adler, M.
Hofmarcher, S. Hochreiter, "SITTA: A Semantic Image-Text Alignment for Image Captioning", 2023
(lexical matching by least squares), and J. Merullo, L. Castricato, C. Eickhoff, E. Pavlick,
"Linearly Mapping from Image to Text Space" (LiMBeR), ICLR 2023. Ours: words that name nothing are
left out of the targets, which quadruples the mAP (docs/pseudo-tokens.md); pseudo-tokens get the
median length of the words' embeddings; and the penalty is that of LinCIR's noise.
"""

import numpy as np
import numpy.typing as npt

from retrieval.learn.phi import Phi
from retrieval.learn.phi_lessons import Lessons
from retrieval.learn.phi_words import content_words
from retrieval.model import Float32Array

NOISE = 1.0
"""Length of the longest noise on a centred embedding, in its own lengths, as for LinCIR.

A share drawn from U(0, 1) has the mean square 1/3. Cross-validation among texts is no use here: it
asks for hardly any penalty, and the map then takes what an image adds to its text for words."""


def train_ridge(lessons: Lessons) -> Phi:
    """Fit the map; takes milliseconds.

    Args:
        lessons: their images serve for the mean of images alone.
    """
    words = lessons.injector.embeddings_of([content_words(text) for text in lessons.texts])
    targets = np.stack([each.mean(axis=0) for each in words]).astype(np.float64)
    median = float(np.median(np.linalg.norm(np.concatenate(words), axis=1)))
    offset = targets.mean(axis=0)
    weight = ridge(lessons.vectors - lessons.text_mean, targets - offset, NOISE**2 / 3)
    layers = ((weight.T.astype(np.float32), offset.astype(np.float32)),)
    return lessons.phi("ridge", layers, {"noise": NOISE}, norm=median)


def ridge(
    inputs: Float32Array, targets: npt.NDArray[np.float64], noise: float
) -> npt.NDArray[np.float64]:
    """The matrix (d, D) that maps noisy inputs to targets with the least expected squared error.

    Source: noise of variance s on every input is a ridge penalty of n s: C. Bishop, "Training with
    Noise is Equivalent to Tikhonov Regularization", Neural Computation 7, 1995.

    Args:
        inputs: (n, d), centred.
        targets: (n, D), centred.
        noise: mean square length of the noise, in mean square lengths of the inputs; more than 0.
    """
    exact = inputs.astype(np.float64)
    products = exact.T @ exact
    dim = len(products)
    penalty = noise * max(float(np.trace(products)) / dim, np.finfo(float).tiny)
    return np.asarray(np.linalg.solve(products + penalty * np.eye(dim), exact.T @ targets))
