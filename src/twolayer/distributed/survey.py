"""One pass over the blocks of a table before it is learned from: every value is checked, rows are counted and sampled.

Each block is split into rows of training and of the test by random numbers of its own, so that a block gives the same
rows whenever and wherever it is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twolayer.distributed.blocks import (
    NUMERIC,
    TEXT,
    Block,
    FileTable,
    Piece,
    number_columns,
    text_column,
)
from twolayer.distributed.ordered_results import results_in_order
from twolayer.errors import InputError
from twolayer.tables.table import LARGEST_INPUT, parse_number
from twolayer.text import first_names

MAX_DISTINCT = 1000  # values of a target that are counted by name


@dataclass(frozen=True)
class BlockPlan:
    """What is read of every block, and how it is split.

    Attributes
    ----------
    table : FileTable
    inputs, targets : list of str
    weights : str or None
        A column of row weights.
    textual : bool
        Whether the target is read as text.
    test_size : float
        The share of the rows kept for the test.
    seed : int
    """

    table: FileTable
    inputs: list[str]
    targets: list[str]
    weights: str | None
    textual: bool
    test_size: float
    seed: int

    @property
    def columns(self) -> dict[str, str]:
        """The columns that are read, and as what."""
        kinds = dict.fromkeys(self.inputs, NUMERIC)
        kinds |= dict.fromkeys(self.targets, TEXT if self.textual else NUMERIC)
        return kinds if self.weights is None else {**kinds, self.weights: NUMERIC}


@dataclass(frozen=True, eq=False)
class BlockRows:
    """Some rows of a block.

    Attributes
    ----------
    x : ndarray, shape (n_rows, n_inputs)
    y : ndarray of float, or of text, shape (n_rows, n_targets)
    weights : ndarray, shape (n_rows,), or None
    """

    x: np.ndarray
    y: np.ndarray
    weights: np.ndarray | None

    def take(self, rows: np.ndarray) -> BlockRows:
        """Return these rows."""
        weights = None if self.weights is None else self.weights[rows]
        return replace(self, x=self.x[rows], y=self.y[rows], weights=weights)


@dataclass(frozen=True, eq=False)
class BlockSurvey:
    """What one block holds.

    Attributes
    ----------
    n_train, n_test : int
    train, test : BlockRows
        A sample of each.
    distinct : set
        The values of a single target, at most MAX_DISTINCT + 1 of them.
    all_numbers : bool
        Whether all values of the target are numbers.
    """

    n_train: int
    n_test: int
    train: BlockRows
    test: BlockRows
    distinct: frozenset[Any]
    all_numbers: bool


def reads_as_text(table: FileTable, targets: Sequence[str]) -> bool:
    """Return whether the target may be other than numbers, as far as the files tell before they are read."""
    return any(table.kinds[name] != NUMERIC for name in targets)


def read_rows(block: Block, plan: BlockPlan) -> BlockRows:
    """Return all rows of a block, checked.

    Raises
    ------
    InputError
        If a value is missing, not finite, or no number where one is needed; the message names the file and the row.
    """
    parts = [read_piece(piece, plan) for piece in block]
    weights = None if plan.weights is None else np.concatenate([one.weights for one in parts])  # type: ignore[misc]
    return BlockRows(
        np.concatenate([one.x for one in parts]), np.concatenate([one.y for one in parts]), weights
    )


def read_piece(piece: Piece, plan: BlockPlan) -> BlockRows:
    """Return the rows of a piece, checked."""
    table = plan.table.read(piece, plan.columns)
    x = number_columns(table, plan.inputs, plan.table.dtype)
    check_numbers(x, plan.inputs, piece, plan.table)
    if plan.textual:
        y = np.stack([text_column(table, name) for name in plan.targets], axis=1)
        check_words(y, plan.targets, piece, plan.table)
    else:
        y = number_columns(table, plan.targets, "float64")
        check_numbers(y, plan.targets, piece, plan.table, ", which is the target")
    if plan.weights is None:
        return BlockRows(x, y, None)
    weights = number_columns(table, [plan.weights], "float64")
    check_numbers(weights, [plan.weights], piece, plan.table, ", which holds the weights")
    if (weights < 0).any():
        where = row_place(piece, int(np.argmax(weights < 0)), plan.table)
        raise InputError(
            f"{piece.path}: {where} has a negative weight in column '{plan.weights}': weights are at least 0"
        )
    return BlockRows(x, y, weights[:, 0])


def check_numbers(
    x: np.ndarray, names: Sequence[str], piece: Piece, table: FileTable, role: str = ""
) -> None:
    """Raise InputError if a value is missing, infinite, or too large to compute with; it names the file, row and column."""
    bad = ~(np.abs(x) <= min(LARGEST_INPUT, float(np.finfo(x.dtype).max)))  # true for NaN
    if not bad.any():
        return
    row, column = np.argwhere(bad)[0].tolist()
    value, count = x[row, column], int(bad.sum())
    content = "no value" if np.isnan(value) else f"{value:g}, which is too large to compute with,"
    columns = [names[j] for j in np.flatnonzero(bad.any(0)).tolist()]
    others = f" ({count} such values in this block, in {first_names(columns)})" * (count > 1)
    raise InputError(
        f"{piece.path}: {row_place(piece, row, table)} has {content} in column '{names[column]}'{role}{others}: fill it in, "
        "or leave out that row or column"
    )


def check_words(words: np.ndarray, names: Sequence[str], piece: Piece, table: FileTable) -> None:
    """Raise InputError if a target has no value in some row."""
    empty = words == ""
    if empty.any():
        row, column = np.argwhere(empty)[0].tolist()
        raise InputError(
            f"{piece.path}: {row_place(piece, row, table)} has no value in column '{names[column]}', which is the target: "
            "fill it in, or leave out that row"
        )


def row_place(piece: Piece, row: int, table: FileTable) -> str:
    """Return where a row of a piece is in its file: its number, or about where in a text file."""
    if piece.n_rows is not None:
        return f"row {piece.first_row + row + 1:,}"
    if table.first_line is not None:
        return f"line {table.first_line(piece) + row:,}"
    return f"row {row + 1:,} of its part"


def split_mask(n_rows: int, index: int, plan: BlockPlan) -> np.ndarray:
    """Return which rows of the block of that number are kept for the test, shape (n_rows,)."""
    random = np.random.default_rng([plan.seed, index])
    count = int(plan.test_size * n_rows + random.random())
    mask = np.zeros(n_rows, dtype=bool)
    mask[random.permutation(n_rows)[:count]] = True
    return mask


def survey_block(block: Block, index: int, plan: BlockPlan, room: int) -> BlockSurvey:
    """Return what a block holds, with a sample of at most `room` rows of training, and of the test."""
    rows = read_rows(block, plan)
    mask = split_mask(len(rows.x), index, plan)
    train, test = np.flatnonzero(~mask), np.flatnonzero(mask)
    random = np.random.default_rng([plan.seed, index, 1])
    chosen, checked = (
        rows.take(np.sort(random.choice(part, min(room, len(part)), replace=False)))
        for part in (train, test)
    )
    return BlockSurvey(
        len(train), len(test), chosen, checked, *distinct_values(rows.y, plan.textual)
    )


def distinct_values(y: np.ndarray, textual: bool) -> tuple[frozenset[Any], bool]:
    """Return the values of the targets, at most MAX_DISTINCT + 1 of them, and whether all are numbers."""
    values = np.unique(y.astype(str) if textual else y)
    all_numbers = not textual or all(parse_number(word) is not None for word in values.tolist())
    return frozenset(values[: MAX_DISTINCT + 1].tolist()), all_numbers


def survey_blocks(
    client: Any, plan: BlockPlan, room: int, progress: Callable[[int, int], None]
) -> Iterator[BlockSurvey]:
    """Yield what each block holds, in their order, read by the workers of the client.

    Raises
    ------
    InputError, FileError
        Of the first block with something wrong.
    """
    import dask

    survey, shared = dask.delayed(survey_block), dask.delayed(plan, traverse=False)
    blocks = enumerate(plan.table.blocks)
    tasks = [
        survey(dask.delayed(block, traverse=False), index, shared, room) for index, block in blocks
    ]
    yield from results_in_order(client, tasks, progress)
