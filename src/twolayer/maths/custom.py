"""A loss or an activation that users define, as a pair of functions, and the check that the pair fits together.

The check compares the given derivative with finite differences of the value, at some points. At a kink the two one-sided
differences disagree, and any number between them is as good a derivative as another; so a derivative is wrong if it lies
outside of both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from twolayer.errors import EngineError, InputError
from twolayer.maths import Array
from twolayer.maths.activations import Activation
from twolayer.maths.losses import Loss

DIFFERENCE_STEP = 1e-5  # of a finite difference, as a share of the size of its argument
WRONG_SHARE = 1e-4  # a derivative is wrong if it is off by more than this share of itself
ROUNDING_MARGIN = 1e-14  # of a value, as a share of itself
CHECK_ROWS, CHECK_COLUMNS = 8, 16  # of the table, for the check of a loss


class OwnLoss(Loss):
    """A loss that you define: how far each prediction is off, and the derivative of that.

    `train` and the estimators compare the pair with finite differences before they use it. Engine 'numpy' runs it; engine
    'torch' does too, if both functions take tensors, and the autograd engines use `elements` alone.

    Parameters
    ----------
    elements : callable
        `elements(y_pred, y)`: the loss of every entry, an array of the shape of `y_pred`. The rows' mean is taken, summed
        over the outputs.
    gradient : callable
        `gradient(y_pred, y)`: the derivative of a row's summed elements by every entry of `y_pred`, of the same shape.
    name : str
        Its name in messages and in the run.
    is_sum : bool
        Whether rows are added up instead of their mean being taken.

    Raises
    ------
    InputError
        If one of the two is not a function.

    Examples
    --------
    >>> import numpy as np
    >>> import twolayer as tl
    >>> log_cosh = tl.OwnLoss(
    ...     lambda y_pred, y: np.log(np.cosh(y_pred - y)), lambda y_pred, y: np.tanh(y_pred - y), name="log_cosh"
    ... )
    >>> x, y = np.array([[1.0], [2.0]]), np.array([[1.0], [0.0]])
    >>> run = tl.train(x, y, tl.init_params(1, 5, 1), loss=log_cosh, activation="tanh", solver="lbfgs")
    >>> bool(run.final_loss < 1e-3 * run.losses[0]), run.engine
    (True, 'numpy')
    """

    elementwise = False  # nothing is known about it

    def __init__(
        self,
        elements: Callable[[Array, Array], Array],
        gradient: Callable[[Array, Array], Array],
        *,
        name: str = "own",
        is_sum: bool = False,
    ) -> None:
        self._elements = check_callable(elements, "elements")
        self._gradient = check_callable(gradient, "gradient")
        self.name, self.is_sum = name, is_sum

    def __repr__(self) -> str:
        return f"OwnLoss(name={self.name!r})"

    def elements(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        return call_user_function(self._elements, f"loss '{self.name}'", xp, y_pred, y)

    def gradient(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        return call_user_function(self._gradient, f"loss '{self.name}'", xp, y_pred, y)


class OwnActivation(Activation):
    """An activation that you define: a function of every entry of `h`, and its derivative.

    `train` and the estimators compare the pair with finite differences before they use it. Engine 'numpy' runs it; engine
    'torch' does too, if both functions take tensors, and the autograd engines use `value` alone.

    Parameters
    ----------
    value : callable
        `value(h)`: the activation of every entry, an array of the shape of `h`.
    derivative : callable
        `derivative(h)`: its derivative at every entry, of the same shape.
    name : str
        Its name in messages and in the run.

    Raises
    ------
    InputError
        If one of the two is not a function.

    Examples
    --------
    >>> import numpy as np
    >>> import twolayer as tl
    >>> sine = tl.OwnActivation(np.sin, np.cos, name="sine")
    >>> params = tl.Params(w1=[[0.5]], b1=None, w2=[[1.0]], b2=None)
    >>> bool(tl.forward([[np.pi]], params, activation=sine) == 1)
    True
    """

    def __init__(
        self,
        value: Callable[[Array], Array],
        derivative: Callable[[Array], Array],
        *,
        name: str = "own",
    ) -> None:
        self._value = check_callable(value, "value")
        self._derivative = check_callable(derivative, "derivative")
        self.name = name

    def __repr__(self) -> str:
        return f"OwnActivation(name={self.name!r})"

    def value(self, h: Array, xp: Any = np) -> Array:
        return call_user_function(self._value, f"activation '{self.name}'", xp, h)

    def derivative(self, h: Array, a: Array, xp: Any = np) -> Array:
        return call_user_function(self._derivative, f"activation '{self.name}'", xp, h)


def check_callable(given: Any, name: str) -> Callable[..., Array]:
    """Return the value, if it is a function; raise InputError otherwise."""
    if not callable(given):
        raise InputError(f"{name} must be a function; got {given!r}")
    return given


def call_user_function(function: Callable[..., Array], of: str, xp: Any, *arrays: Array) -> Array:
    """Return a user's function of these arrays, in their dtype."""
    dtype = arrays[0].dtype
    if xp is np:
        return np.asarray(function(*arrays)).astype(dtype, copy=False)
    try:
        return function(*arrays).to(dtype)
    except Exception as error:  # a user's function may raise anything
        raise EngineError(
            f"{of} does not take the tensors of {xp.__name__} ({type(error).__name__}: {error}): "
            "use engine='numpy'"
        ) from error


def is_custom(thing: Any, table: Mapping[str, Any]) -> bool:
    """Return whether it is another loss or activation than the one of that name in the table."""
    return type(thing) is not type(table.get(thing.name))


def check_activation(rule: Activation) -> None:
    """Raise an InputError if its derivative is not the derivative of its value."""
    what = f"activation '{rule.name}'"
    h = 3 * np.random.default_rng(0).standard_normal((8, 8))
    with np.errstate(all="ignore"):
        here = checked_values(rule.value, what, "value", h)
        derivative = checked_values(lambda h: rule.derivative(h, here), what, "derivative", h)
        up, down = h + DIFFERENCE_STEP, h - DIFFERENCE_STEP
        slopes = (
            (rule.value(up) - here) / (up - h),
            (here - rule.value(down)) / (h - down),
        )
    rounding = ROUNDING_MARGIN * np.abs(here) / DIFFERENCE_STEP
    worst = worst_entry(derivative, slopes, rounding, what)
    if worst is not None:
        raise_wrong_derivative(
            f"{what}: its derivative at h = {h[worst]:.6g}", derivative, slopes, worst, "value"
        )


def check_loss(loss: Loss, y: np.ndarray) -> None:
    """Raise an InputError if its gradient is not the derivative of its elements, at targets such as these."""
    what = f"loss '{loss.name}'"
    y_pred, y, size = check_points(y)
    columns = np.unique(np.linspace(0, y.shape[1] - 1, CHECK_COLUMNS).astype(int))
    slopes = (np.empty((len(y), len(columns))), np.empty((len(y), len(columns))))
    with np.errstate(all="ignore"):
        here = checked_values(loss.elements, what, "elements", y_pred, y).sum(1)  # (n_rows,)
        gradient = checked_values(loss.gradient, what, "gradient", y_pred, y)[:, columns]
        for place, column in enumerate(columns):
            for slope, direction in zip(slopes, (1, -1), strict=True):
                moved = y_pred.copy()
                moved[:, column] += direction * size
                by = moved[:, column] - y_pred[:, column]
                slope[:, place] = (loss.elements(moved, y).sum(1) - here) / by
        rounding = ROUNDING_MARGIN * np.abs(loss.elements(y_pred, y)).sum(1) / size
    worst = worst_entry(gradient, slopes, rounding[:, None], what)
    if worst is not None:
        row, column = worst[0], columns[worst[1]]
        at = f"y_pred = {y_pred[row, column]:.6g}, y = {y[row, column]:.6g}"
        raise_wrong_derivative(f"{what}: its gradient at {at}", gradient, slopes, worst, "elements")


def check_points(y: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return predictions at which to check a loss, their targets, and how far to move each row's predictions."""
    rng = np.random.default_rng(0)
    rows = np.unique(np.linspace(0, len(y) - 1, CHECK_ROWS).astype(int))
    y = y[rows].astype(np.float64)
    spread = y.std() or 1.0
    anywhere = 2 * rng.standard_normal(y.shape)
    near = y + spread * rng.standard_normal(y.shape)
    y_pred = np.concatenate([anywhere, near])
    least = np.repeat([1.0, spread], len(y))
    return (
        y_pred,
        np.concatenate([y, y]),
        DIFFERENCE_STEP * np.maximum(np.abs(y_pred).max(1), least),
    )


def checked_values(
    function: Callable[..., Array], what: str, part: str, *arrays: np.ndarray
) -> np.ndarray:
    """Return the function of these arrays; raise InputError if it fails or has another shape."""
    shape = arrays[0].shape
    try:
        result = np.asarray(function(*arrays), dtype=np.float64)
    except Exception as error:  # a user's function may raise anything
        raise InputError(
            f"{what}: its {part} does not take arrays of the shape {shape} "
            f"({type(error).__name__}: {error})"
        ) from error
    if result.shape != shape:
        raise InputError(
            f"{what}: its {part} must return one number for each entry; for arrays of the shape {shape} "
            f"it returned one of the shape {result.shape}"
        )
    return result


def worst_entry(
    derivative: np.ndarray,
    slopes: tuple[np.ndarray, np.ndarray],
    rounding: np.ndarray,
    what: str,
) -> tuple[int, int] | None:
    """Return the entry whose derivative is most outside of both one-sided slopes; None if none is."""
    low, high = np.minimum(*slopes), np.maximum(*slopes)
    finite = np.isfinite(low) & np.isfinite(high)
    if not finite.any():
        raise InputError(f"{what} is not finite at any of the points of the check")
    size = np.maximum(np.abs(low), np.abs(high))
    with np.errstate(invalid="ignore", over="ignore"):
        outside = np.maximum(low - derivative, derivative - high)
    outside[~np.isfinite(derivative)] = np.inf
    excess = np.where(finite, outside - WRONG_SHARE * size - rounding, -np.inf)
    if not (excess > 0).any():
        return None
    worst = int(np.argmax(excess / (size + np.finfo(float).tiny)))
    row, column = np.unravel_index(worst, derivative.shape)
    return int(row), int(column)


def raise_wrong_derivative(
    where: str,
    derivative: np.ndarray,
    slopes: tuple[np.ndarray, np.ndarray],
    worst: tuple[int, int],
    of: str,
) -> None:
    """Raise the InputError that compares the derivative with the finite difference."""
    given = derivative[worst]
    expected = (slopes[0][worst] + slopes[1][worst]) / 2
    raise InputError(
        f"{where} is {given:.6g}, but by finite differences of its {of} it is {expected:.6g}: "
        f"off by {abs(given - expected):.3g}"
    )
