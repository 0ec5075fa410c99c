"""Losses: how far `y_pred` is from `y`, value and gradient side by side.

Everything about one loss is in its class. With row weights s (all 1 if there are none) and S = Σ s over the given rows, a
loss is Σ_rows s Σ_outputs element, divided by S unless the loss is a plain sum (`is_sum`). `elements` and `gradient` work on
arrays of any library whose functions have NumPy's names (`xp` is `numpy` or `torch`); automatic differentiation of
`elements` gives `gradient`. `row` is the same for one row, in the plain Python loops that a compiler takes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.maths import Array

CURVATURE_STEP = 1e-5  # of a difference of gradients, as a share of the output


def diagonal_blocks(values: np.ndarray) -> np.ndarray:
    """Return a matrix for each row with these numbers, (n_rows, n_outputs), on its diagonal."""
    return values[:, :, None] * np.eye(values.shape[1])


class Loss:
    """One measure of the distance between `y_pred` and `y`.

    Attributes
    ----------
    name : str
        The name by which users choose it.
    is_sum : bool
        True if rows are added up; False if their weighted mean is taken.
    elementwise : bool
        True if an entry's loss depends on that entry alone, so that `row` takes arrays of any length.
    takes_labels : bool
        True if `y` may be given as class numbers 0, 1, 2, ... of shape (n_rows,).
    parameter : float
        The number of a loss that has one (a delta, a level); 0 for the others.
    y_from, y_to : float
        The smallest and the largest `y` that it takes.
    has_link : bool
        True if the output of a regression is not the mean of `y` but a function of it, the link.
    smooth : bool
        False if the gradient jumps, so that `curvature` says nothing.
    """

    name: str
    is_sum = False
    elementwise = True
    takes_labels = False
    parameter = 0.0
    y_from, y_to = -math.inf, math.inf
    has_link = False
    smooth = True

    def __str__(self) -> str:
        return self.name

    def mean(self, y_pred: Array, xp: Any = np) -> Array:
        """Return the predicted mean of `y`: `y_pred` itself, unless the loss has a link."""
        return y_pred

    def link(self, mean: Array, xp: Any = np) -> Array:
        """Return the output that predicts this mean: `mean(link(m)) = m`."""
        return mean

    def elements(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        """Return the loss of every entry, shape (n_rows, n_outputs)."""
        raise NotImplementedError

    def gradient(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        """Return the derivative of a row's summed elements by each entry of `y_pred`, shape (n_rows, n_outputs)."""
        raise NotImplementedError

    def curvature(self, y_pred: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the second derivative of each row's summed elements, shape (n_rows, n_outputs, n_outputs), NumPy only.

        A loss that does not say it has it from differences of its gradient.
        """
        result = np.empty((*y_pred.shape, y_pred.shape[1]))
        for j in range(y_pred.shape[1]):
            up, down = y_pred.copy(), y_pred.copy()
            size = CURVATURE_STEP * np.maximum(1.0, np.abs(y_pred[:, j]))
            up[:, j] += size
            down[:, j] -= size
            difference = self.gradient(up, y) - self.gradient(down, y)
            result[:, :, j] = difference / (up[:, j] - down[:, j])[:, None]
        return 0.5 * (result + result.mT)

    @staticmethod
    def row(y_pred: Array, y: Array, grad: Array, parameter: float) -> float:
        """Return one row's summed elements; write its gradient into `grad`. All have the shape (n_outputs,)."""
        raise NotImplementedError

    def value(self, y_pred: Array, y: Array, s: Array | None, total: float, xp: Any = np) -> Array:
        """Return the loss over the given rows: a number, or one number per network.

        Parameters
        ----------
        y_pred, y : array, shape (n_rows, n_outputs)
        s : array, shape (n_rows,), or None
            Row weights.
        total : float
            Σ s over these rows.
        xp : module
            The library the arrays belong to.
        """
        elements = self.elements(y_pred, y, xp)
        if s is not None:
            elements = elements * s[:, None]
        summed = elements.sum((-2, -1))
        return summed if self.is_sum else summed / total

    def grad_y_pred(
        self, y_pred: Array, y: Array, s: Array | None, total: float, xp: Any = np
    ) -> Array:
        """Return the derivative of `value` by every entry of `y_pred`, same shape."""
        grad = self.gradient(y_pred, y, xp)
        if s is not None:
            grad = grad * s[:, None]
        return grad if self.is_sum else grad / total


class SumOfSquares(Loss):
    """The tutorial's loss: Σ (y_pred − y)²;  derivative 2·(y_pred − y)."""

    name = "sum_of_squares"
    is_sum = True

    def elements(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        return xp.square(y_pred - y)

    def gradient(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        return 2.0 * (y_pred - y)

    def curvature(self, y_pred: np.ndarray, y: np.ndarray) -> np.ndarray:
        return diagonal_blocks(np.full(y_pred.shape, 2.0))

    @staticmethod
    def row(y_pred: Array, y: Array, grad: Array, parameter: float) -> float:
        loss = 0.0
        for j in range(y.shape[0]):
            difference = y_pred[j] - y[j]
            loss += difference * difference
            grad[j] = 2 * difference
        return loss


class SquaredError(Loss):
    """Half the squared error: ½·(y_pred − y)²;  derivative y_pred − y. scikit-learn's for regression."""

    name = "squared_error"

    def elements(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        return 0.5 * xp.square(y_pred - y)

    def gradient(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        return y_pred - y

    def curvature(self, y_pred: np.ndarray, y: np.ndarray) -> np.ndarray:
        return diagonal_blocks(np.ones(y_pred.shape))

    @staticmethod
    def row(y_pred: Array, y: Array, grad: Array, parameter: float) -> float:
        loss = 0.0
        for j in range(y.shape[0]):
            difference = y_pred[j] - y[j]
            loss += difference * difference
            grad[j] = difference
        return 0.5 * loss


class AbsoluteError(Loss):
    """The absolute error: |y_pred − y|;  derivative the sign of y_pred − y, at exactly 0 it is 0."""

    name = "absolute_error"
    smooth = False

    def elements(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        return xp.abs(y_pred - y)

    def gradient(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        return xp.sign(y_pred - y)

    @staticmethod
    def row(y_pred: Array, y: Array, grad: Array, parameter: float) -> float:
        loss = 0.0
        for j in range(y.shape[0]):
            difference = y_pred[j] - y[j]
            loss += abs(difference)
            grad[j] = np.sign(difference)
        return loss


class Huber(Loss):
    """Half the squared error up to a difference of delta, and from there on a straight line (Huber 1964).

    With r = y_pred − y and c = r clipped to ±delta: c·(r − ½c);  derivative c.

    Parameters
    ----------
    delta : float
        Above 0, in the unit of `y`.

    Raises
    ------
    InputError
        If `delta` is not a number above 0.

    Examples
    --------
    >>> import twolayer as tl
    >>> tl.Huber(delta=2.0)
    Huber(delta=2.0)
    >>> params = tl.Params(w1=[[1.0]], b1=None, w2=[[1.0]], b2=None)
    >>> loss, gradients = tl.loss_and_gradients([[5.0]], [[0.0]], params, loss=tl.Huber(delta=2.0))
    >>> loss
    8.0
    """

    name = "huber"

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = self.parameter = checks.number_between_0_and(math.inf, delta, "delta")

    def __repr__(self) -> str:
        return f"Huber(delta={self.delta!r})"

    def __str__(self) -> str:
        return f"{self.name}(delta={self.delta:g})"

    def elements(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        clipped = self.gradient(y_pred, y, xp)
        return clipped * ((y_pred - y) - 0.5 * clipped)

    def gradient(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        return xp.clip(y_pred - y, -self.delta, self.delta)

    def curvature(self, y_pred: np.ndarray, y: np.ndarray) -> np.ndarray:
        return diagonal_blocks((np.abs(y_pred - y) < self.delta).astype(float))

    @staticmethod
    def row(y_pred: Array, y: Array, grad: Array, parameter: float) -> float:
        loss = 0.0
        for j in range(y.shape[0]):
            difference = y_pred[j] - y[j]
            clipped = difference
            if difference > parameter:
                clipped = parameter
            elif difference < -parameter:
                clipped = -parameter
            loss += clipped * (difference - clipped / 2)
            grad[j] = clipped
        return loss


class Quantile(Loss):
    """The pinball loss, least at the quantile `level` of y (Koenker & Bassett 1978).

    With r = y_pred − y: (1 − level)·r where the prediction is too high, −level·r where it is too low;  derivative 1 − level,
    −level, and 0 at exactly 0.

    Parameters
    ----------
    level : float
        Between 0 and 1: with 0.9, nine of ten values are below their prediction. 0.5 gives half the absolute error.

    Raises
    ------
    InputError
        If `level` is not a number between 0 and 1.

    Examples
    --------
    >>> import twolayer as tl
    >>> tl.Quantile(level=0.9)
    Quantile(level=0.9)
    >>> params = tl.Params(w1=[[1.0]], b1=None, w2=[[1.0]], b2=None)
    >>> loss, gradients = tl.loss_and_gradients([[1.0]], [[3.0]], params, loss=tl.Quantile(level=0.9))
    >>> loss
    1.8
    """

    name = "quantile"
    smooth = False

    def __init__(self, level: float = 0.5) -> None:
        self.level = self.parameter = checks.number_between_0_and(1.0, level, "level")

    def __repr__(self) -> str:
        return f"Quantile(level={self.level!r})"

    def __str__(self) -> str:
        return f"{self.name}(level={self.level:g})"

    # Both use the sign, not two cases, because automatic differentiation of a sign, and of the absolute value, gives 0 at 0.

    def elements(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        difference = y_pred - y
        return (0.5 + (0.5 - self.level) * xp.sign(difference)) * xp.abs(difference)

    def gradient(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        sign = xp.sign(y_pred - y)
        return (0.5 + (0.5 - self.level) * sign) * sign

    @staticmethod
    def row(y_pred: Array, y: Array, grad: Array, parameter: float) -> float:
        loss = 0.0
        for j in range(y.shape[0]):
            difference = y_pred[j] - y[j]
            sign = np.sign(difference)
            grad[j] = (0.5 + (0.5 - parameter) * sign) * sign
            loss += grad[j] * difference
        return loss


class Poisson(Loss):
    """Minus the log likelihood of counts whose mean is exp(z): exp(z) − y·z;  derivative exp(z) − y.

    `y` must not be negative. The term log y!, which does not depend on z, is left out, so the loss can be below 0. exp(z) is
    infinite for z above 709 (in float32 above 88).
    """

    name = "poisson"
    y_from = 0.0
    has_link = True

    def mean(self, y_pred: Array, xp: Any = np) -> Array:
        return xp.exp(y_pred)

    def link(self, mean: Array, xp: Any = np) -> Array:
        return xp.log(mean)

    def elements(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        return xp.exp(y_pred) - y * y_pred

    def gradient(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        return xp.exp(y_pred) - y

    def curvature(self, y_pred: np.ndarray, y: np.ndarray) -> np.ndarray:
        return diagonal_blocks(np.exp(y_pred))

    @staticmethod
    def row(y_pred: Array, y: Array, grad: Array, parameter: float) -> float:
        loss = 0.0
        for j in range(y.shape[0]):
            mean = math.exp(y_pred[j])
            loss += mean - y[j] * y_pred[j]
            grad[j] = mean - y[j]
        return loss


class GaussianNLL(Loss):
    """Minus the log likelihood of residuals that are normal around 0, with the standard deviation exp(z).

    `y` holds their *squares*: z + ½·y·exp(−2z);  derivative 1 − y·exp(−2z). Its expected value is least at the root of the
    mean square, so that exp(2z) is the predicted variance. ½·log 2π, which does not depend on z, is left out.

    Source: Nix & Weigend, *Estimating the mean and variance of the target probability distribution*, ICNN 1994.
    """

    name = "gaussian_nll"
    y_from = 0.0
    has_link = True

    def mean(self, y_pred: Array, xp: Any = np) -> Array:
        return xp.exp(2.0 * y_pred)

    def link(self, mean: Array, xp: Any = np) -> Array:
        return 0.5 * xp.log(mean)

    def elements(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        return y_pred + 0.5 * y * xp.exp(-2.0 * y_pred)

    def gradient(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        return 1.0 - y * xp.exp(-2.0 * y_pred)

    def curvature(self, y_pred: np.ndarray, y: np.ndarray) -> np.ndarray:
        return diagonal_blocks(2.0 * y * np.exp(-2.0 * y_pred))

    @staticmethod
    def row(y_pred: Array, y: Array, grad: Array, parameter: float) -> float:
        loss = 0.0
        for j in range(y.shape[0]):
            share = y[j] * math.exp(-2 * y_pred[j])
            loss += y_pred[j] + share / 2
            grad[j] = 1 - share
        return loss


class BinaryLogLoss(Loss):
    """Minus the log likelihood of yes-or-no labels, each with a logit z of its own.

    y in {0, 1}: log(1 + exp(z)) − y·z;  derivative p − y with p = 1 / (1 + exp(−z)).
    """

    name = "binary_log_loss"
    y_from, y_to = 0.0, 1.0

    def elements(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        return xp.logaddexp(xp.zeros_like(y_pred), y_pred) - y * y_pred

    def gradient(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        return 0.5 * (1 + xp.tanh(0.5 * y_pred)) - y

    def curvature(self, y_pred: np.ndarray, y: np.ndarray) -> np.ndarray:
        p = 0.5 * (1 + np.tanh(0.5 * y_pred))
        return diagonal_blocks(p * (1 - p))

    @staticmethod
    def row(y_pred: Array, y: Array, grad: Array, parameter: float) -> float:
        loss = 0.0
        for j in range(y.shape[0]):
            z = y_pred[j]
            e = math.exp(-abs(z))
            p = 1 / (1 + e) if z >= 0 else e / (1 + e)
            grad[j] = p - y[j]
            loss += max(z, z * 0) - y[j] * z + math.log1p(e)
        return loss


class LogLoss(Loss):
    """Minus the log likelihood of the class, from logits.

    One output z, y in {0, 1}: log(1 + exp(z)) − y·z;  derivative p − y with p = 1 / (1 + exp(−z)).
    Several outputs, y one-hot: −Σ y·log p with p = softmax(z);  derivative p·Σy − y.
    """

    name = "log_loss"
    elementwise = False
    takes_labels = True
    y_from, y_to = 0.0, 1.0

    def elements(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        if y_pred.shape[-1] == 1:
            return BinaryLogLoss().elements(y_pred, y, xp)
        shifted = y_pred - xp.amax(y_pred, axis=-1, keepdims=True)
        return -y * (shifted - xp.log(xp.exp(shifted).sum(-1)[..., None]))

    def gradient(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        if y_pred.shape[-1] == 1:
            return BinaryLogLoss().gradient(y_pred, y, xp)
        p = xp.exp(y_pred - xp.amax(y_pred, axis=-1, keepdims=True))
        p = p / p.sum(-1)[..., None]
        return p * y.sum(-1)[..., None] - y

    def curvature(self, y_pred: np.ndarray, y: np.ndarray) -> np.ndarray:
        if y_pred.shape[-1] == 1:
            return BinaryLogLoss().curvature(y_pred, y)
        p = np.exp(y_pred - y_pred.max(axis=-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
        return (diagonal_blocks(p) - p[:, :, None] * p[:, None, :]) * y.sum(-1)[:, None, None]

    @staticmethod
    def row(y_pred: Array, y: Array, grad: Array, parameter: float) -> float:
        n_outputs = y.shape[0]
        if n_outputs == 1:
            z = y_pred[0]
            e = math.exp(-abs(z))
            p = 1 / (1 + e) if z >= 0 else e / (1 + e)
            grad[0] = p - y[0]
            return max(z, z * 0) - y[0] * z + math.log1p(e)
        largest = y_pred[0]
        for j in range(1, n_outputs):
            largest = max(largest, y_pred[j])
        summed = y_pred[0] * 0
        summed_y = y_pred[0] * 0
        for j in range(n_outputs):
            grad[j] = math.exp(y_pred[j] - largest)
            summed += grad[j]
            summed_y += y[j]
        log_summed = math.log(summed)
        loss = y_pred[0] * 0
        for j in range(n_outputs):
            loss -= y[j] * (y_pred[j] - largest - log_summed)
            grad[j] = grad[j] / summed * summed_y - y[j]
        return loss


LOSSES: dict[str, Loss] = {
    loss.name: loss
    for loss in (
        SumOfSquares(),
        SquaredError(),
        LogLoss(),
        AbsoluteError(),
        Huber(),
        Quantile(),
        Poisson(),
        GaussianNLL(),
        BinaryLogLoss(),
    )
}
