"""An estimator's `fit` of a table in blocks: by rows or by columns, as the table is cut."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from twolayer.distributed.collections import blocked_table
from twolayer.distributed.dask_workers import DaskWorkers
from twolayer.distributed.training import DaskHome

# whether blocks have whole rows -> (module, function) of the fit
FITS = {
    True: ("twolayer.distributed.row_fit", "fit_rows"),
    False: ("twolayer.distributed.column_fit", "fit_column_blocks"),
}


def fit_blocks(
    model: Any,
    x: Any,
    y: Any,
    sample_weight: Any,
    groups: Any,
    validation: tuple[Any, Any, Any],
    client: Any,
) -> None:
    """Fit the model to a Dask array or data frame.

    Parameters
    ----------
    model : estimator
        The draft that takes over what is learned; its settings are checked.
    x : Dask collection, shape (n_rows, n_inputs)
    y, sample_weight, groups : as in `fit`
    validation : (X_val, y_val, sample_weight_val)
        As in `fit`.
    client : distributed.Client or None
    """
    with DaskHome(client).at_work():
        table = blocked_table(x, "X")
        if not table.by_rows and table.shape[0] >= table.shape[1]:  # nothing is gained by its span
            table = blocked_table(table.array.rechunk({0: "auto", 1: -1}), "X")
        module, name = FITS[table.by_rows]
        fit = getattr(import_module(module), name)
        fit(model, table, y, sample_weight, groups, validation, DaskWorkers(client))
