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
    if is_dask(x) and not (has_whole_rows(x) and not is_dask(model.w1_)):
        x = blocked_table(x, "X")
        by_rows = x.by_rows and not is_dask(model.w1_)
        if not by_rows and sees_whole_rows(model):
            x, by_rows = blocked_table(x.array.rechunk({0: "auto", 1: -1}), "X"), True
        x = x.array if by_rows else x
    else:
        by_rows = is_dask(x)
    module, name = PREDICTIONS[by_rows]
    return getattr(import_module(module), name)(model, x, method, settings)


def has_whole_rows(x: Any) -> bool:
    """Return whether a Dask collection is in blocks of whole rows, of sizes that need not be known."""
    return hasattr(x, "to_dask_array") or (x.ndim == 2 and x.numblocks[1] == 1)


def sees_whole_rows(model: Any) -> bool:
    """Return whether the spread of the predictions takes whole rows: that of a table with no more columns than rows."""
    spread = getattr(model, "spread_", None)
    return spread is not None and bool(spread.views)
