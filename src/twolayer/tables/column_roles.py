"""Columns with a role of their own: the weight of each row, the group it belongs to, and its place in time."""

from __future__ import annotations

import re

import numpy as np

from twolayer.errors import InputError
from twolayer.tables.column_kinds import DATE_PATTERN
from twolayer.tables.table import Table, is_missing


def weight_column(table: Table, name: str | None) -> np.ndarray | None:
    """Return the row weights in a column, shape (n_rows,); None without a column."""
    if name is None:
        return None
    weights = table.finite(name)
    if (weights < 0).any():
        row = int(np.argmax(weights < 0))
        raise InputError(
            f"{table.path}: {table.where(row)} has the weight {weights[row]:g} in column '{name}': weights must not be "
            "negative"
        )
    if not weights.sum() > 0:
        raise InputError(f"{table.path}: column '{name}' is 0 in every row: nothing is left to fit")
    return weights


def group_column(table: Table, name: str | None) -> np.ndarray | None:
    """Return the group of each row as text, shape (n_rows,); None without a column."""
    return None if name is None else np.array(complete_column(table, name))


def time_order(table: Table, name: str | None) -> np.ndarray | None:
    """Return the rank of each row by its time, a number or a date with the year first; None without a column."""
    if name is None:
        return None
    if not table.first_text(name):
        return np.unique(table.finite(name), return_inverse=True)[1]
    words = complete_column(table, name)
    for row, word in enumerate(words):
        if not (DATE_PATTERN.fullmatch(word) and word[:4].isdigit()):
            raise InputError(
                f"{table.path}: column '{name}' holds {word!r} in {table.where(row)}: the time of a row is a number, "
                "or a date with the year first, such as 2021-03-04"
            )
    times = [time_key(word) for word in words]
    rank = {time: k for k, time in enumerate(sorted(set(times)))}
    return np.array([rank[time] for time in times])


def complete_column(table: Table, name: str) -> list[str]:
    """Return the words of a column; raise InputError if a row has none."""
    words = table.distinct_words(name)
    for row, word in enumerate(words):
        if is_missing(word):
            raise InputError(f"{table.path}: {table.where(row)} has no value in column '{name}'")
    return words


def time_key(date: str) -> tuple[float, ...]:
    """Return what orders dates with the year first: 2021-3-4 before 2021-10-1, 9:30 before 10:00, noon before 1 PM."""
    day, _, time = date.upper().replace("T", " ").partition(" ")
    clock = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", time)]
    if "AM" in time or "PM" in time:
        clock[0] = clock[0] % 12 + 12 * ("PM" in time)
    return (*map(float, re.split("[-/.]", day)), *clock)
