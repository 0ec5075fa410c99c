"""The target's values, and the task they pose: classification or regression."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.tables.column_kinds import (
    FEW_TABLE_ROWS,
    NO_WORDS,
    YES_WORDS,
    are_dates,
    check_decimal_commas,
    is_row_name,
)
from twolayer.tables.table import (
    LARGEST_EXACT_WHOLE,
    Table,
    is_missing,
    number_text,
    parse_number,
)
from twolayer.text import first_names, spelling_key

MAX_GUESSED_CLASSES = 20
MAX_LISTED_CLASSES = 8
LEADING_ZERO = re.compile(r"[+-]?0\d")
FEW_STRAY_TEXTS = 0.05  # share of the rows up to which texts among numbers are strays, not classes


@dataclass(frozen=True, eq=False)
class Target:
    """The column, or columns, to learn.

    Attributes
    ----------
    name : str
        For several columns their names, with commas.
    task : {"classification", "regression"}
    values : ndarray, shape (n_rows,), or (n_rows, n_outputs) for several columns
        Classes (text, or whole numbers), or numbers; of several labels per row 1 where a row has it, else 0.
    reason : str
        The content of the column, from which the task follows, in a few words.
    names : tuple of str
    """

    name: str
    task: str
    values: np.ndarray
    reason: str
    names: tuple[str, ...] = ()

    def counts(self) -> str:
        """Return how many rows each class, or label, has, as a line that follows another; nothing for numbers."""
        if self.task != "classification":
            return ""
        if self.values.ndim == 2:
            shares = zip(self.names, self.values.sum(axis=0).tolist(), strict=True)
            return f"\nlabels (rows that have it): {', '.join(f'{name} ({count})' for name, count in shares)}"
        names, counts = np.unique(self.values, return_counts=True)
        pairs = [f"{name} ({count})" for name, count in zip(names, counts, strict=True)]
        more = len(pairs) - MAX_LISTED_CLASSES
        shown = ", ".join(pairs[:MAX_LISTED_CLASSES]) + (f" and {more} more" if more > 0 else "")
        return f"\nclasses (rows): {shown}"


def read_target(table: Table, name: str | Sequence[str], task: str = "auto") -> Target:
    """Return the target of a table, which was read with `text=[name]`, and the task it poses.

    Text poses a classification, and so do a few different whole numbers; anything else a regression. Several columns are
    numbers that are learned together.

    Raises
    ------
    InputError
        If a value is missing, there is nothing to learn, the column does not fit the task, or it holds dates, the names of
        the rows, or a stray word among numbers.
    """
    names = (name,) if isinstance(name, str) else tuple(name)
    for one in names:
        check_target_complete(table, one)
    if task != "classification":
        for one in names:
            check_class_names(table, one)
    if len(names) > 1 and task == "classification":
        return several_labels(table, names)
    if len(names) > 1:
        return several_targets(table, names, task)
    if task == "regression":
        return Target(names[0], task, table.finite(names[0]), "numbers", names)
    return class_target(table, names[0], task)


def check_target_complete(table: Table, name: str) -> None:
    """Raise InputError if the target has no value in some row."""
    words = table.words(name)
    gaps = [row for row, word in enumerate(words) if is_missing(word)]
    if len(gaps) == len(words):
        raise InputError(
            f"{table.path}: column '{name}', which is the target, has no value in any row"
        )
    if gaps:
        more = f" ({len(gaps)} such rows of {table.n_rows})" if len(gaps) > 1 else ""
        raise InputError(
            f"{table.path}: {table.where(gaps[0])} has no value in column '{name}', which is the target{more}: fill it in, "
            "or leave out every such row with --drop-missing-target"
        )


def check_class_names(table: Table, name: str) -> None:
    """Raise InputError if the target holds text that names no class: dates, row names, a stray word among numbers."""
    first = table.first_text(name)
    if first is None:
        return
    words, (row, text) = table.words(name), first
    start = f"{table.path}: column '{name}', which is the target, holds"
    if are_dates(words):
        raise InputError(
            f"{start} dates, such as {checks.short_repr(words[0])}: write each date as a number with a meaning (days since "
            "the first visit), or choose --task classification"
        )
    check_decimal_commas(table, name, words)
    numbers = table.column(name)[~np.isnan(table.column(name))]
    if not len(numbers) and is_row_name(words, table.n_rows):
        raise InputError(
            f"{start} a different text in every row, such as {checks.short_repr(words[0])}, as if it named the rows: a "
            "class needs several rows; name the column to learn with --target"
        )
    count = table.n_rows - len(numbers)
    if are_strays(count, numbers):
        more = f" ({count} such fields)" if count > 1 else ""
        raise InputError(
            f"{start} numbers but for {checks.short_repr(text)} in {table.where(row)}{more}: for --task regression write a "
            "number there or leave out that row; if each value is a class, choose --task classification"
        )


def are_strays(n_texts: int, numbers: np.ndarray) -> bool:
    """Return whether so many texts among numbers are mistakes, not classes beside them."""
    n_rows = n_texts + len(numbers)
    if n_rows < FEW_TABLE_ROWS:
        return False
    return n_texts <= max(1, FEW_STRAY_TEXTS * n_rows) or (
        2 * n_texts < n_rows and not are_few(numbers)
    )


def are_few(numbers: np.ndarray) -> bool:
    """Return whether there are as few different numbers as there may be classes."""
    return len(np.unique(numbers)) <= max(2, min(MAX_GUESSED_CLASSES, len(numbers) // 10))


def several_targets(table: Table, names: tuple[str, ...], task: str) -> Target:
    """Return the target of several numbers per row."""
    textual = [name for name in names if table.first_text(name)]
    if textual:
        raise InputError(
            f"{table.path}: several targets must be numbers, and {first_names(textual)} holds text: give classes one "
            "--target at a time, or, if every target is yes or no, say --task classification"
        )
    values = np.stack([table.finite(name) for name in names], axis=1)
    return Target(", ".join(names), "regression", values, "numbers", names)


def several_labels(table: Table, names: tuple[str, ...]) -> Target:
    """Return the target of several labels per row, 1 where a row has the label: columns of 0 and 1, or no and yes."""
    columns = []
    for name in names:
        words = [word.strip().lower() for word in table.words(name)]
        levels = set(words)
        known = levels <= YES_WORDS | NO_WORDS or {parse_number(word) for word in levels} <= {0, 1}
        if not known or len(levels) != 2:
            seen = first_names(sorted(set(table.words(name))), most=3)
            raise InputError(
                f"{table.path}: with several targets and --task classification each is a label that a row has or has not, "
                f"and column '{name}' holds {seen}: write 0 and 1, or no and yes, both in some rows"
            )
        columns.append([word in YES_WORDS or parse_number(word) == 1 for word in words])
    return Target(
        ", ".join(names), "classification", np.array(columns, dtype=int).T, "labels", names
    )


def class_target(table: Table, name: str, task: str) -> Target:
    """Return classes, or for task "auto" numbers if the column looks like numbers."""
    words = table.words(name)
    if table.first_text(name):
        values, reason = np.array(words), "text"
    else:
        numbers = table.finite(name)
        whole = bool((numbers == np.floor(numbers)).all())
        exact = abs(numbers).max() < LARGEST_EXACT_WHOLE
        whole &= exact or task == "classification" or all(word.isdigit() for word in words)
        plain = whole and exact and not are_codes(words, numbers)
        values = numbers.astype(np.int64) if plain else np.array(words)
        few = are_few(numbers if exact else np.unique(values, return_inverse=True)[1])
        if task == "auto" and not (whole and few):
            reason = "whole numbers of many values" if whole else "numbers"
            return Target(name, "regression", numbers, reason, (name,))
        table.distinct_words(name)
        count = len(np.unique(values if whole else numbers))
        reason = f"{count} different {'whole numbers' if whole else 'numbers'}"
    if len(np.unique(values)) < 2:
        raise InputError(
            f"{table.path}: column '{name}' is {str(values[0])!r} in every row: the target needs two classes"
        )
    return Target(name, "classification", values, reason, (name,))


def are_codes(words: Sequence[str], numbers: np.ndarray) -> bool:
    """Return whether whole numbers are written otherwise than `number_text` does, such as 01 or 2.0, and so name classes.

    Then 01 and 1 are two classes, as sample 001 is not sample 1. Of other spellings of one number, such as 1 and 1.0, both
    are that number; and so is what a unit, a percent sign or a comma is left out of.
    """
    pairs = dict(zip(words, numbers.tolist(), strict=True))
    if any(parse_number(word) is None for word in pairs):
        return False
    if any(LEADING_ZERO.match(word) for word in pairs):
        return True
    one_to_one = len(set(pairs.values())) == len(pairs)
    return one_to_one and any(word != number_text(number) for word, number in pairs.items())


def spelling_warnings(target: Target) -> list[str]:
    """Return a line about classes that differ in case, blanks or marks only, such as Basal and basal."""
    if target.task != "classification" or target.values.ndim > 1:
        return []
    spellings: dict[str, list[str]] = {}
    for name, count in zip(*np.unique(target.values, return_counts=True), strict=True):
        spellings.setdefault(spelling_key(str(name)), []).append(f"'{name}' ({count})")
    alike = [" and ".join(names) for names in spellings.values() if len(names) > 1]
    if not alike:
        return []
    return [
        f"warning: classes of '{target.name}' that differ in case, blanks or marks only are different classes: "
        f"{first_names(alike, quote='')}: write them alike if they are one"
    ]
