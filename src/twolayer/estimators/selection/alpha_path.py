"""One network, trained with one alpha after another, from strong to weak.

The path begins where the network leaves the constant. At the best constant c, all weights 0, a unit with small weights
gains by leaving 0 only if alpha is below

    alpha_0 = |act'(0)| · σ_max(x.T @ (s · r)),    r = −∂loss/∂y_pred at y_pred = c,

the largest singular value over the standardised columns x. Each training starts from the weights of the stronger alpha
before, so that it takes few steps; units that the stronger decay had removed start anew. On a wide table the rows are first
turned into axes of their own (as in `twolayer.maths.span`), so that only one pass costs anything per column.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.estimators.column_weights import NO_WEIGHING
from twolayer.estimators.fit_plan import LearningTask
from twolayer.estimators.initial_weights import initial_params, penalty_unit, start_at_mean
from twolayer.estimators.selection.dead_units import restart_without_output
from twolayer.estimators.selection.row_axes import RowAxes, row_axes
from twolayer.estimators.standardise import Scaling, standardise
from twolayer.estimators.training_rows import TrainingRows
from twolayer.maths import network
from twolayer.maths.network import Params
from twolayer.maths.problem import checked_targets
from twolayer.maths.tangent import Tangent
from twolayer.training.train import train

STEPS_PER_ALPHA = 100


def best_constant_output(
    y: np.ndarray, s: np.ndarray | None, task: LearningTask, engine: str = "auto"
) -> np.ndarray:
    """Return the output, (n_outputs,), that has the least loss where every row has the same."""
    shape = (1, 1), (1,), (1, task.n_outputs), (task.n_outputs,)
    start = start_at_mean(Params(*(np.zeros(size) for size in shape)), y, s, task.loss)
    nothing = np.zeros((len(y), 1))
    run = train(
        nothing,
        y,
        start,
        loss=task.loss,
        activation="identity",
        solver="lbfgs",
        steps=STEPS_PER_ALPHA,
        tol=1e-6,
        sample_weight=s,
        engine=engine,
    )
    assert run.params.b2 is not None
    return run.params.b2


class AlphaPath:
    """A network that learns from these rows, trained from strong to weak alphas."""

    def __init__(
        self,
        rows: TrainingRows,
        task: LearningTask,
        rng: np.random.Generator,
        weighing: str = NO_WEIGHING,
        engine: str = "auto",
        tol: float = 1e-3,
    ) -> None:
        self.task, self.s, self.engine, self.tol = task, rows.s, engine, tol
        axes = row_axes(rows.x, self.s, True, rows.y, weighing).rounded()
        self.axes: RowAxes | None = axes
        self.x, self.y = axes.z, rows.y
        self.targets: Scaling | None = None
        if task.standardise_y:
            self.y, self.targets = standardise(rows.y, self.s, "y")
        self.y = self.task_targets(task.smoothed(self.y))
        start = initial_params(
            self.x,
            axes.constant,
            task.n_hidden,
            task.n_outputs,
            rng,
            skip=task.skip,
            n_columns=axes.n_columns,
        )
        self.start = start_at_mean(start, rows.y, self.s, task.loss)
        self.unit = penalty_unit(rows.y, self.s, task.loss)
        self.params = self.start
        self.constant = best_constant_output(self.y, self.s, task, engine)
        self.alpha = np.inf

    def task_targets(self, y: np.ndarray) -> np.ndarray:
        """Return targets on the scale of training as the loss takes them, shape (n_rows, n_outputs)."""
        return checked_targets(y, len(y), self.task.n_outputs, self.task.loss, np.float64)

    def scaled(self, y: np.ndarray) -> np.ndarray:
        """Return other targets of the user's on the scale of training."""
        if self.targets is not None:
            y = (y - self.targets.mean) / self.targets.scale
        return self.task_targets(y)

    def first_alpha(self) -> float:
        """Return alpha_0, below which the network leaves the constant."""
        r = -self.task.loss.gradient(np.zeros(self.y.shape) + self.constant, self.y)
        gradient = self.x.T @ (r if self.s is None else self.s[:, None] * r)
        largest = np.sqrt(np.linalg.eigvalsh(gradient.T @ gradient)[-1].clip(0))
        at_0 = np.zeros((1, 1))
        activation = self.task.activation
        slope = float(np.abs(activation.derivative(at_0, activation.value(at_0))).item())
        if self.task.skip or not slope:
            slope = max(slope, 1.0)
        return slope * float(largest) / self.unit

    def train(self, alpha: float) -> None:
        """Go on training, with a weaker alpha."""
        run = train(
            self.x,
            self.y,
            restart_without_output(self.params, self.start),
            loss=self.task.loss,
            activation=self.task.activation,
            solver="lbfgs",
            alpha=alpha * self.unit,
            steps=STEPS_PER_ALPHA,
            tol=self.tol,
            sample_weight=self.s,
            engine=self.engine,
        )
        self.params, self.alpha = run.params, alpha

    def test_rows(self, x: Any) -> Any:
        """Return other rows of the table as `predict` takes them; the path then lets go of the table's columns."""
        assert self.axes is not None
        z, self.axes = self.axes.new(x), None
        return z

    def predict(self, z: Any) -> np.ndarray:
        """Return the outputs for rows from `test_rows`."""
        return network.forward(z, self.params, self.task.activation)

    def tangent(self) -> Tangent:
        """Return the linear view of the network as it is."""
        task, decay = self.task, self.alpha * self.unit
        return Tangent(self.x, self.y, self.s, self.params, task.loss, task.activation, decay)
