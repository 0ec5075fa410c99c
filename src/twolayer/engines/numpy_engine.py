"""The tutorial's program: NumPy, every gradient by hand. All other engines are compared with this one."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.engines.contract import Batch, BatchPlan, Engine, TrainingState
from twolayer.maths.network import (
    Params,
    absolute_sum,
    loss_and_gradients,
    objective_value,
)
from twolayer.maths.problem import Problem
from twolayer.solvers import Solver


class NumpyEngine(Engine):
    """Forward, loss, backward and update, line by line as `twolayer.maths.network` has them."""

    name = "numpy"
    summary = "NumPy, gradients by hand"
    takes_sparse = True

    def prepare(
        self, problem: Problem, params: Params, solver: Solver, device: str
    ) -> TrainingState:
        own = params.copy()
        return TrainingState(problem, solver, own, solver.start(own))

    def loss_and_gradients(
        self, state: TrainingState, params: Any, batch: Batch
    ) -> tuple[Any, Params]:
        problem = state.problem
        x, y, s = rows_of_batch(problem, batch)
        with ignore_overflow():
            return loss_and_gradients(
                x,
                y,
                params,
                problem.objective,
                s,
                batch.total,
                batch.penalty,
                l1=batch.l1,
                mask=batch.mask,
            )

    def objective(self, state: TrainingState, batch: Batch) -> Any:
        """Return the objective as it is now, without the gradients, which take twice as long as all the rest."""
        problem, params = state.problem, state.params
        x, y, s = rows_of_batch(problem, batch)
        numbers = s, batch.total, batch.penalty
        with ignore_overflow():
            value = objective_value(x, y, params, problem.objective, *numbers, mask=batch.mask)
            if batch.l1:
                value = value + batch.l1 * absolute_sum(params)
        return np.asarray(value, dtype=np.float64) if np.ndim(value) else float(value)

    def advance(self, state: TrainingState, plan: BatchPlan) -> np.ndarray:
        with ignore_overflow():
            return super().advance(state, plan)

    def params(self, state: TrainingState) -> Params:
        return state.params.copy()


def rows_of_batch(problem: Problem, batch: Batch) -> tuple[Any, Any, Any]:
    """Return the table, the targets and the row weights of a batch."""
    x, y, s = problem.x, problem.y, problem.s
    if batch.rows is None:
        return x, y, s
    return x[batch.rows], y[batch.rows], None if s is None else s[batch.rows]


def ignore_overflow() -> np.errstate:
    """Return the context without warnings of overflow: training raises one error for a run that diverges."""
    return np.errstate(over="ignore", invalid="ignore")
