"""A training run in the compiled engine: the kernels' arguments, made from its table, weights and memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from twolayer.engines.contract import Batch, Plan, State
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES
from twolayer.maths.network import Params
from twolayer.maths.problem import Problem
from twolayer.maths.span import GramProblem, RotatedProblem
from twolayer.solvers import Solver
from twolayer.solvers.adam import Adam
from twolayer.solvers.gd import GradientDescent
from twolayer.solvers.lbfgs import LBFGS

LOOPS_UP_TO = 4000  # multiplications in the largest product of a step, below which plain loops beat a call to BLAS


class CompiledState(State):
    """The state, with the kernels' arguments made from it."""

    def __init__(
        self, problem: Problem, solver: Solver, params: Params, memory: Any, table: np.ndarray
    ) -> None:
        from twolayer.engines.compiled import forward_backward, steps, tiny_networks

        super().__init__(problem, solver, params, memory)
        self.kernels: Any = steps  # Any: Numba's own types for its functions are too narrow
        self.passes: Any = forward_backward
        self.tiny: Any = tiny_networks
        self.x = table
        self.gram = isinstance(problem, GramProblem)
        self.s = np.empty(0, params.dtype) if problem.s is None else problem.s
        self.gradients = None if params.n_networks is None else params.map(np.zeros_like)
        self.rooms: dict[Any, FlatWeights] = {}
        objective = problem.objective
        self.steps_rule: Any = None
        self.rule = forward_backward.FunctionIndices(
            list(ACTIVATIONS).index(objective.activation.name),
            list(LOSSES).index(objective.loss.name),
            float(objective.loss.parameter),
            objective.loss.is_sum,
            objective.loss.elementwise,
            loops=False,
        )
        n_rows, n_hidden = problem.n_rows, params.n_hidden
        n_outputs, dtype = params.n_outputs, params.dtype
        room = forward_backward.room.py_func
        self.work = forward_backward.Workspace(
            h=room(n_rows, n_hidden, dtype),
            h_relu=room(n_rows, n_hidden, dtype),
            y_pred=room(n_rows, n_outputs, dtype),
            grad_y_pred=room(n_rows, n_outputs, dtype),
            grad_h=room(n_rows, n_hidden, dtype),
            skip=room(0 if params.w_skip is None else n_rows, n_outputs, dtype),
            turned=room(1, self.room_for_turned(), dtype)[0],
        )
        # As the kernels of an evaluation take the table, targets and row weights: the span's as the triangle it is.
        nothing = forward_backward.LowerTriangular(np.empty(0, dtype), np.empty(0, dtype), 0)
        self.nothing_lower = nothing
        self.whole = ((table, nothing), problem.y, self.s)
        if isinstance(problem, RotatedProblem) and solver.full_batch_only:
            order = problem.order
            triangle = forward_backward.packed_triangular(table, order, problem.rank)
            s_in_order = self.s[order] if self.s.size else self.s
            self.whole = ((table, triangle), problem.y[order], s_in_order)
        if self.gram:
            fronts = params.n_networks or 1
            self.c = np.zeros((fronts, 2))  # c and its velocity
            self.c[:, 0] = 1

    def snapshot(self) -> Any:
        moving = super().snapshot()
        return (moving, self.c.copy()) if self.gram else moving

    def restore(self, snapshot: Any) -> None:
        if self.gram:
            snapshot, c = snapshot
            self.c = c.copy()
        super().restore(snapshot)

    def rule_for(self, plan: Plan) -> Any:
        """The rule for the plan's steps: that of the run's first plan, as rounding must not depend on the chunks."""
        if self.steps_rule is None:
            rows = self.problem.n_rows if plan.order is None else int(np.diff(plan.starts).max())
            self.steps_rule = self.rule_for_rows(rows)
        return self.steps_rule

    def rule_for_rows(self, rows: int) -> Any:
        """The rule for steps of so many rows."""
        if self.gram:
            return self.rule
        columns, n_outputs = self.x.shape[1], self.params.n_outputs
        largest = rows * self.params.n_hidden * max(columns, n_outputs)
        return self.rule._replace(loops=largest <= LOOPS_UP_TO)

    def room_for_turned(self) -> int:
        """Numbers in the rows of a step that plain loops may take: their columns and outputs, turned."""
        a_row = self.x.shape[1] + self.params.n_outputs
        return 0 if self.gram else min(self.problem.n_rows * a_row, 2 * LOOPS_UP_TO)

    def networks(self, params: Params) -> list[Any]:
        """The kernels' Weights of each network: views, in which a missing array is an empty one."""
        dtype = params.dtype
        empty = {
            "b1": np.empty(0, dtype),
            "b2": np.empty(0, dtype),
            "w_skip": np.empty((0, 0), dtype),
        }
        arrays = {**empty, **dict(params.items())}
        if params.n_networks is None:
            return [self.passes.NetworkArrays(**arrays)]
        return [
            self.passes.NetworkArrays(
                **{name: array[k] if array.size else array for name, array in arrays.items()}
            )
            for k in range(params.n_networks)
        ]

    def laid_out_for(self, rule: Any) -> Callable[[Any], Any]:
        """How the kernels of this rule take a network's arrays: in the span, turned, or as they are."""
        return self.in_span if self.gram else transposed_weights if rule.loops else same_weights

    def in_span(self, weights: Any) -> Any:
        """No `w1`, in whose place the span has its coordinates, and `w2` turned."""
        none = np.empty((0, self.params.n_hidden), self.params.dtype)
        return weights._replace(w1=none, w2=weights.w2.T)

    def batches(self, plan: Plan) -> Any:
        """The plan as the kernels take it."""
        if plan.order is None:
            order, largest = np.empty(0, np.int64), 0
        else:
            order, largest = plan.order, int(np.diff(plan.starts).max())
        dtype = self.params.dtype
        return self.kernels.BatchRows(
            order,
            plan.starts,
            plan.totals,
            plan.penalties,
            np.empty((largest, self.x.shape[1]), dtype),
            np.empty((largest, self.params.n_outputs), dtype),
            np.empty(largest if self.s.size else 0, dtype),
        )

    def descend(self, plan: Plan, network: int, losses: np.ndarray) -> None:
        """Gradient descent of one network over the plan."""
        solver = self.solver
        assert isinstance(solver, GradientDescent)
        rates = self.kernels.DescentRates(solver.learning_rate, solver.momentum, solver.nesterov)
        rule = self.rule_for(plan)
        memory = ["velocity"] if rates.momentum else []
        with FlatWeights(self, network, memory, self.laid_out_for(rule)) as numbers:
            velocity = (*numbers.memory, np.empty(0, self.params.dtype))[0]
            places = (numbers.w, numbers.g, numbers.flat, velocity)
            if self.gram:
                self.descend_in_span(plan, network, places, rates, losses)
            elif rule.loops and self.plain(plan, rates):
                xs, ys = np.ascontiguousarray(self.x.T), np.ascontiguousarray(self.problem.y.T)
                total, rate = self.problem.total, rates.learning_rate
                self.tiny.advance_tiny_descent(xs, ys, numbers.w, total, rule, rate, losses)
            else:
                self.kernels.advance_descent(
                    self.x,
                    self.problem.y,
                    self.s,
                    self.batches(plan),
                    *places,
                    self.work,
                    rule,
                    rates,
                    losses,
                )

    def plain(self, plan: Plan, rates: Any) -> bool:
        """Whether nothing is asked for but the tutorial's step."""
        extras = (
            plan.order is not None,
            self.s.size,
            rates.momentum,
            self.params.w_skip is not None,
        )
        return self.rule.elementwise and not any(extras) and not plan.penalties.any()

    def descend_in_span(
        self, plan: Plan, network: int, places: Any, rates: Any, losses: np.ndarray
    ) -> None:
        """The same in the span's coordinates: `a` and c stand in the place of `w1`."""
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

    def adapt(self, plan: Plan, network: int, losses: np.ndarray) -> None:
        """Adam of one network over the plan."""
        solver = self.solver
        assert isinstance(solver, Adam)
        rates = self.kernels.AdamRates(
            solver.learning_rate, solver.beta1, solver.beta2, solver.epsilon
        )
        rule = self.rule_for(plan)
        memory = ["mean", "square"]
        with FlatWeights(self, network, memory, self.laid_out_for(rule)) as numbers:
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

    def steps_done(self, steps: int) -> None:
        """Count the steps, for Adam's corrections."""
        if "steps" in self.memory:
            self.memory["steps"] += steps

    def evaluate(self, params: Params, batch: Batch) -> tuple[Any, Params]:
        """Objective and gradients at `params`; the gradients' arrays are used again by the next call."""
        (table, y, s), work = self.whole, self.work
        if batch.rows is not None:
            rows = batch.rows
            table = (self.x[rows], self.nothing_lower)
            y, s = self.problem.y[rows], self.s[rows] if self.s.size else self.s
            work = self.passes.workspace_rows.py_func(work, len(y))
        values = []
        for network, weights in enumerate(self.networks(params)):
            numbers = self.room(network)
            write_weights(weights, numbers.w)
            places = (numbers.w, numbers.g, numbers.flat, work, self.rule)
            values.append(
                self.kernels.evaluate_objective(table, y, s, batch.total, batch.penalty, *places)
            )
        if params.n_networks is None:
            gradients = self.room(0).g._asdict()
            given = {name: gradients[name] for name, _ in params.items()}
            return values[0], Params(**{"b1": None, "b2": None, **given})
        assert self.gradients is not None
        for network, into in enumerate(self.networks(self.gradients)):
            write_weights(self.room(network).g, into)
        return np.array(values), self.gradients

    def room(self, network: int) -> FlatWeights:
        """Long arrays for one network, kept from one evaluation to the next."""
        if network not in self.rooms:
            self.rooms[network] = FlatWeights(self, network, [], same_weights)
        return self.rooms[network]


class LBFGSState(CompiledState):
    """The state of one network under L-BFGS, whose memory the kernel takes as arrays."""

    def __init__(
        self, problem: Problem, solver: LBFGS, params: Params, memory: Any, table: np.ndarray
    ) -> None:
        from twolayer.engines.compiled import lbfgs

        super().__init__(problem, solver, params, memory, table)
        self.advance: Any = lbfgs.advance_lbfgs
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
        """The objective where the run is; None before the first step."""
        arrays = self.memory["arrays"]
        return float(arrays.loss[0]) if arrays.counts[2] else None

    def descend_by_lbfgs(self, plan: Plan) -> np.ndarray:
        """Steps of L-BFGS over the plan, or as many as there are to take."""
        solver, losses = self.solver, np.zeros(plan.steps)
        assert isinstance(solver, LBFGS)
        if not plan.steps:
            return losses
        own = self.networks(self.params)[0]
        numbers = self.room(0)
        write_weights(own, numbers.w)
        arrays = self.memory["arrays"]
        taken = self.advance(
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
        self.memory["finished"] = solver.said(int(arrays.counts[1]))
        return losses[:taken]


class FlatWeights:
    """One network's numbers in long arrays, which a kernel moves in one loop; written back on leaving the `with`.

    Attributes
    ----------
    w, g : Weights
        Views of the long arrays.
    flat : Flat
    memory : list of ndarray
        Those parts of the solver's memory.
    """

    def __init__(
        self, state: CompiledState, network: int, memory: list[str], form: Callable[[Any], Any]
    ) -> None:
        kernels = state.kernels
        self.own = form(state.networks(state.params)[network])
        self.parts = [form(state.networks(state.memory[name])[network]) for name in memory]
        numbers = flat_copy(self.own)
        vector, gradient = (
            state.passes.room.py_func(1, numbers.size, numbers.dtype)[0] for _ in range(2)
        )
        vector[:] = numbers
        decaying = self.own.w1.size + self.own.w2.size + self.own.w_skip.size
        self.flat = kernels.FlatArrays(vector, gradient, decaying)
        self.w, self.g = flat_views(vector, self.own), flat_views(gradient, self.own)
        self.memory = [flat_copy(part) for part in self.parts]

    def __enter__(self) -> FlatWeights:
        return self

    def __exit__(self, *exception: object) -> None:
        write_weights(self.w, self.own)
        for vector, part in zip(self.memory, self.parts, strict=True):
            write_weights(flat_views(vector, part), part)


def same_weights(weights: Any) -> Any:
    """The Weights themselves."""
    return weights


def transposed_weights(weights: Any) -> Any:
    """The Weights with units and outputs along the first axis: views. Turning twice gives them back."""
    return weights._replace(w1=weights.w1.T, w2=weights.w2.T, w_skip=weights.w_skip.T)


ORDER = ("w1", "w2", "w_skip", "b1", "b2")  # those that decay first


def flat_copy(weights: Any) -> np.ndarray:
    """The arrays end to end: a copy."""
    return np.concatenate([getattr(weights, name).ravel() for name in ORDER])


def flat_views(vector: np.ndarray, like: Any) -> Any:
    """The Weights that stand in such a vector."""
    arrays, start = {}, 0
    for name in ORDER:
        array = getattr(like, name)
        arrays[name] = vector[start : start + array.size].reshape(array.shape)
        start += array.size
    return type(like)(**arrays)


def write_weights(source: Any, target: Any) -> None:
    """Copy every array's numbers."""
    for name in ORDER:
        getattr(target, name)[...] = getattr(source, name)
