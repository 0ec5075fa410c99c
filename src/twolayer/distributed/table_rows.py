"""The rows of an estimator's training in blocks: checked and encoded where they are, and some of them taken from there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.distributed.block_sum import Workers
from twolayer.errors import InputError
from twolayer.estimators.input_checks import check_target
from twolayer.estimators.training_rows import (
    TrainingRows,
    are_observations,
    fingerprint_array,
)

MOST_ORDERED_ROWS = 1_000_000  # larger tables keep their own order, as the fingerprints of all rows go to the caller


@dataclass(frozen=True, eq=False)
class RowOrder:
    """Rows in an order that follows from their content, each once.

    Attributes
    ----------
    rows : ndarray of int, shape (n_kinds,)
        Their numbers.
    place : ndarray of int, shape (n_rows,)
        The place of every row of the table among them.
    s : ndarray, shape (n_kinds,), or None
        The weight of all rows that are the same.
    """

    rows: np.ndarray
    place: np.ndarray
    s: np.ndarray | None


@dataclass(eq=False)
class TableRows:
    """Checked rows in the user's own units, as the workers keep them.

    Attributes
    ----------
    blocks : sequence
        Of TrainingRows.
    sizes : ndarray of int, shape (n_blocks,)
        The rows of each; none is empty.
    n_inputs : int
    workers : Workers
    has_groups : bool
    """

    blocks: Sequence[Any]
    sizes: np.ndarray
    n_inputs: int
    workers: Workers
    has_groups: bool = False
    x = None  # not here

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.sizes.sum()), self.n_inputs

    @property
    def n_rows(self) -> int:
        return self.shape[0]

    @cached_property
    def order(self) -> RowOrder:
        """The rows as `TrainingRows.distinct` puts them in order; those of a very large table in the table's own."""
        if self.n_rows > MOST_ORDERED_ROWS:
            own = np.arange(self.n_rows)
            return RowOrder(own, own, None)
        prints = np.concatenate(self.workers.each(block_fingerprints, self.blocks, True))
        _, first, place = np.unique(prints, return_index=True, return_inverse=True)
        if len(first) == self.n_rows:
            return RowOrder(first, place, None)
        columns = np.concatenate(self.workers.each(block_fingerprints, self.blocks, False))
        if are_observations(columns, first):
            rows = np.argsort(place, kind="stable")
            return RowOrder(rows, np.argsort(rows), None)
        s = np.concatenate(self.workers.each(block_weights, self.blocks))
        return RowOrder(first, place, np.bincount(place, weights=s))

    def take(self, numbers: np.ndarray) -> TrainingRows:
        """Return the rows of these places in `order`, in memory, as float64."""
        rows = self.order.rows[numbers]
        sorting = np.argsort(rows, kind="stable")
        found = self.take_sorted(rows[sorting])
        back = found.subset(np.argsort(sorting))
        if self.order.s is None:
            return back
        s = self.order.s[numbers]
        return TrainingRows(back.x, back.y, None if (self.order.s == 1).all() else s, back.groups)

    def take_sorted(self, rows: np.ndarray) -> TrainingRows:
        """Return the rows of these numbers in the table, which rise, in memory, as float64."""
        ends = np.cumsum(self.sizes)
        cuts = np.searchsorted(rows, ends)
        pairs = [
            (block, part - (end - size))
            for block, part, end, size in zip(
                self.blocks, np.split(rows, cuts[:-1]), ends, self.sizes, strict=True
            )
            if len(part)
        ]
        parts = self.workers.each(rows_of_block, pairs) if pairs else []
        if not parts:
            raise InputError("no row is left to train on")
        s, groups = (
            None if one[0] is None else np.concatenate(one)
            for one in ([part.s for part in parts], [part.groups for part in parts])
        )
        x, y = (np.concatenate([getattr(part, name) for part in parts]) for name in "xy")
        return TrainingRows(x, y, s, groups)

    def targets_in_order(self) -> np.ndarray:
        """Return the class number of each row of `order`; of numbers and labels only the shape counts, (n_kinds, 1)."""
        numbers = self.workers.each(block_class_numbers, self.blocks)
        if numbers[0] is None:
            return np.empty((len(self.order.rows), 1))
        return np.concatenate(numbers)[self.order.rows]

    def groups_in_order(self) -> np.ndarray | None:
        """Return the group of each row of `order`, or None."""
        if not self.has_groups:
            return None
        return np.concatenate(self.workers.each(block_groups, self.blocks))[self.order.rows]

    def part(self, mask: np.ndarray) -> TableRows:
        """Return the rows where the mask, bool of shape (n_rows,), is True."""
        masks = np.split(mask, np.cumsum(self.sizes)[:-1])
        pairs = [(block, own) for block, own in zip(self.blocks, masks, strict=True) if own.any()]
        sizes = np.array([own.sum() for _, own in pairs])
        blocks = self.workers.keep(masked_rows, pairs)
        return TableRows(blocks, sizes, self.n_inputs, self.workers, self.has_groups)


@dataclass(frozen=True, eq=False)
class RowReader:
    """What turns a block of the user's arrays into checked rows.

    Attributes
    ----------
    model : estimator
        It knows the classes, or the loss.
    names : list or None
        Of the columns.
    what : str
        Where a block is, for errors: "" or the words for rows of validation.
    classifies : bool
    """

    model: Any
    names: list[Any] | None
    what: str
    classifies: bool

    def rows(self, block: Any) -> TrainingRows:
        """Return the rows of (x, y, s, groups, number of the first row, number of the block) that count."""
        x, y, s, groups, first, number = block
        with named_block(number, first, self.what):
            given = SimpleNamespace(columns=self.names) if self.names else None
            x = checks.finite_array(checks.floats(np.asarray(x), "X"), "X", None, given)
            y = target_array(y, not self.classifies)
            if len(y) != len(x):
                raise InputError(f"X has {len(x)} rows and y has {len(y)}")
            rows = TrainingRows(x, y, s, groups).counted()
            return self.model._read_known(rows)


@contextmanager
def named_block(number: int, first: int, what: str = "") -> Iterator[None]:
    """Say of an error within it in which block of the table it is; `what` comes before."""
    try:
        yield
    except ValueError as error:
        raise InputError(
            f"{what}in block {number} (counted from 0), whose row 0 is row {first} of the table: {error}"
        ) from None


def target_array(y: Any, numbers: bool) -> np.ndarray:
    """Return the targets of a block, (n_rows,) or (n_rows, n_columns); raise InputError if one is missing."""
    y = np.asarray(y)
    y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
    check_target(y, numbers)
    if y.dtype.kind in "OUST":
        return y.astype(np.float64) if numbers else y
    if numbers or y.dtype.kind == "f":
        y = checks.finite_array(checks.floats(y, "y"), "y", np.float64)
    return y


def read_table_rows(
    parts: Sequence[tuple[Any, ...]],
    reader: RowReader,
    n_inputs: int,
    workers: Workers,
    n_bytes: int,
) -> TableRows:
    """Return the checked rows that count, kept where they were read.

    Parameters
    ----------
    parts : list of (x, y, s, groups, number of the first row, number of the block)
        Of each block; s and groups may be None.
    n_bytes : int
        Of the table.
    """
    blocks = workers.keep(read_block, parts, reader, n_bytes=n_bytes)
    sizes = np.array(workers.each(block_size, blocks))
    if not sizes.any():
        raise InputError(
            "sample_weight is zero in every row: give at least one row a weight above 0"
        )
    kept = blocks
    if not sizes.all():
        kept = [block for block, size in zip(blocks, sizes, strict=True) if size]
    return TableRows(kept, sizes[sizes > 0], n_inputs, workers, parts[0][3] is not None)


def read_block(block: Any, reader: RowReader) -> TrainingRows:
    """Return the checked rows of a block."""
    return reader.rows(block)


def block_size(rows: TrainingRows) -> int:
    """Return the number of rows."""
    return rows.n_rows


def block_fingerprints(rows: TrainingRows, with_targets: bool) -> np.ndarray:
    """Return the fingerprint of each row."""
    x = np.ascontiguousarray(rows.x, dtype=np.float64)
    return fingerprint_array(x, rows.y if with_targets else None)


def block_weights(rows: TrainingRows) -> np.ndarray:
    """Return the weight of each row."""
    return np.ones(rows.n_rows) if rows.s is None else rows.s


def block_class_numbers(rows: TrainingRows) -> np.ndarray | None:
    """Return the class number of each row; None if the targets are numbers, or several labels."""
    return rows.y if rows.y.ndim == 1 else None


def block_groups(rows: TrainingRows) -> np.ndarray:
    """Return the group of each row."""
    assert rows.groups is not None
    return rows.groups


def rows_of_block(pair: tuple[TrainingRows, np.ndarray]) -> TrainingRows:
    """Return some rows of a block, as float64."""
    rows = pair[0].subset(pair[1])
    return TrainingRows(rows.x.astype(np.float64), rows.y, rows.s, rows.groups)


def masked_rows(pair: tuple[TrainingRows, np.ndarray]) -> TrainingRows:
    """Return the rows of a block where the mask is True."""
    return pair[0].subset(pair[1])
