"""Tables with samples in columns, as biologists keep them: genes in rows become columns of numbers."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.tables.column_kinds import FEW_TABLE_ROWS
from twolayer.tables.readers.header import ROW_NAME_COLUMN
from twolayer.tables.table import (
    Table,
    check_unique,
    numbered_names,
    renamed_duplicates,
)
from twolayer.text import first_names

SAMPLE_COLUMN = "sample"
FEATURE_COUNTS_COLUMNS = ("Chr", "Start", "End", "Strand", "Length")
FEATURE_NAME_PATTERN = re.compile(
    r"wave|lambda|\bnm\b|cm-?1|\bm/?z\b|\bmass\b|ppm|shift|freq|retention|gene|probe|feature|entrez|\bids?\b|spot|bin\b",
    re.IGNORECASE,
)


def transpose_table(table: Table, samples: Collection[str] = (), rename: bool = False) -> Table:
    """Return the table transposed: its rows (genes, named in the first column) become columns, its columns rows.

    Parameters
    ----------
    table : Table
    samples : names
        As far as they are known from another file.
    rename : bool
        Number rows of equal names, and do not refuse them.

    Raises
    ------
    FileError, InputError
        If two rows have the same name, or other columns than the first hold text.
    """
    if table.sparse:
        return transpose_matrix(table)
    named = first_column_names_rows(table, samples)
    features = table.words(table.names[0]) if named else []
    columns = table.names[1:] if named else table.names
    if not columns:
        raise InputError(f"{table.path} has one column only: there is nothing to transpose")
    check_no_counts_of_features(table)
    check_no_text(table, columns, features)
    if not named:
        return transpose_matrix(table)
    if rename:
        features = renamed_duplicates(features)
    check_unique(table.path, features, "row")
    column = next(
        name for name in (SAMPLE_COLUMN, ROW_NAME_COLUMN, "sample name", "") if name not in features
    )
    numbers = np.empty((len(columns), len(features) + 1))
    numbers[:, 0] = np.nan
    numbers[:, 1:] = table.columns(columns).T
    return Table(
        table.path,
        [column, *features],
        numbers,
        {column: list(columns)},
        None,
        column,
        missing=table.missing,
    )


def first_column_names_rows(table: Table, samples: Collection[str]) -> bool:
    """Return whether the first column names the rows: it holds text, or numbers such as wavelengths or gene ids.

    Numbers name the rows if the other columns are known samples and the first is none; where no samples are known, if
    they are all different, and in order or called what such names are.
    """
    first, *others = table.names
    if first == table.id or (first in table.texts and table.first_text(first)):
        return True
    known = [name in samples for name in others]
    if any(known):
        return first not in samples
    values = table.column(first)
    if table.lines is None or np.isnan(values).any() or len(set(table.words(first))) < len(values):
        return False
    steps = np.diff(values)
    ordered = bool((steps > 0).all() or (steps < 0).all()) and len(values) >= FEW_TABLE_ROWS
    return ordered or FEATURE_NAME_PATTERN.search(first) is not None


def check_no_counts_of_features(table: Table) -> None:
    """Raise InputError if the table is featureCounts', whose columns before the samples are places in a genome."""
    there = [name for name in FEATURE_COUNTS_COLUMNS if name in table.names]
    if len(there) > 2:
        drop = " ".join(f"--drop {name}" for name in there)
        raise InputError(
            f"{table.path} is a table of featureCounts, and {first_names(there)} are no samples: leave them out with {drop}"
        )


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
