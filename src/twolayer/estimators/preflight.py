"""What a fit will take, before it starts: weights, memory, seconds, the solver, and what may go wrong."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.checks import is_sparse
from twolayer.errors import InputError
from twolayer.estimators.fit_plan import FitPlan
from twolayer.estimators.selection.alpha_choice import MOST_SEARCH_ROWS, TYPICAL_ALPHAS
from twolayer.estimators.selection.alpha_path import STEPS_PER_ALPHA
from twolayer.maths.network import Objective, Params
from twolayer.maths.problem import Problem
from twolayer.solvers import Solver, get_solver
from twolayer.text import plural
from twolayer.training.engine_choice import full_table_cost, span_cost, training_vectors

# Measured on one core, to about a factor of two: of a fit, of a step, and of a row in a step
SECONDS_BESIDE, SECONDS_PER_ROW, SECONDS_PER_STEP = 0.03, 2e-6, 5e-5
SECONDS_PER_UNIT, SECONDS_PER_OUTPUT, SECONDS_PER_WEIGHT = 8e-9, 2e-8, 6e-10
TYPICAL_STEPS = 300  # L-BFGS seldom needs more
TYPICAL_PASSES = 50  # of Adam with early stopping
SCALE_RATIO = 1e3  # spreads of columns


@dataclass(frozen=True, eq=False)
class Preflight:
    """What a fit will take.

    Attributes
    ----------
    n_rows, n_inputs, n_outputs, n_hidden, n_networks : int
    n_weights : int
        Of all networks together.
    solver : str
    batch_size : int or None
    span : bool
        Whether training will use the exact shortcut for wide tables.
    megabytes : float
        Memory beside the table that was given.
    seconds : float
        Expected on one ordinary core: an order of magnitude.
    notes : list of str
        What is remarkable in the table, and likely trouble.
    """

    n_rows: int
    n_inputs: int
    n_outputs: int
    n_hidden: int
    n_networks: int
    n_weights: int
    solver: str
    batch_size: int | None
    span: bool
    megabytes: float
    seconds: float
    notes: list[str]

    def __str__(self) -> str:
        many = f"{self.n_networks} networks, averaged" if self.n_networks > 1 else "1 network"
        rows = (
            "all rows at once" if self.batch_size is None else f"batches of {self.batch_size} rows"
        )
        space = "in the span of the rows" if self.span else "on the columns as they are"
        lines = [
            f"{self.n_rows} rows, {self.n_inputs} inputs, {self.n_hidden} hidden units, {self.n_outputs} "
            f"output{'s' * (self.n_outputs > 1)}",
            f"{many}: {self.n_weights} weights, about {self.megabytes:.3g} MB beside the table",
            f"solver {self.solver}, {rows}, {space}",
            f"about {self.seconds:.1g} s expected",
            *(f"note: {note}" for note in self.notes),
        ]
        return "\n".join(lines)


def preflight_report(
    x: Any,
    labels: np.ndarray | None,
    n_outputs: int,
    n_hidden: int,
    plan: FitPlan,
    objective: Objective,
    max_iter: int,
    search: bool,
    skip: bool,
) -> Preflight:
    """Return the report for checked rows; `labels` are class numbers, or None; `search` says whether anything is chosen."""
    n_rows, n_inputs = x.shape
    params = shape_params(plan.n_networks, n_inputs, n_hidden, n_outputs, skip)
    n_weights = sum(w.size for _, w in params.items())
    solver = get_solver(plan.solver)
    problem = Problem(x, np.empty((n_rows, 0)), None, objective, float(n_rows))
    passes = min(max_iter, TYPICAL_STEPS if plan.batch_size is None else TYPICAL_PASSES)
    steps = passes if plan.batch_size is None else passes * -(-n_rows // plan.batch_size)
    full = full_table_cost(problem, params, solver, plan.batch_size)
    spanned = span_cost(problem, params, solver, plan.batch_size)
    invariant = solver.not_in_span is None and not objective.l1
    span = invariant and spanned.of(steps) < full.of(steps)
    entries = entry_seconds(plan.batch_size or n_rows, n_hidden, n_outputs)
    cost = spanned if span else full
    seconds = cost.of(steps) + (len(plan.views) - 1) * cost.once + plan.n_networks * steps * entries
    seconds += SECONDS_BESIDE + SECONDS_PER_ROW * n_rows
    if search:
        form = span_cost if span else full_table_cost
        one = form(problem, params.network(0), solver, None)
        share = min(1.0, MOST_SEARCH_ROWS / n_rows)
        step = one.step + entry_seconds(n_rows, n_hidden, n_outputs)
        path = 4 * share * STEPS_PER_ALPHA * TYPICAL_ALPHAS * step
        seconds += 4 * one.once + max(len(plan.widths), 1) * path
    return Preflight(
        n_rows,
        n_inputs,
        n_outputs,
        n_hidden,
        plan.n_networks,
        n_weights,
        solver.name,
        plan.batch_size,
        span,
        required_bytes(x, params, solver, span, plan) / 1e6,
        seconds,
        table_notes(x, labels, n_weights // plan.n_networks, plan),
    )


def entry_seconds(n_rows: int, n_hidden: int, n_outputs: int) -> float:
    """Return the seconds per step and network that do not hang on the columns: activations, losses, the second layer.

    A thousand classes cost more there than the table does.
    """
    per_row = SECONDS_PER_UNIT * n_hidden + SECONDS_PER_OUTPUT * n_outputs
    per_row += SECONDS_PER_WEIGHT * n_hidden * n_outputs
    return SECONDS_PER_STEP + n_rows * per_row


def shape_params(
    n_networks: int, n_inputs: int, n_hidden: int, n_outputs: int, skip: bool
) -> Params:
    """Return Params of these shapes that take no memory."""

    def zeros(*shape: int) -> np.ndarray:
        return np.broadcast_to(np.zeros(1), (n_networks, *shape))

    w_skip = zeros(n_inputs, n_outputs) if skip else None
    return Params(
        zeros(n_inputs, n_hidden),
        zeros(n_hidden),
        zeros(n_hidden, n_outputs),
        zeros(n_outputs),
        w_skip,
    )


def required_bytes(x: Any, params: Params, solver: Solver, span: bool, plan: FitPlan) -> float:
    """Return the bytes beside the given table: standardised copies, weights, the solver's memory, the hidden layer."""
    n_rows, n_networks = x.shape[0], plan.n_networks
    table = x.nnz * 12 if is_sparse(x) else n_rows * params.n_inputs * 8 * len(plan.views)
    weights = sum(float(w.size) for _, w in params.items()) * 8
    trained = weights
    if span:
        trained = n_networks * n_rows * params.n_hidden * 8.0
        table += n_rows * n_rows * 16
    at_once = 1 if solver.one_network else n_networks
    memory = training_vectors(solver) * trained * at_once / n_networks
    return float(table + 2 * weights + memory + at_once * 3 * n_rows * params.n_hidden * 8.0)


def check_memory(x: Any, n_hidden: int, n_outputs: int, plan: FitPlan, skip: bool) -> None:
    """Raise InputError if the weights alone need more memory than the machine has."""
    params = (
        8.0 * plan.n_networks * (x.shape[1] * (n_hidden + skip * n_outputs) + n_hidden * n_outputs)
    )
    hidden = 8.0 * n_hidden * min(x.shape[0], plan.batch_size or x.shape[0])
    if 2 * params + hidden > machine_memory():
        raise memory_error(n_hidden, plan.n_networks, x)


def memory_error(n_hidden: int, n_networks: int, x: Any) -> InputError:
    """Return the error of a network that does not fit into memory."""
    many = f"{n_networks} networks of " if n_networks > 1 else ""
    return InputError(
        f"{many}{n_hidden} hidden units for {x.shape[1]} inputs and {x.shape[0]} rows need more memory "
        f"than there is: choose a smaller n_hidden{' or n_networks' if n_networks > 1 else ''}"
    )


def machine_memory() -> float:
    """Return the bytes of the machine's memory; infinite where the system does not tell."""
    try:
        return float(os.sysconf("SC_PAGE_SIZE")) * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return float("inf")


def table_notes(x: Any, labels: np.ndarray | None, n_weights: int, plan: FitPlan) -> list[str]:
    """Return sentences about the table: constant and unscaled columns, many weights, few rows of a class."""
    notes = []
    if not is_sparse(x):
        spread = x.std(axis=0)
        constant = int((spread == 0).sum())
        if constant:
            notes.append(f"{constant} of {x.shape[1]} columns are constant and say nothing")
        moving = spread[spread > 0]
        if len(moving) and moving.max() > SCALE_RATIO * moving.min():
            notes.append(
                f"columns are unscaled (spreads from {moving.min():.2g} to {moving.max():.2g}): they are standardised inside"
            )
    if n_weights > x.shape[0]:
        notes.append(
            f"a network has {n_weights / x.shape[0]:.3g} times as many weights as there are rows: only weight decay "
            "prevents overfitting"
        )
    if labels is not None:
        counts = np.bincount(labels)
        counts = counts[counts > 0]  # a class may have weight 0
        fewest, most = int(counts.min()), int(counts.max())
        if fewest < 5:
            notes.append(f"the smallest class has {plural(fewest, 'row')}")
        if most > 10 * fewest:
            notes.append(
                f"classes are uneven (from {fewest} to {most} rows): class_weight='balanced' gives them equal weight"
            )
    if plan.batch_size is not None and not plan.early_stopping:
        notes.append(
            "training on batches without early_stopping runs for all of max_iter unless tol ends it"
        )
    return notes
