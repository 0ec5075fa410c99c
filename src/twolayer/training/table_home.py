"""Where a table is decides who reads it and who trains on it: in memory, or in blocks on other machines."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from typing import Any

from twolayer.errors import InputError
from twolayer.maths.activations import Activation
from twolayer.maths.network import Objective, Params, forward
from twolayer.maths.problem import Problem, checked_inputs, checked_params, checked_problem
from twolayer.solvers import Solver
from twolayer.training.engine_choice import EngineChoice, choose_engine

# the library of a table's type -> (module, class) of its home, loaded when such a table comes
HOMES = {"dask": ("twolayer.distributed.training", "DaskHome")}


class TableHome:
    """A table in memory; subclasses are for tables that are elsewhere."""

    def at_work(self) -> AbstractContextManager[Any]:
        """Return the context in which the methods below are called, and training runs."""
        return nullcontext()

    def checked_params(self, params: Any) -> Params:
        """Return the weights checked."""
        return checked_params(params)

    def checked_problem(
        self, x: Any, y: Any, params: Params, objective: Objective, sample_weight: Any
    ) -> Problem:
        """Return the problem with everything checked that can be before the first step."""
        return checked_problem(x, y, params, objective, sample_weight)

    def forward(self, x: Any, params: Params, activation: Activation) -> Any:
        """Return the network's outputs for the table, of the table's kind."""
        return forward(checked_inputs(x, params), params, activation)

    def choose_engine(
        self, problem: Problem, params: Params, solver: Solver, **settings: Any
    ) -> EngineChoice:
        """Return who trains; the settings are those of `engine_choice.choose_engine`."""
        return choose_engine(problem, params, solver, **settings)


def is_elsewhere(x: Any) -> bool:
    """Return whether a table is of a type that has a home of its own; no library is imported for that."""
    return type(x).__module__.partition(".")[0] in HOMES


def table_home(x: Any, client: Any = None) -> TableHome:
    """Return the home of a table; `client` is for tables that are elsewhere. One that was read before brings its own.

    Raises
    ------
    InputError
        If a client is given, and the table is in memory.
    """
    if is_elsewhere(x):
        module, name = HOMES[type(x).__module__.partition(".")[0]]
        return getattr(import_module(module), name)(client)
    check_client(client)
    home = getattr(x, "home", None)
    return home if isinstance(home, TableHome) else TableHome()


def check_client(client: Any) -> None:
    """Raise InputError if a client is given for a table in memory."""
    if client is not None:
        raise InputError(
            "client is for Dask's tables, and x is in memory: leave client out, or give a Dask array, such as "
            "dask.array.from_array(x, chunks='auto')"
        )


def check_in_memory(x: Any, name: str, why: str) -> None:
    """Raise InputError if a table is Dask's, in a place where it would be gathered on this machine."""
    if is_elsewhere(x):
        raise InputError(
            f"{name} is Dask's, and {why}: give {name}.compute() if it fits; fit, partial_fit, score and the "
            "predictions of TwoLayerRegressor and TwoLayerClassifier take Dask's tables"
        )
