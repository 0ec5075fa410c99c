"""Columns of a table in blocks of rows, and their targets, standardised: two passes for means and spreads, and one to do it.

In memory `estimators.standardise` does the same; a clip of the columns comes before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.distributed.block_sum import add_up, tree_sum
from twolayer.distributed.row_blocks import RowBlock, RowBlocks
from twolayer.distributed.table_rows import TableRows
from twolayer.estimators.fit_plan import LearningTask
from twolayer.estimators.standardise import CenteredColumns, Scaling, check_column_sizes
from twolayer.estimators.training_rows import TrainingRows
from twolayer.maths.problem import checked_targets
from twolayer.maths.smooth_clip import InputClip
from twolayer.training.table_home import TableHome

ROWS_PER_PART = 1 << 14  # of a block, that are float64 at a time


@dataclass(frozen=True, eq=False)
class ColumnSteps:
    """What is done to the columns of a block: clipped if they are, centred, and divided by their spread.

    Attributes
    ----------
    clip : InputClip or None
    unclipped : ndarray of bool, shape (n_inputs,), or None
        Constant columns, which are 0 where the others are clipped.
    centered : CenteredColumns or None
        None before the means are known.
    spread : ndarray, shape (n_inputs,), or None
        Of the centred columns; None before it is known.
    """

    clip: InputClip | None = None
    unclipped: np.ndarray | None = None
    centered: CenteredColumns | None = None
    spread: np.ndarray | None = None

    def columns(self, x: np.ndarray) -> np.ndarray:
        """Return rows after these steps, as float64."""
        if self.clip is not None:
            x = self.clip.columns(x)
            if self.unclipped is not None:
                x[:, self.unclipped] = 0
        z = x.astype(np.float64) if self.centered is None else self.centered.columns(x)
        if self.spread is not None:
            z /= self.spread
        return z


@dataclass(frozen=True, eq=False)
class TargetSteps:
    """What is done to the targets: class numbers become columns, labels are smoothed, numbers are standardised."""

    task: LearningTask
    steps: ColumnSteps | None = None

    def targets(self, y: np.ndarray) -> np.ndarray:
        """Return the targets of training, (n_rows, n_outputs)."""
        y = self.task.smoothed(y) if self.steps is None else self.steps.columns(y)
        task = self.task
        return checked_targets(y, len(y), task.n_outputs, task.loss, np.float64)


@dataclass(frozen=True, eq=False)
class Moments:
    """Means and ranges of columns.

    Attributes
    ----------
    total : float
        The weight of all rows.
    mean, least, largest : ndarray, shape (n_columns,)
    """

    total: float
    mean: np.ndarray
    least: np.ndarray
    largest: np.ndarray


def table_moments(table: TableRows, steps: ColumnSteps, name: str) -> Moments:
    """Return the moments of the columns ("x"), or of the targets ("y"), after these steps."""
    with np.errstate(over="ignore", invalid="ignore"):
        parts = table.workers.each(block_moments, table.blocks, steps, name)
        total, sums = tree_sum([part[0] for part in parts], add_up)
        least = np.min([part[1] for part in parts], axis=0)
        largest = np.max([part[2] for part in parts], axis=0)
        return Moments(float(total), sums / total, least, largest)


def table_scaling(
    table: TableRows, moments: Moments, steps: ColumnSteps, name: str
) -> tuple[ColumnSteps, Scaling]:
    """Return the steps that end with standardised columns ("x"), or targets ("y"), and the scaling.

    Raises
    ------
    InputError
        If the values of a column are too large or too small.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        centered = CenteredColumns.of_extremes(moments.mean, moments.least, moments.largest)
        half = ColumnSteps(steps.clip, steps.unclipped, centered)
        squares = table.workers.sum(block_squares, table.blocks, half, name)
        scaling, spread = centered.scaling(squares / moments.total)
    check_column_sizes(scaling.mean, scaling.scale, name.upper() if name == "x" else name)
    return ColumnSteps(steps.clip, steps.unclipped, centered, spread), scaling


def standardised_rows(
    table: TableRows, steps: ColumnSteps, targets: TargetSteps, home: TableHome | None
) -> RowBlocks:
    """Return the rows as they are trained on, kept where they are."""
    n_bytes = 8 * table.n_rows * table.n_inputs
    blocks = table.workers.keep(standardised_block, table.blocks, steps, targets, n_bytes=n_bytes)
    return RowBlocks(blocks, table.workers, table.shape, home=home)


def array_parts(rows: TrainingRows, name: str) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the columns, or targets, and the weights of some rows after others."""
    array = getattr(rows, name)
    for start in range(0, rows.n_rows, ROWS_PER_PART):
        part = array[start : start + ROWS_PER_PART]
        s = None if rows.s is None else rows.s[start : start + ROWS_PER_PART]
        yield part, np.ones(len(part)) if s is None else s


def block_moments(rows: TrainingRows, steps: ColumnSteps, name: str) -> tuple[Any, ...]:
    """Return (weight, weighted sums of the columns), their least and their largest values."""
    sums, least, largest = [], [], []
    with np.errstate(over="ignore", invalid="ignore"):
        for part, s in array_parts(rows, name):
            x = steps.columns(part)
            sums.append((s.sum(), s @ x))
            least.append(x.min(axis=0))
            largest.append(x.max(axis=0))
        return add_up(sums), np.min(least, axis=0), np.max(largest, axis=0)


def block_squares(rows: TrainingRows, steps: ColumnSteps, name: str) -> np.ndarray:
    """Return the weighted sums of squares of the columns after these steps."""
    with np.errstate(over="ignore", invalid="ignore"):
        parts = []
        for part, s in array_parts(rows, name):
            z = steps.columns(part)
            parts.append(np.einsum("i,ij,ij->j", s, z, z))
        return add_up(parts)


def standardised_block(rows: TrainingRows, steps: ColumnSteps, targets: TargetSteps) -> RowBlock:
    """Return the rows of a block as they are trained on."""
    return RowBlock(steps.columns(rows.x), targets.targets(rows.y), rows.s)
