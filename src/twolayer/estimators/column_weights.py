"""Weights of the columns of a wide table: a column that tells more of the targets by itself counts for more.

Weight decay treats all standardised columns alike, and where few of thousands of columns speak, the others drown them. A
column multiplied by v_j counts v_j² times as much in `x @ x.T`, and so to multiply is the same as a weight decay of
1 / v_j² for its weights, as in the adaptive ridge and lasso (Zou, JASA 101 (2006)). v_j follows from a statistic t_j of the
column alone, with each standardised column's s_j enlarged by s₀, the median of them:

    classes:  t_j = max over k of |mean_jk − mean_j| / (m_k (s_j + s₀)),   m_k² = 1/n_k − 1/n
    numbers:  t_j = |slope_j| √Σ(y − mean y)² / (s_j + s₀),               slope of x_j on y; of several the largest

The first is that of nearest shrunken centroids (Tibshirani, Hastie, Narasimhan & Chu, PNAS 99 (2002)), with s_j the spread
within classes; the second is that of a correlation, with s_j the spread around the line (Tusher, Tibshirani & Chu, PNAS 98
(2001)); of two classes, or of 0 and 1, they are the same number.

The weights depend on the targets. What is said of rows left out of training must come from weights of the other rows alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.estimators.standardise import Scaling

LEAST_WEIGHT = 1e-8  # less is none: its square is below the rounding of the others


@dataclass(frozen=True)
class ColumnWeighing:
    """How the weights follow from t.

    Attributes
    ----------
    power : float
        The weight is |t| to this power; with 0 all weights are 1.
    quantile : float
        That quantile of |t| is subtracted first, and what is below has weight 0.
    """

    power: float
    quantile: float = 0.0

    def weights(self, t: np.ndarray) -> np.ndarray:
        """Return the columns' weights, with a mean square of 1; all are 1 where the statistic says nothing.

        Parameters
        ----------
        t : ndarray, shape (n_columns,)
            Not negative.
        """
        low = np.quantile(t, self.quantile) if self.quantile else 0.0
        most = float(t.max(initial=0.0))
        if not self.power or most <= low:
            return np.ones_like(t)
        v = ((t - low).clip(min=0) / (most - low)) ** self.power
        v /= np.sqrt(np.mean(np.square(v)))
        return np.where(v < LEAST_WEIGHT * v.max(), 0, v)


NO_WEIGHING = "none"
WEIGHINGS = {
    NO_WEIGHING: ColumnWeighing(0),
    "|t|": ColumnWeighing(1),
    "t²": ColumnWeighing(2),
    **{f"|t| above its quantile {q:g}": ColumnWeighing(1, q) for q in (0.5, 0.9, 0.98, 0.995)},
}
MILD_WEIGHINGS = (NO_WEIGHING, "|t|")  # the others are sharp: few columns have a say


def weighed_columns(
    z: np.ndarray, inputs: Scaling, y: np.ndarray, s: np.ndarray | None, weighing: str
) -> tuple[np.ndarray, Scaling]:
    """Return standardised columns times their weights, and the scaling of both together; `z` is overwritten.

    Columns of weight 0 are 0, as constant ones are.

    Parameters
    ----------
    z : ndarray, shape (n_rows, n_columns)
    inputs : Scaling
        What standardised them.
    y : ndarray
        Class numbers, (n_rows,), or numbers, (n_rows, n_outputs).
    s : ndarray, shape (n_rows,), or None
    weighing : str
        A name in WEIGHINGS.
    """
    if weighing == NO_WEIGHING:
        return z, inputs
    v = WEIGHINGS[weighing].weights(column_statistic(z, y, s, inputs.constant))
    silent = v == 0
    scale = inputs.scale / np.where(silent, 1, v)
    return np.multiply(z, v, out=z), Scaling(inputs.mean, scale, inputs.constant | silent)


def column_statistic(
    z: Any, y: np.ndarray, s: np.ndarray | None, constant: np.ndarray
) -> np.ndarray:
    """Return how much each standardised column tells of the targets by itself, shape (n_columns,): 0 or more."""
    s = np.ones(len(z)) if s is None else s
    squares = np.einsum("i,ij,ij->j", s, z, z)
    t = (class_deviations if y.ndim == 1 else slopes)(z, y, s, squares, constant)
    return np.where(constant, 0.0, t)


def class_deviations(
    z: np.ndarray, y: np.ndarray, s: np.ndarray, squares: np.ndarray, constant: np.ndarray
) -> np.ndarray:
    """Return the largest |d_jk| over the classes k."""
    total, counts = s.sum(), np.bincount(y, weights=s)
    counts = counts[counts > 0]
    if len(counts) < 2:
        return np.zeros(len(squares))
    names = np.unique(y[s > 0])
    means = ((y == names[:, None]) * s) @ z / counts[:, None]  # (n_classes, n_columns)
    mean = counts @ means / total
    around = squares - counts @ np.square(means)
    spread = enlarged_spread(around, total - len(counts), constant)
    m = np.sqrt(1 / counts - 1 / total)
    return np.abs((means - mean) / m[:, None]).max(axis=0) / spread


def slopes(
    z: np.ndarray, y: np.ndarray, s: np.ndarray, squares: np.ndarray, constant: np.ndarray
) -> np.ndarray:
    """Return the largest |t| over the outputs, of each column's slope on the output."""
    total = s.sum()
    y = y - s @ y / total
    lengths = np.sqrt(s @ np.square(y))
    y = y / np.where(lengths > 0, lengths, 1)
    mean = s @ z / total
    squares = squares - total * np.square(mean)
    along = np.abs((s[:, None] * y).T @ z)  # (n_outputs, n_columns)
    t = [each / enlarged_spread(squares - each**2, total - 2, constant) for each in along]
    return np.max(t, axis=0)


def enlarged_spread(squares: np.ndarray, freedom: float, constant: np.ndarray) -> np.ndarray:
    """Return s_j + s₀ from sums of squares; columns without any have a spread of 1."""
    spread = np.sqrt(squares.clip(min=0) / max(freedom, 1.0))
    spread = spread + (np.median(spread[~constant]) if not constant.all() else 0.0)
    return np.where(spread > 0, spread, 1.0)
