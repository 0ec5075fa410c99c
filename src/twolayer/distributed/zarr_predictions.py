"""A saved model's answers for the rows of a Zarr store, in parts: by chunks of rows where these are many, else in one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from twolayer.distributed.ordered_results import results_in_order
from twolayer.distributed.predicted_parts import (
    PredictionReport,
    check_written_parts,
    pending_folder,
    write_part_file,
)
from twolayer.distributed.zarr_store import NUMBERED, open_zarr
from twolayer.errors import InputError
from twolayer.saving.answers import answer_names, answers_by_column
from twolayer.saving.saved_model import SavedModel
from twolayer.text import first_names

ENDING = ".parquet"


def store_inputs(path: str, model: SavedModel) -> Any:
    """Return the columns of a store that the model takes, in its order, as a Dask array.

    Raises
    ------
    InputError
        If the store has not these columns.
    """
    x, *_ = open_zarr(path, [])
    wanted = getattr(model.estimator, "feature_names_in_", None) if model.encoder is None else None
    names = model.encoder.columns if model.encoder is not None else wanted
    if names is None:
        if x.shape[1] != model.estimator.n_features_in_:
            raise InputError(
                f"{model.path} takes {model.estimator.n_features_in_} columns, whose names it was not told, and {path} has "
                f"{x.shape[1]}: give it exactly those"
            )
        return x
    found = [NUMBERED.fullmatch(str(name)) for name in names]
    places = [int(one[1]) - 1 if one else x.shape[1] for one in found]
    lacking = [name for name, place in zip(names, places, strict=True) if place >= x.shape[1]]
    if lacking:
        raise InputError(
            f"{path} is a Zarr store, whose columns are x1 to x{x.shape[1]}, and {model.path} was trained on "
            f"{first_names(lacking)}"
        )
    return x if places == list(range(x.shape[1])) else x[:, places]


def predict_store(
    client: Any,
    path: str,
    model: SavedModel,
    out: Path,
    *,
    proba: bool = False,
    interval: float | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> PredictionReport:
    """Write the answers for all rows of a store into the folder `out`, in parts in the order of the rows; all, or none.

    Raises
    ------
    FileError, InputError
        As `predict_parts`.
    """
    import dask

    x = store_inputs(path, model)
    header = answer_names(model, proba, interval)
    report = PredictionReport(model.outside_rows())
    with pending_folder(out) as folder:
        if x.shape[1] > x.shape[0]:
            columns = answers_by_column(model, x, proba, interval)
            write_part_file(header, list(dask.compute(*columns)), folder, 0, ENDING)
            report.n_rows, report.n_parts = x.shape[0], 1
            return report
        write, shared = dask.delayed(write_rows), dask.delayed(model, traverse=False)
        rows = x.rechunk({1: -1}).to_delayed().ravel()
        tasks = [
            write(block, index, shared, proba, interval, str(folder))
            for index, block in enumerate(rows)
        ]
        for part in results_in_order(client, tasks, progress):
            report.add(part)
        check_written_parts(folder, report.n_parts, ENDING)
    return report


def write_rows(
    x: np.ndarray, index: int, model: SavedModel, proba: bool, interval: float | None, folder: str
) -> PredictionReport:
    """Write the answers for a block of rows, and return what is told of them."""
    report = PredictionReport(model.outside_rows(), n_rows=len(x), n_parts=1)
    x = x.astype(np.float64)
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0].tolist()
        raise InputError(
            f"a value that is missing or not finite is in chunk {index} of rows: its row {row:,}, column {column:,} "
            "(counted from 0)"
        )
    report.outside.add(x)
    columns = answers_by_column(model, x, proba, interval)
    write_part_file(answer_names(model, proba, interval), columns, Path(folder), index, ENDING)
    report.outside.ranges = None  # arrays that the caller has
    return report
