"""The rows that a fit learns from, in an order of their own, each once, with its weight.

Sums of floats depend on the order of their terms in the last digits, and training makes last digits into first ones: after a
few hundred steps on the same rows in another order it may be at another minimum. With the rows put in order, a fit does not
depend on theirs; and with repeats merged, a row of weight 3 is the same as three such rows, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.estimators.row_digests import digest_sums

# When row weights count repeats: see `relative_weights`
UNIT_ROWS = 20  # one row of so many has the unit, or less
MEAN_COUNT = 10  # up to this mean they count repeats, and at twice this no longer
COUNT_TOLERANCE = 0.1  # how far from a whole number a count no longer counts repeats
UNLIKE_SHARE = 0.2  # of the rows: where so many count no repeats, none does
WEIGHT_ROUNDING = 1e-9  # share of the largest weight
MEAN_COPIES, MOST_COPIES = 5, 50  # of a row of mean weight, and of any, in a table of frequencies
MOST_WHOLE_COLUMNS = 1024  # of rows whose numbers themselves are their fingerprint
OBSERVED_SHARE = 0.05  # of the rows: so many have the columns of another row, with another target, where rows are no copies


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

    @property
    def shape(self) -> tuple[int, int]:
        return self.x.shape

    def subset(self, rows: np.ndarray) -> TrainingRows:
        """Return some of the rows: `rows` holds their numbers, or True for each of them."""
        s, groups = (None if one is None else one[rows] for one in (self.s, self.groups))
        return TrainingRows(self.x[rows], self.y[rows], s, groups)

    def counted(self) -> TrainingRows:
        """Return the rows without those of weight 0."""
        return self if self.s is None or self.s.all() else self.subset(self.s > 0)

    def distinct(self) -> TrainingRows:
        """Return the rows in an order that follows from their content, with repeats merged where these are copies.

        The weights of repeats are added; `s` is None if every row then has weight 1. Of the groups of repeats, the first
        one counts.

        In a table of few distinct columns, such as answers of yes and no, rows that are equal are observations of their
        own. Merged, all that say yes would be left out of a fold together, and all that say no would stay: so there each
        row stays, and one of weight 3 is three rows. A table of how often each answer came, whose weights are in no known
        unit, has a few copies of each row for the folds, with the same weight together.
        """
        prints = fingerprint_array(self.x, self.y)
        _, first, place = np.unique(prints, return_index=True, return_inverse=True)
        if (self.s is not None or len(first) < self.n_rows) and self.has_observations(first):
            return self.observations(place, len(first))
        weights = np.bincount(place, weights=self.s, minlength=len(first)).astype(np.float64)
        s = None if (weights == 1).all() else weights
        groups = None if self.groups is None else self.groups[first]
        return TrainingRows(self.x[first], self.y[first], s, groups)

    def has_observations(self, distinct: np.ndarray) -> bool:
        """Return whether many rows have the columns of others with another target; `distinct` holds those not merged."""
        return are_observations(fingerprint_array(self.x, None), distinct)

    def observations(self, place: np.ndarray, n_kinds: int) -> TrainingRows:
        """Return all rows, each as often as it was observed, as far as the weights say it.

        Parameters
        ----------
        place : ndarray of int, shape (n_rows,)
            Their order; the same for equal rows.
        n_kinds : int
            How many different rows there are.
        """
        s = np.ones(self.n_rows) if self.s is None else self.s
        order = np.lexsort((s, place))
        if (s == np.rint(s)).all() and s.sum() <= 2 * MEAN_COUNT * self.n_rows:
            counts = s[order].astype(int)
            return replace(self, s=None).subset(np.repeat(order, counts))
        rows = self.subset(order)
        if self.s is None or self.n_rows >= 2 * n_kinds:
            return rows
        copies = np.rint(MEAN_COPIES * s[order] / s.mean()).clip(1, MOST_COPIES).astype(int)
        each = rows.subset(np.repeat(np.arange(self.n_rows), copies))
        return replace(each, s=each.s / np.repeat(copies, copies))


def relative_weights(s: np.ndarray) -> np.ndarray:
    """Return row weights in the unit in which alpha counts rows: only their ratios matter.

    Weights get the mean 1 over the rows that have any. But where they count repeats, a row of weight 3 beside rows of weight
    1 is three rows: where nearly all are whole multiples of a unit, the weight that a twentieth of the rows do not exceed,
    with a mean of 10 at most. Where they do so nearly, the mean lies between, as no small change should change it much.

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
    s = s / s.max()
    above_0 = np.sort(s[s > 0])
    unit = above_0[-(-len(above_0) // UNIT_ROWS) - 1]
    if unit * len(above_0) * MEAN_COUNT < WEIGHT_ROUNDING:  # `counts` might be infinite
        return s / above_0.mean()
    counts = above_0 / unit
    off = np.abs(counts - np.rint(counts)) - WEIGHT_ROUNDING * counts[-1]
    share = np.clip(1 - off / COUNT_TOLERANCE, 0, 1).mean()  # 1: all count repeats
    mean = counts.mean()
    likeness = np.clip(1 - (1 - share) / UNLIKE_SHARE, 0, 1) * np.clip(2 - mean / MEAN_COUNT, 0, 1)
    if likeness == 1:
        return np.rint(s / unit)
    return s * (mean**likeness / above_0.mean())


def row_fingerprints(x: Any, y: np.ndarray | None) -> list[bytes]:
    """Return 16 bytes for each row: the same for the same numbers, and different for different ones; y may be left out."""
    y = np.zeros((x.shape[0], 0)) if y is None else np.ascontiguousarray(y)
    return [
        blake2b(row + target.tobytes(), digest_size=16).digest()
        for row, target in zip(row_bytes(x), y, strict=True)
    ]


def row_bytes(x: Any) -> Iterable[bytes]:
    """Return bytes that tell each row from others: its numbers, or where they are many, their digest."""
    if hasattr(x, "row_bytes"):  # a table that is not here
        own: Iterable[bytes] = x.row_bytes()
        return own
    if checks.is_sparse(x):
        x.sort_indices()
        ends = zip(x.indptr[:-1], x.indptr[1:], strict=True)
        return (x.indices[a:b].tobytes() + x.data[a:b].tobytes() for a, b in ends)
    whole = x.shape[1] <= MOST_WHOLE_COLUMNS
    return (row.tobytes() for row in (x if whole else digest_sums(x)))


def fingerprint_array(x: Any, y: np.ndarray | None) -> np.ndarray:
    """Return the fingerprint of each row, shape (n_rows,), of a type that can be sorted."""
    return np.frombuffer(b"".join(row_fingerprints(x, y)), dtype="V16")


def are_observations(columns: np.ndarray, distinct: np.ndarray) -> bool:
    """Return whether many rows have the columns of others with another target.

    Parameters
    ----------
    columns : ndarray, shape (n_rows,)
        The fingerprints of the rows without their targets.
    distinct : ndarray of int
        The numbers of rows that differ, of every kind one.
    """
    each, counts = np.unique(columns[distinct], return_counts=True)
    return bool(np.isin(columns, each[counts > 1]).mean() > OBSERVED_SHARE)


def group_numbers(groups: Any, n_rows: int) -> np.ndarray:
    """Return the group of each row as a number, shape (n_rows,)."""
    return np.unique(checks.row_groups(groups, n_rows), return_inverse=True)[1]
