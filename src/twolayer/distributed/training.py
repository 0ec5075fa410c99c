"""`twolayer.train` on Dask's tables: the problem in blocks, and who trains it."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.distributed.collections import BlockedTable, along_rows, blocked_table, is_dask
from twolayer.distributed.column_blocks import ColumnBlocks
from twolayer.distributed.dask_workers import DaskWorkers
from twolayer.distributed.outputs import blocked_outputs
from twolayer.distributed.row_blocks import RowBlocks, RowBlocksEngine, read_row_blocks
from twolayer.engines import get_available_engine
from twolayer.engines.contract import Engine
from twolayer.errors import EngineError, InputError
from twolayer.maths import problem as problems
from twolayer.maths import span as spans
from twolayer.maths.activations import Activation
from twolayer.maths.network import Objective, Params
from twolayer.maths.problem import Problem, checked_targets
from twolayer.solvers import Solver, solvers_that
from twolayer.solvers.gd import GradientDescent
from twolayer.text import plural
from twolayer.training.engine_choice import EngineChoice, choose_engine_name
from twolayer.training.table_home import TableHome

MOST_SPAN_ROWS = 30_000  # of a table in blocks of columns: k and its factor are with the caller


class DaskHome(TableHome):
    """Dask's arrays and data frames, on a cluster.

    Parameters
    ----------
    client : distributed.Client or None
        None for the active one.
    """

    def __init__(self, client: Any = None) -> None:
        if client is not None and not hasattr(client, "as_current"):
            raise InputError(
                "client must be a distributed.Client, such as distributed.Client('tcp://host:8786') or "
                f"distributed.Client(cluster); got {checks.short_repr(client)}"
            )
        self.client = client

    def at_work(self) -> AbstractContextManager[Any]:
        return nullcontext() if self.client is None else self.client.as_current()

    def checked_params(self, params: Any) -> Params:
        return params_in_blocks(params)

    def checked_problem(
        self, x: Any, y: Any, params: Params, objective: Objective, sample_weight: Any
    ) -> Problem:
        workers = DaskWorkers(self.client)
        return blocked_problem(blocked_table(x), y, params, objective, sample_weight, workers)

    def forward(self, x: Any, params: Params, activation: Activation) -> Any:
        return blocked_outputs(blocked_table(x), params, activation)

    def choose_engine(
        self,
        problem: Problem,
        params: Params,
        solver: Solver,
        *,
        engine: str = "auto",
        device: str = "cpu",
        span: Any = "auto",
        batch_size: int | None = None,
        **settings: Any,
    ) -> EngineChoice:
        span = checks.flag(span, "span", ("auto",))
        if batch_size is not None:
            raise InputError(
                "a table in blocks is trained on all its rows at each step: leave batch_size out, or use partial_fit over "
                "the blocks"
            )
        choose = column_choice if isinstance(problem.x, ColumnBlocks) else row_choice
        return choose(problem, params, solver, engine, device, span)


class RowsHome(DaskHome):
    """Rows in blocks that were read and checked before.

    Parameters
    ----------
    total : float
        Their weight.
    """

    def __init__(self, total: float) -> None:
        super().__init__()
        self.total = total

    def checked_problem(
        self, x: Any, y: Any, params: Params, objective: Objective, sample_weight: Any
    ) -> Problem:
        return Problem(x, x, None, objective, self.total)


def blocked_problem(
    table: BlockedTable,
    y: Any,
    params: Params,
    objective: Objective,
    sample_weight: Any,
    workers: DaskWorkers,
) -> Problem:
    """Return the problem of a table in blocks: rows are read and checked now, columns in the pass over them."""
    problems.check_input_count(table.shape[1], params)
    if not table.by_rows:
        return column_problem(table, y, params, objective, sample_weight, workers)
    targets = along_rows(y, "y", table)
    weights: list[Any] = [None] * len(targets)
    if sample_weight is not None:
        weights = along_rows(sample_weight, "sample_weight", table)
    parts = list(zip(table.blocks(), targets, weights, strict=True))
    firsts = [rows.start for rows in table.slices]
    own = params.n_outputs, objective.loss, params.dtype
    rows, total = read_row_blocks(parts, firsts, workers, table.shape, *own, table.merged)
    return Problem(rows, rows, None, objective, total)


def column_problem(
    table: BlockedTable,
    y: Any,
    params: Params,
    objective: Objective,
    sample_weight: Any,
    workers: DaskWorkers,
) -> Problem:
    """Return the problem of a table in blocks of columns, whose targets are with the caller."""
    n_rows = table.shape[0]
    if n_rows > MOST_SPAN_ROWS:
        raise InputError(
            f"x is in blocks of columns and has {n_rows} rows; in such blocks at most {MOST_SPAN_ROWS} rows can be trained "
            "on, as a matrix of rows by rows has to fit this machine: give blocks of rows, such as "
            "x.rechunk({0: 'auto', 1: -1})"
        )
    y, s = (workers.value(one) if is_dask(one) else one for one in (y, sample_weight))
    targets = checked_targets(y, n_rows, params.n_outputs, objective.loss, params.dtype)
    s = checks.row_weights(s, n_rows, params.dtype)
    blocks = [
        (block, columns.start) for block, columns in zip(table.blocks(), table.slices, strict=True)
    ]
    columns = ColumnBlocks(blocks, table.slices, workers, table.shape, params.dtype, table.merged)
    total = float(n_rows if s is None else s.sum())
    return Problem(columns, targets, s, objective, total)


def row_choice(
    problem: Problem, params: Params, solver: Solver, engine: str, device: str, span: Any
) -> EngineChoice:
    """Return who trains on blocks of rows: the workers, whose gradients are added up."""
    if span is True:
        raise InputError(
            "span=True needs blocks of columns, and x is in blocks of rows: x.rechunk({0: -1, 1: 'auto'}) gives them, "
            "where a matrix of rows by rows fits this machine; else leave span out"
        )
    inner = inner_engine(problem, params, engine)
    worker = RowBlocksEngine(inner, inner.check_device(device))
    if refusal := worker.refusal(problem, params, solver):
        raise InputError(str(refusal))
    why = f"engine '{inner.name}' on {blocks_in_words(problem.x)} of rows, whose gradients are added up"
    return EngineChoice(worker, worker.inner_device, None, why)


def inner_engine(problem: Problem, params: Params, name: str) -> Engine:
    """Return the engine that computes the gradients of a block."""
    if name != "auto":
        return get_available_engine(name)
    compiled = get_available_engine("compiled")
    plain = replace(problem, objective=replace(problem.objective, l1=0.0))  # l1 is with the caller
    refused = compiled.refusal(plain, params, GradientDescent(1.0), spanned=True)
    return get_available_engine("numpy") if refused else compiled


def column_choice(
    problem: Problem, params: Params, solver: Solver, engine: str, device: str, span: Any
) -> EngineChoice:
    """Return who trains in the span of a table in blocks of columns."""
    table = "a table in blocks of columns is trained in the span of its rows"
    if span is False:
        raise InputError(f"{table}: leave span=False out, or give blocks of rows")
    if solver.not_in_span:
        others = solvers_that(lambda other: not other.not_in_span)
        raise InputError(
            f"{table}, which is not exact for {solver.label}: {solver.not_in_span}; use solver={others}"
        )
    if problem.objective.l1:
        raise InputError(
            f"{table}, and l1 weighs every column by itself: use alpha, or give blocks of rows"
        )
    name, why = engine, f"engine '{engine}' was chosen by name"
    if engine == "auto":
        name, why = choose_engine_name(problem, params, solver, device, True, 0.0)
    worker = get_available_engine(name)
    if refusal := worker.refusal(problem, params, solver, spanned=True):
        raise EngineError(str(refusal))
    form: Any = (
        spans.GramSpan if worker.takes_gram(problem, params, solver, False) else spans.RotatedSpan
    )
    why = f"{why}; the span, from one pass over {blocks_in_words(problem.x)} of columns"
    return EngineChoice(worker, worker.check_device(device), form, why)


def blocks_in_words(table: RowBlocks | ColumnBlocks) -> str:
    """Return how many blocks there are, and whether they are those that were given."""
    blocks = plural(len(table.blocks), "block")
    return f"{blocks} ({table.merged})" if table.merged else blocks


def params_in_blocks(params: Any) -> Params:
    """Return the weights checked; `w1` and `w_skip` may be Dask arrays, and stay as they are."""
    names = [name for name in ("w1", "w_skip") if getattr(params, name, None) is not None]
    if not any(is_dask(getattr(params, name)) for name in names):
        return problems.checked_params(params)
    given = {name: getattr(params, name) for name in names}
    for name, w in given.items():
        if w.ndim not in (2, 3) or w.shape[:-1] != given["w1"].shape[:-1]:
            raise InputError(
                f"{name} has the shape {w.shape}, and w1 {given['w1'].shape}: both have one row for each column of x"
            )
        if not is_dask(w):
            given[name] = checks.finite_array(checks.floats(w, name), name, params.w1.dtype)
    short = {name: np.zeros((*w.shape[:-2], 1, w.shape[-1]), w.dtype) for name, w in given.items()}
    return replace(problems.checked_params(replace(params, **short)), **given)
