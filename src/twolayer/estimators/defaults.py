"""What is settled where the user left it to us ("auto"), from the table's shape alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twolayer import checks
from twolayer.errors import InputError
from twolayer.solvers import Solver

TALL = 5000  # rows, from which batches are worth it,
LARGE_STEP = 1e8  # if a step on all rows takes more multiplications than this
SMALL_STEP = 1e7  # up to which a few more networks cost little
NETWORKS = 5
BATCH = 200


@dataclass(frozen=True)
class Way:
    """How to train.

    Attributes
    ----------
    solver : str or Solver
    batch_size : int or None
    early_stopping : bool
    n_networks : int
    """

    solver: Any
    batch_size: int | None
    early_stopping: bool
    n_networks: int


def way(settings: Any, n_rows: int, n_inputs: int, n_hidden: int) -> Way:
    """The user's settings, and for "auto": L-BFGS, and for tall tables Adam on batches with early stopping; Adam also for l1
    and dropout, which L-BFGS has not; five networks where they cost little, else one.
    """
    step = (
        float(n_rows) * min(n_rows, n_inputs) * n_hidden
    )  # multiplications, in the span if that is shorter
    solver, batch_size = settings.solver, settings.batch_size
    early_stopping = checks.flag(settings.early_stopping, "early_stopping")
    if batch_size is not None:
        batch_size = checks.whole(batch_size, "batch_size")
    if isinstance(solver, str) and solver == "auto":
        tall = n_rows > TALL and step > LARGE_STEP
        not_by_lbfgs = batch_size is not None or settings.l1 or settings.dropout
        solver = "adam" if tall or not_by_lbfgs else "lbfgs"
        if tall:
            early_stopping, batch_size = True, batch_size or BATCH
    elif not isinstance(solver, Solver):
        checks.one_of(solver, dict.fromkeys(("auto", "lbfgs", "adam", "gd")), "solver")
    n_networks = settings.n_networks
    if isinstance(n_networks, str) and n_networks == "auto":
        n_networks = NETWORKS if step <= SMALL_STEP else 1
    elif isinstance(n_networks, str):
        raise InputError(
            f"n_networks must be a whole number, at least 1, or 'auto'; got {checks.shown(n_networks)}"
        )
    return Way(solver, batch_size, early_stopping, checks.whole(n_networks, "n_networks"))


def given_alpha(alpha: Any) -> float | None:
    """The weight decay asked for; None for "auto"."""
    if isinstance(alpha, str) and alpha == "auto":
        return None
    if isinstance(alpha, str):
        raise InputError(
            f"alpha must be a finite number, at least 0, or 'auto'; got {checks.shown(alpha)}"
        )
    return checks.number(alpha, "alpha", at_least=0)
