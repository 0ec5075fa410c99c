"""An estimator's `fit` of a table in blocks of rows: its settings, the rows that early stopping holds out, the training."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np

from twolayer.distributed.block_sum import Workers
from twolayer.distributed.collections import BlockedTable, blocked_table, is_dask
from twolayer.distributed.row_input import read_training_rows, read_validation_rows
from twolayer.distributed.row_network_fit import RowFit
from twolayer.distributed.table_rows import TableRows
from twolayer.errors import InputError
from twolayer.estimators.fit_plan import FitPlan, LearningTask
from twolayer.evaluation.splits import validation_rows
from twolayer.maths.smooth_clip import STANDARD
from twolayer.solvers import get_solver
from twolayer.solvers.adam import Adam
from twolayer.text import plural


def fit_rows(
    model: Any,
    table: BlockedTable,
    y: Any,
    sample_weight: Any,
    groups: Any,
    validation: tuple[Any, Any, Any],
    workers: Workers,
) -> None:
    """Fit the model to a table in blocks of rows; see `estimator_fit.fit_blocks`."""
    settings = row_settings(model, table)
    warm = model.warm_start and hasattr(model, "w1_")
    before, classes = (model.params_, model._class_names()) if warm else (None, ())
    rows = read_training_rows(model, table, y, sample_weight, groups, workers)
    if warm:
        model._check_same_classes(classes)
    held_out = validation_of(model, validation, workers)
    rng = model._rng()
    task = model._task(rows.shape, before)
    plan = settings._plan(table, task, early_stopping=held_out is not None)
    if before is not None:
        plan = (
            replace(plan, n_networks=before.n_networks or 1) if model.n_networks == "auto" else plan
        )
    if plan.early_stopping and held_out is None:
        check_score_in_blocks(model)
        held_out, rows = split_rows(rows, model, rng)
    if model.verbose:
        print(fit_line(rows, table, task, plan))
    fit = RowFit(model, rows, task, plan, rng, before)  # type: ignore[arg-type]
    fit.run(held_out)
    fit.set_attributes()
    model.__dict__.pop("_stream_rng", None)


def row_settings(model: Any, table: BlockedTable) -> Any:
    """Return a copy of the model whose settings "auto" are those for a table in blocks of rows.

    Raises
    ------
    InputError
        If a setting is not for such a table, or it has more columns than rows.
    """
    if table.shape[1] > table.shape[0]:
        raise InputError(
            f"X has {table.shape[0]:,} rows and {table.shape[1]:,} columns, in blocks of rows; with more columns than rows "
            "give blocks of columns: X.rechunk({0: -1, 1: 'auto'})"
        )
    batches = isinstance(model.solver, Adam) or (
        isinstance(model.solver, str) and model.solver == Adam.name
    )
    for name, given in (("solver='adam'", batches), ("batch_size", model.batch_size is not None)):
        if given:
            raise InputError(
                f"{name} is for batches in random order, and a table in blocks of rows is trained on all rows at each step: "
                "use solver='lbfgs', or partial_fit over the blocks"
            )
    if model.dropout:
        raise InputError(
            "a table in blocks of rows has no dropout: use alpha against overfitting, or partial_fit over the blocks"
        )
    if model.l1 and model.solver in ("auto", "lbfgs"):
        raise InputError(
            "l1 has a kink at 0, which solver 'lbfgs' does not take: for a table in blocks of rows use solver='gd', or "
            "alpha instead of l1"
        )
    own = copy.copy(model)
    for name, value in (("solver", "lbfgs"), ("n_networks", 1), ("scaling", STANDARD)):
        if isinstance(getattr(own, name), str) and getattr(own, name) == "auto":
            setattr(own, name, value)
    return own


def validation_of(model: Any, given: tuple[Any, Any, Any], workers: Workers) -> Any:
    """Return the rows for early stopping, in memory or in blocks as they were given; None without any."""
    x, y, s = given
    if (x is None) != (y is None):
        raise InputError("early_stopping needs both X_val and y_val, or neither")
    if x is None:
        return None
    if not is_dask(x):
        return model._read_validation(x, y, s)
    check_score_in_blocks(model)
    table = blocked_table(x, "X_val")
    if not table.by_rows:
        table = replace(table, array=table.array.rechunk({1: -1}), by_rows=True)
    return read_validation_rows(model, table, y, s, workers)


def check_score_in_blocks(model: Any) -> None:
    """Raise InputError if the user's own score would have to be that of rows in blocks."""
    if model.scoring is not None:
        raise InputError(
            "scoring is a function of rows in memory, and the rows for early stopping are in blocks: give X_val and y_val "
            "in memory, or leave scoring out, which takes the loss"
        )


def split_rows(
    rows: TableRows, model: Any, rng: np.random.Generator
) -> tuple[TableRows, TableRows]:
    """Return the rows that early stopping holds out, and those to train on; equal rows stay together."""
    y, groups = rows.targets_in_order(), rows.groups_in_order()
    chosen = validation_rows(y, model.validation_fraction, rng, model._class_names(), groups)
    held_out = chosen[rows.order.place]
    return rows.part(held_out), rows.part(~held_out)


def fit_line(rows: TableRows, table: BlockedTable, task: LearningTask, plan: FitPlan) -> str:
    """Return in words what will be trained."""
    blocks = plural(len(rows.blocks), "block")
    blocks += f" ({table.merged})" if table.merged else ""
    outputs, networks = plural(task.n_outputs, "output"), plural(plan.n_networks, "network")
    units = plural(task.n_hidden, "hidden unit")
    return (
        f"{rows.n_rows:,} rows in {blocks}, {rows.n_inputs} inputs, {units}, {outputs}\n"
        f"{networks}, solver {get_solver(plan.solver).name}, all rows at once, summed over the blocks"
    )
