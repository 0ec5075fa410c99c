"""Columns that may not be what they are taken for: texts that name patients, a target that counts the rows.

A text is suspected to name groups of rows, such as those of a patient, if each of its values stands in a few rows only and
they all have the same target, which chance would hardly do. A model then learns the groups by heart, and does well in a test
whose rows are of the same groups, whatever the other columns hold.
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
    table: Table, found: ColumnKinds, wanted: Target, groups_known: bool
) -> list[str]:
    """What to say about such columns, a line each.

    Parameters
    ----------
    table : Table
    found : Kinds
        What its columns hold.
    wanted : Target
    groups_known : bool
        Whether the user said which rows belong together: then no more is said about groups.
    """
    lines = row_counter_warning(wanted)
    if groups_known:
        return lines
    texts = [name for name in found.left_out if table.texts.get(name)]
    for name in [*found.categories, *texts]:
        sizes = group_sizes(table.words(name), wanted.values)
        if sizes is not None:
            lines.append(group_warning(name, sizes, wanted, name in found.categories))
    return lines


def group_warning(name: str, sizes: np.ndarray, wanted: Target, learned: bool) -> str:
    """The line about a column of groups of so many rows."""
    shown = single_line(name)
    low, high = int(sizes.min()), int(sizes.max())
    rows = f"{low} rows" if low == high else f"{low} to {high} rows"
    drop = f"; or leave it out: --drop '{shown}'" if learned else ""
    return (
        f"warning: '{shown}' looks like a group of rows, such as a patient: each of its {len(sizes)} values stands in "
        f"{rows}, always with the same '{wanted.name}'. Keep the rows of each together, or the test may be far too good: "
        f"--groups '{shown}'{drop}"
    )


def group_sizes(words: Iterable[str], target: np.ndarray) -> np.ndarray | None:
    """How many rows each value has, if the values look like groups; None if not."""
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


def row_counter_warning(wanted: Target) -> list[str]:
    """A line about a target that is another whole number in every row, without a gap between them."""
    values = wanted.values
    if wanted.task != "regression" or values.ndim > 1 or len(values) < FEW_TABLE_ROWS:
        return []
    low, high = values.min(), values.max()
    if (
        low != np.floor(low)
        or high - low != len(values) - 1
        or not np.array_equal(np.sort(values), np.arange(low, high + 1))
    ):
        return []
    return [
        f"warning: the target '{wanted.name}' is each whole number from {low:.0f} to {high:.0f} once, as if it named "
        "or counted the rows: is another column to be learned?"
    ]
