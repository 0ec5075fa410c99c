"""Warnings of leakage: texts that name groups of rows, such as patients, and a target that counts the rows.

A text is suspected to name groups if each of its values appears in a few rows only and these all have the same target, which
is improbable by chance. A model then learns the groups by heart, and does well in a test whose rows are of the same groups,
whatever the other columns hold.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from twolayer.tables.column_kinds import FEW_TABLE_ROWS, ColumnKinds
from twolayer.tables.table import Table, is_missing
from twolayer.tables.target import Target
from twolayer.text import single_line

MAX_CHECKED_ROWS = 10  # of one group
FEWEST_SUSPECT_GROUPS = 5
CHANCE_LEVEL = (
    0.001  # probability that rows shuffled among the groups would agree so in their target
)


def leakage_warnings(
    table: Table, kinds: ColumnKinds, target: Target, groups_known: bool
) -> list[str]:
    """Return a line about each such column.

    Parameters
    ----------
    table : Table
    kinds : ColumnKinds
        What its columns hold.
    target : Target
    groups_known : bool
        Whether the user named the column of groups; then no other column is suspected.
    """
    lines = row_counter_warning(target)
    if groups_known:
        return lines
    texts = [name for name in kinds.left_out if table.texts.get(name)]
    for name in [*kinds.categories, *texts]:
        sizes = group_sizes(table.words(name), target.values)
        if sizes is not None:
            lines.append(group_warning(name, sizes, target, name in kinds.categories))
    return lines


def group_warning(name: str, sizes: np.ndarray, target: Target, learned: bool) -> str:
    """Return the line about a column of groups of these sizes."""
    shown = single_line(name)
    low, high = int(sizes.min()), int(sizes.max())
    rows = f"{low} rows" if low == high else f"{low} to {high} rows"
    drop = f"; or leave it out: --drop '{shown}'" if learned else ""
    return (
        f"warning: '{shown}' looks like a group of rows, such as a patient: each of its {len(sizes)} values stands in "
        f"{rows}, always with the same '{target.name}'. Keep the rows of each group together, or the test score may be far "
        f"too good: --groups '{shown}'{drop}"
    )


def group_sizes(words: Iterable[str], target: np.ndarray) -> np.ndarray | None:
    """Return how many rows each value has, if the values look like groups; None if not."""
    there = np.array([not is_missing(word) for word in words])
    names, group, sizes = np.unique(
        np.array(list(words))[there], return_inverse=True, return_counts=True
    )
    if (
        len(names) < FEWEST_SUSPECT_GROUPS
        or sizes.max() > MAX_CHECKED_ROWS
        or 2 * len(names) > len(group)
    ):
        return None
    rows = target[there].reshape(len(group), -1)
    _, value, count = np.unique(rows, axis=0, return_inverse=True, return_counts=True)
    value = value.reshape(-1)
    first = np.zeros(len(names), dtype=np.int64)
    first[group] = value
    if (first[group] != value).any():
        return None
    alike = float(np.sum((count / len(group)) ** 2))  # the chance that two rows agree
    by_chance = (len(group) - len(names)) * np.log(alike)
    return sizes if by_chance < np.log(CHANCE_LEVEL) else None


def row_counter_warning(target: Target) -> list[str]:
    """Return a line about a target that is a different whole number in every row, without a gap between them."""
    values = target.values
    if target.task != "regression" or values.ndim > 1 or len(values) < FEW_TABLE_ROWS:
        return []
    low, high = values.min(), values.max()
    if (
        low != np.floor(low)
        or high - low != len(values) - 1
        or not np.array_equal(np.sort(values), np.arange(low, high + 1))
    ):
        return []
    return [
        f"warning: the target '{target.name}' is each whole number from {low:.0f} to {high:.0f} once, as if it named "
        "or counted the rows: is another column the target?"
    ]
