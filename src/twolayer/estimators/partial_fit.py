"""`partial_fit`: one pass over some rows, going on where the last one ended, Adam's memory included."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.estimators.fit_plan import DEFAULT_BATCH, DEFAULT_NETWORKS, alpha_or_none
from twolayer.estimators.initial_weights import initial_params, penalty_unit, start_at_mean
from twolayer.estimators.selection.alpha_path import LearningTask, choose_alpha
from twolayer.estimators.standardise import Scaling, apply_scaling, standardise, unscale_params
from twolayer.maths.network import Params
from twolayer.solvers import SolverMemory
from twolayer.solvers.adam import Adam
from twolayer.training.train import train


@dataclass(frozen=True)
class ResumedAdam(Adam):
    """Adam that goes on with the memory of the training before."""

    kept: dict[str, Any] = field(default_factory=dict)

    def start(self, params: Params) -> SolverMemory:
        if not self.kept:
            self.kept.update(super().start(params))
        return self.kept


@dataclass(eq=False)
class StreamState:
    """What is kept between calls."""

    task: LearningTask
    inputs: Scaling
    targets: Scaling | None
    params: Params  # for standardised columns
    alpha: float
    unit: float
    memory: dict[str, Any]
    rng: np.random.Generator
    losses: list[np.ndarray]


def has_partial_fit(model: Any) -> bool:
    """Whether the model has `partial_fit`: with Adam, and where no rows have to be left out of training."""
    if model.calibrate is True:
        raise AttributeError(
            "calibrate=True needs rows left out of training, and partial_fit leaves none out: set calibrate=False, or "
            "call fit"
        )
    return model.solver in ("auto", Adam.name)


def train_one_pass(model: Any, x: Any, y: np.ndarray, s: np.ndarray | None, n_outputs: int) -> None:
    """Train the model on these rows, once."""
    model.__dict__.pop("temperature_", None)  # of a fit before
    kept: StreamState | None = getattr(model, "_continued", None)
    if kept is None:
        kept = begin_stream(model, x, y, s, n_outputs)
    y_scaled = (
        kept.task.smoothed(y)
        if kept.targets is None
        else (y - kept.targets.mean) / kept.targets.scale
    )
    batch = min(
        DEFAULT_BATCH
        if model.batch_size is None
        else checks.whole_number(model.batch_size, "batch_size"),
        x.shape[0],
    )
    rate = checks.finite_number(model.learning_rate_init, "learning_rate_init", above=0)
    run = train(
        apply_scaling(kept.inputs, x),
        y_scaled,
        kept.params,
        loss=kept.task.loss,
        activation=kept.task.activation,
        solver=ResumedAdam(rate, kept=kept.memory),
        alpha=kept.alpha * kept.unit,
        l1=kept.task.l1 * kept.unit,
        dropout=kept.task.dropout,
        batch_size=batch,
        steps=-(-x.shape[0] // batch),
        sample_weight=s,
        engine="numpy",
        random_state=kept.rng,
    )
    kept.params = run.params
    kept.losses.append(run.losses)
    model._continued = kept
    model._set_params_of_networks(unscale_params(run.params, kept.inputs, kept.targets))
    model.alpha_, model.solver_ = kept.alpha, Adam.name
    model.loss_curve_, model.loss_ = np.concatenate(kept.losses), run.final_loss
    model.n_iter_, model.stopped_ = len(model.loss_curve_), run.stopped
    model.device_ = run.device


def begin_stream(
    model: Any, x: Any, y: np.ndarray, s: np.ndarray | None, n_outputs: int
) -> StreamState:
    """Settle what the first rows settle."""
    task = model._task(x, n_outputs)
    rng = model._rng()
    z, inputs = standardise(x, s, "X")
    targets = standardise(y, s, "y")[1] if task.standardise_y else None
    many = model.n_networks if not isinstance(model.n_networks, str) else DEFAULT_NETWORKS
    many = checks.whole_number(many, "n_networks")
    if checks.is_sparse(x):
        many = 1  # no engine takes a sparse table for many at once
    params = initial_params(
        z,
        inputs.constant,
        task.n_hidden,
        n_outputs,
        rng,
        n_networks=None if many == 1 else many,
        skip=task.skip,
    )
    params = start_at_mean(params, y, s, task.loss)
    alpha = alpha_or_none(model.alpha)
    if alpha is None:
        alpha = choose_alpha(x, y, s, task, rng).alpha
    unit = penalty_unit(y, s, task.loss)
    return StreamState(task, inputs, targets, params, alpha, unit, {}, rng, [])
