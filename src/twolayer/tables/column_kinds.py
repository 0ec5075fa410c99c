"""What each column of a table holds: numbers, yes or no, categories, the names of rows, or nothing to learn from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.tables.number_formats import has_commas, is_percent, without_percent
from twolayer.tables.table import (
    DETECTION_LIMIT,
    Table,
    detection_limit_advice,
    is_missing,
    parse_number,
)
from twolayer.text import first_names

YES_WORDS = {"true", "t", "yes", "y", "1"}
NO_WORDS = {"false", "f", "no", "n", "0"}
BOOLEAN_PAIRS = ({"true", "false"}, {"t", "f"}, {"yes", "no"}, {"y", "n"})
MAX_LEVELS = 50  # more different texts than so many are no categories
FEW_TABLE_ROWS = 10  # below so many rows nothing is concluded from all values being different
MONTH_PATTERN = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
DATE_PATTERN = re.compile(
    r"(\d{1,4}([-/.])\d{1,2}\2\d{1,4}|"
    rf"\d{{1,2}}[-/. ]({MONTH_PATTERN})[a-z]*[-/. ]\d{{2,4}}|({MONTH_PATTERN})[a-z]* \d{{1,2}},? \d{{4}})"
    r"([T ]\d{1,2}:\d{2}.*)?",
    re.IGNORECASE,
)
ROW_NAME_PATTERN = re.compile(
    r"(.*[ _.-])?(id|ids|index|row|row ?names?|number|no|nr)", re.IGNORECASE
)


@dataclass(frozen=True, eq=False)
class ColumnKinds:
    """The columns by what they hold, each list in the table's order.

    Attributes
    ----------
    numbers, booleans, categories : list of str
        What can be learned from.
    ids : list of str
        What names the rows.
    left_out : dict
        Other columns that nothing is learned from, and why.
    """

    numbers: list[str] = field(default_factory=list)
    booleans: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def column_kinds(
    table: Table, skip: Collection[str] = (), categories: Collection[str] = ()
) -> ColumnKinds:
    """Look at every column but those to skip.

    Parameters
    ----------
    table : Table
    skip : names
        The target and other columns with a part of their own.
    categories : names
        Columns to take as categories whatever they look like.

    Raises
    ------
    InputError
        If a column holds dates, or numbers and text.
    """
    found = ColumnKinds()
    skip = {*skip}
    asked = [name for name in table.names if name not in skip]
    plain = [name for name in asked if name not in table.texts and name not in categories]
    silent = _empty_columns(table, plain)
    for name in asked:
        if name in categories:
            found.categories.append(name)
        elif name == table.id:
            found.ids.append(name)
        elif name not in table.texts:
            _place_numbers(table, name, silent, found)
        else:
            _place_text(table, name, found)
    return found


def _empty_columns(table: Table, names: list[str]) -> set[str]:
    """Those of the columns that hold no value at all."""
    if table.sparse or not names:
        return set()
    empty = np.isnan(table.columns(names)).all(axis=0)
    return {names[j] for j in np.flatnonzero(empty).tolist()}


def _place_numbers(table: Table, name: str, silent: set[str], found: ColumnKinds) -> None:
    if name in silent:
        found.left_out[name] = "holds no value"
    elif (name == table.names[0] or ROW_NAME_PATTERN.fullmatch(name)) and counts_rows(table, name):
        found.ids.append(name)
    else:
        found.numbers.append(name)


def counts_rows(table: Table, name: str) -> bool:
    """Whether the column counts the rows, or is named like a row's name and has another whole number in each."""
    values = table.column(name)
    if len(values) < FEW_TABLE_ROWS or not (values == np.floor(values)).all():
        return False
    steps = 1 if table.places is None else np.diff(table.places)
    if (np.diff(values) == steps).all():
        return True
    return bool(ROW_NAME_PATTERN.fullmatch(name)) and len(np.unique(values)) == len(values)


def _place_text(table: Table, name: str, found: ColumnKinds) -> None:
    words = [word for word in table.texts[name] if not is_missing(word)]
    levels = set(words)
    if not words:
        found.left_out[name] = "holds no value"
    elif not table.first_text(name):
        found.numbers.append(name)
    elif are_boolean_levels(levels):
        found.booleans.append(name)
    elif ROW_NAME_PATTERN.fullmatch(name) and is_row_name(words, table.n_rows):
        found.ids.append(name)
    else:
        _check_dates(table, name, words)
        check_decimal_commas(table, name, words)
        check_percent_signs(table, name, words)
        _check_mixed_column(table, name, words)
        if is_row_name(words, table.n_rows):
            found.ids.append(name)
        elif len(levels) > MAX_LEVELS or (
            table.n_rows >= FEW_TABLE_ROWS and 2 * len(levels) > len(words)
        ):
            found.left_out[name] = f"holds {len(levels)} different texts"
        else:
            found.categories.append(name)


def is_row_name(words: list[str], n_rows: int) -> bool:
    """Whether every row has another word."""
    return n_rows >= FEW_TABLE_ROWS and len(words) == n_rows == len(set(words))


def are_boolean_levels(levels: Collection[str]) -> bool:
    """Whether the words are those of one pair."""
    small = {level.lower() for level in levels}
    return any(small <= pair for pair in BOOLEAN_PAIRS)


def are_dates(words: list[str]) -> bool:
    """Whether most of them are."""
    some = words[:100]
    return 2 * sum(DATE_PATTERN.fullmatch(word) is not None for word in some) > len(some)


def _check_dates(table: Table, name: str, words: list[str]) -> None:
    if are_dates(words):
        raise InputError(
            f"{table.path}: column '{name}' holds dates, such as {checks.short_repr(words[0])}: write it as a number that "
            f"means something (days since the first visit, month, age), or leave it out with --drop '{name}'"
        )


def check_decimal_commas(table: Table, name: str, words: list[str]) -> None:
    """Raise if the column holds numbers with a comma that was not read; all such columns are named at once."""
    if not _has_unread_commas(table, name):
        return
    example = next(word for word in words if "," in word)
    others = [one for one in table.texts if one != name and _has_unread_commas(table, one)]
    so_do = f", and so do {first_names(others)}" if others else ""
    raise InputError(
        f"{table.path}: column '{name}' holds numbers with a comma, such as {checks.short_repr(example)}{so_do}: write "
        "decimals with a point, and thousands without a mark; or save the table with semicolons or tabs between the "
        "fields, where 3,5 is read as 3.5 (but 1,234 alone could be either)"
    )


def _has_unread_commas(table: Table, name: str) -> bool:
    """Whether there are numbers with a comma in the column, and they were not taken for numbers."""
    words = [word for word in table.texts[name] if not is_missing(word)]
    if not has_commas(words):
        return False
    empty = np.isnan(table.column(name)).tolist()
    unread = [word for word, gap in zip(table.texts[name], empty, strict=True) if gap]
    return has_commas([word for word in unread if not is_missing(word)])


def check_percent_signs(table: Table, name: str, words: list[str]) -> None:
    """Raise if some of the numbers have a percent sign, and others none."""
    points = {word: word.replace(",", ".") for word in words}
    signed = [
        word
        for word in words
        if is_percent(word) and parse_number(without_percent(points[word])) is not None
    ]
    plain = [word for word in words if parse_number(points[word]) is not None]
    if signed and plain and 2 * (len(signed) + len(plain)) > len(words):
        raise InputError(
            f"{table.path}: column '{name}' holds numbers with and without a percent sign, such as "
            f"{checks.short_repr(signed[0])} and {checks.short_repr(plain[0])}: write all of them alike, "
            "or leave it out with "
            f"--drop '{name}'"
        )


def _check_mixed_column(table: Table, name: str, words: list[str]) -> None:
    present, count = len(words), int(np.isfinite(table.column(name)).sum())
    limits = sum(DETECTION_LIMIT.fullmatch(word) is not None for word in words)
    if not count or 2 * (count + limits) < present:
        return
    row, text = table.first_text(name)  # type: ignore[misc]
    more = f" ({present - count} such fields)" if present - count > 1 else ""
    start = f"{table.path}: column '{name}' holds numbers but for {checks.short_repr(text)} in {table.where(row)}{more}: "
    if DETECTION_LIMIT.fullmatch(text):
        raise InputError(
            f"{start}{detection_limit_advice(text)}, or leave the column out with --drop '{name}'"
        )
    hint = "write decimals with a point, or " if "," in text else ""
    raise InputError(
        f"{start}{hint}leave such fields empty if they mean no value, or take it as categories with --category "
        f"'{name}', or leave it out with --drop '{name}'"
    )


def most_frequent_word(words: list[str]) -> str:
    """The most frequent word; of several the first in order."""
    counts = Counter(words)
    return min(counts, key=lambda word: (-counts[word], word))
