"""An estimator's predictions for a table in blocks of rows: a Dask array whose blocks are computed when they are needed."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from twolayer import checks
from twolayer.distributed.block_sum import Workers
from twolayer.distributed.collections import (
    along_rows,
    blocked_table,
    check_number_columns,
    check_number_dtype,
    frame_dtype,
    is_dask,
    known_array,
    part_array,
)
from twolayer.distributed.dask_workers import DaskWorkers
from twolayer.distributed.table_rows import target_array
from twolayer.errors import InputError, TwoLayerWarning
from twolayer.estimators.input_checks import check_missing_values, check_names

ROW_AXES = {"network_outputs": 1}  # of what the method returns; else 0


def predict_rows(model: Any, x: Any, method: str, settings: Mapping[str, Any]) -> Any:
    """Return what a method of the model returns for the rows, as Dask arrays; see `estimator_predictions.predict_blocks`.

    Of a data frame the number of rows stays as unknown as it is.

    Parameters
    ----------
    x : Dask array in blocks of whole rows, or data frame
    """
    names = getattr(model, "feature_names_in_", None)
    array = x
    if hasattr(x, "to_dask_array"):
        check_names(x, names)
        check_number_columns(x, "X")
        array = uncounted_array(x)
    check_prediction_columns(array, model)
    if method == "score":
        return score_rows(model, x, **settings)
    bare, settings = travelling(model), dict(settings)
    dtype = array.dtype if array.dtype.kind == "f" else np.dtype(float)
    row = np.zeros((1, array.shape[1]), dtype)
    like = block_prediction(row, None, bare, method, settings, names)
    what = bare, method, settings, names
    parts = array_of_blocks(array, like, what, ROW_AXES.get(method, 0))
    return tuple(parts) if several(method, settings) else parts


def uncounted_array(frame: Any) -> Any:
    """Return a data frame of numbers as a Dask array whose number of rows is as unknown as that of the frame.

    It has as many blocks as the frame has partitions, so that the frame can take it for a column: Dask's own conversion may
    join partitions on reading.
    """
    import dask.array as da
    from dask import delayed

    parts, dtype, convert = frame.to_delayed(), frame_dtype(frame), delayed(part_array, pure=False)
    if len(parts) != frame.npartitions:
        parts = frame.to_delayed(optimize_graph=False)
    shape = (np.nan, frame.shape[1])
    return da.concatenate(
        [da.from_delayed(convert(part, dtype), shape, dtype) for part in parts],
        allow_unknown_chunksizes=True,
    )


def several(method: str, settings: Mapping[str, Any]) -> bool:
    """Return whether the method returns two arrays."""
    return method == "predict_interval" or bool(settings.get("return_std"))


def check_prediction_columns(array: Any, model: Any) -> None:
    """Raise InputError unless it is an array with the columns of the fit, of numbers."""
    if array.ndim != 2:
        raise InputError(f"X must have two axes (rows, columns); it has {array.ndim}")
    if array.shape[1] != model.n_features_in_:
        raise InputError(
            f"X has {array.shape[1]} columns, and the model was fitted to {model.n_features_in_}: give the same columns"
        )
    check_number_dtype(array.dtype, "X")


def travelling(model: Any) -> Any:
    """Return a copy of the model for arrays without names, without what predictions do not need."""
    bare = copy.copy(model)
    for name in ("feature_names_in_", "network_loss_curves_", "stream_", "_stream_rng"):
        bare.__dict__.pop(name, None)
    bare.callback = None
    return bare


def array_of_blocks(array: Any, like: np.ndarray, arguments: tuple[Any, ...], axis: int) -> Any:
    """Return a Dask array whose blocks are predictions for the blocks of rows.

    Parameters
    ----------
    like : ndarray
        The predictions for one row, with rows along `axis`; two arrays have one more axis in front.
    """
    import dask.array as da

    axis += several(*arguments[1:3])
    numbers = da.arange(array.numblocks[0], chunks=1)
    places = ["rows" if k == axis else f"axis {k}" for k in range(like.ndim)]
    return da.blockwise(
        block_prediction,
        places,
        array,
        ["rows", "columns"],
        numbers,
        ["rows"],
        *(part for argument in arguments for part in (argument, None)),
        new_axes={f"axis {k}": n for k, n in enumerate(like.shape) if k != axis},
        adjust_chunks={"rows": array.chunks[0]},
        align_arrays=False,
        concatenate=True,
        token=f"twolayer-{arguments[1]}",
        dtype=like.dtype,
        meta=np.empty((0,) * like.ndim, like.dtype),
    )


def block_prediction(
    x: np.ndarray,
    number: np.ndarray | None,
    model: Any,
    method: str,
    settings: Mapping[str, Any],
    names: Any,
) -> np.ndarray:
    """Return what the method returns for the block of that number, two arrays stacked; an error has the columns' names.

    Without a number it is the caller who asks, and to whom warnings are given.
    """
    rows = x if len(x) else np.zeros((1, x.shape[1]), x.dtype)
    with warnings.catch_warnings():
        if number is not None:
            warnings.simplefilter("ignore", TwoLayerWarning)
        try:
            check_missing_values(rows, names)
            found = getattr(model, method)(rows, **settings)
        except ValueError as error:
            where = "" if number is None else f"in block {number[0]} (counted from 0): "
            raise InputError(f"{where}{error}") from None
    array = np.stack(found) if several(method, settings) else np.asarray(found)
    if len(x):
        return array
    axis = ROW_AXES.get(method, 0) + several(method, settings)
    return array.take([], axis=axis)


def score_rows(model: Any, x: Any, y: Any, sample_weight: Any = None) -> float:
    """Return the score of scikit-learn's estimators, accuracy or R², summed over the blocks."""
    table, workers = blocked_table(x, "X"), DaskWorkers()
    if not table.by_rows:
        raise InputError("score takes X in blocks of rows: X.rechunk({0: 'auto', 1: -1})")
    numbers = not is_classifier(model)
    targets = along_rows(y, "y", table, numbers)
    weights: list[Any] = [None] * len(targets)
    if sample_weight is not None:
        if is_dask(sample_weight):
            sample_weight = workers.value(known_array(sample_weight, "sample_weight"))
        s = checks.row_weights(sample_weight, table.shape[0], np.float64)
        assert s is not None
        weights = [s[rows] for rows in table.slices]
    blocks = list(zip(table.blocks(), targets, weights, strict=True))
    if numbers:
        return r2_of_blocks(travelling(model), blocks, workers)
    right, total = workers.sum(block_hits, blocks, travelling(model))
    return float(right / total)


def r2_of_blocks(model: Any, blocks: list[Any], workers: Workers) -> float:
    """Return R², the mean over the targets."""
    total, sums, squares = workers.sum(block_residuals, blocks, model)
    spread = workers.sum(block_spread, blocks, sums / total)
    constant = spread == 0
    r2 = 1 - squares / np.where(constant, 1, spread)
    return float(np.where(constant, np.where(squares == 0, 1.0, 0.0), r2).mean())


def block_hits(block: Any, model: Any) -> tuple[float, float]:
    """Return the weight of the rows whose class, or labels, are predicted right, and of all."""
    x, y, s = block
    hits = np.asarray(model.predict(np.asarray(x))) == target_array(y, numbers=False)
    hits = hits.all(axis=1) if hits.ndim == 2 else hits
    return float(np.sum(hits if s is None else hits * s)), float(
        len(hits) if s is None else s.sum()
    )


def block_residuals(block: Any, model: Any) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the weight of the rows, the weighted sums of the targets, and those of their squared residuals."""
    x, y, s = columns_of(block)
    y_pred = np.asarray(model.predict(x), dtype=np.float64).reshape(y.shape)
    return float(s.sum()), s @ y, s @ np.square(y - y_pred)


def block_spread(block: Any, mean: np.ndarray) -> np.ndarray:
    """Return the weighted sums of squared deviations of the targets from their means."""
    _, y, s = columns_of(block)
    return s @ np.square(y - mean)


def columns_of(block: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the rows of a block, their targets in columns, and their weights."""
    x, y, s = block
    y = target_array(y, numbers=True)
    y = y[:, None] if y.ndim == 1 else y
    return np.asarray(x), y, np.ones(len(y)) if s is None else s
