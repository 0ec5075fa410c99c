"""A saved model beside rows whose target is known, so that it can be scored: what `evaluate` and `report` begin with."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from twolayer import tables
from twolayer.errors import InputError
from twolayer.evaluation.baselines import NETWORK
from twolayer.evaluation.scores import model_scores
from twolayer.evaluation.splits import TrainTestSplit, train_test_rows
from twolayer.saving.saved_model import SavedModel
from twolayer.tables import Table, TableOptions, as_tuple
from twolayer.tables.column_kinds import NO_WORDS, YES_WORDS
from twolayer.tables.far_values import far_target_warnings
from twolayer.tables.readers.formats import STDIN
from twolayer.tables.table import parse_number
from twolayer.tables.target import check_target_complete
from twolayer.text import first_names


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Rows with their truth, as the model takes them.

    Attributes
    ----------
    table : Table
    x : ndarray or sparse array, shape (n_rows, n_inputs)
    y : ndarray, shape (n_rows,), or (n_rows, n_outputs) for several targets
    weights : ndarray, shape (n_rows,), or None
    groups : ndarray of str, shape (n_rows,), or None
        Rows that belong together.
    order : ndarray, shape (n_rows,), or None
        The rank of each row in time.
    asked : TableOptions
        With the columns that the fit used, if they are taken.
    targets : tuple of str
    notes : list of str
        What there is to say about the table and its columns.
    far_targets : tuple of str
        Those of the notes that name rows whose target is far from all others.
    """

    table: Table
    x: Any
    y: np.ndarray
    weights: np.ndarray | None
    groups: np.ndarray | None
    order: np.ndarray | None
    asked: TableOptions
    targets: tuple[str, ...]
    notes: list[str]
    far_targets: tuple[str, ...] = ()


def target_names(model: SavedModel, given: Any) -> tuple[str, ...]:
    """The columns with the truth: those that were named, or that the model's file names."""
    targets = as_tuple(given) or tuple(model.targets)
    if not targets:
        raise InputError(
            f"{model.path} was not told what it predicts: name the column with --target"
        )
    return targets


def fit_columns(model: SavedModel) -> dict[str, str]:
    """The columns that had a part of their own in the fit, by the option that named them, as far as the file says."""
    found = {part: model.about.get(part) for part in ("groups", "time", "weights")}
    return {part: name for part, name in found.items() if isinstance(name, str)}


def labelled_rows(model: SavedModel, asked: TableOptions) -> LabelledRows:
    """The model's inputs and the truth in a table; by itself with the groups, time and weights that the fit used."""
    more: dict[str, Any] = {
        part: name
        for part, name in fit_columns(model).items()
        if getattr(asked, part) is None and name not in (*asked.targets, *asked.parts)
    }
    if asked.groups is not None or asked.time is not None:  # one way to split
        more = {part: name for part, name in more.items() if part == "weights"}
    flags = " ".join(f"--{part} {name}" for part, name in more.items())
    if not more or asked.path == STDIN:  # which can be read but once
        known = read_labelled_rows(model, asked)
        return (
            known if not more else replace(known, notes=[*known.notes, missing_option_note(flags)])
        )
    try:
        known = read_labelled_rows(model, replace(asked, **more))
    except InputError as error:
        known = read_labelled_rows(model, asked)
        return replace(
            known, notes=[*known.notes, f"the fit used {flags}, which is not taken here: {error}"]
        )
    return replace(known, notes=[*known.notes, f"as in the fit: {flags}"])


def missing_option_note(flags: str) -> str:
    """What is said where the fit used columns that are not taken by themselves."""
    return f"the fit used {flags}: give {'them' if flags.count('--') > 1 else 'it'} too"


def read_labelled_rows(model: SavedModel, asked: TableOptions) -> LabelledRows:
    """The rows with the columns that were asked for."""
    rows, notes = tables.requested_table(asked, model.encoder.columns if model.encoder else ())
    found = tables.EncodingReport()
    x = model.inputs(rows, found)
    y = true_targets(model, tables.with_target_path(rows, asked.labels), asked.targets)
    weights = tables.weight_column(rows, asked.weights)
    groups = tables.group_column(rows, asked.groups)
    order = tables.time_order(rows, asked.time)
    outside = model.outside_rows()
    outside.add(x)
    far = (
        () if model.classifies else far_target_warnings(rows, asked.targets, y, model.ids, weights)
    )
    notes = [*notes, *found.sentences(), *outside.sentences(), *far]
    return LabelledRows(rows, x, y, weights, groups, order, asked, asked.targets, notes, tuple(far))


def input_names(model: SavedModel) -> tuple[list[str], list[str]]:
    """The name of every input, and the column of the table that it was made from."""
    names = model.input_names()
    return names, names if model.encoder is None else model.encoder.sources()


def assessment_names(model: SavedModel, known: LabelledRows) -> dict[str, Any]:
    """Return the names of inputs, targets and groups, as `Assessment` takes them."""
    inputs, sources = input_names(model)
    return {
        "inputs": inputs,
        "sources": sources,
        "n_markers": 0 if model.encoder is None else len(model.encoder.marked),
        "targets": list(known.targets),
        "grouped_by": known.asked.groups or "",
        "weighted_by": known.asked.weights or "",
    }


def recovered_split(known: SavedModel, rows: LabelledRows) -> TrainTestSplit | None:
    """The rows that the fit kept for the test, if this is its table; None if not.

    The split is drawn again from the seed in the model's file, and believed only if the model's scores on its test rows are
    those that the fit wrote down.
    """
    kept, sizes = known.about.get("scores"), known.about.get("rows")
    size, seed = known.about.get("test_size"), known.about.get("seed")
    before = kept.get(NETWORK) if isinstance(kept, dict) else None
    if not (
        isinstance(before, dict) and isinstance(sizes, dict) and has_fit_row_count(known, rows)
    ):
        return None
    if not (isinstance(size, float) and 0 < size < 1 and isinstance(seed, int) and seed >= 0):
        return None
    classifies = known.classifies and rows.y.ndim == 1
    try:
        parts = train_test_rows(
            rows.y, size, seed, classifies=classifies, groups=rows.groups, order=rows.order
        )
    except InputError:
        return None
    test = parts.test
    weights = None if rows.weights is None else rows.weights[test]
    if weights is not None and not weights.any():
        return None
    now = model_scores(known.estimator.without_feature_names(), rows.x[test], rows.y[test], weights)
    same = all(np.isclose(now[name], before.get(name, np.nan), rtol=1e-6) for name in now)
    return parts if same and len(test) == sizes["test"] else None


def has_fit_row_count(known: SavedModel, rows: LabelledRows) -> bool:
    """Whether these are as many rows as the fit had."""
    sizes = known.about.get("rows")
    return (
        isinstance(sizes, dict)
        and sizes.get("train", 0) + sizes.get("test", 0) == rows.table.n_rows
    )


def true_targets(model: SavedModel, table: Table, targets: tuple[str, ...]) -> np.ndarray:
    """The targets as the model would say them."""
    for name in targets:
        check_target_complete(table, name)
    if model.classifies and not model.several_labels:
        if len(targets) > 1:
            raise InputError(f"{model.path} predicts one class a row: name one --target")
        return class_column(model, table, targets[0])
    n_outputs = int(model.estimator.w2_.shape[-1])
    if len(targets) != n_outputs:
        what = "labels" if model.several_labels else "numbers"
        raise InputError(
            f"{model.path} predicts {n_outputs} {what} a row, and {len(targets)} columns were named: {first_names(targets)}"
        )
    if model.several_labels:
        return label_columns(model, table, targets)
    y = table.inputs(targets)
    return y[:, 0] if n_outputs == 1 else y


def class_column(model: SavedModel, table: Table, name: str) -> np.ndarray:
    """The class of each row, of those that the model knows."""
    classes = model.estimator.classes_
    place = {str(one): k for k, one in enumerate(classes.tolist())}
    numbers = [parse_number(word) for word in place]
    by_number: dict[float | None, int] = {
        number: k
        for k, number in enumerate(numbers)
        if number is not None and numbers.count(number) == 1  # classes 01 and 1 are told apart
    }
    found = []
    for row, word in enumerate(table.words(name)):
        k = place.get(word, by_number.get(parse_number(word)))
        if k is None:
            raise InputError(
                f"{table.path}: {table.where(row)} has {word!r} in column '{name}', which is no class of "
                f"{model.path}: {first_names(place)}"
            )
        found.append(k)
    return classes[np.array(found, dtype=int)]


def label_columns(model: SavedModel, table: Table, names: tuple[str, ...]) -> np.ndarray:
    """0 and 1, a column for each label."""
    columns = []
    for name in names:
        words = table.words(name)
        for row, word in enumerate(words):
            if (
                parse_number(word) not in (0, 1)
                and word.strip().lower() not in YES_WORDS | NO_WORDS
            ):
                raise InputError(
                    f"{table.path}: {table.where(row)} has {word!r} in column '{name}', where {model.path}, which predicts "
                    "several labels a row, needs 0 or 1, or no or yes"
                )
        columns.append(
            [parse_number(word) == 1 or word.strip().lower() in YES_WORDS for word in words]
        )
    return np.array(columns, dtype=int).T
