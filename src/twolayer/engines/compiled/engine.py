"""The compiled engine: whole chunks of steps in machine code, by Numba."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from twolayer.engines.compiled.silence import SILENT
from twolayer.engines.compiled.solver_states import SOLVER_STATES, KernelState
from twolayer.engines.compiled.state import CompiledState
from twolayer.engines.contract import Batch, BatchPlan, Engine, Library, TrainingState
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES
from twolayer.maths.network import Objective, Params, init_params
from twolayer.maths.problem import Problem
from twolayer.maths.span import GramProblem, GramSpan
from twolayer.solvers import Solver
from twolayer.solvers.adam import Adam
from twolayer.solvers.gd import GradientDescent
from twolayer.solvers.lbfgs import LBFGS

ONE_EVALUATION = "the loss and its gradients"


class CompiledEngine(Engine):
    """Whole chunks of steps in one call, for the solvers in `SOLVER_STATES`; for any other one evaluation in one call."""

    name = "compiled"
    summary = "Numba machine code, gradients by hand"
    library = Library("numba", "Numba", "pip install numba")
    libraries = ("numpy", "scipy", "numba")
    takes_custom = False
    takes_l1 = False
    takes_dropout = False

    def takes_gram(self, problem: Problem, params: Params, solver: Solver, batched: bool) -> bool:
        state = SOLVER_STATES.get(type(solver))
        return state is not None and state.takes_gram and params.w_skip is None and not batched

    def prepare(
        self, problem: Problem, params: Params, solver: Solver, device: str
    ) -> TrainingState:
        own = params.map(np.ascontiguousarray).copy()
        problem = replace(
            problem,
            y=kernel_array(problem.y),
            s=None if problem.s is None else kernel_array(problem.s),
        )
        kind: type[CompiledState] = SOLVER_STATES.get(type(solver), CompiledState)
        if solver.one_network and params.n_networks is not None:
            kind = CompiledState
        return kind(problem, solver, own, solver.start(own), kernel_array(problem.x))

    def advance(self, state: TrainingState, plan: BatchPlan) -> np.ndarray:
        if not isinstance(state, KernelState):
            return super().advance(state, plan)
        with announce_compilation(state.solver.name, state.params.dtype):
            return state.advance(plan)

    def loss_and_gradients(
        self, state: TrainingState, params: Any, batch: Batch
    ) -> tuple[Any, Params]:
        assert isinstance(state, CompiledState)
        with announce_compilation(ONE_EVALUATION, state.params.dtype):
            return state.evaluate(params, batch)

    def objective(self, state: TrainingState, batch: Batch) -> Any:
        assert isinstance(state, CompiledState)
        if state.loss is not None and batch.rows is None:
            return state.loss
        if not isinstance(state.problem, GramProblem):
            return super().objective(state, batch)
        before = state.snapshot()
        plan = BatchPlan(
            None, np.zeros(2, np.int64), np.array([batch.total]), np.array([batch.penalty])
        )
        values = self.advance(state, plan)[0]
        state.restore(before)
        return float(values) if values.ndim == 0 else values

    def params(self, state: TrainingState) -> Params:
        return state.params.copy()

    def state_dict(self, state: TrainingState) -> dict[str, Any]:
        assert isinstance(state, CompiledState)
        rule = state.steps_rule
        also = {"loops": None if rule is None else rule.loops, "c": state.c if state.gram else None}
        return {**super().state_dict(state), **also}

    def load_state_dict(self, state: TrainingState, stored: dict[str, Any]) -> None:
        assert isinstance(state, CompiledState)
        super().load_state_dict(state, stored)
        if stored["loops"] is not None:
            state.steps_rule = state.rule._replace(loops=stored["loops"])
        if state.gram:
            state.c[...] = stored["c"]


class Writable:
    """The memory of an array, which NumPy may take for writable."""

    def __init__(self, array: np.ndarray) -> None:
        address, _ = array.__array_interface__["data"]
        self.array = array
        self.__array_interface__ = {**array.__array_interface__, "data": (address, False)}


def kernel_array(array: np.ndarray) -> np.ndarray:
    """Return the table's array in the one layout that the kernels are compiled for.

    A read-only array (from pandas, or mapped from disk) would be another type to Numba, and need another compilation. The
    kernels never write the table, so it is not copied for that.
    """
    array = np.require(array, requirements=["C", "A"])
    return array if array.flags.writeable else np.asarray(Writable(array))


@contextlib.contextmanager
def announce_compilation(what: str, dtype: np.dtype) -> Iterator[None]:
    """Announce within it the first kernel for this use that is compiled: that takes up to a minute, once per machine."""
    from numba.core import event

    with event.install_listener("numba:compile", _compilation_listener(what, dtype)):
        yield


@cache
def _compilation_listener(what: str, dtype: np.dtype) -> Any:
    """Return Numba's listener, which announces once per process that kernels for this use are compiled."""
    from numba.core import event

    class Announcer(event.Listener):
        announced = False

        def on_start(self, event: Any) -> None:
            if not self.announced and not SILENT.get():
                print(
                    f"twolayer: compiling the kernels for {what} ({dtype}), once on this machine (up to a minute; "
                    "`twolayer warmup` compiles those of all solvers ahead)",
                    file=sys.stderr,
                )
                self.announced = True

        def on_end(self, event: Any) -> None:
            pass

    return Announcer()


def compile_all_kernels(
    dtypes: Sequence[str] = ("float64", "float32"),
) -> Iterator[tuple[int, int, str]]:
    """Compile every kernel for these dtypes, by running each on a table of two rows.

    Yield (its number, how many there are, its description) before each.
    """
    jobs = [
        (dtype, what, solver, gram)
        for dtype in dtypes
        for what, solver, gram in (
            ("gradient descent in the span", GradientDescent(1e-3), True),
            ("gradient descent", GradientDescent(1e-3, momentum=0.9), False),
            ("gradient descent on a small table", GradientDescent(1e-3), False),
            ("Adam", Adam(1e-3), False),
            ("L-BFGS", LBFGS(), False),
            ("one evaluation", None, False),
        )
    ]
    engine = CompiledEngine()
    objective = Objective(LOSSES["sum_of_squares"], ACTIVATIONS["relu"])
    for number, (dtype, what, solver, gram) in enumerate(jobs, 1):
        yield number, len(jobs), f"{what}, {dtype}"
        use = ONE_EVALUATION if solver is None else solver.name
        _compilation_listener(use, np.dtype(dtype)).announced = True  # this is the announcement
        problem = Problem(np.ones((2, 3), dtype), np.ones((2, 1), dtype), None, objective, 2.0)
        params = init_params(3, 2, 1, dtype=dtype)
        form = GramSpan(problem, params) if gram else None
        problem, params = (form.problem, form.params) if form else (problem, params)
        state = engine.prepare(problem, params, solver or GradientDescent(1e-3), "cpu")
        if solver is None:
            engine.loss_and_gradients(state, state.params, Batch(None, 2.0, 0.0))
        else:
            engine.advance(
                state, BatchPlan(None, np.zeros(2, np.int64), np.full(1, 2.0), np.zeros(1))
            )
