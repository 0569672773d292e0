"""Logistic regression with an L2 penalty for few rows, by Newton's method; always the same result.

Source: D. Cox, "The Regression Analysis of Binary Sequences", 1958; Newton's method for it
(iteratively reweighted least squares): Hastie, Tibshirani, Friedman, "The Elements of Statistical
Learning", 2nd ed., section 4.4.1, with the penalty of section 4.4.4.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Float64Array: TypeAlias = npt.NDArray[np.float64]

_MOST_STEPS = 100
_CONVERGED = 1e-12
"""Decrement of Newton's method (twice the loss still to be gained) at which it ends."""

_SUFFICIENT = 0.1
"""Share of the gain that a step promises that it must bring, or it is halved (Armijo's rule)."""


def logistic_weights(
    rows: npt.NDArray[np.floating], is_right: npt.NDArray[np.bool_], shares: Float64Array, c: float
) -> Float64Array:
    """The weights w, (dim,), that minimise |w|^2 / 2 + c * sum_i shares_i * loss_i(w, b).

    loss_i = log(1 + exp(-y_i (w . row_i + b))), y_i = 1 for what is right and -1 for what is not;
    the offset b carries no penalty. This is scikit-learn's LogisticRegression with `C` = c and
    `sample_weight` = shares.

    Args:
        rows: (n, dim) finite.
        is_right: (n,); both values are there.
        shares: (n,) more than 0.
        c: more than 0; the greater, the closer the fit.

    Raises:
        ValueError: all rows are right, or none.
    """
    if is_right.all() or not is_right.any():
        raise ValueError("a logistic regression needs rows of both kinds")
    # The weights lie in the span of the rows: n numbers and the offset are all that is unknown.
    left, sizes, right = np.linalg.svd(rows.astype(np.float64), full_matrices=False)
    loss = _Loss(
        inputs=np.column_stack([left * sizes, np.ones(len(rows))]),
        aims=is_right.astype(np.float64),
        costs=c * shares,
        penalty=np.append(np.ones(len(sizes)), 0.0),
    )
    weights: Float64Array = right.T @ loss.minimum()[:-1]
    return weights


@dataclass(frozen=True, slots=True, eq=False)
class _Loss:
    """The penalised loss as a function of the unknowns u, (m,).

    Attributes:
        inputs: (n, m).
        aims: (n,) 1 for what is right, 0 for what is not.
        costs: (n,) of each row.
        penalty: (m,) of the square of each unknown, twice.
    """

    inputs: Float64Array
    aims: Float64Array
    costs: Float64Array
    penalty: Float64Array

    def minimum(self) -> Float64Array:
        """Where the loss is least; it is convex, so that Newton's method finds it."""
        at = np.zeros(len(self.penalty))
        for _ in range(_MOST_STEPS):
            chance = 1 / (1 + np.exp(-np.clip(self.inputs @ at, -500, 500)))
            slope = self.inputs.T @ (self.costs * (chance - self.aims)) + self.penalty * at
            bent = self.inputs * (self.costs * chance * (1 - chance))[:, None]
            bend = bent.T @ self.inputs + np.diag(self.penalty)
            step: Float64Array = np.linalg.lstsq(bend, slope)[0].astype(np.float64)
            gain = float(slope @ step)
            if gain < _CONVERGED:
                break
            at = self._downhill(at, step, gain)
        return at

    def _downhill(self, at: Float64Array, step: Float64Array, gain: float) -> Float64Array:
        before, share = self._of(at), 1.0
        while self._of(at - share * step) > before - _SUFFICIENT * share * gain and share > 1e-9:
            share /= 2
        return at - share * step

    def _of(self, at: Float64Array) -> float:
        signed = (1 - 2 * self.aims) * (self.inputs @ at)
        return float(self.costs @ np.logaddexp(0, signed) + self.penalty @ at**2 / 2)
