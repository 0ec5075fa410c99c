"""An estimator's `fit` of a wide table in blocks of columns: as on the table in memory, in a few passes over the blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from twolayer.distributed.collections import BlockedTable, is_dask
from twolayer.distributed.column_source import ColumnSource
from twolayer.distributed.column_table import ColumnTable
from twolayer.distributed.dask_workers import DaskWorkers
from twolayer.errors import InputError
from twolayer.estimators.training_rows import group_numbers
from twolayer.maths.smooth_clip import InputClip

MOST_NUMBERS_HERE = (
    50_000_000  # of the weights and the clip: up to so many they come here at the end of a fit
)


def fit_column_blocks(
    model: Any,
    table: BlockedTable,
    y: Any,
    sample_weight: Any,
    groups: Any,
    validation: tuple[Any, Any, Any],
    workers: DaskWorkers,
) -> None:
    """Fit the model. Arguments are those of `estimator_fit.fit_blocks`, the table being in blocks of columns."""
    if model.warm_start and hasattr(model, "w1_"):
        raise InputError(
            "warm_start goes on with tables in memory only: set warm_start=False to fit a table in blocks of columns"
        )
    if any(one is not None for one in validation):
        raise InputError(
            "a table in blocks of columns has no early stopping: leave X_val and y_val out; alpha='auto' guards against "
            "overfitting"
        )
    x = column_table(table, workers)
    y, sample_weight, groups = (
        workers.value(one) if is_dask(one) else one for one in (y, sample_weight, groups)
    )
    numbers = None if groups is None else group_numbers(groups, table.shape[0])
    rows = model._read(x, y, sample_weight, numbers)
    model._train(rows, None, None)
    take_arrays(model, workers)


def column_table(table: BlockedTable, workers: DaskWorkers) -> ColumnTable:
    """Return the rows of a table in blocks of columns."""
    blocks = [
        (block, columns.start) for block, columns in zip(table.blocks(), table.slices, strict=True)
    ]
    source = ColumnSource(blocks, table.slices, workers, table.shape)
    return ColumnTable(source, np.arange(table.shape[0]), names=table.names)


def take_arrays(model: Any, workers: DaskWorkers) -> None:
    """Let the model have NumPy arrays in the place of Dask's, if they are not too large; all come in one pass."""
    places = list(dask_places(model))
    if sum(array.size for _, array in places) <= MOST_NUMBERS_HERE:
        values = workers.arrays([array for _, array in places])
        for (put, _), value in zip(places, values, strict=True):
            put(value)


def dask_places(model: Any) -> Iterator[tuple[Any, Any]]:
    """Yield each Dask array of the model, after a function that puts another in its place."""
    for name in ("w1_", "w_skip_"):
        if is_dask(getattr(model, name, None)):
            yield lambda value, name=name: setattr(model, name, value), getattr(model, name)
    clip = model.input_clip_
    if clip is not None:
        parts = {"center": clip.center, "scale": clip.scale}
        model.input_clip_ = clip = InputClip(**parts, networks=clip.networks)
        for name, array in parts.items():
            if is_dask(array):
                yield lambda value, name=name: object.__setattr__(clip, name, value), array
    spread = getattr(model, "spread_", None)
    if spread is None or spread.networks is None:
        return
    own = dict(spread.networks.networks)
    model.spread_ = replace(spread, networks=replace(spread.networks, networks=own))
    for view, params in own.items():
        if is_dask(params.w1):

            def put(value: Any, view: str = view) -> None:
                own[view] = replace(own[view], w1=value)

            yield put, params.w1
