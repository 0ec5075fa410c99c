"""What users give to `fit` beside a table in blocks of rows: targets, row weights and groups, read for an estimator."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from twolayer import checks
from twolayer.distributed.block_sum import Workers
from twolayer.distributed.collections import (
    BlockedTable,
    along_rows,
    check_number_columns,
    counted_array,
    is_dask,
    known_array,
)
from twolayer.distributed.table_rows import (
    RowReader,
    TableRows,
    named_block,
    read_table_rows,
    target_array,
)
from twolayer.errors import InputError
from twolayer.estimators.class_weights import class_weights
from twolayer.estimators.training_rows import group_numbers, relative_weights
from twolayer.estimators.uncertainty.spread_networks import check_spread

UNREAD = ("callback", "random_state")  # settings that reading rows does not need
IN_VALIDATION = (
    "in the rows for validation, X_val as X, y_val as y, sample_weight_val as sample_weight: "
)


def set_columns(model: Any, table: BlockedTable) -> None:
    """Set the number and the names of the columns of the table as fitted attributes."""
    model.n_features_in_ = table.shape[1]
    model.__dict__.pop("feature_names_in_", None)
    text = [isinstance(name, str) for name in table.names or []]
    if any(text) and not all(text):
        raise InputError(
            "X has column names of which some are text and some are not: make them all text, or give X.to_dask_array()"
        )
    if all(text) and text:
        model.feature_names_in_ = np.asarray(table.names, dtype=object)


def read_training_rows(
    model: Any, table: BlockedTable, y: Any, sample_weight: Any, groups: Any, workers: Workers
) -> TableRows:
    """Return the checked rows, kept by the workers; set the model's attributes that follow from the columns and from y."""
    if not is_classifier(model):
        check_spread(model.spread, model._task_loss())
    set_columns(model, table)
    s = weights_here(sample_weight, table, workers)
    s = None if s is None else relative_weights(s)
    n_columns = target_columns(y, "y")
    if n_columns == 1:
        column_or_1d(np.zeros((1, 1)), warn=True)  # scikit-learn's warning about a column
    parts = row_parts(model, table, y, s, groups, workers)
    if is_classifier(model):
        set_classes(model, parts, n_columns, workers)
    else:
        model._one_target = n_columns is None or n_columns == 1
        model.n_outputs_ = n_columns or 1
    return read_table_rows(
        parts, row_reader(model, table, ""), table.shape[1], workers, table.array.nbytes
    )


def read_validation_rows(
    model: Any, table: BlockedTable, y: Any, sample_weight: Any, workers: Workers
) -> TableRows:
    """Return the checked rows for early stopping, kept by the workers."""
    known = getattr(model, "feature_names_in_", None)
    if table.shape[1] != model.n_features_in_ or (
        known is not None and table.names is not None and list(known) != list(table.names)
    ):
        raise InputError("X_val must have the columns of X, in the same order")
    s = weights_here(sample_weight, table, workers)
    parts = row_parts(model, table, y, s, None, workers)
    reader = row_reader(model, table, IN_VALIDATION)
    return read_table_rows(parts, reader, table.shape[1], workers, table.array.nbytes)


def row_reader(model: Any, table: BlockedTable, what: str) -> RowReader:
    """Return what reads the blocks for this model, without what need not travel."""
    bare = copy.copy(model)
    for name in UNREAD:
        setattr(bare, name, None)
    return RowReader(bare, table.names, what, is_classifier(model))


def weights_here(sample_weight: Any, table: BlockedTable, workers: Workers) -> np.ndarray | None:
    """Return checked row weights in memory, or None: what they mean follows from all of them together."""
    if is_dask(sample_weight):
        sample_weight = workers.value(known_array(sample_weight, "sample_weight"))  # type: ignore[attr-defined]
    return checks.row_weights(sample_weight, table.shape[0], np.float64)


def target_columns(y: Any, name: str) -> int | None:
    """Return the number of columns of targets; None if they have one axis."""
    if y is None:
        raise InputError(f"{name} is None: fit needs a target for each row")
    shape = y.shape if hasattr(y, "shape") else np.shape(y)
    return None if len(shape) == 1 else int(shape[1])


def row_parts(
    model: Any,
    table: BlockedTable,
    y: Any,
    s: np.ndarray | None,
    groups: Any,
    workers: Workers,
) -> list[tuple[Any, ...]]:
    """Return (x, y, s, groups, number of the first row, number of the block) of each, as the workers take them."""
    numbers = not is_classifier(model)
    if numbers and hasattr(y, "to_dask_array"):
        check_number_columns(y, "y")
    targets = along_rows(y, "y", table, numbers)
    if groups is not None:
        if is_dask(groups):
            groups = workers.value(counted_array(groups, "groups"))  # type: ignore[attr-defined]
        groups = group_numbers(groups, table.shape[0])
    none = [None] * len(targets)
    weights = none if s is None else [s[rows] for rows in table.slices]
    own = none if groups is None else [groups[rows] for rows in table.slices]
    firsts, each = [rows.start for rows in table.slices], range(len(targets))
    return list(zip(table.blocks(), targets, weights, own, firsts, each, strict=True))


def set_classes(
    model: Any, parts: list[tuple[Any, ...]], n_columns: int | None, workers: Workers
) -> None:
    """Set the classes of the model, or the number of labels, and how much a row of each class counts."""
    model._several_labels = n_columns is not None and n_columns > 1
    if n_columns is not None and n_columns > 1:
        model.classes_ = np.arange(n_columns)
        return
    found = workers.each(block_classes, [(y, s, *place) for _, y, s, _, *place in parts])
    model.classes_ = classes = np.unique(np.concatenate([names for names, _ in found]))
    check_classification_targets(classes)
    totals = np.zeros(len(classes))
    for names, weights in found:
        totals[np.searchsorted(classes, names)] += weights
    counted = np.flatnonzero(totals > 0)
    if len(counted) < 2:
        raise InputError(
            f"y holds one class only, {str(classes[counted[0]])!r}, in every row of weight above 0: two classes are needed"
        )
    model.__dict__.pop("_class_weights", None)
    if model.class_weight is not None:
        model._class_weights = class_weights(model.class_weight, classes, counted, totals[counted])


def block_classes(block: tuple[Any, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Return the classes of a block, and the weight of the rows of each."""
    y, s, first, number = block
    with named_block(number, first):
        y = target_array(y, numbers=False)
    classes, labels = np.unique(y, return_inverse=True)
    return classes, np.bincount(labels, weights=s, minlength=len(classes)).astype(float)
