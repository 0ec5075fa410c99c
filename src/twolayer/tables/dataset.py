"""A table as a command was asked to take it: read, turned, joined, its columns told apart, its target found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from twolayer.errors import InputError
from twolayer.tables.column_kinds import DATE_PATTERN, ColumnKinds, column_kinds
from twolayer.tables.encoder import Encoder
from twolayer.tables.join import join_by_name, transpose_table
from twolayer.tables.leakage import leakage_warnings
from twolayer.tables.number_formats import NumberFormats, read_formatted_numbers
from twolayer.tables.readers.formats import read_table
from twolayer.tables.table import Table, is_missing, missing_column_error
from twolayer.tables.target import Target, read_target
from twolayer.text import first_names


@dataclass(frozen=True)
class TableOptions:
    """What the user said about a table.

    Attributes
    ----------
    path : str
    targets : tuple of str
    task : {"auto", "classification", "regression"}
    labels, id : str or None
        Another file that holds the targets, and the column that names the rows.
    weights, groups, time : str or None
        Columns of row weights, of rows that belong together, of the order of the rows.
    drop, categories : tuple of str
        Columns to leave out; columns to take as categories.
    transpose : bool
    delimiter : str or None
    drop_missing_target : bool
        Leave out the rows without a value in some target.
    sheet, labels_sheet : str or None
        Which sheets of Excel files the table and the labels are.
    """

    path: str
    targets: tuple[str, ...]
    task: str = "auto"
    labels: str | None = None
    id: str | None = None
    weights: str | None = None
    groups: str | None = None
    time: str | None = None
    drop: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    transpose: bool = False
    delimiter: str | None = None
    drop_missing_target: bool = False
    sheet: str | None = None
    labels_sheet: str | None = None

    @property
    def parts(self) -> list[str]:
        """The columns with a part of their own beside the targets."""
        return [name for name in (self.weights, self.groups, self.time) if name is not None]


@dataclass(frozen=True, eq=False)
class Dataset:
    """The table as it was asked for.

    Attributes
    ----------
    table : Table
    target : Target
    kinds : Kinds
    weights : ndarray, shape (n_rows,), or None
    groups : ndarray of str, shape (n_rows,), or None
    order : ndarray, shape (n_rows,), or None
        The rank of each row in time; equal for rows of the same time.
    said : list of str
        What the user should know, in sentences.
    """

    table: Table
    target: Target
    kinds: ColumnKinds
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None
    order: np.ndarray | None = None
    said: list[str] = field(default_factory=list)


def requested_table(asked: TableOptions) -> tuple[Table, list[str]]:
    """The table read, turned and joined, without the columns to drop; and what to say about it."""
    own = [
        *asked.targets,
        *([asked.groups] if asked.groups else []),
        *([asked.time] if asked.time else []),
    ]
    twice = {
        name
        for name in [*asked.targets, *asked.parts]
        if [*asked.targets, *asked.parts].count(name) > 1
    }
    if twice:
        raise InputError(
            f"column {first_names(sorted(twice))} is asked for twice: each column has one part to play"
        )
    for name in [*asked.targets, *asked.parts]:
        if name in asked.drop:
            raise InputError(
                f"column '{name}' is asked for and to be left out: take it out of --drop, or ask for another"
            )
    # as they stand in the file: sample 001 is not sample 1, nor one of many digits its neighbour
    words = [
        *dict.fromkeys(
            [*own, *asked.categories, *([asked.id] if asked.labels and asked.id else [])]
        )
    ]
    elsewhere = bool(asked.labels or asked.transpose)
    table = read_table(asked.path, words, asked.delimiter, asked.sheet, must_be_there=not elsewhere)
    said = [table.note] if table.note else []
    table, read_so = read_number_formats(table, asked)
    said += read_so
    if asked.transpose:
        table = transpose_table(drop_columns(table, asked.drop))
    if asked.labels:
        table, joined = join_labels(table, asked, words)
        said += joined
    elif asked.id:
        if asked.id not in table.names:
            raise InputError(missing_column_error(table.path, asked.id, table.names))
        table = replace(table, id=asked.id)
    for name in [*asked.targets, *asked.parts, *asked.categories]:
        if name not in table.names:
            more = "; a target that is none of its rows is taken from the file that --labels names"
            turned = more if asked.transpose and not asked.labels else ""
            raise InputError(missing_column_error(table.path, name, table.names) + turned)
    table = table if asked.transpose else drop_columns(table, asked.drop)
    if asked.drop_missing_target:
        table, left_out = drop_missing_targets(table, asked)
        said = [*said, *left_out]
    return table, said


def read_number_formats(
    table: Table, asked: TableOptions, skip: Sequence[str] = ()
) -> tuple[Table, list[str]]:
    """The table with percent signs and decimal commas read where numbers are due; and what to say about it."""
    names = [one for one in (asked.id, asked.groups) if one is not None]
    seen = NumberFormats()
    table = read_formatted_numbers(table, seen, {*names, *asked.categories, *asked.drop, *skip})
    return table, seen.sentences()


def join_labels(table: Table, asked: TableOptions, words: Sequence[str]) -> tuple[Table, list[str]]:
    """The table with what the file of labels holds for it, these columns read as text; and what to say about it."""
    path = str(asked.labels)
    labels = read_table(path, words, sheet=asked.labels_sheet, must_be_there=False)
    for name in asked.targets:
        if name not in labels.names:
            raise InputError(missing_column_error(labels.path, name, labels.names))
    said = [labels.note.replace("--sheet", "--labels-sheet")] if labels.note else []
    theirs = [name for name in [*asked.targets, *asked.parts] if name in labels.names]
    unused = [name for name in labels.names if name not in (*theirs, asked.id)]
    labels, read_so = read_number_formats(labels, asked, unused)
    said += read_so
    table, joined = join_by_name(table, labels, theirs, asked.id)
    if unused:
        joined.append(f"{path}: nothing is learned from its other columns: {first_names(unused)}")
    return table, said + joined


def drop_missing_targets(table: Table, asked: TableOptions) -> tuple[Table, list[str]]:
    """The rows with a value in every target, and how many others were left out."""
    targets = asked.targets
    gaps = np.zeros(table.n_rows, dtype=bool)
    for name in targets:
        gaps |= [is_missing(word) for word in table.words(name)]
    if not gaps.any():
        return table, []
    if gaps.all():
        what = "the target" if len(targets) == 1 else "every one of the targets"
        raise InputError(
            f"{asked.labels or table.path}: no row has a value in {what} {first_names(targets)}: "
            "--drop-missing-target leaves nothing"
        )
    count = int(gaps.sum())
    rows = "1 row has" if count == 1 else f"{count} of {table.n_rows} rows have"
    said = f"{rows} no value in the target {first_names(targets)}: left out"
    return table.rows(np.flatnonzero(~gaps)), [said]


def with_target_path(table: Table, labels: str | None) -> Table:
    """The table under the name of the file that the targets came from, for what is said of them."""
    return table if labels is None else replace(table, path=labels, lines=None)


def drop_columns(table: Table, names: Sequence[str]) -> Table:
    """The table without these columns."""
    if not names:
        return table
    for name in names:
        if name not in table.names:
            raise InputError(missing_column_error(table.path, name, table.names))
    kept = [name for name in table.names if name not in names]
    texts = {name: words for name, words in table.texts.items() if name in kept}
    return replace(
        table,
        names=kept,
        numbers=table.columns(kept),
        texts=texts,
        id=table.id if table.id in kept else None,
    )


def read_dataset(asked: TableOptions) -> Dataset:
    """The table, its target, and the columns with a part of their own.

    Raises
    ------
    FileError, InputError
        If a file cannot be read, or a column is not there or cannot play its part.
    """
    table, said = requested_table(asked)
    wanted = read_target(with_target_path(table, asked.labels), asked.targets, asked.task)
    found = column_kinds(table, {*asked.targets, *asked.parts}, asked.categories)
    if not (found.numbers or found.booleans or found.categories):
        why = f": {left_out_reasons(found)[0]}" if left_out_reasons(found) else ""
        raise InputError(
            f"{table.path} has no column but the target {first_names(asked.targets)} to learn from{why}"
        )
    said = [*said, *leakage_warnings(table, found, wanted, asked.groups is not None)]
    return Dataset(
        table,
        wanted,
        found,
        weight_column(table, asked.weights),
        None if asked.groups is None else np.array(complete_column(table, asked.groups)),
        None if asked.time is None else time_order(table, asked.time),
        said,
    )


def weight_column(table: Table, name: str | None) -> np.ndarray | None:
    """Row weights from a column."""
    if name is None:
        return None
    weights = table.finite(name)
    if (weights < 0).any():
        row = int(np.argmax(weights < 0))
        raise InputError(
            f"{table.path}: {table.where(row)} has the weight {weights[row]:g} in column '{name}': weights are not negative"
        )
    if not weights.sum() > 0:
        raise InputError(f"{table.path}: column '{name}' is 0 in every row: nothing is left to fit")
    return weights


def complete_column(table: Table, name: str) -> list[str]:
    """The words of a column that has one in every row."""
    words = table.words(name)
    for row, word in enumerate(words):
        if is_missing(word):
            raise InputError(f"{table.path}: {table.where(row)} has no value in column '{name}'")
    return words


def time_order(table: Table, name: str) -> np.ndarray:
    """The rank of each row by its time: a number, or a date with the year first."""
    if not table.first_text(name):
        return np.unique(table.finite(name), return_inverse=True)[1]
    words = complete_column(table, name)
    for row, word in enumerate(words):
        if not (DATE_PATTERN.fullmatch(word) and word[:4].isdigit()):
            raise InputError(
                f"{table.path}: column '{name}' holds {word!r} in {table.where(row)}: the time of a row is a number, "
                "or a date with the year first, such as 2021-03-04"
            )
    moments = [time_key(word) for word in words]
    rank = {one: k for k, one in enumerate(sorted(set(moments)))}
    return np.array([rank[one] for one in moments])


def time_key(date: str) -> tuple[float, ...]:
    """What orders dates with the year first: 2021-3-4 stands before 2021-10-1, 9:30 before 10:00, and noon before 1 PM."""
    day, _, time = date.upper().replace("T", " ").partition(" ")
    clock = [float(one) for one in re.findall(r"\d+(?:\.\d+)?", time)]
    if "AM" in time or "PM" in time:
        clock[0] = clock[0] % 12 + 12 * ("PM" in time)
    return (*map(float, re.split("[-/.]", day)), *clock)


def left_out_reasons(found: ColumnKinds | Encoder) -> list[str]:
    """What was left out and why, a line each; columns of the same reason together."""
    lines = []
    if found.ids:
        lines.append(f"{first_names(found.ids)} name{'s' * (len(found.ids) == 1)} the rows")
    return lines + reasons_by_kind(found.left_out)


def reasons_by_kind(left_out: dict[str, str]) -> list[str]:
    """`'a', 'b' holds no value`, a line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for name, why in left_out.items():
        kind = "the same in every row of training" if why.startswith("is ") else why
        by_reason.setdefault(kind, []).append(name)
    return [
        f"nothing is learned from {first_names(names)}: {why}" for why, names in by_reason.items()
    ]
