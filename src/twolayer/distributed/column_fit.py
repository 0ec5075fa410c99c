"""An estimator's `fit` of a wide table in blocks of columns: as on the table in memory, in a few passes over the blocks."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from twolayer.distributed.collections import BlockedTable, blocked_table, is_dask
from twolayer.distributed.column_source import ColumnSource
from twolayer.distributed.column_table import ColumnTable
from twolayer.distributed.dask_workers import DaskWorkers
from twolayer.errors import InputError
from twolayer.estimators.stream_state import ColumnMoments
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
    model._plan(rows.x, model._task(rows.x.shape))  # refuses what cannot be, before a block is read
    model._train(rows, None, None)
    take_arrays(model, workers)


def column_table(table: BlockedTable, workers: DaskWorkers) -> ColumnTable:
    """Return the rows of a table in blocks of columns."""
    # as they are in the user's graph: optimised, the same keys would mean other tasks in the graph of a prediction
    arrays = table.array.to_delayed(optimize_graph=False).ravel()
    blocks = [(block, columns.start) for block, columns in zip(arrays, table.slices, strict=True)]
    source = ColumnSource(blocks, table.slices, workers, table.shape)
    return ColumnTable(source, np.arange(table.shape[0]), names=table.names)


def rows_in_columns(x: Any, y: Any, sample_weight: Any, groups: Any) -> tuple[Any, Any, Any, Any]:
    """Return the rows of training of a Dask table, for what is said of rows left out, and what belongs to them.

    Raises
    ------
    InputError
        If the table is in blocks of rows.
    """
    table = blocked_table(x, "X")
    if table.by_rows:
        raise InputError(
            "X is in blocks of rows, and rows are left out of tables in memory, or in blocks of columns: give X.compute() "
            "if it fits"
        )
    workers = DaskWorkers()
    rest = (workers.value(one) if is_dask(one) else one for one in (y, sample_weight, groups))
    return (column_table(table, workers), *rest)


def take_arrays(model: Any, workers: DaskWorkers, most: float | None = None) -> None:
    """Let the model have NumPy arrays in the place of Dask's, if they are `most` numbers or fewer; all come in one pass."""
    clip, stream, spread = model.input_clip_, model.stream_, getattr(model, "spread_", None)
    moments = [one for one in (stream.inputs, stream.clipped) if one is not None]
    own = {} if spread is None or spread.networks is None else dict(spread.networks.networks)
    found = [model.w1_, model.w_skip_, *(one.w1 for one in own.values())]
    found += [] if clip is None else [clip.center, clip.scale]
    found += [array for one in moments for array in (one.mean, one.spread)]
    lazy = [array for array in found if is_dask(array)]
    if sum(array.size for array in lazy) > (MOST_NUMBERS_HERE if most is None else most):
        model.stream_ = replace(stream, inputs=None, clipped=None)
        return
    values = {array.name: value for array, value in zip(lazy, workers.arrays(lazy), strict=True)}

    def here(array: Any) -> Any:
        return values[array.name] if is_dask(array) else array

    def moments_here(one: ColumnMoments | None) -> ColumnMoments | None:
        return None if one is None else replace(one, mean=here(one.mean), spread=here(one.spread))

    model.w1_, model.w_skip_ = here(model.w1_), here(model.w_skip_)
    inputs, clipped = moments_here(stream.inputs), moments_here(stream.clipped)
    model.stream_ = replace(stream, inputs=inputs, clipped=clipped)
    if clip is not None:
        model.input_clip_ = InputClip(here(clip.center), here(clip.scale), clip.networks)
    if own:
        networks = {view: replace(one, w1=here(one.w1)) for view, one in own.items()}
        factors = replace(model.spread_.networks, networks=networks)
        model.spread_ = replace(model.spread_, networks=factors)
