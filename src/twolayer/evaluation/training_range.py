"""Rows unlike any that a model was trained on: a network says something of them too, often with certainty.

A row is far outside if an input lies beyond three times the range that it had in training, on either side of its middle. Of
many inputs a few may: it takes more than one in a hundred, or as much on average over all inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.checks import is_sparse

FAR = 3.0  # half ranges from the middle
FAR_ON_AVERAGE = 2.0
FAR_SHARE = 0.01  # of the inputs


@dataclass(frozen=True, eq=False)
class TrainingRange:
    """The range of each input in training.

    Attributes
    ----------
    low, high : ndarray, shape (n_inputs,)
    """

    low: np.ndarray
    high: np.ndarray

    @classmethod
    def from_rows(cls, x: Any) -> TrainingRange | None:
        """Return the ranges of these rows; None for a sparse table, in which most values are 0."""
        return None if is_sparse(x) else cls(x.min(axis=0), x.max(axis=0))

    def outside(self, x: Any) -> np.ndarray:
        """Return whether each row lies far outside, shape (n_rows,).

        Examples
        --------
        >>> import numpy as np
        >>> from twolayer.evaluation.training_range import TrainingRange
        >>> TrainingRange(np.array([0.0]), np.array([1.0])).outside(np.array([[0.5], [1.4], [2.1]]))
        array([False, False,  True])
        """
        x = x.toarray() if is_sparse(x) else np.asarray(x, dtype=np.float64)
        varied = self.high > self.low
        if not varied.any():
            return np.zeros(len(x), dtype=bool)
        with np.errstate(over="ignore", invalid="ignore"):
            middle = (self.low / 2 + self.high / 2)[varied]
            distance = np.abs(x[:, varied] - middle) / (self.high / 2 - self.low / 2)[varied]
        far = (distance > FAR).sum(axis=1) > FAR_SHARE * varied.sum()
        return far | (distance.mean(axis=1) > FAR_ON_AVERAGE)


def outside_sentence(outside: np.ndarray, start: int = 0) -> str:
    """Return what to say of rows that are outside: how many, and the first; `start` is the number of rows before them."""
    count, first = int(outside.sum()), start + int(outside.argmax()) + 1
    rows = f"{count} of {len(outside)} rows lie" if count > 1 else f"1 of {len(outside)} rows lies"
    return (
        f"warning: {rows} far outside what the model was trained on (row {first} is the first): do not rely on what it "
        "says there, whatever the probability"
    )
