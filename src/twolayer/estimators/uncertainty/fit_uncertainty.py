"""What a fit knows beside its weights: how far targets scatter, the temperature, and what rows left out tell of both."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from twolayer.estimators.column_views import ColumnView, networks_by_view
from twolayer.estimators.column_weights import NO_WEIGHING
from twolayer.estimators.ensemble import mean_logits, single_networks
from twolayer.estimators.fit_plan import LearningTask
from twolayer.estimators.selection.alpha_choice import AlphaChoice
from twolayer.estimators.selection.alpha_path import STEPS_PER_ALPHA
from twolayer.estimators.selection.left_out_rows import IN_CLOSED_FORM
from twolayer.estimators.standardise import Scaling
from twolayer.estimators.training_rows import TrainingRows
from twolayer.estimators.uncertainty.class_sets import RowsLeftOut
from twolayer.estimators.uncertainty.fold_spread import spread_networks_fit
from twolayer.estimators.uncertainty.left_out_fit import left_out_settings
from twolayer.estimators.uncertainty.noise import noise_std
from twolayer.estimators.uncertainty.predictive_spread import PredictiveSpread, SpreadFit
from twolayer.estimators.uncertainty.temperature import best_temperature
from twolayer.maths import network
from twolayer.maths.network import Params
from twolayer.solvers import get_solver
from twolayer.training.loop import BY_CALLBACK, steps_ran_out, was_interrupted
from twolayer.training.train import Run

MOST_FOLD_NETWORKS = 3  # as many as each view of the default has; more take more time
FOLD_NOISE_ROWS, FOLD_NOISE_NUMBERS = 1000, 10_000_000  # larger tables are not trained on by folds


class FitUncertainty:
    """The part of `NetworkFit` that is asked after its training."""

    has_all_rows = True  # `y`, `s` and the columns of the views are those of all rows of training
    model: Any
    task: LearningTask
    plan: Any
    shape: tuple[int, int]
    y: np.ndarray
    s: np.ndarray | None
    alpha: float
    weighing: str
    params: Params
    views: list[ColumnView]
    result: Run
    targets: Scaling | None
    choice: AlphaChoice | None
    held_out: AlphaChoice | None
    validation: TrainingRows | None

    def search_alpha(self, **settings: Any) -> AlphaChoice:
        """Return the alpha of the least loss of rows left out; the settings are those of `choose_alpha`."""
        raise NotImplementedError

    def predictive_spread(self, targets: Scaling) -> PredictiveSpread | None:
        """Return the spread from rows left out of these networks in closed form; None where that does not hold."""
        known = left_out_settings(self, self.y)
        if known is None:
            return None
        fit = SpreadFit(**known, targets=targets, networks=spread_networks_fit(self))
        return fit.spread(self.parts)

    @property
    def parts(self) -> list[tuple[ColumnView, list[Params]]]:
        """The networks of each view of the columns."""
        parts = networks_by_view(self.params, self.views)
        return [(view, single_networks(part)) for view, part in parts]

    @property
    def folds_tell_noise(self) -> bool:
        """Whether the networks ended at a minimum, and training some without each fold costs little."""
        (n_rows, n_inputs), n_steps = self.shape, len(self.result.losses)
        small = n_rows <= FOLD_NOISE_ROWS and n_rows * n_inputs <= FOLD_NOISE_NUMBERS
        ended = not steps_ran_out(self.result.stopped) or n_steps >= STEPS_PER_ALPHA
        ended = ended and get_solver(self.plan.solver).stops_itself and not self.was_cut
        return ended and small and self.validation is None

    @property
    def was_cut(self) -> bool:
        """Whether Ctrl-C or a callback ended the training."""
        return was_interrupted(self.result.stopped) or BY_CALLBACK in self.result.stopped

    def noise_std(self) -> np.ndarray:
        """Return how far targets scatter around predictions, shape (n_outputs,): of held-out rows where there were any."""
        assert self.targets is not None
        choice = self.choice
        if choice is None and self.weighing != NO_WEIGHING and self.validation is None:
            choice = self.choice = self.left_out()  # the closed form takes the weights for given
        elif self.folds_tell_noise and (choice is None or choice.way.endswith(IN_CLOSED_FORM)):
            # the closed form says too little here
            each = min(-(-self.plan.n_networks // len(self.parts)), MOST_FOLD_NETWORKS)
            choice = self.left_out(closed_form=False, n_networks=each)
        self.held_out = choice
        if choice is not None and choice.residuals is not None:
            squares = np.square(choice.residuals)
            return np.sqrt(np.average(squares, axis=0, weights=choice.weights))
        if self.validation is not None:
            squares = np.square(self.validation.y - self.validation_outputs().mean(axis=0))
            mean = np.average(squares, axis=0, weights=self.validation.s)
            return np.sqrt(mean) * self.targets.scale
        return self.training_noise_std() * self.targets.scale

    def training_noise_std(self) -> np.ndarray:
        """Return how far the targets of training scatter around predictions, from residuals of training."""
        each = [(view.x, networks) for view, networks in self.parts]
        return noise_std(each, self.y, self.s, self.task.activation, self.alpha)

    def temperature(self) -> float:
        """Return the temperature of the networks just trained.

        It is that of their own logits for the validation rows, if there are any. Else it is that of rows left out of
        training while alpha was chosen, of the logits that a network like these gave them; where alpha was given, of rows
        left out of these networks in closed form, or of folds that are made for this alone.
        """
        task = self.task
        if self.validation is not None:
            outputs = self.validation_outputs()
            several = self.model._several_labels
            logits = outputs[0] if len(outputs) == 1 else mean_logits(outputs, several)
            return best_temperature(logits, self.validation.y, self.validation.s, task.loss)
        if self.choice is None and task.loss.takes_labels:
            known = self.rows_left_out.temperature()
            if known is not None:
                return known
        choice = self.choice or self.left_out()
        if choice.outputs is None or choice.targets is None:  # too few rows to leave any out
            return 1.0
        return best_temperature(choice.outputs, choice.targets, choice.weights, task.loss)

    @cached_property
    def rows_left_out(self) -> RowsLeftOut:
        """What the networks just trained say of the rows of each class without them."""
        return RowsLeftOut(self)

    def left_out(self, **settings: Any) -> AlphaChoice:
        """Return what networks of this alpha say of rows left out of training; the settings are those of `choose_alpha`."""
        clips = [view.clip for view, _ in networks_by_view(self.params, self.views)]
        own = {"candidates": (self.alpha,), "clips": clips, "weighings": (self.weighing,)}
        return self.search_alpha(**own, **settings)

    def validation_outputs(self) -> np.ndarray:
        """Return the outputs of each network for the validation rows, shape (n_networks, n_rows, n_outputs)."""
        assert self.validation is not None
        return np.stack(
            [
                network.forward(view.x_validation, one, self.task.activation)
                for view, networks in self.parts
                for one in networks
            ]
        )
