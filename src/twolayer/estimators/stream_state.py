"""What `partial_fit` goes on from besides the weights: means and spreads so far, how many rows there were, Adam's memory.

Means and spreads follow all rows that have been seen, so that no first chunk settles them, and neither does the size of the
chunks: joined chunk by chunk (Chan, Golub & LeVeque, 1983, *Algorithms for computing the sample variance*) they are those of
all rows together. Alpha counts rows as in `fit`, each once however often it comes: `RowCount` estimates how many differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from twolayer.checks import is_sparse
from twolayer.errors import InputError
from twolayer.estimators.row_digests import digest_sums
from twolayer.estimators.standardise import Scaling, rounding_limit, standardise
from twolayer.estimators.training_rows import row_fingerprints
from twolayer.maths.network import Params
from twolayer.maths.smooth_clip import InputClip
from twolayer.solvers import SolverMemory

MARKS = 1024  # row counts are exact up to so many rows, and within a few hundredths beyond
MARK_RANGE = 2.0**64
ADAM_VECTORS = ("mean", "square")


@dataclass(frozen=True, eq=False)
class ColumnMoments:
    """Mean and spread of each column, and the total weight of the rows behind them; around 0 for sparse tables.

    Attributes
    ----------
    total : float
    mean, spread : ndarray, shape (n_columns,)
    """

    total: float
    mean: np.ndarray
    spread: np.ndarray

    @classmethod
    def from_scaling(cls, scaling: Scaling, total: float) -> ColumnMoments:
        """Return the moments of rows that were standardised so."""
        return cls(total, scaling.mean, np.where(scaling.constant, 0, scaling.scale))

    @classmethod
    def from_rows(cls, x: Any, s: np.ndarray | None, name: str) -> ColumnMoments:
        """Return the moments of these rows; raise InputError if their values are too large."""
        _, scaling = standardise(x, s, name)
        return cls.from_scaling(scaling, float(x.shape[0] if s is None else s.sum()))

    def joined(self, other: ColumnMoments) -> ColumnMoments:
        """Return the moments of the rows of both."""
        total = self.total + other.total
        share = other.total / total
        step = other.mean - self.mean
        parts = np.stack([self.spread, other.spread, np.abs(step)])
        largest = parts.max(axis=0)  # so that no square overflows
        squares = (parts / np.where(largest > 0, largest, 1)) ** 2
        weights = np.array([1 - share, share, share * (1 - share)])
        return ColumnMoments(total, self.mean + share * step, largest * np.sqrt(weights @ squares))

    def scaling(self) -> Scaling:
        """Return the scaling to mean 0 and spread 1."""
        constant = self.spread <= rounding_limit(self.mean)
        return Scaling(self.mean, np.where(constant, 1, self.spread), constant)


@dataclass(frozen=True, eq=False)
class RowCount:
    """How many different rows have been seen.

    The smallest of their fingerprints, read as numbers below 2⁶⁴, are kept: of n that are spread evenly, the k-th is
    near 2⁶⁴·k/n (Bar-Yossef et al., 2002, *Counting distinct elements in a data stream*).

    Attributes
    ----------
    marks : ndarray of uint64
        The smallest fingerprints, in order.
    least : float
        Rows that are known of otherwise: those of a `fit` before.
    """

    marks: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.uint64))
    least: float = 0.0

    def joined(self, x: Any, y: np.ndarray) -> RowCount:
        """Return the count with these rows too."""
        if is_sparse(x):
            new = np.frombuffer(b"".join(row_fingerprints(x, y)), dtype=np.uint64)[::2]
        else:  # many times as fast, and the order of rows does not follow from it
            new = digest_sums(np.column_stack([x, y]).astype(np.float64, copy=False))
        return replace(self, marks=np.union1d(self.marks, new)[:MARKS])

    def value(self) -> float:
        """Return the number of rows."""
        n_rows = float(len(self.marks))
        if len(self.marks) == MARKS:
            n_rows = (MARKS - 1) * MARK_RANGE / float(self.marks[-1])
        return max(n_rows, self.least)


@dataclass(frozen=True, eq=False)
class StreamState:
    """The state between the calls of `partial_fit`.

    Attributes
    ----------
    inputs : ColumnMoments or None
        None before the first rows, for networks that were trained elsewhere, and where all networks see clipped columns.
    targets : ColumnMoments or None
        None for classes too.
    rows : RowCount
    memory : dict
        Adam's, empty before its first step.
    clipped : ColumnMoments or None
        Of the clipped columns, for the networks that see them.
    """

    inputs: ColumnMoments | None = None
    targets: ColumnMoments | None = None
    rows: RowCount = field(default_factory=RowCount)
    memory: SolverMemory = field(default_factory=dict)
    clipped: ColumnMoments | None = None

    def joined(
        self,
        x: Any,
        y: np.ndarray,
        s: np.ndarray | None,
        numbers: bool,
        clip: InputClip | None = None,
    ) -> StreamState:
        """Return the state with these rows too; `numbers` says whether the targets are numbers."""
        inputs = clipped = None
        if clip is None or not clip.networks.all():
            inputs = moments_with(self.inputs, x, s, "X")
        if clip is not None:
            clipped = moments_with(self.clipped, clip.columns(x), s, "X")
        targets = moments_with(self.targets, y, s, "y") if numbers else None
        # a copy, so that a pass that fails leaves the memory of the one before
        memory = {
            name: one.copy() if isinstance(one, Params) else one
            for name, one in self.memory.items()
        }
        return StreamState(inputs, targets, self.rows.joined(x, y), memory, clipped)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the state as arrays by name, for a file."""
        arrays = {"marks": self.rows.marks, "least": np.array(self.rows.least)}
        for name in ("inputs", "clipped", "targets"):
            moments = getattr(self, name)
            if moments is not None:
                arrays |= {f"{name}.{part}": np.asarray(one) for part, one in vars(moments).items()}
        if self.memory:
            arrays["steps"] = np.array(float(self.memory["steps"]))
            for part in ADAM_VECTORS:
                arrays |= {f"{part}.{name}": w for name, w in self.memory[part].items()}
        return arrays

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], params: Params) -> StreamState:
        """Return the state of these arrays, which belongs to these weights; raise InputError if it does not."""
        rest = dict(arrays)
        moments = {
            name: _stored_moments(name, rest, count)
            for name, count in (
                ("inputs", params.n_inputs),
                ("clipped", params.n_inputs),
                ("targets", params.n_outputs),
            )
            if f"{name}.mean" in rest
        }
        marks = rest.pop("marks", np.zeros(0))
        least = _stored(rest, "least", (), at_least=0)
        if (
            marks.dtype != np.uint64
            or marks.ndim != 1
            or len(marks) > MARKS
            or (marks[1:] <= marks[:-1]).any()
        ):
            raise InputError("the marks of its rows are not numbers in order")
        memory: SolverMemory = {}
        if "steps" in rest:
            memory["steps"] = int(_stored(rest, "steps", (), at_least=1))
            for part in ADAM_VECTORS:
                lowest = 0.0 if part == "square" else -np.inf
                weights = {
                    name: _stored(rest, f"{part}.{name}", w.shape, at_least=lowest)
                    for name, w in params.items()
                }
                memory[part] = Params(**{"b1": None, "b2": None, "w_skip": None, **weights})
        if rest:
            raise InputError(f"its arrays {', '.join(sorted(rest))} are unknown")
        rows = RowCount(marks, float(least))
        return cls(
            moments.get("inputs"), moments.get("targets"), rows, memory, moments.get("clipped")
        )


def moments_with(
    before: ColumnMoments | None, x: Any, s: np.ndarray | None, name: str
) -> ColumnMoments:
    """Return the moments of the rows before, if there were any, and of these."""
    own = ColumnMoments.from_rows(x, s, name)
    return own if before is None else before.joined(own)


def _stored_moments(name: str, arrays: dict[str, np.ndarray], count: int) -> ColumnMoments:
    return ColumnMoments(
        float(_stored(arrays, f"{name}.total", (), at_least=0)),
        _stored(arrays, f"{name}.mean", (count,)),
        _stored(arrays, f"{name}.spread", (count,), at_least=0),
    )


def _stored(
    arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...], at_least: float = -np.inf
) -> np.ndarray:
    """Return an array, taken out of the others, or raise InputError if it is not of that shape, finite and large enough."""
    array = arrays.pop(name, None)
    if array is None or array.dtype != np.float64 or array.shape != shape:
        raise InputError(f"its array '{name}' is missing, or not of the shape {shape}")
    if not np.isfinite(array).all() or (array < at_least).any():
        raise InputError(f"its array '{name}' holds numbers that cannot be")
    return array
