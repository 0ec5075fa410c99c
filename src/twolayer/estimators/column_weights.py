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
from typing import Any, NamedTuple

import numpy as np

from twolayer.estimators.standardise import Scaling

LEAST_WEIGHT = 1e-8  # less is none: its square is below the rounding of the others


class WeightBounds(NamedTuple):
    """What the weights take of all columns: the |t| of weight 0, the largest |t|, and the root of the mean square."""

    low: float
    most: float
    root: float


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

    def weights(self, t: np.ndarray, bounds: WeightBounds | None = None) -> np.ndarray:
        """Return the columns' weights, with a mean square of 1; all are 1 where the statistic says nothing.

        Parameters
        ----------
        t : ndarray, shape (n_columns,)
            Not negative.
        bounds : WeightBounds or None
            Of all columns, where these are some of them.
        """
        low, most, root = bounds or self.bounds(t)
        if not self.power or most <= low:
            return np.ones_like(t)
        v = self._share(t, low, most) / root
        return np.where(v < LEAST_WEIGHT / root, 0, v)

    def bounds(self, t: np.ndarray) -> WeightBounds:
        """Return what the weight of a column takes of the others."""
        low = float(np.quantile(t, self.quantile)) if self.quantile else 0.0
        most = float(t.max(initial=0.0))
        if not self.power or most <= low:
            return WeightBounds(low, most, 1.0)
        return WeightBounds(low, most, np.sqrt(np.mean(np.square(self._share(t, low, most)))))

    def _share(self, t: np.ndarray, low: float, most: float) -> np.ndarray:
        return ((t - low).clip(min=0) / (most - low)) ** self.power


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
    return np.multiply(z, v, out=z), weighed_scaling(inputs, v)


def weighed_scaling(inputs: Scaling, v: np.ndarray) -> Scaling:
    """Return the scaling of standardised columns that are then multiplied by their weights."""
    silent = v == 0
    scale = inputs.scale / np.where(silent, 1, v)
    return Scaling(inputs.mean, scale, inputs.constant | silent)


def column_statistic(
    z: Any,
    y: np.ndarray,
    s: np.ndarray | None,
    constant: np.ndarray,
    middles: np.ndarray | None = None,
) -> np.ndarray:
    """Return how much each standardised column tells of the targets by itself, shape (n_columns,): 0 or more.

    Where these are some of the columns, `middles` are the s₀ of all.
    """
    sizes, spreads = statistic_terms(z, y, s)
    return enlarged_statistic(sizes, spreads, constant, middles)


def statistic_terms(z: Any, y: np.ndarray, s: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Return what the statistic of each column is of: the largest of its `sizes` over its `spreads` when these are enlarged.

    Both are of shape (n_terms, n_columns): one term for classes, one for each output of numbers.
    """
    s = np.ones(len(z)) if s is None else s
    squares = np.einsum("i,ij,ij->j", s, z, z)
    return (class_deviations if y.ndim == 1 else slopes)(z, y, s, squares)


def enlarged_statistic(
    sizes: np.ndarray, spreads: np.ndarray, constant: np.ndarray, middles: np.ndarray | None = None
) -> np.ndarray:
    """Return the statistic of each column, shape (n_columns,), with its spreads enlarged by s₀, the `middles`."""
    middles = middle_spreads(spreads, constant) if middles is None else middles
    enlarged = spreads + middles[:, None]
    t = (sizes / np.where(enlarged > 0, enlarged, 1.0)).max(axis=0)
    return np.where(constant, 0.0, t)


def middle_spreads(spreads: np.ndarray, constant: np.ndarray) -> np.ndarray:
    """Return s₀ of each term, shape (n_terms,): the median over the columns that are not constant."""
    if constant.all():
        return np.zeros(len(spreads))
    return np.median(spreads[:, ~constant], axis=1)


def class_deviations(
    z: np.ndarray, y: np.ndarray, s: np.ndarray, squares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest |mean_jk − mean_j| / m_k over the classes k, and the spread within classes."""
    total, counts = s.sum(), np.bincount(y, weights=s)
    counts = counts[counts > 0]
    if len(counts) < 2:
        return np.zeros((1, len(squares))), np.ones((1, len(squares)))
    names = np.unique(y[s > 0])
    means = ((y == names[:, None]) * s) @ z / counts[:, None]  # (n_classes, n_columns)
    mean = counts @ means / total
    around = squares - counts @ np.square(means)
    m = np.sqrt(1 / counts - 1 / total)
    sizes = np.abs((means - mean) / m[:, None]).max(axis=0)
    return sizes[None], root_mean(around, total - len(counts))[None]


def slopes(
    z: np.ndarray, y: np.ndarray, s: np.ndarray, squares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return for each output the size of each column's slope on it, and the spread around the line."""
    total = s.sum()
    y = y - s @ y / total
    lengths = np.sqrt(s @ np.square(y))
    y = y / np.where(lengths > 0, lengths, 1)
    mean = s @ z / total
    squares = squares - total * np.square(mean)
    along = np.abs((s[:, None] * y).T @ z)  # (n_outputs, n_columns)
    return along, root_mean(squares - np.square(along), total - 2)


def root_mean(squares: np.ndarray, freedom: float) -> np.ndarray:
    """Return a spread from sums of squares."""
    return np.sqrt(squares.clip(min=0) / max(freedom, 1.0))
