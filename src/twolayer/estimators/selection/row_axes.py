"""A fold's pass over the table, made once for every fit on it.

A fit needs only the standardised rows of a table. Where there are more columns than rows, the rows need few columns:
with x = z @ q (`span.row_coordinates`) a network of z that starts from v is the network of x that starts from v along
the rows of q, and what a new row has outside those directions meets no weight, as the estimators start inside the span.
So a fold costs one pass over its columns, and after that neither alpha nor the number of hidden units, nor another
start, nor another target, costs anything per column.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twolayer.estimators.column_weights import NO_WEIGHING, weighed_columns
from twolayer.estimators.standardise import Scaling, apply_scaling, standardise, unscale_params
from twolayer.maths import span
from twolayer.maths.network import Params

ROUNDED_BITS = 26  # of the largest number along the axes


@dataclass(frozen=True, eq=False)
class RowAxes:
    """Standardised rows, their columns weighed or not, in as few columns as they need.

    Attributes
    ----------
    z : array, shape (n_rows, n_axes)
    inputs : Scaling
        Of the table's own columns, with their weights.
    constant : ndarray of bool, shape (n_axes,)
        Axes of one value.
    new : callable
        `new(x)`: other rows of the table in these axes, (n_new, n_axes).
    back : callable
        `back(v)`: first-layer weights on the table's standardised columns, from those on the axes.
    """

    z: Any
    inputs: Scaling
    constant: np.ndarray
    new: Callable[[Any], Any]
    back: Callable[[np.ndarray], np.ndarray]

    @property
    def n_columns(self) -> int:
        """How many columns the table has."""
        return len(self.inputs.scale)

    def rounded(self) -> RowAxes:
        """Return the rows of a wide table rounded to about single precision, and others that are asked for too.

        A path of alphas takes hundreds of steps, which make last digits into first ones. So rounded, it does not depend on
        the order in which the columns were added up, in one piece or in blocks.
        """
        largest = float(np.abs(self.z).max(initial=0.0)) if self.n_columns > self.z.shape[1] else 0
        if not largest > 0:
            return self
        unit = 2.0 ** (np.ceil(np.log2(largest)) - ROUNDED_BITS)
        return replace(
            self,
            z=np.rint(self.z / unit) * unit,
            new=lambda x_new: np.rint(self.new(x_new) / unit) * unit,
        )

    def in_column_units(self, params: Params, targets: Scaling | None) -> Params:
        """Return networks on the axes as they act on the user's own columns."""
        w_skip = None if params.w_skip is None else self.back(params.w_skip)
        on_columns = replace(params, w1=self.back(params.w1), w_skip=w_skip)
        return unscale_params(on_columns, self.inputs, targets)


def row_axes(
    x: Any,
    s: np.ndarray | None,
    invariant: bool,
    y: np.ndarray | None = None,
    weighing: str = NO_WEIGHING,
) -> RowAxes:
    """Return the rows of `x` for training.

    Parameters
    ----------
    x : array or SciPy sparse array, shape (n_rows, n_inputs)
    s : ndarray, shape (n_rows,), or None
        Row weights.
    invariant : bool
        Whether the solver's steps are the same in other axes; if not, the columns stay as they are.
    y : ndarray or None
        Targets of these rows, from which the weighing computes the columns' weights.
    weighing : str
        A name in WEIGHINGS.
    """
    if hasattr(x, "row_axes"):  # a table that is not here
        own: RowAxes = x.row_axes(s, y, weighing)
        return own
    rows, inputs = standardise(x, s, "X")
    if y is not None:
        rows, inputs = weighed_columns(rows, inputs, y, s, weighing)

    def scaled(x_new: Any) -> Any:
        return apply_scaling(inputs, x_new)

    if not invariant or x.shape[0] >= x.shape[1]:
        return RowAxes(rows, inputs, inputs.constant, scaled, lambda v: v)
    axes = span.row_coordinates(rows)
    constant = np.zeros(axes.z.shape[1], dtype=bool)
    return RowAxes(axes.z, inputs, constant, lambda x_new: axes.of(scaled(x_new)), axes.back)
