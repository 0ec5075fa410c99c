"""Rows unlike any that a model was trained on: a network says something of them too, often with certainty.

A row is far outside if one value lies beyond its column's range in training by more than 3 times that range, or if its
values as a whole lie further from the middles of the ranges, or further to one side, than those of any training row, as in
another unit.

How far is far is learned from the rows of training, each beside the ranges of the others: where values far beyond those of
the others are usual, as in counts, it takes more. A model's file that does not hold this tells less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twolayer.checks import is_sparse
from twolayer.text import first_names, plural

FAR = 3.0  # places in a range, whose ends are -1 and 1
FAR_SHARE = 0.01  # of the inputs
FAR_BEYOND = 3.0  # ranges beyond the range
USUAL_SHARE = 0.9  # of the training rows, whose values are called usual
UNUSUAL = 5.0  # times as far as usual
LEAST_ROOM = 0.2  # by which the mean place of an ordinary row may differ from those of training
LARGEST_EXCESS = 1e100


@dataclass(frozen=True, eq=False)
class TrainingRange:
    """The range of each input in training.

    Attributes
    ----------
    low, high : ndarray, shape (n_inputs,)
        Equal for an input that has the same value in all training rows but one.
    usual_excess : float
        In ranges: how far beyond the ranges of the other rows the farthest value of a training row lies, in 9 of 10 rows.
    largest_distance : float or None
        The largest distance of a training row from the middles of the ranges; None if the model's file does not say.
    lowest_mean, highest_mean : float
        Of the training rows' mean places in the ranges, from -1 (low) to 1 (high).
    """

    low: np.ndarray
    high: np.ndarray
    usual_excess: float = 0.0
    largest_distance: float | None = None
    lowest_mean: float = 0.0
    highest_mean: float = 0.0

    @classmethod
    def from_rows(cls, x: Any) -> TrainingRange | None:
        """Return the ranges of these rows; None for a sparse table, in which most values are 0."""
        if is_sparse(x):
            return None
        low, high = x.min(axis=0), x.max(axis=0)
        if len(x) < 3:
            return cls(low, high)
        second_low, second_high = np.partition(x, [1, -2], axis=0)[[1, -2]]
        low = np.where((second_low == high) | (low == second_high), high, low)
        varied = np.flatnonzero(high > low)
        if not len(varied):
            return cls(low, high)
        x, low_varied, high_varied = x[:, varied], low[varied], high[varied]
        places, columns = _places(x, low_varied, high_varied), np.arange(len(varied))
        excesses = np.zeros(len(x))
        for ends, others in (  # which have other ranges beside them than all rows have
            (x.argmin(axis=0), (second_low[varied], high_varied)),
            (x.argmax(axis=0), (low_varied, second_high[varied])),
        ):
            place = _places(x[ends, columns], *others)
            places[ends, columns] = place
            np.maximum.at(excesses, ends, np.minimum((np.abs(place) - 1) / 2, LARGEST_EXCESS))
        distance, mean = _row_distances(places)
        return cls(
            low,
            high,
            float(np.quantile(excesses, USUAL_SHARE)),
            float(distance.max()),
            float(mean.min()),
            float(mean.max()),
        )

    def far_values(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return whether each row lies far outside, (n_rows,), and which of its values do by themselves, (n_rows, n_inputs).

        Examples
        --------
        >>> import numpy as np
        >>> from twolayer.evaluation.training_range import TrainingRange
        >>> ranges = TrainingRange(np.array([0.0]), np.array([1.0]))
        >>> ranges.far_values(np.array([[0.5], [1.4], [9.1]]))[0]
        array([False, False,  True])
        """
        x = x.toarray() if is_sparse(x) else np.asarray(x, dtype=np.float64)
        alone = np.zeros(x.shape, dtype=bool)
        varied = self.high > self.low
        if not varied.any():
            return np.zeros(len(x), dtype=bool), alone
        places = _places(x[:, varied], self.low[varied], self.high[varied])
        beyond = (np.abs(places) - 1) / 2
        alone[:, varied] = beyond > max(FAR_BEYOND, UNUSUAL * self.usual_excess)
        return alone.any(axis=1) | self._far_as_a_whole(places), alone

    def _far_as_a_whole(self, places: np.ndarray) -> np.ndarray:
        """Return whether each row is far outside by all of its values, shape (n_rows,)."""
        n_columns = places.shape[1]
        if self.largest_distance is None:
            return (np.abs(places) > FAR).sum(axis=1) > FAR_SHARE * n_columns
        distance, mean = _row_distances(places)
        few = 1 / np.sqrt(n_columns)  # of few columns, chance makes more
        room = max(LEAST_ROOM, (1 + 2 * few) * (self.highest_mean - self.lowest_mean))
        aside = (mean > self.highest_mean + room) | (mean < self.lowest_mean - room)
        return aside | (distance > 1.5 * (1 + few) * self.largest_distance)


def _places(x: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return the places of values in the ranges: -1 is low, 1 is high."""
    with np.errstate(over="ignore", invalid="ignore"):
        return (x - (low / 2 + high / 2)) / (high / 2 - low / 2)


def _row_distances(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the root mean square place of each row, and the mean; a single value counts for no more than FAR."""
    near = places.clip(-FAR, FAR)
    return np.sqrt(np.square(near).mean(axis=1)), near.mean(axis=1)


@dataclass(eq=False)
class OutsideRows:
    """The rows of a table that lie far outside, counted block by block.

    Attributes
    ----------
    ranges : TrainingRange or None
        None where the model's file does not say: then no row is outside.
    names : list of str
        Of the inputs.
    """

    ranges: TrainingRange | None
    names: Sequence[str]
    n_rows: int = 0
    count: int = 0
    first: int = 0
    columns: Counter[str] = field(default_factory=Counter)

    def add(self, x: Any) -> np.ndarray:
        """Count these rows, which follow the earlier ones; return which lie far outside, shape (n_rows,)."""
        if self.ranges is None:
            return np.zeros(x.shape[0], dtype=bool)
        outside, alone = self.ranges.far_values(x)
        if outside.any():
            self.first = self.first or self.n_rows + int(outside.argmax()) + 1
            self.count += int(outside.sum())
            counts = alone.sum(axis=0)
            for j in np.flatnonzero(counts).tolist():
                self.columns[self.names[j]] += int(counts[j])
        self.n_rows += len(outside)
        return outside

    def include(self, other: OutsideRows) -> None:
        """Count the rows that another has counted, which follow the earlier ones."""
        if other.count:
            self.first = self.first or self.n_rows + other.first
        self.count += other.count
        self.n_rows += other.n_rows
        self.columns.update(other.columns)

    def sentences(self) -> list[str]:
        """Return what to say of them: how many, the first, and the columns that are far outside by themselves."""
        if not self.count:
            return []
        rows = (
            f"{self.count} of {self.n_rows} rows lie"
            if self.count > 1
            else f"1 of {self.n_rows} rows lies"
        )
        values = ""
        if self.columns:
            names = [name for name, _ in self.columns.most_common()]
            many = plural(sum(self.columns.values()), "value")
            values = f"; {many} far beyond the range in training, in {first_names(names)}"
        return [
            f"warning: {rows} far outside what the model was trained on (row {self.first} is the first): do not rely on "
            f"what it says there, whatever the probability{values}"
        ]
