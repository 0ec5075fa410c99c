"""`partial_fit` of a table in blocks of rows: one pass over them, block after block, each in memory here for its turn."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier

from twolayer.distributed.collections import blocked_table
from twolayer.distributed.dask_workers import DaskWorkers
from twolayer.distributed.row_input import row_parts, set_classes, target_columns, weights_here
from twolayer.distributed.table_rows import target_array
from twolayer.errors import InputError
from twolayer.training.loop import was_interrupted


def partial_fit_blocks(model: Any, x: Any, y: Any, sample_weight: Any, classes: Any = None) -> None:
    """Let the model learn from one block after another, as its `partial_fit` does; see there.

    Parameters
    ----------
    model : estimator
        The draft that takes over what is learned.
    x : Dask array or data frame, in blocks of rows
    y, sample_weight : as in `partial_fit`
    classes : array-like or None
        None for those of all blocks, if the model has none yet.
    """
    table, workers = blocked_table(x, "X"), DaskWorkers()
    if not table.by_rows:
        raise InputError(
            "partial_fit goes over blocks of rows, and X is in blocks of columns: X.rechunk({0: 'auto', 1: -1})"
        )
    s = weights_here(sample_weight, table, workers)
    parts = row_parts(model, table, y, s, None, workers)
    more = {}
    if is_classifier(model) and not hasattr(model, "w1_"):
        more["classes"] = classes
        if classes is None:
            set_classes(model, parts, target_columns(y, "y"), workers)
            more["classes"] = model.classes_
    for block in parts:
        ((rows, targets, weights),) = workers.each(block_arrays, [block[:3]], is_classifier(model))
        model.partial_fit(with_names(rows, table.names), targets, sample_weight=weights, **more)
        more = {}
        if was_interrupted(model.stopped_):
            return


def block_arrays(block: tuple[Any, Any, Any], classifies: bool) -> tuple[Any, ...]:
    """Return the arrays of a block."""
    x, y, s = block
    return np.asarray(x), target_array(y, numbers=not classifies), s


def with_names(x: np.ndarray, names: list[Any] | None) -> Any:
    """Return the rows as a data frame where the table is one."""
    if names is None:
        return x
    import pandas as pd

    return pd.DataFrame(x, columns=names)
