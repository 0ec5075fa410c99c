"""The table and its targets in two files: their rows joined by name, or one to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.tables.row_names import normalised_name, shared_row_names
from twolayer.tables.table import Table, check_column_names, check_unique
from twolayer.text import first_names

UNMATCHED_SHARE = 0.2  # share of a file's rows without a partner from which on it is a warning


def join_tables(
    table: Table, labels: Table, wanted: Sequence[str], id_column: str | None
) -> tuple[Table, list[str]]:
    """Return the rows that have labels, and notes about the others.

    Parameters
    ----------
    table, labels : Table
    wanted : names
        The columns to take from `labels`.
    id_column : str or None
        What names the rows in `labels`, and in the table unless its first column does. None looks for a column of names
        that both have, and takes the rows one to one if there is none.

    Returns
    -------
    joined : Table
        With the wanted columns as the last.
    notes : list of str

    Raises
    ------
    FileError, InputError
        If two rows have the same name, no name is in both, or the rows, taken one to one, contradict each other.
    """
    if id_column is not None:
        check_column_names(labels.path, [id_column], labels.names)
        own = id_column if id_column in table.names else row_names(table, id_column)
        return join_by_name(table, labels, wanted, own, id_column)
    shared = shared_row_names(table, labels, wanted)
    if shared is not None:
        joined, notes = join_by_name(table, labels, wanted, *shared)
        return joined, [
            f"{labels.path}: its rows were joined by the names in '{shared[1]}'",
            *notes,
        ]
    if labels.n_rows != table.n_rows:
        raise InputError(
            f"{table.path} has {table.n_rows} rows and {labels.path} has {labels.n_rows}: name the column that "
            "both have in common with --id"
        )
    note = f"{labels.path}: its rows were taken one to one; --id COLUMN joins by name"
    return attach_columns(table, labels, wanted), [note]


def join_by_name(
    table: Table, labels: Table, wanted: Sequence[str], own: str, id_column: str
) -> tuple[Table, list[str]]:
    """Return the rows whose name in `own` is in the labels' `id_column`, and notes about the others."""
    left, right = table.distinct_words(own), labels.distinct_words(id_column)
    check_unique(table.path, left, "row", renames=False)
    check_unique(labels.path, right, "row", renames=False)
    place = {name: i for i, name in enumerate(right)}
    rows = [i for i, name in enumerate(left) if name in place]
    if not rows:
        hint = similar_names(left, right)
        if set(right) & set(table.names):
            hint = ": its columns are, so transpose it with --transpose"
        raise InputError(
            f"no name in '{own}' of {table.path} (such as {checks.short_repr(left[0])}) is in '{id_column}' of "
            f"{labels.path} (such as {checks.short_repr(right[0])}){hint}"
        )
    notes = unmatched_rows(table.path, left, labels.path, right)
    joined = replace(table.rows(np.array(rows)), id=own, lines=None)
    matches = labels.rows(np.array([place[left[i]] for i in rows]))
    return attach_columns(joined, matches, wanted), notes


def row_names(table: Table, id_column: str) -> str:
    """Return the column that names the table's rows, which is not `id_column`."""
    first = table.names[0]
    if table.id is None and first not in table.texts:
        check_column_names(table.path, [id_column], table.names)
    return first if table.id is None else table.id


def unmatched_rows(
    left_path: str, left: Sequence[str], right_path: str, right: Sequence[str]
) -> list[str]:
    """Return a line about the rows of each file that are not in the other."""
    there, here = set(left), set(right)
    alone = (
        [name for name in left if name not in here],
        [name for name in right if name not in there],
    )
    likeness = similar_names(*alone)
    return [
        *unmatched_note(left_path, alone[0], right_path, len(left), likeness),
        *unmatched_note(right_path, alone[1], left_path, len(right), "" if alone[0] else likeness),
    ]


def unmatched_note(
    path: str, names: Sequence[str], other: str, n_rows: int, likeness: str
) -> list[str]:
    """Return a line about the rows that are in one file only: a warning if they are many, or names are nearly alike."""
    if not names:
        return []
    many = len(names) > UNMATCHED_SHARE * n_rows
    of_all = f" of {n_rows}" if many else ""
    rows = f"1{of_all} row{'s' * many} is" if len(names) == 1 else f"{len(names)}{of_all} rows are"
    line = f"{rows} in {path} but not in {other}, and left out: {first_names(names)}{likeness}"
    return [f"warning: {line}" if many or likeness else line]


def similar_names(left: Sequence[str], right: Sequence[str]) -> str:
    """Return how many names differ from one on the other side in case, blanks and marks only; empty if none do."""
    theirs = {normalised_name(name): name for name in right}
    pairs = [
        (name, theirs[normalised_name(name)]) for name in left if normalised_name(name) in theirs
    ]
    if not pairs:
        return ""
    first, second = (checks.short_repr(name) for name in pairs[0])
    differ = "1 of them differs" if len(pairs) == 1 else f"{len(pairs)} of them differ"
    return (
        f"; {differ} from a name there in case or marks only ({first} and {second}): "
        "spell them alike in both files"
    )


def attach_columns(table: Table, labels: Table, wanted: Sequence[str]) -> Table:
    """Return the table with these columns of the other one, row for row."""
    for name in wanted:
        if name in table.names:
            raise InputError(
                f"column '{name}' is both in {table.path} and in {labels.path}: leave it out of one of them"
            )
    numbers = np.stack([labels.column(name) for name in wanted], axis=1)
    texts = {name: labels.words(name) for name in wanted}
    if table.sparse:
        import scipy.sparse

        together = scipy.sparse.csr_array(scipy.sparse.hstack([table.numbers, numbers]))
    else:
        together = np.concatenate([table.numbers, numbers], axis=1)
    return replace(
        table, names=[*table.names, *wanted], numbers=together, texts={**table.texts, **texts}
    )
