"""How the weights move: the solvers by name.

A solver has a file of its own, with its declarations, and its place in the table here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twolayer import checks
from twolayer.errors import InputError, Refusal
from twolayer.maths.network import Objective
from twolayer.solvers.adam import Adam
from twolayer.solvers.contract import Evaluate, Solver, SolverMemory
from twolayer.solvers.gd import GradientDescent
from twolayer.solvers.lbfgs import LBFGS

__all__ = [
    "SOLVERS",
    "Evaluate",
    "Solver",
    "SolverMemory",
    "get_solver",
    "solver_refusal",
    "solvers_that",
]

SOLVERS: dict[str, type[Solver]] = {kind.name: kind for kind in (GradientDescent, Adam, LBFGS)}


def get_solver(
    solver: Any,
    learning_rate: Any = 1e-6,
    momentum: Any = 0.0,
    nesterov: Any = False,
    tol: float = 0.0,
) -> Solver:
    """Return the solver of that name with those of the settings that it takes; a Solver is returned as it is.

    Raises
    ------
    InputError
        If there is no solver of that name, a setting is out of its range, or the solver has no momentum.
    """
    if isinstance(solver, Solver):
        return solver
    nesterov = checks.flag(nesterov, "nesterov")
    rate = checks.finite_number(learning_rate, "learning_rate", above=0)
    momentum = checks.finite_number(momentum, "momentum", at_least=0)
    if momentum >= 1:
        raise InputError(f"momentum must be below 1; got {momentum:g}")
    if nesterov and not momentum:
        raise InputError("nesterov needs momentum above 0, for example momentum=0.9")
    kind = checks.one_of(solver, SOLVERS, "solver")
    if momentum and "momentum" not in kind.settings:
        owners = solvers_that(lambda other: "momentum" in other.settings)
        raise InputError(f"momentum belongs to solver {owners}, not to '{solver}'")
    given = {"learning_rate": rate, "momentum": momentum, "nesterov": nesterov, "tol": tol}
    return kind.create(**{name: given[name] for name in kind.settings})


def solvers_that(test: Callable[[Solver], bool]) -> str:
    """Return `'gd' or 'adam'`: the names of the solvers that pass the test with their default settings."""
    return " or ".join(f"'{name}'" for name in SOLVERS if test(get_solver(name)))


def solver_refusal(solver: Solver, objective: Objective) -> Refusal | None:
    """Return why the solver cannot minimise this, and what to use instead; None if it can."""
    if objective.l1 and not solver.takes_l1:
        others = solvers_that(lambda other: other.takes_l1)
        return Refusal(
            solver.label,
            "has no l1, whose absolute weights have a kink at 0",
            f"use solver={others}, or alpha instead of l1",
        )
    if objective.dropout and solver.full_batch:
        others = solvers_that(lambda other: not other.full_batch)
        return Refusal(
            solver.label,
            "compares the losses of its steps, and dropout changes the network at every step",
            f"use solver={others}",
        )
    return None
