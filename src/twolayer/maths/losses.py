"""Losses: how far `y_pred` is from `y`, value and gradient side by side.

Each class is the whole home of one loss. With row weights s (all 1 if none are given) and S = Σ s over the rows at hand, a
loss is Σ_rows s Σ_outputs element, divided by S unless the loss is a plain sum (`is_sum`). `elements` and `gradient` work on
arrays of any library whose functions are called as NumPy's are (`xp` is `numpy` or `torch`); automatic differentiation of
`elements` gives `gradient`. `row` says the same for one row, in the plain Python loops that a compiler takes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

Array = Any  # a NumPy array or a torch tensor; which one, only the engine knows


class Loss:
    """One measure of the distance between `y_pred` and `y`.

    Attributes
    ----------
    name : str
        How users ask for it.
    is_sum : bool
        True if rows are added up; False if their weighted mean is taken.
    elementwise : bool
        True if an entry's loss depends on that entry alone, so that any shape may be given to `row`.
    takes_labels : bool
        True if `y` may be given as class numbers 0, 1, 2, ... of shape (n_rows,).
    parameter : float
        The one number of a loss that has one (a delta, a level); 0 for the others.
    """

    name: str
    is_sum = False
    elementwise = True
    takes_labels = False
    parameter = 0.0

    def elements(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        """The loss of every entry, shape (n_rows, n_outputs)."""
        raise NotImplementedError

    def gradient(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        """The derivative of a row's summed elements by each entry of `y_pred`, shape (n_rows, n_outputs)."""
        raise NotImplementedError

    @staticmethod
    def row(y_pred: Array, y: Array, grad: Array, parameter: float) -> float:
        """One row's summed elements; writes its gradient into `grad`. All of shape (n_outputs,)."""
        raise NotImplementedError

    def value(self, y_pred: Array, y: Array, s: Array | None, total: float, xp: Any = np) -> Array:
        """The loss over all rows at hand: a number, or one number a network.

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
        """The derivative of `value` by every entry of `y_pred`, same shape."""
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

    @staticmethod
    def row(y_pred: Array, y: Array, grad: Array, parameter: float) -> float:
        loss = 0.0
        for j in range(y.shape[0]):
            difference = y_pred[j] - y[j]
            loss += difference * difference
            grad[j] = difference
        return 0.5 * loss


class LogLoss(Loss):
    """Minus the log likelihood of the class, from logits.

    One output z, y in {0, 1}: log(1 + exp(z)) − y·z;  derivative p − y with p = 1 / (1 + exp(−z)).
    Several outputs, y one-hot: −Σ y·log p with p = softmax(z);  derivative p·Σy − y.
    """

    name = "log_loss"
    elementwise = False
    takes_labels = True

    def elements(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        if y_pred.shape[-1] == 1:
            return xp.logaddexp(xp.zeros_like(y_pred), y_pred) - y * y_pred
        shifted = y_pred - xp.amax(y_pred, axis=-1, keepdims=True)
        return -y * (shifted - xp.log(xp.exp(shifted).sum(-1)[..., None]))

    def gradient(self, y_pred: Array, y: Array, xp: Any = np) -> Array:
        if y_pred.shape[-1] == 1:
            return 0.5 * (1 + xp.tanh(0.5 * y_pred)) - y
        p = xp.exp(y_pred - xp.amax(y_pred, axis=-1, keepdims=True))
        p = p / p.sum(-1)[..., None]
        return p * y.sum(-1)[..., None] - y

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


LOSSES: dict[str, Loss] = {loss.name: loss for loss in (SumOfSquares(), SquaredError(), LogLoss())}
