"""A table of the user's own, as the page takes it: names, and cells as texts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twolayer import checks
from twolayer.errors import InputError
from twolayer.tables import Table
from twolayer.text import plural

# what the page can take, as in page/own_table.js, which says the same of a table that is dropped on it
PAGE_ROWS, PAGE_COLUMNS = 2000, 2000
LEAST_PAGE_ROWS = 4
MOST_CLASSES, MOST_CATEGORIES = 50, 20
PAGE_GAPS = {"", "na", "nan", "n/a", "null", "none", "?", "-", "inf", "-inf", "infinity"}


def table_message(table: Table, target: str | None) -> dict[str, Any]:
    """Return a table for the page.

    Parameters
    ----------
    table : Table
        With the texts of all columns.
    target : str or None
        The column to learn; None for the last.

    Raises
    ------
    InputError
        If it is too large or too small, has no such column, a gap, or texts where the program takes numbers.
    """
    check_page_size(table)
    if target is not None:
        checks.one_of(target, {name: name for name in table.names}, "column")
    columns = {name: [word.strip() for word in table.words(name)] for name in table.names}
    target = target or table.names[-1]
    for name, words in columns.items():
        check_page_column(table, name, words, name == target)
    return {
        "file": Path(table.path).name,
        "names": list(table.names),
        "rows": [list(row) for row in zip(*columns.values(), strict=True)],
        "target": target,
    }


def check_page_size(table: Table) -> None:
    """Raise InputError if the table has more rows or columns than the page takes, or fewer than it needs."""
    if table.n_rows > PAGE_ROWS or len(table.names) > PAGE_COLUMNS:
        raise InputError(
            f"{table.path} has {table.n_rows:,} rows and {len(table.names):,} columns, and the page takes up to "
            f"{PAGE_ROWS:,} of each: cut the table, or fit it with `twolayer fit`"
        )
    if table.n_rows < LEAST_PAGE_ROWS or len(table.names) < 2:
        raise InputError(
            f"{table.path} has {plural(table.n_rows, 'row')} and {plural(len(table.names), 'column')}: the page needs at "
            f"least {LEAST_PAGE_ROWS} rows, an input and a target"
        )


def check_page_column(table: Table, name: str, words: Sequence[str], is_target: bool) -> None:
    """Raise InputError if a column has a gap, or texts that the page cannot make numbers or classes of."""
    gap = next((row for row, word in enumerate(words) if word.lower() in PAGE_GAPS), None)
    if gap is not None:
        raise InputError(
            f"{table.where(gap)} of {table.path} has no value in column {name!r} ({words[gap]!r}): the page takes tables "
            "without gaps; fill it, take the row out, or use `twolayer fit`"
        )
    kinds = len(set(words))
    is_text = not all(is_cell_number(word) for word in words)
    if is_target and kinds == 1:
        raise InputError(
            f"the target {name!r} of {table.path} is {words[0]!r} in every row: there is nothing to learn"
        )
    most = MOST_CLASSES if is_target else MOST_CATEGORIES
    if is_text and kinds > most:
        what = "classes" if is_target else "different texts"
        raise InputError(
            f"column {name!r} of {table.path} holds {kinds} {what}, and the page takes up to {most}: "
            + ("choose another with --target" if is_target else "leave it out")
        )


def is_cell_number(word: str) -> bool:
    """Return whether a cell is a number."""
    try:
        float(word)
    except ValueError:
        return False
    return True
