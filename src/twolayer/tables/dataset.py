"""A table that is ready to learn from: read, transposed, joined, with its target and the roles of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from twolayer.errors import InputError
from twolayer.evaluation.splits import time_slices
from twolayer.tables.column_kinds import ColumnKinds, column_kinds
from twolayer.tables.column_roles import group_column, time_order, weight_column
from twolayer.tables.encoder import left_out_reasons
from twolayer.tables.far_values import far_input_warnings, far_target_warnings
from twolayer.tables.join import join_tables
from twolayer.tables.leakage import leakage_warnings
from twolayer.tables.missing_codes import missing_code_warnings
from twolayer.tables.number_formats import NumberFormats, read_formatted_numbers
from twolayer.tables.readers.file_format import TextLayout
from twolayer.tables.readers.formats import read_table
from twolayer.tables.table import Table, check_column_names, is_missing, looks_transposed
from twolayer.tables.table_options import TableOptions
from twolayer.tables.target import Target, read_target, spelling_warnings
from twolayer.tables.telling_columns import telling_column_lines
from twolayer.tables.transpose import transpose_table
from twolayer.text import first_names


@dataclass(frozen=True, eq=False)
class Dataset:
    """A table with its target, the kinds of its columns, and the roles of some.

    Attributes
    ----------
    table : Table
    target : Target
    kinds : ColumnKinds
    weights : ndarray, shape (n_rows,), or None
    groups : ndarray of str, shape (n_rows,), or None
    order : ndarray, shape (n_rows,), or None
        The rank of each row in time; equal for rows of the same time.
    notes : list of str
        What the user should know, in sentences.
    leaks : list of str
        Those of the notes that say why every score may be too good.
    """

    table: Table
    target: Target
    kinds: ColumnKinds
    weights: np.ndarray | None = None
    groups: np.ndarray | None = None
    order: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)

    def fold_groups(self, rows: np.ndarray) -> np.ndarray | None:
        """Return what stays together where alpha is chosen: the groups; of rows in time, a fifth of the time each."""
        if self.groups is not None:
            return self.groups[rows]
        return None if self.order is None else time_slices(self.order[rows])


def read_dataset(options: TableOptions) -> Dataset:
    """Return the table, its target, and the columns with a role.

    Raises
    ------
    FileError, InputError
        If a file cannot be read, or a column is not there or cannot have its role.
    """
    table, notes = requested_table(options)
    target = read_target(with_target_path(table, options.labels), options.targets, options.task)
    kinds = column_kinds(table, {*options.targets, *options.parts}, options.categories)
    if not (kinds.numbers or kinds.booleans or kinds.categories):
        reasons = left_out_reasons(kinds)
        raise InputError(
            f"{table.path} has no column but the target {first_names(options.targets)} to learn from"
            f"{f': {reasons[0]}' if reasons else ''}"
        )
    groups = group_column(table, options.groups)
    batches, facts = telling_column_lines(table, kinds, target)
    leaks = [*leakage_warnings(table, kinds, target, options.groups, groups), *batches]
    weights = weight_column(table, options.weights)
    notes += [*facts, *spelling_warnings(target)]
    codes = missing_code_warnings(table, kinds.numbers)
    notes += codes or far_input_warnings(table, kinds.numbers, kinds.ids)
    if target.task == "regression":
        notes += far_target_warnings(table, target.names, target.values, kinds.ids, weights)
    return Dataset(
        table,
        target,
        kinds,
        weights,
        groups,
        time_order(table, options.time),
        [*notes, *leaks],
        leaks,
    )


def requested_table(options: TableOptions, known: Sequence[str] = ()) -> tuple[Table, list[str]]:
    """Return the table read, transposed and joined, without the columns to drop; and notes about it.

    `known`: the columns of a model that is to be scored on it.
    """
    labels = read_labels(options) if options.labels else None
    shared = () if labels is None or options.id else labels.names  # 001 names another row than 1
    table = read_table(
        options.path,
        (*options.text_columns, *shared),
        options.delimiter,
        options.sheet,
        must_be_there=labels is None and not options.transpose and not known,
        layout=options.layout,
    )
    notes = table.note.splitlines()
    table, more = read_number_formats(table, options)
    notes += more
    if options.transpose:
        samples = () if labels is None else known_samples(labels, options)
        rename = options.layout.rename_duplicates
        table = transpose_table(drop_columns(table, options.drop), samples, rename)
    if labels is not None:
        table, more = join_labels(table, labels, options)
        notes += more
    elif options.id:
        check_column_names(table.path, [options.id], table.names)
        table = replace(table, id=options.id)
    advice = ""
    if options.transpose and not options.labels:
        advice = "; if the target is not one of its rows, name the file that holds it with --labels"
    turned = bool(known) and labels is None and looks_transposed(table, known)
    if known and labels is None and not turned:
        advice = "; if another file holds the target, name it with --labels; twolayer predict needs no target"
    wanted = [*options.targets, *options.parts, *options.categories]
    check_column_names(table.path, wanted, table.names, turned, advice)
    if not options.transpose:
        table = drop_columns(table, options.drop)
    if options.drop_missing_target:
        table, more = drop_missing_targets(table, options)
        notes += more
    return table, notes


def read_number_formats(
    table: Table, options: TableOptions, skip: Sequence[str] = ()
) -> tuple[Table, list[str]]:
    """Return the table with percent signs and decimal commas read in columns of numbers; and notes about it."""
    names = [name for name in (options.id, options.groups) if name is not None]
    formats = NumberFormats()
    plain = {*names, *options.categories, *options.drop, *skip}
    return read_formatted_numbers(table, formats, plain), formats.sentences()


def read_labels(options: TableOptions) -> Table:
    """Return the file of labels; every column as text too where one of them may name the rows."""
    text = options.text_columns if options.id else None
    labels = read_table(
        str(options.labels),
        text,
        sheet=options.labels_sheet,
        must_be_there=False,
        layout=TextLayout(missing=options.layout.missing),
    )
    check_column_names(labels.path, options.targets, labels.names)
    return labels


def known_samples(labels: Table, options: TableOptions) -> set[str]:
    """Return what may name the samples: the words of the labels' column of names, or of all but the targets."""
    names = [options.id] if options.id in labels.names else labels.names
    return {word for name in names if name not in options.targets for word in labels.words(name)}


def join_labels(table: Table, labels: Table, options: TableOptions) -> tuple[Table, list[str]]:
    """Return the table with its columns from the file of labels; and notes about it."""
    path = labels.path
    notes = labels.note.replace("--sheet", "--labels-sheet").splitlines()
    taken = [name for name in [*options.targets, *options.parts] if name in labels.names]
    unused = [name for name in labels.names if name not in (*taken, options.id)]
    labels, more = read_number_formats(labels, options, unused)
    notes += more
    table, more = join_tables(table, labels, taken, options.id)
    notes += more
    if unused:
        notes.append(f"{path}: nothing is learned from its other columns: {first_names(unused)}")
    return table, notes


def drop_missing_targets(table: Table, options: TableOptions) -> tuple[Table, list[str]]:
    """Return the rows with a value in every target; and a note about the others."""
    targets = options.targets
    gaps = np.zeros(table.n_rows, dtype=bool)
    for name in targets:
        gaps |= [is_missing(word) for word in table.words(name)]
    if not gaps.any():
        return table, []
    if gaps.all():
        which = "the target" if len(targets) == 1 else "every one of the targets"
        raise InputError(
            f"{options.labels or table.path}: no row has a value in {which} {first_names(targets)}: "
            "--drop-missing-target leaves nothing"
        )
    count = int(gaps.sum())
    rows = "1 row has" if count == 1 else f"{count} of {table.n_rows} rows have"
    note = f"{rows} no value in the target {first_names(targets)}: left out"
    return table.rows(np.flatnonzero(~gaps)), [note]


def drop_columns(table: Table, names: Sequence[str]) -> Table:
    """Return the table without these columns."""
    if not names:
        return table
    check_column_names(table.path, names, table.names)
    rest = [name for name in table.names if name not in names]
    return replace(
        table,
        names=rest,
        numbers=table.columns(rest),
        texts={name: words for name, words in table.texts.items() if name in rest},
        id=table.id if table.id in rest else None,
    )


def with_target_path(table: Table, labels: str | None) -> Table:
    """Return the table under the name of the file that the targets are from, for messages about them."""
    return table if labels is None else replace(table, path=labels, lines=None)
