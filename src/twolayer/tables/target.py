"""What is to be learned: the target's values, and what kind of task they pose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.tables.column_kinds import (
    FEW_TABLE_ROWS,
    are_dates,
    check_decimal_commas,
    is_row_name,
)
from twolayer.tables.table import LARGEST_EXACT_WHOLE, Table, is_missing
from twolayer.text import first_names

TASKS = ("auto", "classification", "regression")
MAX_GUESSED_CLASSES = 20
FEW_STRAY_TEXTS = 0.05  # share of the rows up to which texts among numbers are strays, not classes


@dataclass(frozen=True, eq=False)
class Target:
    """The column, or columns, to be learned.

    Attributes
    ----------
    name : str
        Of several columns their names, with commas.
    task : {"classification", "regression"}
    values : ndarray, shape (n_rows,), or (n_rows, n_outputs) for several columns
        Classes (text, or whole numbers), or numbers.
    why : str
        What was seen in the column, in a few words.
    names : tuple of str
    """

    name: str
    task: str
    values: np.ndarray
    why: str
    names: tuple[str, ...] = ()


def read_target(table: Table, name: str | Sequence[str], task: str = "auto") -> Target:
    """The target of a table, which was read with `text=[name]`, and what kind of task it poses.

    Text poses a classification, and so do a few different whole numbers; anything else a regression. Several columns are
    numbers that are learned together.

    Raises
    ------
    InputError
        If a value is missing, there is nothing to learn, the column does not fit the task that was asked for, or it holds
        dates, the names of the rows, or a stray word among numbers.
    """
    if task not in TASKS:
        raise InputError(
            f"there is no task {task!r}: choose one of {', '.join(TASKS)}{checks.closest_name(task, TASKS)}"
        )
    names = (name,) if isinstance(name, str) else tuple(name)
    for one in names:
        check_target_complete(table, one)
    if task != "classification":
        for one in names:
            check_class_names(table, one)
    if len(names) > 1:
        return several_targets(table, names, task)
    if task == "regression":
        values = table.finite(names[0])
        return Target(names[0], task, values, "numbers", names)
    return class_target(table, names[0], task)


def check_target_complete(table: Table, name: str) -> None:
    """Raise if the target has no value in some row."""
    words = table.words(name)
    if all(is_missing(word) for word in words):
        raise InputError(
            f"{table.path}: column '{name}', which is the target, has no value in any row"
        )
    gaps = [row for row, word in enumerate(words) if is_missing(word)]
    if gaps:
        more = f" ({len(gaps)} such rows of {table.n_rows})" if len(gaps) > 1 else ""
        raise InputError(
            f"{table.path}: {table.where(gaps[0])} has no value in column '{name}', which is the target{more}: fill it in, "
            "or leave out every such row with --drop-missing-target"
        )


def check_class_names(table: Table, name: str) -> None:
    """Raise if the target holds text that names no class: dates, the names of the rows, a stray word among numbers."""
    found = table.first_text(name)
    if found is None:
        return
    words, (row, text) = table.words(name), found
    start = f"{table.path}: column '{name}', which is the target, holds"
    if are_dates(words):
        raise InputError(
            f"{start} dates, such as {checks.short_repr(words[0])}: write it as a number that means "
            "something (days since the "
            "first visit), or say --task classification"
        )
    check_decimal_commas(table, name, words)
    numbers = table.column(name)[~np.isnan(table.column(name))]
    if not len(numbers) and is_row_name(words, table.n_rows):
        raise InputError(
            f"{start} another text in every row, such as {checks.short_repr(words[0])}, as if it named the "
            "rows: a class needs "
            "several rows; name the column to learn with --target"
        )
    if are_strays(table.n_rows - len(numbers), numbers):
        count = table.n_rows - len(numbers)
        more = f" ({count} such fields)" if count > 1 else ""
        raise InputError(
            f"{start} numbers but for {checks.short_repr(text)} in {table.where(row)}{more}: for --task regression write a "
            "number there or leave out that row; if each value is a class, say --task classification"
        )


def are_strays(texts: int, numbers: np.ndarray) -> bool:
    """Whether so many texts among numbers are mistakes, not classes beside them."""
    n_rows = texts + len(numbers)
    if n_rows < FEW_TABLE_ROWS:
        return False
    return texts <= max(1, FEW_STRAY_TEXTS * n_rows) or (
        2 * texts < n_rows and not are_few(numbers)
    )


def are_few(numbers: np.ndarray) -> bool:
    """Whether there are as few different numbers as there may be classes."""
    return len(np.unique(numbers)) <= max(2, min(MAX_GUESSED_CLASSES, len(numbers) // 10))


def several_targets(table: Table, names: tuple[str, ...], task: str) -> Target:
    """Several numbers a row."""
    text = [name for name in names if table.first_text(name)]
    if task == "classification" or text:
        raise InputError(
            f"{table.path}: several targets must be numbers"
            f"{f', and {first_names(text)} holds text' if text else ''}: give classes one --target at a time"
        )
    values = np.stack([table.finite(name) for name in names], axis=1)
    return Target(", ".join(names), "regression", values, "numbers", names)


def class_target(table: Table, name: str, task: str) -> Target:
    """Classes, or for task "auto" numbers if they look like that."""
    words = table.words(name)
    if table.first_text(name):
        values, why = np.array(words), "text"
    else:
        numbers = table.finite(name)
        whole = bool(
            (numbers == np.floor(numbers)).all() and abs(numbers).max() < LARGEST_EXACT_WHOLE
        )
        distinct = len(np.unique(numbers))
        if task == "auto" and not (whole and are_few(numbers)):
            why = "whole numbers of many values" if whole else "numbers"
            return Target(name, "regression", numbers, why, (name,))
        values = numbers.astype(np.int64) if whole else np.array(words)
        why = f"{distinct} different {'whole numbers' if whole else 'numbers'}"
    if len(np.unique(values)) < 2:
        raise InputError(
            f"{table.path}: column '{name}' says {words[0]!r} in every row: two classes are needed"
        )
    return Target(name, "classification", values, why, (name,))
