"""Two ways in which biologists keep their tables: samples in columns, and targets in a file of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.tables.readers.delimited import ROW_NAME_COLUMN
from twolayer.tables.table import Table, check_unique, missing_column_error
from twolayer.text import first_names

SAMPLE_COLUMN = "sample"
UNMATCHED_SHARE = 0.2  # share of a file's rows without a partner from which on it is a warning


def transpose_table(table: Table) -> Table:
    """The table turned: what its rows measure (genes, in a first column of names) become columns, its columns rows.

    Raises
    ------
    InputError
        If other columns than the first hold text, or two rows have the same name.
    """
    if table.sparse:
        return transpose_matrix(table)
    named = table.names[0] in table.texts or table.names[0] == table.id
    features = table.words(table.names[0]) if named else []
    samples = table.names[1:] if named else table.names
    if not samples:
        raise InputError(f"{table.path} has one column only: there is nothing to turn")
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


def check_no_text(table: Table, samples: Sequence[str], features: Sequence[str]) -> None:
    """Raise if a table to be turned holds text beside the names in its first column."""
    found = {name: first for name in samples if (first := table.first_text(name))}
    if not found:
        return
    sample, (row, text) = next(iter(found.items()))
    what = f"row '{features[row]}'" if features else f"row {row + 1}"
    if len(found) > 1 and len({row for row, _ in found.values()}) == 1:
        advice = "leave out that row; if it is what is to be learned, put it in a file of its own and say --labels"
    else:
        advice = f"correct the field, leave it empty if it means no value, or leave the sample out with --drop '{sample}'"
    more = f", and so do {first_names(list(found)[1:])}" if len(found) > 1 else ""
    raise InputError(
        f"{table.path}: with --transpose every column but the first is a sample of numbers, and '{sample}' holds "
        f"{checks.short_repr(text)} in {what}, {table.where(row)}{more}: {advice}"
    )


def transpose_matrix(table: Table) -> Table:
    """The same without names."""
    names = [f"x{j + 1}" for j in range(table.n_rows)]
    numbers = table.numbers.T.tocsr() if table.sparse else np.ascontiguousarray(table.numbers.T)
    return Table(table.path, names, numbers)


def join_by_name(
    table: Table, labels: Table, wanted: Sequence[str], id_column: str | None
) -> tuple[Table, list[str]]:
    """The rows that have labels, and what to say about the others.

    Parameters
    ----------
    table, labels : Table
    wanted : names
        The columns to take from `labels`.
    id_column : str or None
        What names the rows in `labels`, and in the table unless its first column does; None takes the rows one to one.

    Returns
    -------
    joined : Table
        With the wanted columns as the last.
    said : list of str

    Raises
    ------
    InputError
        If a name stands twice, or no name is in both.
    """
    if id_column is None:
        if labels.n_rows != table.n_rows:
            raise InputError(
                f"{table.path} has {table.n_rows} rows and {labels.path} has {labels.n_rows}: name the column that "
                "both have in common with --id"
            )
        said = [f"{labels.path}: its rows were taken one to one; --id COLUMN joins by name"]
        return attach_columns(table, labels, wanted), said
    if id_column not in labels.names:
        raise InputError(missing_column_error(labels.path, id_column, labels.names))
    own = id_column if id_column in table.names else row_names(table, id_column)
    left, right = table.words(own), labels.words(id_column)
    for path, names in ((table.path, left), (labels.path, right)):
        check_unique_rows(path, names, id_column)
    place = {name: i for i, name in enumerate(right)}
    rows = [i for i, name in enumerate(left) if name in place]
    if not rows:
        turn = (
            ": its columns are, so turn it with --transpose"
            if set(right) & set(table.names)
            else ""
        )
        raise InputError(
            f"no name in '{own}' of {table.path} (such as {checks.short_repr(left[0])}) is in "
            f"'{id_column}' of {labels.path} "
            f"(such as {checks.short_repr(right[0])}){turn or similar_names(left, right)}"
        )
    known = {left[i] for i in rows}
    alone = [name for name in left if name not in known]
    theirs = [name for name in right if name not in known]
    likeness = similar_names(alone, theirs)
    said = unmatched_rows(table.path, alone, labels.path, len(left), likeness)
    said += unmatched_rows(labels.path, theirs, table.path, len(right), "" if alone else likeness)
    table = replace(table.rows(np.array(rows)), id=own, lines=None)
    return attach_columns(
        table, labels.rows(np.array([place[left[i]] for i in rows])), wanted
    ), said


def row_names(table: Table, id_column: str) -> str:
    """The column that names the table's rows."""
    first = table.names[0]
    if table.id is not None:
        return table.id
    if first in table.texts:
        return first
    raise InputError(missing_column_error(table.path, id_column, table.names))


def check_unique_rows(path: str, names: Sequence[str], id_column: str) -> None:
    """Raise if a row's name stands twice."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InputError(
                f"{path}: {checks.short_repr(name)} stands twice in '{id_column}': a row needs a name of its own"
            )
        seen.add(name)


def unmatched_rows(
    path: str, names: list[str], other: str, n_rows: int, likeness: str = ""
) -> list[str]:
    """A line about the rows that are in one file only; a warning if they are many, or names are nearly alike."""
    if not names:
        return []
    many = len(names) > UNMATCHED_SHARE * n_rows
    of_all = f" of {n_rows}" if many else ""
    rows = f"1{of_all} row{'s' * many} is" if len(names) == 1 else f"{len(names)}{of_all} rows are"
    line = f"{rows} in {path} but not in {other}, and left out: {first_names(names)}{likeness}"
    return [f"warning: {line}" if many or likeness else line]


def similar_names(left: Sequence[str], right: Sequence[str]) -> str:
    """How many names on both sides differ in case, blanks and marks only, with an example; empty if none do."""
    theirs = {normalised_name(name): name for name in right}
    pairs = [
        (name, theirs[normalised_name(name)]) for name in left if normalised_name(name) in theirs
    ]
    if not pairs:
        return ""
    first, second = pairs[0]
    differ = "1 of them differs" if len(pairs) == 1 else f"{len(pairs)} of them differ"
    return (
        f"; {differ} from a name there in case or marks only ({checks.short_repr(first)} and {checks.short_repr(second)}): "
        "spell them alike in both files"
    )


def normalised_name(name: str) -> str:
    """The name without case, and without the marks and blanks that are easily left out; itself if it is nothing else."""
    return "".join(filter(str.isalnum, name.casefold())) or name


def attach_columns(table: Table, labels: Table, wanted: Sequence[str]) -> Table:
    """The table with these columns of the other one, row for row."""
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
