"""The compiled engine: whole chunks of steps in machine code, by Numba."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np

from twolayer.engines.compiled.state import CompiledState, LBFGSState
from twolayer.engines.contract import Batch, Engine, Plan, State
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES
from twolayer.maths.network import Objective, Params, init_params
from twolayer.maths.problem import Problem
from twolayer.maths.span import GramProblem, GramSpan
from twolayer.solvers import Solver
from twolayer.solvers.adam import Adam
from twolayer.solvers.gd import GradientDescent
from twolayer.solvers.lbfgs import LBFGS

SILENT = ContextVar("SILENT", default=False)  # whether compiling is announced to nobody


class CompiledEngine(Engine):
    """Every solver of the house with no Python between its steps; one evaluation in one call for any other."""

    name = "compiled"
    summary = "Numba machine code, gradients by hand"
    libraries = ("numpy", "scipy", "numba")

    def missing(self) -> str | None:
        if find_spec("numba") is None:
            return "engine 'compiled' needs Numba, which is not installed: pip install numba"
        return None

    def cannot(
        self, problem: Problem, params: Params, solver: Solver, spanned: bool = False
    ) -> str | None:
        objective = problem.objective
        for thing, table, what in (
            (objective.activation, ACTIVATIONS, "activation"),
            (objective.loss, LOSSES, "loss"),
        ):
            known = table.get(thing.name)  # type: ignore[attr-defined]
            if type(thing) is not type(known):
                return f"engine 'compiled' has no {what} '{thing.name}': use engine='numpy'"
        for setting in ("l1", "dropout"):
            if getattr(objective, setting):
                return f"engine 'compiled' has no {setting}: use engine='numpy'"
        return super().cannot(problem, params, solver, spanned)

    def takes_gram(self, problem: Problem, params: Params, solver: Solver, batched: bool) -> bool:
        return type(solver) is GradientDescent and params.w_skip is None and not batched

    def prepare(self, problem: Problem, params: Params, solver: Solver, device: str) -> State:
        own = params.map(np.ascontiguousarray).copy()
        problem = replace(
            problem,
            y=kernel_array(problem.y),
            s=None if problem.s is None else kernel_array(problem.s),
        )
        table = kernel_array(problem.x)
        if type(solver) is LBFGS and params.n_networks is None:
            return LBFGSState(problem, solver, own, solver.start(own), table)
        return CompiledState(problem, solver, own, solver.start(own), table)

    def advance(self, state: State, plan: Plan) -> np.ndarray:
        assert isinstance(state, CompiledState)
        if isinstance(state, LBFGSState):
            with announce_compilation():
                return state.descend_by_lbfgs(plan)
        advance = {GradientDescent: state.descend, Adam: state.adapt}.get(type(state.solver))  # type: ignore[type-abstract]
        if advance is None:
            return super().advance(state, plan)
        losses = np.zeros((plan.steps, len(state.networks(state.params))))
        with announce_compilation():
            for network in range(losses.shape[1]):
                own = np.zeros(plan.steps)
                advance(plan, network, own)
                losses[:, network] = own
        state.steps_done(plan.steps)
        return losses if state.params.n_networks is not None else losses[:, 0]

    def loss_and_gradients(self, state: State, params: Any, batch: Batch) -> tuple[Any, Params]:
        assert isinstance(state, CompiledState)
        with announce_compilation():
            return state.evaluate(params, batch)

    def objective(self, state: State, batch: Batch) -> Any:
        assert isinstance(state, CompiledState)
        if isinstance(state, LBFGSState) and state.loss is not None and batch.rows is None:
            return state.loss
        if not isinstance(state.problem, GramProblem):
            return super().objective(state, batch)
        before = state.snapshot()
        plan = Plan(None, np.zeros(2, np.int64), np.array([batch.total]), np.array([batch.penalty]))
        values = self.advance(state, plan)[0]
        state.restore(before)
        return float(values) if values.ndim == 0 else values

    def params(self, state: State) -> Params:
        return state.params.copy()

    def state_dict(self, state: State) -> dict[str, Any]:
        assert isinstance(state, CompiledState)
        rule = state.steps_rule
        also = {"loops": None if rule is None else rule.loops, "c": state.c if state.gram else None}
        return {**super().state_dict(state), **also}

    def load_state_dict(self, state: State, kept: dict[str, Any]) -> None:
        assert isinstance(state, CompiledState)
        super().load_state_dict(state, kept)
        if kept["loops"] is not None:
            state.steps_rule = state.rule._replace(loops=kept["loops"])
        if state.gram:
            state.c[...] = kept["c"]


class Writable:
    """The memory of an array, offered to NumPy as one that may be written."""

    def __init__(self, array: np.ndarray) -> None:
        address, _ = array.__array_interface__["data"]
        self.array = array
        self.__array_interface__ = {**array.__array_interface__, "data": (address, False)}


def kernel_array(array: np.ndarray) -> np.ndarray:
    """The table's array in the one layout that the kernels are compiled for.

    A read-only array (from pandas, or mapped from disk) would be another type to Numba, and cost another compilation. The
    kernels never write the table, so it is not copied for that.
    """
    array = np.require(array, requirements=["C", "A"])
    return array if array.flags.writeable else np.asarray(Writable(array))


@contextlib.contextmanager
def announce_compilation() -> Iterator[None]:
    """Within it, the first kernel that has to be compiled is announced: it takes up to a minute, once on a machine."""
    from numba.core import event

    with event.install_listener("numba:compile", _compilation_listener()):
        yield


@cache
def _compilation_listener() -> Any:
    """Numba's listener, which says once in a process that something is being compiled."""
    from numba.core import event

    class Announcer(event.Listener):
        said = False

        def on_start(self, event: Any) -> None:
            if not self.said and not SILENT.get():
                print(
                    "twolayer: compiling, once on this machine (up to a minute; `twolayer warmup` does it ahead)",
                    file=sys.stderr,
                )
                self.said = True

        def on_end(self, event: Any) -> None:
            pass

    return Announcer()


def compile_all_kernels(
    dtypes: Sequence[str] = ("float64", "float32"),
) -> Iterator[tuple[int, int, str]]:
    """Compile every kernel for these dtypes, by running each on a table of two rows.

    Yields (number, of how many, what) before each.
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
    _compilation_listener().said = True  # this is the announcement
    for number, (dtype, what, solver, gram) in enumerate(jobs, 1):
        yield number, len(jobs), f"{what}, {dtype}"
        problem = Problem(np.ones((2, 3), dtype), np.ones((2, 1), dtype), None, objective, 2.0)
        params = init_params(3, 2, 1, dtype=dtype)
        form = GramSpan(problem, params) if gram else None
        problem, params = (form.problem, form.params) if form else (problem, params)
        state = engine.prepare(problem, params, solver or GradientDescent(1e-3), "cpu")
        if solver is None:
            engine.loss_and_gradients(state, state.params, Batch(None, 2.0, 0.0))
        else:
            engine.advance(state, Plan(None, np.zeros(2, np.int64), np.full(1, 2.0), np.zeros(1)))
