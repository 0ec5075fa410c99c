"""The rows that a fit learns from, in an order of their own, each once, with its weight.

Sums of floats depend on the order of their terms in the last digits, and training makes last digits into first ones: after a
few hundred steps on the same rows in another order it may be at another minimum. With the rows put in order, a fit does not
depend on theirs; and with repeats merged, a row of weight 3 is the same as three such rows, to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np

from twolayer.checks import is_sparse
from twolayer.errors import InputError

MOST_REPEATS = 1000  # a row of more weight than so many others is no count of repeats
WEIGHT_ROUNDING = 1e-9  # share of the largest weight


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """Checked rows.

    Attributes
    ----------
    x : ndarray or SciPy CSR array of float64, shape (n_rows, n_inputs)
    y : ndarray
        Class numbers, shape (n_rows,); or numbers, or labels of 0 and 1, shape (n_rows, n_outputs).
    s : ndarray, shape (n_rows,), or None
        Row weights.
    groups : ndarray of int, shape (n_rows,), or None
        The group of each row.
    """

    x: Any
    y: Any
    s: np.ndarray | None = None
    groups: np.ndarray | None = None

    @property
    def n_rows(self) -> int:
        return self.x.shape[0]

    def subset(self, rows: np.ndarray) -> TrainingRows:
        """Return some of the rows: `rows` holds their numbers, or True for each of them."""
        s, groups = (None if one is None else one[rows] for one in (self.s, self.groups))
        return TrainingRows(self.x[rows], self.y[rows], s, groups)

    def weighed_for(self, train: np.ndarray) -> TrainingRows:
        """Return all rows with weights in the unit that those of the rows `train` have by `relative_weights`."""
        if self.s is None or not self.s[train].any():
            return self
        own = relative_weights(self.s[train])
        s = self.s * (own.max() / self.s[train].max())
        s[train] = own
        return replace(self, s=s)

    def distinct(self) -> TrainingRows:
        """Return the rows in an order that follows from their content, with repeats merged.

        The weights of repeats are added; `s` is None if every row then has weight 1. Of the groups of repeats, the first
        one counts.
        """
        prints = np.frombuffer(b"".join(row_fingerprints(self.x, self.y)), dtype="V16")
        _, first, place = np.unique(prints, return_index=True, return_inverse=True)
        weights = np.bincount(place, weights=self.s, minlength=len(first)).astype(np.float64)
        s = None if (weights == 1).all() else weights
        groups = None if self.groups is None else self.groups[first]
        return TrainingRows(self.x[first], self.y[first], s, groups)


def relative_weights(s: np.ndarray) -> np.ndarray:
    """Return row weights in the unit in which alpha counts rows: only their ratios matter.

    Weights in the ratio of small whole numbers count rows, as repeats do: they become the smallest such numbers, so that a
    row of weight 3 beside rows of weight 1 is three rows. Others get the mean 1.

    Parameters
    ----------
    s : ndarray of float64, shape (n_rows,)
        None negative, not all 0.

    Examples
    --------
    >>> from twolayer.estimators.training_rows import relative_weights
    >>> print(relative_weights(np.array([0.002, 0.006, 0.0])), relative_weights(np.array([0.1, np.pi])))
    [1. 3. 0.] [0.06169... 1.938...]
    """
    largest = s.max()
    unit = (
        0.0  # the largest number of which all weights are whole multiples, if it is not too small
    )
    for weight in np.unique(s[s > 0]):
        unit = common_measure(weight, unit, WEIGHT_ROUNDING * largest)
        if unit * MOST_REPEATS < largest:
            return s * (np.count_nonzero(s) / s.sum())
    return np.rint(s / unit)


def common_measure(a: float, b: float, rounding: float) -> float:
    """Return the largest number of which both are whole multiples, by Euclid; what is at most `rounding` is 0."""
    while b > rounding:
        a, b = b, abs(a - b * np.rint(a / b))
    return a


def row_fingerprints(x: Any, y: np.ndarray) -> list[bytes]:
    """Return 16 bytes for each row: the same for the same numbers, and different for different ones."""
    y = np.ascontiguousarray(y)
    if is_sparse(x):
        x.sort_indices()
        ends = zip(x.indptr[:-1], x.indptr[1:], strict=True)
        rows = (x.indices[a:b].tobytes() + x.data[a:b].tobytes() for a, b in ends)
    else:
        rows = (row.tobytes() for row in x)
    return [
        blake2b(row + target.tobytes(), digest_size=16).digest()
        for row, target in zip(rows, y, strict=True)
    ]


def group_numbers(groups: Any, n_rows: int) -> np.ndarray:
    """Return the group of each row as a number, shape (n_rows,)."""
    groups = np.asarray(groups)
    if groups.shape != (n_rows,):
        raise InputError(
            f"groups must name one group for each of {n_rows} rows; its shape is {groups.shape}"
        )
    try:
        return np.unique(groups, return_inverse=True)[1]
    except TypeError:
        raise InputError("groups must be numbers or text, and of one kind") from None
