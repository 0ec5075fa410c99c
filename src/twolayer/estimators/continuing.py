"""`partial_fit`: one pass over some rows, going on where the last one ended, Adam's memory included."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.estimators.defaults import BATCH, NETWORKS, given_alpha
from twolayer.estimators.standardising import Scaling, act_on_own_units, apply, standardised
from twolayer.estimators.starting import at_the_mean, start, unit_of
from twolayer.estimators.strength import Task, choose_alpha
from twolayer.maths.network import Params
from twolayer.solvers import Memory
from twolayer.solvers.adam import Adam
from twolayer.training import train


@dataclass(frozen=True)
class Continued(Adam):
    """Adam that goes on with the memory of the training before."""

    kept: dict[str, Any] = field(default_factory=dict)

    def start(self, params: Params) -> Memory:
        if not self.kept:
            self.kept.update(super().start(params))
        return self.kept


@dataclass(eq=False)
class Continuing:
    """What is kept between calls."""

    task: Task
    inputs: Scaling
    targets: Scaling | None
    params: Params  # for standardised columns
    alpha: float
    unit: float
    memory: dict[str, Any]
    rng: np.random.Generator
    losses: list[np.ndarray]


def goes_on(model: Any) -> bool:
    """Whether the model has `partial_fit`: with Adam, and where no rows have to be left out of training."""
    if model.calibrate is True:
        raise AttributeError(
            "calibrate=True needs rows left out of training, and partial_fit leaves none out: set calibrate=False, or "
            "call fit"
        )
    return model.solver in ("auto", "adam")


def one_pass(model: Any, x: Any, y: np.ndarray, s: np.ndarray | None, n_outputs: int) -> None:
    """Train the model on these rows, once."""
    model.__dict__.pop("temperature_", None)  # of a fit before
    kept: Continuing | None = getattr(model, "_continued", None)
    if kept is None:
        kept = begin(model, x, y, s, n_outputs)
    y_scaled = (
        kept.task.smoothed(y)
        if kept.targets is None
        else (y - kept.targets.mean) / kept.targets.scale
    )
    batch = min(
        BATCH if model.batch_size is None else checks.whole(model.batch_size, "batch_size"),
        x.shape[0],
    )
    rate = checks.number(model.learning_rate_init, "learning_rate_init", above=0)
    run = train(
        apply(kept.inputs, x),
        y_scaled,
        kept.params,
        loss=kept.task.loss,
        activation=kept.task.activation,
        solver=Continued(rate, kept=kept.memory),
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
    model._set_params_of_networks(act_on_own_units(run.params, kept.inputs, kept.targets))
    model.alpha_, model.solver_ = kept.alpha, "adam"
    model.loss_curve_, model.loss_ = np.concatenate(kept.losses), run.final_loss
    model.n_iter_, model.stopped_ = len(model.loss_curve_), run.stopped
    model.device_ = run.device


def begin(model: Any, x: Any, y: np.ndarray, s: np.ndarray | None, n_outputs: int) -> Continuing:
    """Settle what the first rows settle."""
    task = model._task(x, n_outputs)
    rng = model._rng()
    z, inputs = standardised(x, s, "X")
    targets = standardised(y, s, "y")[1] if task.standardise_y else None
    many = model.n_networks if not isinstance(model.n_networks, str) else NETWORKS
    many = checks.whole(many, "n_networks")
    if checks.is_sparse(x):
        many = 1  # no engine takes a sparse table for many at once
    params = start(
        z,
        inputs.constant,
        task.n_hidden,
        n_outputs,
        rng,
        n_networks=None if many == 1 else many,
        skip=task.skip,
    )
    params = at_the_mean(params, y, s, task.loss)
    alpha = given_alpha(model.alpha)
    if alpha is None:
        alpha = choose_alpha(x, y, s, task, rng).alpha
    unit = unit_of(y, s, task.loss)
    return Continuing(task, inputs, targets, params, alpha, unit, {}, rng, [])
