"""The tutorial's program: NumPy, every gradient by hand. All other engines are compared with this one."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.engines.contract import Batch, BatchPlan, Engine, TrainingState
from twolayer.maths.network import Params, loss_and_gradients
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
        problem, rows = state.problem, batch.rows
        x, y, s = problem.x, problem.y, problem.s
        if rows is not None:
            x, y, s = x[rows], y[rows], None if s is None else s[rows]
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

    def advance(self, state: TrainingState, plan: BatchPlan) -> np.ndarray:
        with ignore_overflow():
            return super().advance(state, plan)

    def params(self, state: TrainingState) -> Params:
        return state.params.copy()


def ignore_overflow() -> np.errstate:
    """Return the context without warnings of overflow: training raises one error for a run that diverges."""
    return np.errstate(over="ignore", invalid="ignore")
