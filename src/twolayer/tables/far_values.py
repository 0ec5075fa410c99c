"""Targets, and values of inputs, far from all others of their columns: one such row rules training, or its scores.

As errors are squared, a far target outweighs all others. A far input rules the mean and spread of its column, and what a
model says of its row, the linear one's first.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from twolayer.tables.table import Table
from twolayer.text import first_names, single_line

FEWEST_TARGET_ROWS = 8
FAR_TARGET = 10.0  # interquartile ranges beyond a quartile, and times as far as any other row
MOST_FAR_SHARE = 0.05  # of the rows: more are no exceptions
RULING_SHARE = 0.5  # of the sum of squares about the median
MAX_NAMED = 3
FAR_DEVIATION = (
    4.0  # standard deviations, which a far value exceeds: others are not looked at closely
)


def far_target_warnings(
    table: Table,
    names: Sequence[str],
    y: np.ndarray,
    ids: Sequence[str] = (),
    weights: np.ndarray | None = None,
) -> list[str]:
    """Return a line for each target that is far from all others in some rows, and makes up most of its variance there.

    Parameters
    ----------
    table : Table
    names : names
        The targets.
    y : ndarray, shape (n_rows,) or (n_rows, n_outputs)
        Numbers.
    ids : names
        Columns that name the rows.
    weights : ndarray, shape (n_rows,), or None
        Rows of weight 0 do not count.
    """
    counted = np.arange(len(y)) if weights is None else np.flatnonzero(weights)
    lines = []
    for name, column in zip(names, y.reshape(len(y), -1).T, strict=True):
        rows = counted[far_rows(column[counted])]
        if len(rows):
            others = column[np.setdiff1d(counted, rows)]
            places = [f"{column[row]:.6g} in {row_name(table, ids, row)}" for row in rows.tolist()]
            lines.append(
                f"warning: the target '{single_line(name)}' is {first_names(places, MAX_NAMED, quote='')}, far from all "
                f"others ({others.min():.4g} to {others.max():.4g}): by squared errors that outweighs all other rows, in "
                "training and in the scores. If it is a mistake, correct it or leave it out"
            )
    return lines


def far_input_warnings(table: Table, names: Sequence[str], ids: Sequence[str] = ()) -> list[str]:
    """Return a line that names the values of inputs that are far from all others of their columns; none if there are none.

    Parameters
    ----------
    table : Table
    names : names
        Columns of numbers.
    ids : names
        Columns that name the rows.
    """
    if table.sparse or not names or table.n_rows < FEWEST_TARGET_ROWS:
        return []
    x, found = table.columns(names), []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore", RuntimeWarning)  # of columns without a value
        deviation = np.nanmax(np.abs(x - np.nanmean(x, axis=0)), axis=0) / np.nanstd(x, axis=0)
    for j in np.flatnonzero(deviation > FAR_DEVIATION).tolist():
        known = np.flatnonzero(np.isfinite(x[:, j]))
        rows = known[far_rows(x[known, j])]
        if len(rows):
            others = x[np.setdiff1d(known, rows), j]
            far = first_names(
                [f"{x[row, j]:.6g} in {row_name(table, ids, row)}" for row in rows.tolist()],
                1,
                quote="",
            )
            found.append(
                f"'{single_line(names[j])}' is {far} ({others.min():.4g} to {others.max():.4g} elsewhere)"
            )
    if not found:
        return []
    return [
        f"warning: {first_names(found, MAX_NAMED, quote='')}: far from all others of the column, it rules the column's "
        "scale, and what a linear model says of that row. If it is a mistake, correct it or leave it out"
    ]


def far_rows(y: np.ndarray) -> np.ndarray:
    """Return the rows, the farthest first, whose values are far from all others, by quartiles, and rule the sum of squares.

    Examples
    --------
    >>> import numpy as np
    >>> far_rows(np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 1000]))
    array([9])
    """
    none = np.zeros(0, dtype=int)
    if len(y) < FEWEST_TARGET_ROWS:
        return none
    low, middle, high = np.percentile(y, [25, 50, 75])
    beyond = np.maximum(low - y, y - high).clip(0)
    order = np.argsort(-beyond, kind="stable")
    squares = np.square((y - middle) / max(np.abs(y - middle).max(), np.finfo(float).tiny))
    for count in range(1, max(1, int(MOST_FAR_SHARE * len(y))) + 1):
        usual = max(high - low, beyond[order[count]])
        far = order[:count]
        if 0 < FAR_TARGET * usual < beyond[far[-1]]:
            return far if squares[far].sum() > RULING_SHARE * squares.sum() else none
    return none


def row_name(table: Table, ids: Sequence[str], row: int) -> str:
    """Return the name of a row, where the file has one, or else its line or number."""
    name = next((name for name in ids if name in table.texts), None)
    return table.where(row) if name is None else f"row '{single_line(table.texts[name][row])}'"
