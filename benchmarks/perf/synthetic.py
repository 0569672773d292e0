"""Synthetic unit vectors that lie as CLIP embeddings do: two cones, clusters, a falling spectrum.

Images and texts sit in cones of their own (the modality gap), items crowd unevenly around cluster
centres, and the variance falls over the dimensions like a power, so that an index tuned on image
vectors alone shows its weakness on texts. Recall levels need not transfer to real embeddings; costs
do, since they depend on sizes only.
"""

from dataclasses import dataclass

import numpy as np

from retrieval.model import Float32Array

_CLUSTERS = 4_000
_BLOCK = 50_000
_CENTRE, _SPREAD = 0.8, 0.6
_CONE = 0.9


@dataclass(frozen=True, slots=True)
class CrossModalSpace:
    """One seeded space to draw images and texts from.

    Attributes:
        dim: of the vectors, at least 16.
        seed: of everything.
    """

    dim: int
    seed: int = 7

    def images(self, n: int) -> Float32Array:
        """(n, dim) unit rows in the image cone."""
        return self._drawn(n, stream=1, axis=3, keep=1.0, noise=0.25)

    def texts(self, n: int) -> Float32Array:
        """(n, dim) unit rows in the text cone: half as much of the meaning, more noise."""
        return self._drawn(n, stream=2, axis=11, keep=0.6, noise=0.75)

    def _drawn(self, n: int, *, stream: int, axis: int, keep: float, noise: float) -> Float32Array:
        rng = np.random.default_rng([self.seed, 0])
        rotation = np.linalg.qr(rng.standard_normal((self.dim, self.dim)))[0].astype(np.float32)
        meaning, blur = self._spectrum(0.45), self._spectrum(0.3)
        centres = rng.standard_normal((_CLUSTERS, self.dim), dtype=np.float32) * meaning
        crowd = rng.pareto(1.2, _CLUSTERS) + 0.3
        rng = np.random.default_rng([self.seed, stream])
        rows = np.empty((n, self.dim), np.float32)
        for at in range(0, n, _BLOCK):
            size = min(_BLOCK, n - at)
            cluster = rng.choice(_CLUSTERS, size, p=crowd / crowd.sum())
            own = rng.standard_normal((2, size, self.dim), dtype=np.float32) * blur
            block = keep * (_CENTRE * centres[cluster] + _SPREAD * own[0]) + noise * own[1]
            block[:, axis] += _CONE
            block = block @ rotation
            rows[at : at + size] = block / np.linalg.norm(block, axis=1, keepdims=True)
        return rows

    def _spectrum(self, power: float) -> Float32Array:
        scale = np.arange(1, self.dim + 1) ** -power
        spectrum: Float32Array = (scale / np.linalg.norm(scale)).astype(np.float32)
        return spectrum
