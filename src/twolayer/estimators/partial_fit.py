"""`partial_fit`: one pass over some rows that goes on where the last one ended, with Adam's memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.estimators.fit_plan import (
    DEFAULT_BATCH,
    DEFAULT_NETWORKS,
    LearningTask,
    alpha_or_none,
)
from twolayer.estimators.initial_weights import initial_params, penalty_unit, start_at_mean
from twolayer.estimators.selection.alpha_path import choose_alpha
from twolayer.estimators.standardise import Scaling, apply_scaling, standardise, unscale_params
from twolayer.estimators.training_rows import TrainingRows
from twolayer.maths.network import Params
from twolayer.solvers import SolverMemory
from twolayer.solvers.adam import Adam
from twolayer.training.train import train


@dataclass(frozen=True)
class ResumedAdam(Adam):
    """Adam that goes on with the memory of the training before."""

    memory: dict[str, Any] = field(default_factory=dict)

    def start(self, params: Params) -> SolverMemory:
        if not self.memory:
            self.memory.update(super().start(params))
        return self.memory


@dataclass(eq=False)
class StreamState:
    """The state between the calls of `partial_fit`."""

    task: LearningTask
    inputs: Scaling
    targets: Scaling | None
    params: Params  # for standardised columns
    alpha: float
    unit: float  # of the penalties
    memory: dict[str, Any]
    rng: np.random.Generator
    losses: list[np.ndarray]


def has_partial_fit(model: Any) -> bool:
    """Return whether the model has `partial_fit`: with Adam, and where no rows have to be left out of training."""
    if model.calibrate is True:
        raise AttributeError(
            "calibrate=True needs rows left out of training, and partial_fit leaves none out: set calibrate=False, or "
            "call fit"
        )
    return model.solver in ("auto", Adam.name)


def train_one_pass(model: Any, rows: TrainingRows) -> None:
    """Train the model on these rows, once, and set its fitted attributes."""
    model.__dict__.pop("temperature_", None)  # of a fit before
    state: StreamState | None = getattr(model, "_stream", None)
    if state is None:
        state = first_state(model, rows)
    y = (
        state.task.smoothed(rows.y)
        if state.targets is None
        else (rows.y - state.targets.mean) / state.targets.scale
    )
    batch = (
        DEFAULT_BATCH
        if model.batch_size is None
        else checks.whole_number(model.batch_size, "batch_size")
    )
    batch = min(batch, rows.n_rows)
    rate = checks.finite_number(model.learning_rate_init, "learning_rate_init", above=0)
    run = train(
        apply_scaling(state.inputs, rows.x),
        y,
        state.params,
        loss=state.task.loss,
        activation=state.task.activation,
        solver=ResumedAdam(rate, memory=state.memory),
        alpha=state.alpha * state.unit,
        l1=state.task.l1 * state.unit,
        dropout=state.task.dropout,
        batch_size=batch,
        steps=-(-rows.n_rows // batch),
        sample_weight=rows.s,
        engine="numpy",
        random_state=state.rng,
    )
    state.params = run.params
    state.losses.append(run.losses)
    model._stream = state
    model._set_params_of_networks(unscale_params(run.params, state.inputs, state.targets))
    model.alpha_, model.solver_ = state.alpha, Adam.name
    model.loss_curve_, model.loss_ = np.concatenate(state.losses), run.final_loss
    model.n_iter_, model.stopped_ = len(model.loss_curve_), run.stopped
    model.device_ = run.device


def first_state(model: Any, rows: TrainingRows) -> StreamState:
    """Return the state before the first pass: the scaling, the start and the weight decay that these rows settle."""
    x, y, s = rows.x, rows.y, rows.s
    task = model._task(x.shape)
    rng = model._rng()
    z, inputs = standardise(x, s, "X")
    targets = standardise(y, s, "y")[1] if task.standardise_y else None
    given = model.n_networks
    n_networks = checks.whole_number(
        DEFAULT_NETWORKS if isinstance(given, str) else given, "n_networks"
    )
    if checks.is_sparse(x):
        n_networks = 1  # no engine takes a sparse table for many at once
    params = initial_params(
        z,
        inputs.constant,
        task.n_hidden,
        task.n_outputs,
        rng,
        n_networks=None if n_networks == 1 else n_networks,
        skip=task.skip,
    )
    params = start_at_mean(params, y, s, task.loss)
    alpha = alpha_or_none(model.alpha)
    if alpha is None:
        alpha = choose_alpha(rows, task, rng).alpha
    return StreamState(
        task, inputs, targets, params, alpha, penalty_unit(y, s, task.loss), {}, rng, []
    )
