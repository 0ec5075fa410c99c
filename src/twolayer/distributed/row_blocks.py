"""A tall table in blocks of rows: exact gradients of all rows, as sums over the blocks.

Each block's rows go through an engine of this package in parts that fit a processor's cache; the sums are float64. The
weights and the solver are with the caller, and so is the weight decay, which belongs to no block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.distributed.block_sum import Workers, add_up
from twolayer.engines import get_available_engine
from twolayer.engines.contract import Batch, Engine, TrainingState
from twolayer.engines.numpy_engine import NumpyEngine, ignore_overflow
from twolayer.errors import InputError, Refusal
from twolayer.maths.losses import Loss
from twolayer.maths.network import Params, absolute_sum, squared_norm
from twolayer.maths.problem import Problem, checked_targets
from twolayer.solvers import Solver
from twolayer.solvers.adam import Adam
from twolayer.solvers.gd import GradientDescent
from twolayer.training.fingerprint import array_digest
from twolayer.training.table_home import TableHome

NUMBERS_PER_PART = (
    1 << 18
)  # of a block's rows and hidden units that are at work together: they stay in the cache


@dataclass(frozen=True, eq=False)
class RowBlock:
    """Checked rows.

    Attributes
    ----------
    x, y, s
        As in Problem.
    """

    x: np.ndarray
    y: np.ndarray
    s: np.ndarray | None

    def __sizeof__(self) -> int:
        """Return its bytes, by which Dask decides where to compute and what to spill."""
        return sum(array.nbytes for array in (self.x, self.y, self.s) if array is not None)


@dataclass(frozen=True, eq=False)
class RowBlocks:
    """The rows of a table, block by block.

    Attributes
    ----------
    blocks : list
        Of RowBlock, as the workers keep them.
    workers : Workers
    shape : (int, int)
    merged : str
        Of the BlockedTable.
    home : TableHome or None
        Who trains on them, if they were read and checked before.
    """

    blocks: Sequence[Any]
    workers: Workers
    shape: tuple[int, int]
    merged: str = ""
    home: TableHome | None = None

    @cached_property
    def digest(self) -> str:
        """The digest of all numbers and of the blocks' bounds, on which rounding depends."""
        return " ".join(self.workers.each(block_digest, self.blocks))


def read_row_blocks(
    parts: Sequence[tuple[Any, Any, Any]],
    firsts: Sequence[int],
    workers: Workers,
    shape: tuple[int, int],
    n_outputs: int,
    loss: Loss,
    dtype: Any,
    merged: str = "",
) -> tuple[RowBlocks, float]:
    """Return the checked rows, kept where they were read, and their total weight.

    Parameters
    ----------
    parts : list of (x, y, s)
        Of each block, as the workers take them; s may be None.
    firsts : list of int
        The number of each block's first row.
    """
    named = [
        (*part, first, number)
        for number, (part, first) in enumerate(zip(parts, firsts, strict=True))
    ]
    n_bytes = shape[0] * shape[1] * np.dtype(dtype).itemsize
    blocks = workers.keep(checked_row_block, named, n_outputs, loss, dtype, n_bytes=n_bytes)
    total = workers.sum(block_weight, blocks)
    if not total > 0:
        raise InputError(
            "sample_weight is zero in every row: give at least one row a weight above 0"
        )
    return RowBlocks(blocks, workers, shape, merged), float(total)


def checked_row_block(block: Any, n_outputs: int, loss: Loss, dtype: Any) -> RowBlock:
    """Return the block checked, in that dtype; an error names the block."""
    x, y, s, first, number = block
    try:
        x = checks.finite_table(np.asarray(x), "x", dtype)
        y = checked_targets(np.asarray(y), len(x), n_outputs, loss, dtype)
        s = None if s is None else non_negative(np.asarray(s), len(x), dtype)
    except InputError as error:
        raise InputError(
            f"in block {number} (counted from 0), whose row 0 is row {first} of the table: {error}"
        ) from None
    return RowBlock(np.ascontiguousarray(x), y, s)


def non_negative(s: np.ndarray, n_rows: int, dtype: Any) -> np.ndarray:
    """Return the row weights of a block, which may all be 0."""
    if not s.any() and s.shape == (n_rows,):
        return np.zeros(n_rows, dtype)
    weights = checks.row_weights(s, n_rows, dtype)
    assert weights is not None
    return weights


def block_weight(block: RowBlock) -> float:
    """Return the total weight of the rows."""
    return float(len(block.x) if block.s is None else block.s.sum(dtype=np.float64))


def block_digest(block: RowBlock) -> str:
    """Return the digest of the block's numbers."""
    return "-".join(str(array_digest(one)) for one in (block.x, block.y, block.s))


def block_loss_and_gradients(
    block: RowBlock, params: Params, objective: Any, total: float, engine: str, device: str
) -> tuple[Any, Params]:
    """Return the block's share of the loss and of its gradients, in float64."""
    worker = get_available_engine(engine)
    part = max(1, NUMBERS_PER_PART // max(params.n_hidden, params.n_inputs, params.n_outputs))
    # one state for all parts: room that is new to each of them costs as much as its numbers
    problem = Problem(block.x, block.y, block.s, objective, total)
    state = worker.prepare(problem, params, GradientDescent(1.0), device)
    sums: Any = None
    for start in range(0, len(block.x), part):
        rows = slice(start, start + part)
        value, gradients = worker.loss_and_gradients(state, state.params, Batch(rows, total, 0.0))
        values = worker.to_numpy([value])[0]
        here = values, gradients.map(lambda g: worker.host(g).astype(np.float64))
        sums = here if sums is None else add_up([sums, here])
    return sums


def with_decay(gradients: Params, params: Params, penalty: float) -> Params:
    """Return the gradients with those of ½·penalty·(‖w1‖² + ‖w2‖² + ‖w_skip‖²)."""
    skip = gradients.w_skip
    if skip is not None and params.w_skip is not None:
        skip = skip + penalty * params.w_skip
    w1, w2 = gradients.w1 + penalty * params.w1, gradients.w2 + penalty * params.w2
    return replace(gradients, w1=w1, w2=w2, w_skip=skip)


class RowBlocksEngine(NumpyEngine):
    """Gradients of all rows, as sums over blocks that an engine of the workers computes; weights and steps are NumPy's here.

    Parameters
    ----------
    inner : Engine
        Who computes the gradients of a block.
    inner_device : str
    """

    summary = "sums over blocks of rows, on Dask"
    takes_sparse = False
    takes_dropout = False

    def __init__(self, inner: Engine, inner_device: str = "cpu") -> None:
        self.inner, self.inner_device = inner, inner_device
        self.name, self.libraries = inner.name, (*inner.libraries, "dask")
        self.takes_custom, self.takes_many = inner.takes_custom, inner.takes_many

    def refusal(
        self, problem: Problem, params: Params, solver: Solver, spanned: bool = False
    ) -> Refusal | None:
        if isinstance(solver, Adam):
            return Refusal(
                "a table in blocks of rows",
                "is not trained by Adam, which is made for batches in random order",
                "use solver='lbfgs', or 'gd', which take all rows at each step, or partial_fit over the blocks",
            )
        if problem.objective.dropout:
            return Refusal(
                "a table in blocks of rows", "has no dropout", "use alpha against overfitting"
            )
        return None

    def loss_and_gradients(
        self, state: TrainingState, params: Any, batch: Batch
    ) -> tuple[Any, Params]:
        table, objective = state.problem.x, state.problem.objective
        what = params.copy(), objective, batch.total, self.inner.name, self.inner_device
        with ignore_overflow():
            loss, gradients = table.workers.sum(block_loss_and_gradients, table.blocks, *what)
            if batch.penalty:  # the weights decay once, not in every block
                loss = loss + 0.5 * batch.penalty * squared_norm(params)
                gradients = with_decay(gradients, params, batch.penalty)
            if batch.l1:
                loss = loss + batch.l1 * absolute_sum(params)
            loss = loss if np.ndim(loss) else float(loss)
            return loss, gradients.map(lambda g: g.astype(params.dtype))

    def table_gradients(self, problem: Problem, params: Params, batch: Batch) -> Params:
        state = TrainingState(problem, GradientDescent(1.0), params, None)
        return self.loss_and_gradients(state, params, batch)[1]

    def objective(self, state: TrainingState, batch: Batch) -> Any:
        known = state.memory.get("loss") if isinstance(state.memory, dict) else None
        if isinstance(known, float):
            return known
        return self.loss_and_gradients(state, state.params, batch)[0]  # in one pass over the blocks
