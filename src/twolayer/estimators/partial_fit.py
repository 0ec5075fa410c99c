"""`partial_fit`: one pass over some rows that goes on from the weights that are there, with Adam's memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.callbacks import CallbackList, progress_in_own_units, user_callbacks
from twolayer.estimators.ensemble import loss_curves
from twolayer.estimators.fit_plan import (
    DEFAULT_BATCH,
    DEFAULT_NETWORKS,
    LearningTask,
    alpha_or_none,
)
from twolayer.estimators.initial_weights import initial_params, start_at_mean
from twolayer.estimators.selection.alpha_choice import FALLBACK_ALPHA
from twolayer.estimators.standardise import (
    Scaling,
    apply_scaling,
    rescale_params,
    unscale_params,
)
from twolayer.estimators.stream_state import StreamState
from twolayer.estimators.training_rows import TrainingRows
from twolayer.maths.network import Params
from twolayer.solvers import SolverMemory
from twolayer.solvers.adam import Adam
from twolayer.training.loop import Progress
from twolayer.training.train import train

TYPICAL_ROWS = 1000  # of a stream, where a setting "auto" follows from the shape of the table


@dataclass(frozen=True)
class ResumedAdam(Adam):
    """Adam that goes on with the memory of the training before."""

    memory: dict[str, Any] = field(default_factory=dict)

    def start(self, params: Params) -> SolverMemory:
        if not self.memory:
            self.memory.update(super().start(params))
        return self.memory


def has_partial_fit(model: Any) -> bool:
    """Return whether the model has `partial_fit`: with Adam, and where no rows have to be left out of training."""
    if model.calibrate is True:
        raise AttributeError(
            "calibrate=True needs rows left out of training, and partial_fit leaves none out: set calibrate=False, or "
            "call fit"
        )
    return model.solver in ("auto", Adam.name)


def train_one_pass(model: Any, rows: TrainingRows, numbers: bool) -> None:
    """Train the model on these rows, once, and set its fitted attributes; `numbers` says what the targets are."""
    before = model.params_ if hasattr(model, "w1_") else None
    task = model._task((TYPICAL_ROWS, rows.x.shape[1]), before)
    check_same_network(before, task)
    state = getattr(model, "stream_", StreamState()).joined(rows.x, rows.y, rows.s, numbers)
    inputs, targets = state.scalings(task.standardise_y)
    rng = model.__dict__.get("_stream_rng") or model._rng()
    if before is None:
        params = first_params(model, rows, task, inputs, rng)
    else:
        params = rescale_params(before, inputs, targets).copy()
    y = task.smoothed(rows.y) if targets is None else (rows.y - targets.mean) / targets.scale
    alpha = alpha_or_none(model.alpha)
    if alpha is None:
        alpha = getattr(model, "alpha_", FALLBACK_ALPHA)
    run = train_on(model, rows, y, params, task, alpha, state, (inputs, targets), rng)
    model.__dict__.pop("temperature_", None)  # of a fit before
    model._stream_rng, model.stream_ = rng, state
    model._set_params_of_networks(unscale_params(run.params, inputs, targets))
    model.alpha_, model.solver_ = alpha, Adam.name
    curves = loss_curves(run.losses, len(run.losses))
    if before is not None and model.network_loss_curves_.shape[1:] == curves.shape[1:]:
        curves = np.concatenate([model.network_loss_curves_, curves])
    model.network_loss_curves_, model.loss_ = curves, run.final_loss
    model.n_iter_, model.stopped_ = len(curves), run.stopped
    model.device_ = run.device


def train_on(
    model: Any,
    rows: TrainingRows,
    y: np.ndarray,
    params: Params,
    task: LearningTask,
    alpha: float,
    state: StreamState,
    scalings: tuple[Scaling, Scaling | None],
    rng: np.random.Generator,
) -> Any:
    """Return the run of one pass: the penalties are those that `fit` has, of which a chunk takes its share."""
    given = model.batch_size
    batch = DEFAULT_BATCH if given is None else checks.whole_number(given, "batch_size")
    batch = min(batch, rows.n_rows)
    rate = checks.finite_number(model.learning_rate_init, "learning_rate_init", above=0)
    unit = rows.n_rows / state.rows.value()
    if task.loss.has_link and state.targets is not None:
        unit *= max(1.0, float(state.targets.mean.mean()))
    if rows.s is not None:
        unit *= rows.s.mean()
    callbacks = user_callbacks(model.callback)

    def own_units(progress: Progress) -> Progress:
        return progress_in_own_units(progress, model, *scalings)

    return train(
        apply_scaling(scalings[0], rows.x),
        y,
        params,
        loss=task.loss,
        activation=task.activation,
        solver=ResumedAdam(rate, memory=state.memory),
        alpha=alpha * unit,
        l1=task.l1 * unit,
        dropout=task.dropout,
        batch_size=batch,
        steps=-(-rows.n_rows // batch),
        sample_weight=rows.s,
        engine="numpy",
        random_state=rng,
        callback=CallbackList(callbacks, own_units) if callbacks else None,
    )


def check_same_network(before: Params | None, task: LearningTask) -> None:
    """Raise InputError if the settings ask for another network than the one that is there."""
    if before is None:
        return
    there = (before.n_hidden, before.w_skip is not None)
    if there != (task.n_hidden, task.skip):
        raise InputError(
            "partial_fit goes on with the same network: n_hidden and whether there is a skip layer were "
            f"{there}, and the settings ask for {(task.n_hidden, task.skip)}. Set them back, or call fit"
        )


def first_params(
    model: Any, rows: TrainingRows, task: LearningTask, inputs: Scaling, rng: np.random.Generator
) -> Params:
    """Return random weights, before the first pass."""
    given = model.n_networks
    n_networks = checks.whole_number(
        DEFAULT_NETWORKS if isinstance(given, str) else given, "n_networks"
    )
    if checks.is_sparse(rows.x):
        n_networks = 1  # no engine takes a sparse table for many at once
    x = apply_scaling(inputs, rows.x)
    if (
        rows.x.shape[1] <= TYPICAL_ROWS
    ):  # later rows are as many as the columns: none is outside their span
        x = np.zeros((rows.x.shape[1], rows.x.shape[1]))
    params = initial_params(
        x,
        inputs.constant,
        task.n_hidden,
        task.n_outputs,
        rng,
        n_networks=None if n_networks == 1 else n_networks,
        skip=task.skip,
    )
    return start_at_mean(params, rows.y, rows.s, task.loss)
