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
    if not is_dask(x):
        module, name = PREDICTIONS[False]
        return getattr(import_module(module), name)(model, x, method, settings)
    table = blocked_table(x, "X")
    module, name = PREDICTIONS[table.by_rows and not is_dask(model.w1_)]
    return getattr(import_module(module), name)(model, table, method, settings)
