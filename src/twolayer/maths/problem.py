"""The problem that is solved: checked arrays and the objective.

Everything that users give for a training is checked here, once; the engines, the solvers and the loop trust it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.checks import (
    finite_array,
    finite_number,
    finite_table,
    floats,
    one_of,
    position_text,
    row_weights,
)
from twolayer.errors import InputError
from twolayer.maths import custom
from twolayer.maths.activations import ACTIVATIONS, Activation
from twolayer.maths.losses import LOSSES, Loss
from twolayer.maths.network import Objective, Params
from twolayer.text import plural


@dataclass(frozen=True, eq=False)
class Problem:
    """Checked arrays, all of the parameters' dtype, and the objective.

    Attributes
    ----------
    x : array or SciPy sparse array, shape (n_rows, n_inputs)
    y : array, shape (n_rows, n_outputs)
    s : array, shape (n_rows,), or None
        Row weights.
    objective : Objective
    total : float
        Σ s over all rows (their number, without weights).
    """

    x: Any
    y: Any
    s: Any
    objective: Objective
    total: float

    @property
    def n_rows(self) -> int:
        return self.y.shape[0]


def checked_targets(y: Any, n_rows: int, n_outputs: int, loss: Loss, dtype: Any) -> np.ndarray:
    """Return `y` of shape (n_rows, n_outputs); class numbers become one-hot rows."""
    given, y = y, floats(y, "y")
    if y.ndim == 1:
        y = y[:, None]
    if y.ndim != 2:
        raise InputError(f"y must have the shape (n_rows, n_outputs); its shape is {y.shape}")
    if len(y) != n_rows:
        raise InputError(f"x has {n_rows} rows and y has {len(y)}: they must be the same rows")
    y = finite_array(y, "y", dtype, given)
    if loss.takes_labels and y.shape[1] == 1 and n_outputs > 1:
        labels = y[:, 0]
        wrong = (labels != np.floor(labels)) | (labels < 0) | (labels >= n_outputs)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InputError(
                f"y holds class {labels[row]:g} in row {row} (counted from 0), but with {n_outputs} outputs "
                f"the classes are 0 to {n_outputs - 1}"
            )
        y = (labels[:, None] == np.arange(n_outputs)).astype(dtype)
    if y.shape[1] != n_outputs:
        raise InputError(
            f"y has {plural(y.shape[1], 'column')}, but w2 has {n_outputs}: give one output per column of y"
        )
    check_target_range(y, loss)
    if loss.takes_labels and n_outputs > 1 and not np.allclose(y.sum(1), 1, atol=1e-4):
        row = int(np.argmax(~np.isclose(y.sum(1), 1, atol=1e-4)))
        raise InputError(
            f"with loss '{loss.name}', each row of y must add up to 1 (one-hot); "
            f"row {row} (counted from 0) adds up to {y[row].sum():g}"
        )
    return np.ascontiguousarray(y, dtype=dtype)


def check_target_range(y: np.ndarray, loss: Loss) -> None:
    """Raise InputError if the loss does not take one of the targets."""
    outside = (y < loss.y_from) | (y > loss.y_to)
    if not outside.any():
        return
    first = tuple(np.argwhere(outside)[0].tolist())
    bounds = f"lie between {loss.y_from:g} and {loss.y_to:g}"
    if loss.y_to == math.inf:
        bounds = "not be negative" if loss.y_from == 0 else f"be at least {loss.y_from:g}"
    raise InputError(
        f"with loss '{loss.name}', y must {bounds}; in {position_text(first)} it is {y[first]:g}"
    )


def checked_params(params: Any) -> Params:
    """Return Params as NumPy arrays of one float dtype, whose shapes fit together."""
    if not isinstance(params, Params):
        raise InputError(
            f"params must be a twolayer.Params (see twolayer.init_params); got {type(params).__name__}"
        )
    for name in ("w1", "w2"):
        if getattr(params, name) is None:
            raise InputError(f"params.{name} is None; only b1, b2 and w_skip may be")
    arrays = {name: floats(array, name) for name, array in params.items()}
    dtype = arrays["w1"].dtype
    for name, array in arrays.items():
        arrays[name] = np.ascontiguousarray(finite_array(array, name, dtype))
    w1, w2 = arrays["w1"], arrays["w2"]
    if w1.ndim not in (2, 3) or w2.ndim != w1.ndim:
        raise InputError(
            "w1 must have the shape (n_inputs, n_hidden) and w2 (n_hidden, n_outputs), both with one more axis "
            f"in front for several networks; they are {w1.shape} and {w2.shape}"
        )
    front, n_inputs, n_hidden, n_outputs = w1.shape[:-2], *w1.shape[-2:], w2.shape[-1]
    expected = {
        "w1": (*front, n_inputs, n_hidden),
        "b1": (*front, n_hidden),
        "w2": (*front, n_hidden, n_outputs),
        "b2": (*front, n_outputs),
        "w_skip": (*front, n_inputs, n_outputs),
    }
    for name, array in arrays.items():
        if array.size == 0:
            raise InputError(f"{name} is empty: its shape is {array.shape}")
        if array.shape != expected[name]:
            raise InputError(
                f"{name} has the shape {array.shape}, but beside w1 {w1.shape} and w2 {w2.shape} "
                f"it must be {expected[name]}"
            )
    return Params(**{"b1": None, "b2": None, **arrays})


def checked_objective(
    loss: Any, activation: Any, alpha: Any, l1: Any = 0.0, dropout: Any = 0.0
) -> Objective:
    """Return the objective from names or objects."""
    return Objective(
        one_of(loss, LOSSES, "loss", Loss),  # type: ignore[type-abstract]
        activation_object(activation),
        finite_number(alpha, "alpha", at_least=0),
        finite_number(l1, "l1", at_least=0),
        dropout_rate(dropout),
    )


def dropout_rate(dropout: Any) -> float:
    """Return the share of the hidden units to leave out; raise InputError if it is not below 1."""
    share = finite_number(dropout, "dropout", at_least=0)
    if share >= 1:
        raise InputError(
            f"dropout is the share of hidden units left out, from 0 to below 1, such as 0.2; got {share:g}"
        )
    return share


def activation_object(activation: Any) -> Activation:
    """Return the activation of that name, or the object itself; the derivative of a user's activation is checked."""
    rule = one_of(activation, ACTIVATIONS, "activation", Activation)  # type: ignore[type-abstract]
    if custom.is_custom(rule, ACTIVATIONS):
        custom.check_activation(rule)
    return rule


def checked_inputs(x: Any, params: Params) -> Any:
    """Return `x` as a table of the parameters' dtype, with a row of `w1` for each of its columns."""
    x = finite_table(x, "x", params.dtype)
    check_input_count(x.shape[1], params)
    return x


def check_input_count(n_columns: int, params: Params) -> None:
    """Raise InputError if `w1` has not a row for each column of `x`."""
    if n_columns != params.n_inputs:
        raise InputError(
            f"x has {plural(n_columns, 'column')}, but w1 has {plural(params.n_inputs, 'row')}: give one row of w1 per "
            "column of x"
        )


def checked_problem(
    x: Any, y: Any, params: Params, objective: Objective, sample_weight: Any = None
) -> Problem:
    """Return the problem with everything checked, in the dtype of `params`."""
    x = checked_inputs(x, params)
    n_rows = x.shape[0]
    y = checked_targets(y, n_rows, params.n_outputs, objective.loss, params.dtype)
    s = row_weights(sample_weight, n_rows, params.dtype)
    if custom.is_custom(objective.loss, LOSSES):
        custom.check_loss(objective.loss, y)
    total = float(n_rows if s is None else s.sum(dtype=np.float64))
    return Problem(x, y, s, objective, total)
