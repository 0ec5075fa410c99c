"""Warnings of leakage: columns that name groups of rows or tell the target, repeated rows, a target that counts the rows.

A column is suspected to name groups, such as patients, if its values are texts or whole numbers that each stand in some rows
and always with the same target, which is improbable by chance. A model then learns the groups by heart, and does well in a
test whose rows are of the same groups, whatever the other columns hold. Rows that stand several times have the same effect.
"""

from __future__ import annotations

import re

import numpy as np

from twolayer.checks import is_sparse
from twolayer.errors import InputError
from twolayer.tables.column_kinds import FEW_TABLE_ROWS, ColumnKinds
from twolayer.tables.repeated_samples import repeated_sample_warnings
from twolayer.tables.table import Table, is_missing
from twolayer.tables.target import Target
from twolayer.text import first_names, single_line

MAX_MEAN_ROWS = 50  # of one group
FEWEST_SUSPECT_GROUPS = 5
MOST_TELLING_VALUES = 10
LEAST_REPEATS = 0.05  # of the rows: fewer repeated rows may be chance
ORDERED_SHARE = 0.5  # of the changes of target that a random order of the groups would have
MONOTONE = 0.8  # rank correlation from which numbers are a measurement rather than names
CHANCE_LEVEL = (
    0.001  # probability that rows shuffled among the groups would agree so in their target
)
GROUP_NAME = re.compile(
    r"(^|[^a-z])(id|no|nr|num|number|patient|subject|participant|person|donor|animal|mouse|rat|case|proband|sample|specimen"
    r"|batch|plate|run|site|cent(er|re)|hospital|scanner|instrument|family|litter|cage|cluster|group|slide|array)s?"
    r"($|[^a-z])"
)


def leakage_warnings(
    table: Table,
    kinds: ColumnKinds,
    target: Target,
    grouped_by: str | None = None,
    groups: np.ndarray | None = None,
) -> list[str]:
    """Return a line about each such thing.

    Parameters
    ----------
    table : Table
    kinds : ColumnKinds
        What its columns hold.
    target : Target
    grouped_by : str or None
        The column of groups that the user named; then no other column is suspected to name groups.
    groups : ndarray of str, shape (n_rows,), or None
        Its values.

    Raises
    ------
    InputError
        If the groups are the classes of the target.
    """
    codes = target_codes(target)
    if grouped_by is not None and groups is not None:
        check_groups_differ(grouped_by, groups, target)
    repeats = repeated_rows_warning(table, kinds, groups)
    lines = [*row_counter_warning(target), *repeats]
    texts = [name for name in kinds.left_out if table.texts.get(name)]
    for name in [*kinds.categories, *texts, *kinds.booleans, *kinds.numbers]:
        learned = name not in texts
        group = value_numbers(table, name, learned and name in kinds.numbers)
        if group is None:
            continue
        sizes = None if groups is not None else group_sizes(group, codes)
        is_number = name in kinds.numbers
        if sizes is not None and not (is_number and is_measurement(table, name, codes)):
            lines.append(group_warning(name, sizes, target))
            repeats = lines
        elif learned and tells_target(group, codes):
            lines.append(telling_warning(name, target))
    return lines if repeats else [*repeated_sample_warnings(table, kinds, codes, groups), *lines]


def target_codes(target: Target) -> np.ndarray:
    """Return a number for each row: the same for the same values of all targets."""
    rows = np.asarray(target.values).reshape(len(target.values), -1)
    return np.unique(rows, axis=0, return_inverse=True)[1].reshape(-1)


def value_numbers(table: Table, name: str, numeric: bool) -> np.ndarray | None:
    """Return the number of each row's value, -1 where it is missing; None for numbers that are not whole."""
    if numeric and is_sparse(table.numbers):
        return None
    if numeric:
        values = table.numbers[:, table.names.index(name)]
        there = np.isfinite(values)
        if not there.any() or (values[there] != np.floor(values[there])).any():
            return None
    else:
        words = list(table.words(name))
        there = np.array([not is_missing(word) for word in words])
        values = np.array(words)
    numbers = np.full(len(values), -1)
    if there.any():
        numbers[there] = np.unique(values[there], return_inverse=True)[1]
    return numbers


def check_groups_differ(name: str, groups: np.ndarray, target: Target) -> None:
    """Raise InputError if each class of the target stands in one group only, and each group has one class."""
    if target.task != "classification" or np.ndim(target.values) > 1:
        return
    pairs = {(str(group), str(value)) for group, value in zip(groups, target.values, strict=True)}
    kinds, classes = {group for group, _ in pairs}, {value for _, value in pairs}
    if len(pairs) == len(kinds) == len(classes) and len(groups) >= 4 * len(kinds):
        shown = first_names([f"{group}: {value}" for group, value in sorted(pairs)], quote="")
        raise InputError(
            f"the groups '{name}' and the target '{target.name}' are the same rows ({shown}): what tells the classes apart "
            f"may be '{name}', and no group can be left out. With such a table nothing can be learned about the target"
        )


def repeated_rows_warning(table: Table, kinds: ColumnKinds, groups: np.ndarray | None) -> list[str]:
    """Return a line if rows stand several times, in the same columns to learn from, and not within one group."""
    if is_sparse(table.numbers):
        return []
    learned = [*kinds.numbers, *kinds.booleans, *kinds.categories]
    parts = [value_columns(table, [name for name in learned if name not in table.texts])]
    parts += [np.array(list(table.words(name)))[:, None] for name in learned if name in table.texts]
    rows: dict[bytes, set[str]] = {}
    count = 0
    for k, row in enumerate(zip(*parts, strict=True)):
        key = b"|".join(part.tobytes() for part in row)
        own = "" if groups is None else str(groups[k])
        homes = rows.setdefault(key, set())
        count += bool(homes) and (groups is None or homes != {own})
        homes.add(own)
    different = sum(np.log(len(np.unique(column))) for part in parts for column in part.T)
    by_chance = different < np.log(10 * table.n_rows)  # as in a table of a few categories
    if by_chance or count < max(2, LEAST_REPEATS * table.n_rows):
        return []
    return [
        f"warning: {count} of {table.n_rows} rows repeat another row in every column to learn from. A test row that "
        "was trained on is not new, and the scores may be far too good: leave repeats out, or name what they have in common "
        "(a patient, a sample) with --groups"
    ]


def value_columns(table: Table, names: list[str]) -> np.ndarray:
    """Return these columns of numbers, shape (n_rows, n_names); -0 is 0."""
    places = {name: k for k, name in enumerate(table.names)}
    return np.ascontiguousarray(table.numbers[:, [places[name] for name in names]]) + 0.0


def is_measurement(table: Table, name: str, codes: np.ndarray) -> bool:
    """Return whether whole numbers look measured rather than given as names: the target follows from their order."""
    if GROUP_NAME.search(single_line(name).lower()):
        return False
    values = table.numbers[:, table.names.index(name)]
    there = np.isfinite(values)
    _, first = np.unique(values[there], return_index=True)  # in order, a row of each
    own = codes[there][first]
    shares = np.bincount(own) / len(own)
    expected = (len(own) - 1) * (1 - np.sum(shares**2))
    if np.count_nonzero(np.diff(own)) < ORDERED_SHARE * expected:
        return True
    ranks = np.argsort(np.argsort(own, kind="stable"), kind="stable")
    return (
        len(shares) > len(own) / 2 and abs(np.corrcoef(ranks, np.arange(len(own)))[0, 1]) > MONOTONE
    )


def group_warning(name: str, sizes: np.ndarray, target: Target) -> str:
    """Return the line about a column of groups of these sizes."""
    shown = single_line(name)
    low, high = int(sizes.min()), int(sizes.max())
    rows = f"{low} rows" if low == high else f"{low} to {high} rows"
    return (
        f"warning: '{shown}' looks like a group of rows, such as a patient: each of its {len(sizes)} values stands in "
        f"{rows}, always with the same '{target.name}'. Keep the rows of each group together, or the test score may be far "
        f"too good: --groups '{shown}'"
    )


def group_sizes(group: np.ndarray, codes: np.ndarray) -> np.ndarray | None:
    """Return how many rows each value has, if the values look like groups; None if not."""
    there = group >= 0
    sizes = np.bincount(group[there])
    few, rows = len(sizes) < FEWEST_SUSPECT_GROUPS, int(there.sum())
    if few or rows > MAX_MEAN_ROWS * len(sizes) or 2 * len(sizes) > rows:
        return None
    return sizes if agrees_by_more_than_chance(group[there], codes[there]) else None


def tells_target(group: np.ndarray, codes: np.ndarray) -> bool:
    """Return whether a few values tell the target by themselves."""
    there = group >= 0
    n_values = int(group.max()) + 1
    few = 1 < n_values <= MOST_TELLING_VALUES and 2 * n_values <= there.sum()
    return few and agrees_by_more_than_chance(group[there], codes[there])


def agrees_by_more_than_chance(group: np.ndarray, codes: np.ndarray) -> bool:
    """Return whether all rows of a group have the same target, which shuffled rows would not."""
    first = np.zeros(group.max() + 1, dtype=np.int64)
    first[group] = codes
    if (first[group] != codes).any():
        return False
    shares = np.bincount(codes) / len(codes)
    alike = float(np.sum(shares**2))  # the chance that two rows agree
    return bool((len(group) - len(first)) * np.log(alike) < np.log(CHANCE_LEVEL))


def telling_warning(name: str, target: Target) -> str:
    """Return the line about a column that tells the target by itself."""
    shown = single_line(name)
    return (
        f"warning: '{shown}' tells the target by itself: each of its values stands with one '{target.name}' only. If it is "
        f"a batch, or follows from the target, the scores say nothing: leave it out with --drop '{shown}'"
    )


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
