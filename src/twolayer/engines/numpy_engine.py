"""The tutorial's program: NumPy, every gradient by hand. All other engines are compared with this one."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.engines.contract import Batch, Engine, Plan, State
from twolayer.maths.network import Params, loss_and_gradients
from twolayer.maths.problem import Problem
from twolayer.solvers import Solver


class NumpyEngine(Engine):
    """Forward, loss, backward and update as the page on the network says them."""

    name = "numpy"
    summary = "NumPy, gradients by hand"

    def cannot(
        self, problem: Problem, params: Params, solver: Solver, spanned: bool = False
    ) -> str | None:
        dense = spanned or isinstance(problem.x, np.ndarray)
        if not dense and params.n_networks is not None:
            return (
                "engine 'numpy' trains many networks at once on dense tables only, and x is sparse"
            )
        return super().cannot(problem, params, solver, spanned=True)

    def prepare(self, problem: Problem, params: Params, solver: Solver, device: str) -> State:
        own = params.copy()
        return State(problem, solver, own, solver.start(own))

    def loss_and_gradients(self, state: State, params: Any, batch: Batch) -> tuple[Any, Params]:
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

    def advance(self, state: State, plan: Plan) -> np.ndarray:
        with ignore_overflow():
            return super().advance(state, plan)

    def params(self, state: State) -> Params:
        return state.params.copy()


def ignore_overflow() -> np.errstate:
    """No warnings of overflow: of a run that diverges training tells once, as an error."""
    return np.errstate(over="ignore", invalid="ignore")
