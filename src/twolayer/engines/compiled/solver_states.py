"""The states of the solvers that have a kernel: their arguments, and a whole chunk of steps in one call."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.engines.compiled.state import (
    CompiledState,
    FlatWeights,
    write_weights,
)
from twolayer.engines.contract import BatchPlan
from twolayer.maths.network import Params
from twolayer.maths.problem import Problem
from twolayer.solvers import Solver
from twolayer.solvers.adam import Adam, ResumedAdam
from twolayer.solvers.gd import GradientDescent
from twolayer.solvers.lbfgs import LBFGS


class KernelState(CompiledState):
    """A state whose networks each advance by a chunk of steps in one call of a kernel."""

    solver: Any
    takes_gram = False  # whether it has a kernel for the span's form `GramSpan`

    def advance(self, plan: BatchPlan) -> np.ndarray:
        """Take the plan's steps; return the loss before each."""
        losses = np.zeros((plan.steps, len(self.networks(self.params))))
        for network in range(losses.shape[1]):
            own = np.zeros(plan.steps)
            self.advance_network(plan, network, own)
            losses[:, network] = own
        return losses if self.params.n_networks is not None else losses[:, 0]

    def advance_network(self, plan: BatchPlan, network: int, losses: np.ndarray) -> None:
        """Take the plan's steps with one network; write the loss before each."""
        raise NotImplementedError


class DescentState(KernelState):
    """The state under gradient descent."""

    takes_gram = True

    def advance_network(self, plan: BatchPlan, network: int, losses: np.ndarray) -> None:
        solver = self.solver
        rates = self.kernels.DescentRates(solver.learning_rate, solver.momentum, solver.nesterov)
        rule = self.rule_for(plan)
        memory = ["velocity"] if rates.momentum else []
        with FlatWeights(self, network, memory, self.laid_out_for(rule)) as numbers:
            velocity = (*numbers.memory, np.empty(0, self.params.dtype))[0]
            places = (numbers.w, numbers.g, numbers.flat, velocity)
            if self.gram:
                self.advance_in_span(plan, network, places, rates, losses)
            elif rule.loops and self.plain(plan, rates):
                xs, ys = np.ascontiguousarray(self.x.T), np.ascontiguousarray(self.problem.y.T)
                total, rate = self.problem.total, rates.learning_rate
                self.tiny.advance_tiny_descent(xs, ys, numbers.w, total, rule, rate, losses)
            else:
                table = (self.x, self.problem.y, self.s, self.batches(plan))
                self.kernels.advance_descent(*table, *places, self.work, rule, rates, losses)

    def plain(self, plan: BatchPlan, rates: Any) -> bool:
        """Return whether a step is the tutorial's, with nothing added."""
        extras = (
            plan.order is not None,
            self.s.size,
            rates.momentum,
            self.params.w_skip is not None,
        )
        return self.rule.elementwise and not any(extras) and not plan.penalties.any()

    def advance_in_span(
        self, plan: BatchPlan, network: int, places: Any, rates: Any, losses: np.ndarray
    ) -> None:
        """Take the plan's steps in the span's coordinates: `a` and c take the place of `w1`."""
        if not len(losses):
            return
        problem, n_rows = self.problem, self.problem.n_rows
        front = () if self.params.n_networks is None else (network,)
        c = self.c[network]
        w1 = self.params.w1[front]
        velocity = self.memory["velocity"].w1[front][:n_rows] if rates.momentum else w1[:0]
        self.kernels.advance_span_descent(
            self.x,
            problem.h_start[front],
            float(problem.squares_start[front]),
            problem.y,
            self.s,
            plan.totals[0],
            plan.penalties[0],
            *places,
            w1[:n_rows],
            velocity,
            c,
            self.work,
            self.rule,
            rates,
            losses,
        )
        w1[n_rows] = c[0]


class AdamState(KernelState):
    """The state under Adam."""

    def advance(self, plan: BatchPlan) -> np.ndarray:
        losses = super().advance(plan)
        self.memory["steps"] += plan.steps  # for the corrections of the steps to come
        return losses

    def advance_network(self, plan: BatchPlan, network: int, losses: np.ndarray) -> None:
        solver = self.solver
        rates = self.kernels.AdamRates(
            solver.learning_rate, solver.beta1, solver.beta2, solver.epsilon
        )
        rule = self.rule_for(plan)
        with FlatWeights(self, network, ["mean", "square"], self.laid_out_for(rule)) as numbers:
            self.kernels.advance_adam(
                self.x,
                self.problem.y,
                self.s,
                self.batches(plan),
                numbers.w,
                numbers.g,
                numbers.flat,
                *numbers.memory,
                self.work,
                rule,
                rates,
                self.memory["steps"],
                losses,
            )


class LBFGSState(KernelState):
    """The state of one network under L-BFGS, whose memory the kernel takes as arrays."""

    def __init__(
        self, problem: Problem, solver: LBFGS, params: Params, memory: Any, table: np.ndarray
    ) -> None:
        from twolayer.engines.compiled import lbfgs

        super().__init__(problem, solver, params, memory, table)
        self.advance_lbfgs: Any = lbfgs.advance_lbfgs
        self.tolerances = lbfgs.Tolerances(float(solver.gradient_tol), float(solver.decrease_tol))
        arrays = lbfgs.LBFGSMemory(
            theta=memory["theta"],
            basis=memory["basis"],
            along=memory["along"],
            pairs=np.zeros(solver.memory_size, np.int64),
            moves_changes=memory["moves_changes"],
            changes_changes=memory["changes_changes"],
            counts=np.zeros(3, np.int64),
            loss=np.zeros(1),
        )
        self.memory = {"arrays": arrays, "finished": None}

    @property
    def loss(self) -> float | None:
        arrays = self.memory["arrays"]
        return float(arrays.loss[0]) if arrays.counts[2] else None

    def state_fits(self, stored: dict[str, Any], steps: int) -> bool:
        memory = stored["memory"]
        arrays = memory["arrays"]
        count, reason, started = (int(number) for number in arrays["counts"])
        places = arrays["pairs"].tolist()
        inside = all(0 <= place < len(places) for place in places)
        fits = inside and 0 <= count <= len(places) and (reason, started) == (0, 1)
        unset = memory["finished"] is stored["loops"] is None
        return fits and unset and self.solver.pairs_fit(places[:count], arrays)

    def advance(self, plan: BatchPlan) -> np.ndarray:
        """Take the plan's steps, or as many as there are to take; return the loss before each."""
        losses = np.zeros(plan.steps)
        if not plan.steps:
            return losses
        own = self.networks(self.params)[0]
        numbers = self.room(0)
        write_weights(own, numbers.w)
        arrays = self.memory["arrays"]
        taken = self.advance_lbfgs(
            *self.whole,
            plan.totals[0],
            plan.penalties[0],
            numbers.w,
            numbers.g,
            numbers.flat,
            self.work,
            self.rule,
            arrays,
            self.tolerances,
            losses,
        )
        write_weights(numbers.w, own)
        self.memory["finished"] = self.solver.stop_text(int(arrays.counts[1]))
        return losses[:taken]


SOLVER_STATES: dict[type[Solver], type[KernelState]] = {
    GradientDescent: DescentState,
    Adam: AdamState,
    ResumedAdam: AdamState,
    LBFGS: LBFGSState,
}
