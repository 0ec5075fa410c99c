"""Standardised columns to train on, and the weights folded back so that they act on the user's own units.

With z = (x − mean) / scale, a network of z is a network of x:

    z @ w1 + b1 = x @ (w1 / scale) + (b1 − (mean / scale) @ w1)

and, where the target was standardised too, y_pred·scale + mean is the same network with w2·scale and b2·scale + mean.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twolayer.checks import is_sparse
from twolayer.errors import InputError
from twolayer.maths.network import Params

# a spread that is this small beside the mean is rounding
ROUNDING_SHARE = 8 * np.finfo(np.float64).eps
LEAST_SCALE = 1e-290  # below it, 1 / spread is no longer a number
# weights for the user's own units are as large as a target per input; a model file holds them up to 1e140
LEAST_INPUT_SCALE, LARGEST_TARGET_SCALE = 1e-60, 1e60


@dataclass(frozen=True, eq=False)
class Scaling:
    """The mean that is subtracted from each column, and the scale that it is then divided by.

    Attributes
    ----------
    mean, scale : ndarray, shape (n_columns,)
    constant : ndarray of bool, shape (n_columns,)
        Columns of one value: their scale is 1.
    """

    mean: np.ndarray
    scale: np.ndarray
    constant: np.ndarray


@dataclass(frozen=True, eq=False)
class CenteredColumns:
    """Columns whose mean is subtracted, in units of their largest deviation from it, so that no square overflows.

    Attributes
    ----------
    mean, most : ndarray, shape (n_columns,)
    constant : ndarray of bool, shape (n_columns,)
    """

    mean: np.ndarray
    most: np.ndarray
    constant: np.ndarray

    @classmethod
    def of_extremes(
        cls, mean: np.ndarray, least: np.ndarray, largest: np.ndarray
    ) -> CenteredColumns:
        """Return them for columns whose values lie between `least` and `largest`, with this mean to rounding.

        The mean of many rows is rounded more than a value is: whether a column is constant follows from its range.
        """
        mean = np.where(np.isfinite(mean), np.clip(mean, least, largest), mean)
        most = np.maximum(largest - mean, mean - least)
        constant = largest / 2 - least / 2 <= rounding_limit(mean)
        most[constant] = 1
        return cls(mean, most, constant)

    def columns(self, x: np.ndarray) -> np.ndarray:
        """Return rows so; the constant columns are 0."""
        z = x - self.mean  # (n_rows, n_columns)
        z[:, self.constant] = 0
        z /= self.most
        return z

    def scaling(self, mean_square: np.ndarray) -> tuple[Scaling, np.ndarray]:
        """Return the scaling of columns whose mean square is this after `columns`, and the spread that they have then."""
        spread = np.sqrt(mean_square)
        spread[self.constant] = 1
        return Scaling(self.mean, self.most * spread, self.constant), spread


def standardise(x: Any, s: np.ndarray | None, name: str, first: int = 0) -> tuple[Any, Scaling]:
    """Return a standardised copy of the columns, and its scaling; a sparse table is scaled without centring.

    Parameters
    ----------
    x : array or SciPy sparse array of float64, shape (n_rows, n_columns)
    s : ndarray, shape (n_rows,), or None
        Row weights, all above 0.
    name : str
        Of the table, for an error.
    first : int
        The number of its first column in the whole table, likewise.

    Raises
    ------
    InputError
        If the values of a column are too large or too small for weights in the user's own units.
    """
    share = np.full(x.shape[0], 1 / x.shape[0]) if s is None else s / s.sum()
    with np.errstate(over="ignore", invalid="ignore"):
        z, scaling = _sparse(x, share) if is_sparse(x) else _dense(x, share)
    check_column_sizes(scaling.mean, scaling.scale, name, first)
    return z, scaling


def check_column_sizes(center: np.ndarray, scale: np.ndarray, name: str, first: int = 0) -> None:
    """Raise InputError if a column's values are too large, or too small, to be scaled."""
    large = ~(np.isfinite(center) & np.isfinite(scale))
    if name == "y":
        large |= (scale > LARGEST_TARGET_SCALE) | (np.abs(center) > LARGEST_TARGET_SCALE)
    small = (scale < LEAST_INPUT_SCALE) & (name != "y")
    for wrong, size, unit in ((large, "large", "larger"), (small, "small", "smaller")):
        if wrong.any():
            raise InputError(
                f"{name} has values too {size} to be standardised in column {first + int(np.argmax(wrong))} (counted from "
                f"0): give it in a {unit} unit"
            )


def rounding_limit(center: np.ndarray) -> np.ndarray:
    """Return how far the values of each column may be from its center if they differ by rounding only."""
    return np.maximum(ROUNDING_SHARE * np.abs(center), LEAST_SCALE)


def apply_scaling(scaling: Scaling, x: Any) -> Any:
    """Return other rows on the same scale; the constant columns are 0."""
    per_unit = np.where(scaling.constant, 0, 1 / scaling.scale)
    if is_sparse(x):
        return x.multiply(per_unit).tocsr()
    return (x - scaling.mean) * per_unit


def _dense(x: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, Scaling]:
    centered = CenteredColumns.of_extremes(share @ x, x.min(axis=0), x.max(axis=0))
    z = centered.columns(x)
    scaling, spread = centered.scaling(np.einsum("i,ij,ij->j", share, z, z))
    z /= spread
    return z, scaling


def _sparse(x: Any, share: np.ndarray) -> tuple[Any, Scaling]:
    most = np.asarray(abs(x).max(axis=0).todense()).ravel()
    constant = most <= LEAST_SCALE
    most[constant] = 1
    z = x.multiply(1 / most).tocsr()
    scale = np.sqrt(np.asarray(share @ z.multiply(z)).ravel())  # root mean square
    scale[constant] = 1
    return z.multiply(1 / scale).tocsr(), Scaling(np.zeros(x.shape[1]), most * scale, constant)


def unscale_params(params: Params, inputs: Scaling, targets: Scaling | None) -> Params:
    """Return the same network for inputs, and targets if they were standardised, in the user's own units."""
    shift = inputs.mean / inputs.scale  # (n_inputs,)
    per_unit = 1 / inputs.scale[:, None]  # (n_inputs, 1)
    w1, w2 = params.w1 * per_unit, params.w2
    b1, b2 = params.b1 - shift @ params.w1, params.b2
    w_skip = params.w_skip
    if w_skip is not None:
        b2 = b2 - shift @ w_skip
        w_skip = w_skip * per_unit
    return unscale_targets(Params(w1, b1, w2, b2, w_skip), targets)


def unscale_targets(params: Params, targets: Scaling | None) -> Params:
    """Return the same network for targets in the user's own units, if they were standardised."""
    if targets is None:
        return params
    w2, b2 = params.w2 * targets.scale, params.b2 * targets.scale + targets.mean
    w_skip = None if params.w_skip is None else params.w_skip * targets.scale
    return replace(params, w2=w2, b2=b2, w_skip=w_skip)


def rescale_params(params: Params, inputs: Scaling, targets: Scaling | None) -> Params:
    """Return a network for the user's own units as one for standardised columns: the inverse of `unscale_params`."""
    params = rescale_targets(params, targets)
    b2, w_skip = params.b2, params.w_skip
    b1 = params.b1 + inputs.mean @ params.w1
    w1 = params.w1 * inputs.scale[:, None]
    if w_skip is not None:
        b2 = b2 + inputs.mean @ w_skip
        w_skip = w_skip * inputs.scale[:, None]
    return Params(w1, b1, params.w2, b2, w_skip)


def rescale_targets(params: Params, targets: Scaling | None) -> Params:
    """Return the inverse of `unscale_targets`."""
    if targets is None:
        return params
    w2, b2 = params.w2 / targets.scale, (params.b2 - targets.mean) / targets.scale
    w_skip = None if params.w_skip is None else params.w_skip / targets.scale
    return replace(params, w2=w2, b2=b2, w_skip=w_skip)
