"""A table of the user's own, as the page takes it: names, and cells as texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twolayer import checks
from twolayer.errors import InputError
from twolayer.tables import Table

PAGE_ROWS, PAGE_COLUMNS = 2000, 2000  # of a table, as in page/own_table.js


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
        If it is too large, or has no such column.
    """
    if table.n_rows > PAGE_ROWS or len(table.names) > PAGE_COLUMNS:
        raise InputError(
            f"{table.path} has {table.n_rows:,} rows and {len(table.names):,} columns, and the page takes up to "
            f"{PAGE_ROWS:,} of each: cut the table, or fit it with `twolayer fit`"
        )
    if target is not None:
        checks.one_of(target, {name: name for name in table.names}, "column")
    columns = [table.words(name) for name in table.names]
    return {
        "file": Path(table.path).name,
        "names": list(table.names),
        "rows": [list(row) for row in zip(*columns, strict=True)],
        "target": target or table.names[-1],
    }
