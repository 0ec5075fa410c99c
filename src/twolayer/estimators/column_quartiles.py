"""The smooth clip of a table's columns: their medians and quartiles, in which a row counts as often as its weight says."""

from __future__ import annotations

import numpy as np

from twolayer.estimators.standardise import check_column_sizes, rounding_limit
from twolayer.maths.smooth_clip import InputClip

LEVELS = (0.25, 0.5, 0.75)


def fit_clip(x: np.ndarray, s: np.ndarray | None, first: int = 0) -> tuple[InputClip, np.ndarray]:
    """Return the clip of these columns for one network, and the columns clipped; constant columns are 0.

    Parameters
    ----------
    x : ndarray, shape (n_rows, n_inputs)
    s : ndarray, shape (n_rows,), or None
        Row weights, all above 0.
    first : int
        The number of its first column in the whole table, for an error.

    Raises
    ------
    InputError
        If the values of a column are too large or too small.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        quartiles = column_quartiles(x, s)
        clip, constant = quartile_clip(quartiles, x.min(axis=0), x.max(axis=0), first)
    clipped = clip.columns(x)
    clipped[:, constant] = 0
    return clip, clipped


def quartile_clip(
    quartiles: np.ndarray, least: np.ndarray, largest: np.ndarray, first: int = 0
) -> tuple[InputClip, np.ndarray]:
    """Return the clip for one network, and which columns are constant: bool of shape (n_columns,).

    Parameters
    ----------
    quartiles : ndarray, shape (3, n_columns)
    least, largest : ndarray, shape (n_columns,)
        The range of each column.
    first : int
        As in `fit_clip`.
    """
    low, center, high = quartiles
    with np.errstate(over="ignore", invalid="ignore"):
        scale = high - low
        rounding = rounding_limit(center)
        scale = np.where(scale <= rounding, largest / 2 - least / 2, scale)
    constant = scale <= rounding
    scale[constant] = 1
    check_column_sizes(center, scale, "X", first)
    return InputClip(center, scale, np.ones(1, dtype=bool)), constant


def column_quartiles(x: np.ndarray, s: np.ndarray | None) -> np.ndarray:
    """Return the quartiles of each column, shape (3, n_columns): those of NumPy, with a row as often as its weight says.

    Between the values that whole weights put at the places 0, 1, 2, ... in order, they are linear; a row of weight below 1
    has the middle of its share as its place.
    """
    if s is None:
        return np.quantile(x, LEVELS, axis=0)
    columns = np.ascontiguousarray(x.T)  # (n_columns, n_rows), which is sorted several times faster
    order = np.argsort(columns, axis=1)
    weights = s[order]
    total = np.cumsum(weights, axis=1)
    first = total - weights - np.maximum(1 - weights, 0) / 2
    places = np.stack([first, first + np.maximum(weights - 1, 0)], axis=-1).reshape(len(order), -1)
    values = np.take_along_axis(columns, order, axis=1).repeat(2, axis=1)
    return np.stack([values_at(level * (total[:, -1:] - 1), places, values) for level in LEVELS])


def values_at(place: np.ndarray, places: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the value at a place of each row, linear between its places, which rise; shape (n_rows,)."""
    after = (places <= place).sum(axis=1, keepdims=True).clip(1, places.shape[1] - 1)
    ends = np.concatenate([after - 1, after], axis=1)
    (a, b), (low, high) = (np.take_along_axis(one, ends, axis=1).T for one in (places, values))
    share = np.divide(place[:, 0] - a, b - a, out=np.zeros_like(a), where=b > a).clip(0, 1)
    return low + share * (high - low)
