"""A training run in the compiled engine: the kernels' arguments, from its table and weights, and one evaluation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from twolayer.engines.contract import Batch, BatchPlan, TrainingState
from twolayer.files import DamagedError
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES
from twolayer.maths.network import Params
from twolayer.maths.problem import Problem
from twolayer.maths.span import GramProblem, RotatedProblem
from twolayer.solvers import Solver

LOOPS_UP_TO = 4000  # multiplications in the largest product of a step, below which plain loops beat a call to BLAS


class CompiledState(TrainingState):
    """The state of any solver, with the kernels' arguments made from it."""

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
        # The table, targets and row weights for the kernels of an evaluation: the span's table as the triangle it is.
        nothing = forward_backward.LowerTriangular(np.empty(0, dtype), np.empty(0, dtype), 0)
        self.nothing_lower = nothing
        self.whole = ((table, nothing), problem.y, self.s)
        if isinstance(problem, RotatedProblem) and solver.full_batch:
            order = problem.order
            triangle = forward_backward.packed_triangular(table, order, problem.rank)
            s_in_order = self.s[order] if self.s.size else self.s
            self.whole = ((table, triangle), problem.y[order], s_in_order)
        if self.gram:
            fronts = params.n_networks or 1
            self.c = np.zeros((fronts, 2))  # c and its velocity
            self.c[:, 0] = 1

    @property
    def loss(self) -> float | None:
        """The objective where the run is, if the solver keeps it."""
        return None

    def snapshot(self) -> Any:
        moving = super().snapshot()
        return (moving, self.c.copy()) if self.gram else moving

    def restore(self, snapshot: Any) -> None:
        if self.gram:
            snapshot, c = snapshot
            self.c = c.copy()
        super().restore(snapshot)

    def state_fits(self, stored: dict[str, Any], steps: int) -> bool:
        loops = stored["loops"]
        known = loops is None or (isinstance(loops, bool) and not (loops and self.gram))
        fits = known and (not self.gram or bool(np.isfinite(stored["c"]).all()))
        return fits and super().state_fits(stored, steps)

    def rule_for(self, plan: BatchPlan) -> Any:
        """Return the rule for the plan's steps: that of the run's first plan, as rounding must not depend on the chunks.

        Plain loops have room for few numbers: a forged checkpoint must not ask for them on larger steps.
        """
        rows = self.problem.n_rows if plan.order is None else int(np.diff(plan.starts).max())
        rule = self.rule_for_rows(rows)
        if self.steps_rule is None:
            self.steps_rule = rule
        if self.steps_rule.loops and not rule.loops:
            raise DamagedError("its record of the solver's memory is damaged")
        return self.steps_rule

    def rule_for_rows(self, rows: int) -> Any:
        """Return the rule for steps of this many rows."""
        if self.gram:
            return self.rule
        columns, n_outputs = self.x.shape[1], self.params.n_outputs
        largest = rows * self.params.n_hidden * max(columns, n_outputs)
        return self.rule._replace(loops=largest <= LOOPS_UP_TO)

    def room_for_turned(self) -> int:
        """Return how many numbers the transposed rows of a step have at most, where plain loops may take it."""
        row = self.x.shape[1] + self.params.n_outputs
        return 0 if self.gram else min(self.problem.n_rows * row, 2 * LOOPS_UP_TO)

    def networks(self, params: Params) -> list[Any]:
        """Return the kernels' NetworkArrays of each network: views, in which a missing array is an empty one."""
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
        """Return how the kernels of this rule take a network's arrays: in the span, transposed, or unchanged."""
        return self.in_span if self.gram else transposed_weights if rule.loops else same_weights

    def in_span(self, weights: Any) -> Any:
        """Return the arrays without `w1`, for which the span has its coordinates, and with `w2` transposed."""
        none = np.empty((0, self.params.n_hidden), self.params.dtype)
        return weights._replace(w1=none, w2=weights.w2.T)

    def batches(self, plan: BatchPlan) -> Any:
        """Return the plan in the form that the kernels take."""
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

    def evaluate(self, params: Params, batch: Batch) -> tuple[Any, Params]:
        """Return objective and gradients at `params`; the next call uses the gradients' arrays again."""
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
        """Return the long arrays of one network, which stay from one evaluation to the next."""
        if network not in self.rooms:
            self.rooms[network] = FlatWeights(self, network, [], same_weights)
        return self.rooms[network]


class FlatWeights:
    """One network's numbers in long arrays, which a kernel moves in one loop; written back on leaving the `with`.

    Attributes
    ----------
    w, g : NetworkArrays
        Views of the long arrays.
    flat : FlatArrays
    memory : list of ndarray
        The named parts of the solver's memory.
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
    """Return the arrays unchanged."""
    return weights


def transposed_weights(weights: Any) -> Any:
    """Return views with units and outputs along the first axis; twice gives the arrays themselves."""
    return weights._replace(w1=weights.w1.T, w2=weights.w2.T, w_skip=weights.w_skip.T)


ORDER = ("w1", "w2", "w_skip", "b1", "b2")  # those that decay first


def flat_copy(weights: Any) -> np.ndarray:
    """Return a copy of the arrays, end to end."""
    return np.concatenate([getattr(weights, name).ravel() for name in ORDER])


def flat_views(vector: np.ndarray, like: Any) -> Any:
    """Return the NetworkArrays in such a vector."""
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
