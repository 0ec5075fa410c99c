"""The smooth clip of a table's columns: their medians and quartiles, in which a row counts as often as its weight says."""

from __future__ import annotations

import numpy as np

from twolayer.estimators.standardise import check_column_sizes, rounding_limit
from twolayer.maths.smooth_clip import InputClip


def fit_clip(x: np.ndarray, s: np.ndarray | None) -> tuple[InputClip, np.ndarray]:
    """Return the clip of these columns for one network, and the columns clipped; constant columns are 0.

    Parameters
    ----------
    x : ndarray, shape (n_rows, n_inputs)
    s : ndarray, shape (n_rows,), or None
        Row weights, all above 0.

    Raises
    ------
    InputError
        If the values of a column are too large or too small.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        low, center, high = column_quartiles(x, s)
        scale = high - low
        rounding = rounding_limit(center)
        half_range = x.max(axis=0) / 2 - x.min(axis=0) / 2
        scale = np.where(scale <= rounding, half_range, scale)
    constant = scale <= rounding
    scale[constant] = 1
    check_column_sizes(center, scale, "X")
    clip = InputClip(center, scale, np.ones(1, dtype=bool))
    clipped = clip.columns(x)
    clipped[:, constant] = 0
    return clip, clipped


def column_quartiles(x: np.ndarray, s: np.ndarray | None) -> np.ndarray:
    """Return the quartiles of each column, shape (3, n_columns): those of NumPy, with a row as often as its weight says.

    Between the values that whole weights put at the places 0, 1, 2, ... in order, they are linear; a row of weight below 1
    has the middle of its share as its place.
    """
    levels = np.array([0.25, 0.5, 0.75])
    if s is None:
        return np.quantile(x, levels, axis=0)
    quartiles = np.empty((3, x.shape[1]))
    for column, order in enumerate(np.argsort(x, axis=0, kind="stable").T):
        weights, values = s[order], x[order, column]
        total = np.cumsum(weights)
        first = total - weights - np.maximum(1 - weights, 0) / 2
        places = np.stack([first, first + np.maximum(weights - 1, 0)], axis=1).ravel()
        quartiles[:, column] = np.interp(levels * (total[-1] - 1), places, values.repeat(2))
    return quartiles
