"""An estimator's predictions for rows of a table in blocks: by rows or by columns, as the table is cut."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from twolayer.distributed.collections import blocked_table, is_dask

# whether blocks have whole rows -> (module, function) of the predictions
PREDICTIONS = {
    True: ("twolayer.distributed.row_predictions", "predict_rows"),
    False: ("twolayer.distributed.column_predictions", "predict_columns"),
}


def predict_blocks(model: Any, x: Any, method: str, settings: Mapping[str, Any]) -> Any:
    """Return what a method of the model, such as "predict", returns for these rows: Dask's for Dask's, else NumPy's.

    Parameters
    ----------
    model : fitted estimator
    x : Dask collection; or any table, if the model's `w1_` is a Dask array
    method : str
    settings : mapping
        Other arguments of the method.
    """
    rows = hasattr(x, "to_dask_array") or (is_dask(x) and x.ndim == 2 and x.numblocks[1] == 1)
    table = x
    if is_dask(model.w1_) or not rows:
        table = blocked_table(x, "X") if is_dask(x) else x
        rows = is_dask(x) and table.by_rows and not is_dask(model.w1_)
        table = table.array if rows else table
    module, name = PREDICTIONS[rows]
    return getattr(import_module(module), name)(model, table, method, settings)
