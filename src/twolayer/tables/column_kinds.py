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
    parse_number,
    present_words,
)
from twolayer.tables.units import split_unit, units_seen
from twolayer.text import first_names, join_words

YES_WORDS = {"true", "t", "yes", "y", "1"}
NO_WORDS = {"false", "f", "no", "n", "0"}
BOOLEAN_PAIRS = ({"true", "false"}, {"t", "f"}, {"yes", "no"}, {"y", "n"})
MAX_LEVELS = 50  # a column of more different texts holds no categories
FEW_TABLE_ROWS = 10  # in a table of fewer rows, values that all differ mean nothing
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
        Columns that name the rows.
    left_out : dict
        The other columns, from which nothing is learned, and the reason for each.
    """

    numbers: list[str] = field(default_factory=list)
    booleans: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)


def column_kinds(
    table: Table, skip: Collection[str] = (), categories: Collection[str] = ()
) -> ColumnKinds:
    """Return the kind of every column but those to skip.

    Parameters
    ----------
    table : Table
    skip : names
        The target and other columns with a role of their own.
    categories : names
        Columns to take as categories whatever they look like.

    Raises
    ------
    InputError
        If a column holds dates, or numbers and text.
    """
    kinds = ColumnKinds()
    skip = set(skip)
    names = [name for name in table.names if name not in skip]
    plain = [name for name in names if name not in table.texts and name not in categories]
    empty = _empty_columns(table, plain)
    for name in names:
        if name in categories:
            kinds.categories.append(name)
        elif name == table.id:
            kinds.ids.append(name)
        elif name in table.texts:
            _add_text_column(table, name, kinds)
        elif name in empty:
            kinds.left_out[name] = "holds no value"
        elif _names_rows(table, name):
            kinds.ids.append(name)
        else:
            kinds.numbers.append(name)
    return kinds


def _empty_columns(table: Table, names: list[str]) -> set[str]:
    """Return those of the columns that hold no value at all."""
    if table.sparse or not names:
        return set()
    empty = np.isnan(table.columns(names)).all(axis=0)
    return {names[j] for j in np.flatnonzero(empty).tolist()}


def _names_rows(table: Table, name: str) -> bool:
    """Return whether a column of numbers counts the rows, or is called an id and has a different whole number in each."""
    called_id = bool(ROW_NAME_PATTERN.fullmatch(name))
    if table.n_rows < FEW_TABLE_ROWS or not (called_id or name == table.names[0]):
        return False
    values = table.column(name)
    if not (values == np.floor(values)).all():
        return False
    steps = 1 if table.places is None else np.diff(table.places)
    counts_rows = bool((np.diff(values) == steps).all())
    different = len(set(table.texts.get(name, values.tolist()))) == len(values)
    return counts_rows or (called_id and different)


def _add_text_column(table: Table, name: str, kinds: ColumnKinds) -> None:
    """Add a column that holds text, or is read as text, to its kind."""
    words = present_words(table.texts[name])
    levels = set(words)
    if not words:
        kinds.left_out[name] = "holds no value"
    elif not table.first_text(name):
        (kinds.ids if _names_rows(table, name) else kinds.numbers).append(name)
    elif are_boolean_levels(levels):
        kinds.booleans.append(name)
    elif ROW_NAME_PATTERN.fullmatch(name) and is_row_name(words, table.n_rows):
        kinds.ids.append(name)
    else:
        _check_dates(table, name, words)
        check_decimal_commas(table, name, words)
        _check_percent_signs(table, name, words)
        _check_mixed_column(table, name, words)
        if len(levels) > MAX_LEVELS or 2 * len(levels) > len(words):
            _check_units(table, name, words)
        if is_row_name(words, table.n_rows):
            kinds.ids.append(name)
        elif len(levels) > MAX_LEVELS or (
            table.n_rows >= FEW_TABLE_ROWS and 2 * len(levels) > len(words)
        ):
            kinds.left_out[name] = f"holds {len(levels)} different texts"
        else:
            kinds.categories.append(name)


def is_row_name(words: list[str], n_rows: int) -> bool:
    """Return whether every row has a different word."""
    return n_rows >= FEW_TABLE_ROWS and len(words) == n_rows == len(set(words))


def are_boolean_levels(levels: Collection[str]) -> bool:
    """Return whether the words are those of one pair, such as yes and no."""
    small = {level.lower() for level in levels}
    return any(small <= pair for pair in BOOLEAN_PAIRS)


def are_dates(words: list[str]) -> bool:
    """Return whether most of the first 100 words are dates."""
    first = words[:100]
    return 2 * sum(DATE_PATTERN.fullmatch(word) is not None for word in first) > len(first)


def _check_dates(table: Table, name: str, words: list[str]) -> None:
    """Raise InputError if the column holds dates."""
    if are_dates(words):
        raise InputError(
            f"{table.path}: column '{name}' holds dates, such as {checks.short_repr(words[0])}: write each date as a number "
            f"with a meaning (days since the first visit, month, age), or leave the column out with --drop '{name}'"
        )


def check_decimal_commas(table: Table, name: str, words: list[str]) -> None:
    """Raise InputError if the column holds numbers with a comma that were not read as numbers; it names all such columns."""
    if not _has_unread_commas(table, name):
        return
    example = next(word for word in words if "," in word)
    others = [other for other in table.texts if other != name and _has_unread_commas(table, other)]
    so_do = f", and so do {first_names(others)}" if others else ""
    raise InputError(
        f"{table.path}: column '{name}' holds numbers with a comma, such as {checks.short_repr(example)}{so_do}: write "
        "decimals with a point, and thousands without a mark; or save the table with semicolons or tabs between the "
        "fields, where 3,5 is read as 3.5 (but 1,234 alone could be either)"
    )


def _has_unread_commas(table: Table, name: str) -> bool:
    """Return whether the column holds numbers with a comma that were not read as numbers."""
    if not has_commas(present_words(table.texts[name])):
        return False
    gaps = np.isnan(table.column(name)).tolist()
    unread = [word for word, gap in zip(table.texts[name], gaps, strict=True) if gap]
    return has_commas(present_words(unread))


def _check_percent_signs(table: Table, name: str, words: list[str]) -> None:
    """Raise InputError if some of the numbers have a percent sign, and others none."""
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
            f"{checks.short_repr(signed[0])} and {checks.short_repr(plain[0])}: write all of them alike, or leave "
            f"the column out with --drop '{name}'"
        )


def _check_units(table: Table, name: str, words: list[str]) -> None:
    """Raise InputError if most of the words are numbers with a unit, which are not the same in all."""
    units, n_plain = units_seen(words)
    if not units or 2 * (sum(units.values()) + n_plain) <= len(words):
        return
    examples = {part[0]: word for word in words if (part := split_unit(word)) is not None}
    seen = join_words([checks.short_repr(word) for word in list(examples.values())[:3]])
    raise InputError(
        f"{table.path}: column '{name}' holds numbers with units, such as {seen}, and not the same unit in a clear number "
        f"in every row: write plain numbers of one unit, or take the column as categories with --category '{name}', or "
        f"leave it out with --drop '{name}'"
    )


def _check_mixed_column(table: Table, name: str, words: list[str]) -> None:
    """Raise InputError if at least half of the words are numbers or beyond a limit of detection, and the others text."""
    count = int(np.isfinite(table.column(name)).sum())
    limits = sum(DETECTION_LIMIT.fullmatch(word) is not None for word in words)
    if not count or 2 * (count + limits) < len(words):
        return
    row, text = table.first_text(name)  # type: ignore[misc]
    more = f" ({len(words) - count} such fields)" if len(words) - count > 1 else ""
    start = f"{table.path}: column '{name}' holds numbers but for {checks.short_repr(text)} in {table.where(row)}{more}: "
    if DETECTION_LIMIT.fullmatch(text):
        raise InputError(
            f"{start}{detection_limit_advice(text)}, or leave the column out with --drop '{name}'"
        )
    hint = "write decimals with a point, or " if "," in text else ""
    raise InputError(
        f"{start}{hint}leave such fields empty if they mean no value, or take the column as categories with --category "
        f"'{name}', or leave it out with --drop '{name}'"
    )


def most_frequent_word(words: list[str]) -> str:
    """Return the most frequent word; of equally frequent ones the first in alphabetical order."""
    counts = Counter(words)
    return min(counts, key=lambda word: (-counts[word], word))
