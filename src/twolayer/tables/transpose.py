"""Tables with samples in columns, as biologists keep them: genes in rows become columns of numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.tables.readers.delimited import ROW_NAME_COLUMN
from twolayer.tables.table import Table, check_unique, numbered_names
from twolayer.text import first_names

SAMPLE_COLUMN = "sample"


def transpose_table(table: Table) -> Table:
    """Return the table transposed: its rows (genes, named in the first column) become columns, its columns rows.

    Raises
    ------
    FileError, InputError
        If two rows have the same name, or other columns than the first hold text.
    """
    if table.sparse:
        return transpose_matrix(table)
    named = table.names[0] in table.texts or table.names[0] == table.id
    features = table.words(table.names[0]) if named else []
    samples = table.names[1:] if named else table.names
    if not samples:
        raise InputError(f"{table.path} has one column only: there is nothing to transpose")
    check_no_text(table, samples, features)
    if not named:
        return transpose_matrix(table)
    check_unique(table.path, features, "row")
    column = next(
        name for name in (SAMPLE_COLUMN, ROW_NAME_COLUMN, "sample name", "") if name not in features
    )
    numbers = np.empty((len(samples), len(features) + 1))
    numbers[:, 0] = np.nan
    numbers[:, 1:] = table.columns(samples).T
    return Table(table.path, [column, *features], numbers, {column: list(samples)}, None, column)


def transpose_matrix(table: Table) -> Table:
    """Return the transpose of a table without row names, its columns named x1, x2, ..."""
    numbers = table.numbers.T.tocsr() if table.sparse else np.ascontiguousarray(table.numbers.T)
    return Table(table.path, numbered_names(table.n_rows), numbers)


def check_no_text(table: Table, samples: Sequence[str], features: Sequence[str]) -> None:
    """Raise InputError if a table to transpose holds text beside the names in its first column."""
    texts = {name: first for name in samples if (first := table.first_text(name))}
    if not texts:
        return
    sample, (row, text) = next(iter(texts.items()))
    place = f"row '{features[row]}'" if features else f"row {row + 1}"
    if len(texts) > 1 and len({row for row, _ in texts.values()}) == 1:
        advice = "leave out that row; if it is the target, put it in a file of its own and name that file with --labels"
    else:
        advice = f"correct the field, leave it empty if it means no value, or leave the sample out with --drop '{sample}'"
    others = f", and so do {first_names(list(texts)[1:])}" if len(texts) > 1 else ""
    raise InputError(
        f"{table.path}: with --transpose every column but the first is a sample of numbers, and '{sample}' holds "
        f"{checks.short_repr(text)} in {place}, {table.where(row)}{others}: {advice}"
    )
