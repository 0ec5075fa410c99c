"""One fit, from checked rows to weights in the user's own units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from twolayer import checks
from twolayer.errors import DivergedError, InputError, warn_user
from twolayer.estimators.callbacks import (
    CallbackList,
    print_progress_bar,
    progress_in_own_units,
    progress_line_end,
    user_callbacks,
    with_networks,
)
from twolayer.estimators.column_views import (
    ColumnView,
    chosen_views,
    column_views,
    joined_networks,
    networks_by_view,
    params_for_user,
    views_of_before,
)
from twolayer.estimators.column_weights import NO_WEIGHING
from twolayer.estimators.early_stopping import EarlyStopping
from twolayer.estimators.ensemble import (
    first_networks,
    loss_curves,
    single_networks,
    stack_runs,
)
from twolayer.estimators.fit_plan import FitPlan, LearningTask, alpha_or_none, uses_calibration
from twolayer.estimators.fit_warnings import (
    constant_warning,
    convergence_warning,
    interrupted_warning,
)
from twolayer.estimators.initial_weights import penalty_unit, start_at_mean
from twolayer.estimators.selection.alpha_choice import AlphaChoice, choose_alpha, path_table
from twolayer.estimators.selection.scoring import scorer_of, takes_weights
from twolayer.estimators.selection.width_choice import choose_width
from twolayer.estimators.standardise import Scaling, standardise
from twolayer.estimators.stream_state import ColumnMoments, RowCount, StreamState
from twolayer.estimators.training_rows import TrainingRows
from twolayer.estimators.uncertainty.class_sets import set_left_out_losses
from twolayer.estimators.uncertainty.fit_uncertainty import FitUncertainty
from twolayer.estimators.uncertainty.fold_spread import set_spread
from twolayer.maths import network
from twolayer.maths.network import Params
from twolayer.maths.problem import checked_targets
from twolayer.solvers import SOLVERS, get_solver
from twolayer.training.ctrl_c import ctrl_c_raises
from twolayer.training.loop import (
    INTERRUPTED,
    Progress,
    steps_ran_out,
    was_interrupted,
)
from twolayer.training.train import Run, train

VALIDATION_INTERVAL = 5  # steps, on wide tables, where scoring rows costs as much as a step


class NetworkFit(FitUncertainty):
    """One fit: the rows standardised, the weight decay chosen, the weights to start from, and then the training."""

    def __init__(
        self,
        model: Any,
        rows: TrainingRows,
        task: LearningTask,
        plan: FitPlan,
        rng: np.random.Generator,
        before: Params | None,
    ) -> None:
        self.model, self.task, self.plan, self.rng = model, task, plan, rng
        self.shape = rows.shape
        alpha = alpha_or_none(model.alpha)
        goes_on = before is not None and model.scaling == "auto" and not checks.is_sparse(rows.x)
        before_weighing = getattr(model, "column_weighing_", NO_WEIGHING)  # not of every file
        self.weighing = before_weighing if goes_on else NO_WEIGHING
        self.targets: Scaling | None = None
        self.set_rows(rows)
        self.views = self.column_views(before)
        self.view = self.views[0]  # of the networks in training
        self.set_starts(before)
        self.choice: AlphaChoice | None = None
        self.held_out: AlphaChoice | None = None  # whose residuals tell the noise
        if alpha is None and before is not None:
            alpha = model.alpha_
        if alpha is None or (len(plan.widths) > 1 and before is None):
            alpha = self.choose(None if alpha is None else (alpha,))
        self.alpha = alpha
        self.early_stopping: EarlyStopping | None = None
        self.validation: TrainingRows | None = None  # with the targets of training

    def set_rows(self, rows: TrainingRows) -> None:
        """Take the rows, with their targets as in training."""
        task = self.task
        self.rows, self.s = rows, rows.s  # in the user's own units
        self.total = float(rows.n_rows if rows.s is None else rows.s.sum())
        self.y = task.smoothed(rows.y)
        if task.standardise_y:
            self.y, self.targets = standardise(rows.y, rows.s, "y")
        self.unit = penalty_unit(rows.y, rows.s, task.loss)

    def choose(self, candidates: tuple[float, ...] | None) -> float:
        """Choose among these alphas, the numbers of hidden units and the views of the columns; return the alpha."""
        clips = [view.clip for view in self.views]
        own = {"candidates": candidates, "clips": clips, "weighings": self.plan.weighings}
        widths = self.plan.widths
        if len(widths) > 1:
            rng, seed = self.rng, int(self.rng.integers(2**31 - 1))

            def search(n_hidden: int, closed_form: bool) -> AlphaChoice:
                self.task = replace(self.task, n_hidden=n_hidden)
                self.rng = np.random.default_rng(seed)  # the same folds for each
                return self.search_alpha(**own, closed_form=closed_form)

            n_hidden, self.choice = choose_width(widths, search, self.tell_choice)
            self.rng, self.task = rng, replace(self.task, n_hidden=n_hidden)
        else:
            self.choice = self.search_alpha(**own)
            self.tell_choice(None, self.choice)
        self.keep_views(self.choice.views, self.choice.weighing)
        if not self.choice.beats_constant:
            warn_user(constant_warning(self.choice))
        return self.choice.alpha

    def tell_choice(self, n_hidden: int | None, choice: AlphaChoice) -> None:
        """Print what was tried, if the user wants to see it."""
        if self.model.verbose:
            several = [] if n_hidden is None else [f"{n_hidden} hidden units:"]
            print("\n".join([*several, *path_table(choice)]))

    def search_alpha(self, **settings: Any) -> AlphaChoice:
        """Return the alpha of the least loss of rows left out; the settings are those of `choose_alpha`."""
        return choose_alpha(self.rows, self.task, self.rng, **settings)

    def column_views(self, before: Params | None) -> list[ColumnView]:
        """Return the views of the columns that networks are trained on."""
        n_networks = self.plan.n_networks
        if before is None:
            return column_views(self.plan.views, self.rows, n_networks)
        self.check_same_network(before)
        model = self.model
        return views_of_before(
            model.input_clip_, model.scaling, self.rows, n_networks, self.weighing
        )

    def check_same_network(self, before: Params) -> None:
        """Raise InputError if the settings ask for another network than the one to go on with."""
        task = self.task
        seen = (
            before.n_inputs,
            before.n_hidden,
            before.n_outputs,
            before.n_networks or 1,
            before.w_skip is not None,
        )
        n_networks = self.plan.n_networks
        wanted = (self.shape[1], task.n_hidden, task.n_outputs, n_networks, task.skip)
        if seen != wanted:
            raise InputError(
                "warm_start goes on with the same network, and it has changed: inputs, hidden units, outputs, networks and "
                f"skip layer were {seen} and are {wanted} now. Set warm_start=False to start anew"
            )

    def set_starts(self, before: Params | None) -> None:
        """Set the weights that each view's networks start from: random ones, or those of the fit before."""
        if before is None:
            for view in self.views:
                view.start = self.new_params(view)
            return
        for view, part in networks_by_view(before, self.views):
            view.start = view.scaled_params(part, self.targets)
            view.start.w1[..., view.inputs.constant, :] = 0

    def new_params(self, view: ColumnView) -> Params:
        """Return random weights to start from."""
        task = self.task
        params = view.random_params(task.n_hidden, task.n_outputs, task.skip, self.rng)
        return self.start_at_mean(params)

    def start_at_mean(self, params: Params) -> Params:
        """Return the same weights; of targets that are not standardised with their mean as the output."""
        return start_at_mean(params, self.y, self.s, self.task.loss)

    def keep_views(self, chosen: tuple[int, ...], weighing: str) -> None:
        """Train on these views only, so weighed: the others were worse on rows left out."""
        if len(chosen) == len(self.views) and weighing == self.weighing:
            if len(self.plan.widths) > 1:
                self.set_starts(None)
            return
        self.weighing, views = weighing, [self.views[k] for k in chosen]
        self.views = chosen_views(views, self.plan.n_networks, self.rows, weighing)
        self.view = self.views[0]
        self.set_starts(None)

    def run(self, validation: TrainingRows | None) -> None:
        """Train, and go back to the best weights on the validation rows if there are any."""
        if validation is not None:
            self.set_validation(validation)
        rate = self.model.learning_rate_init
        try:
            self.result = self.train_at(rate, validation)
        except DivergedError as error:
            kind = SOLVERS.get(self.plan.solver)
            if kind is None or "learning_rate" not in kind.settings:
                raise
            warn_user(
                f"training diverged at step {error.step} with learning_rate_init={rate:g}: trying once more with "
                f"{rate / 2:g}",
            )
            self.result = self.train_at_half(rate, validation)
        self.params = self.result.params
        if was_interrupted(self.result.stopped):
            passes = -(-len(self.result.losses) // self.steps_per_pass)
            warn_user(interrupted_warning(passes))
        if self.early_stopping is not None:
            self.params = self.early_stopping.best(self.params)
        elif self.can_converge and steps_ran_out(self.result.stopped):
            warn_user(convergence_warning(self.model.max_iter), ConvergenceWarning)

    def set_validation(self, validation: TrainingRows) -> None:
        """Take the rows for early stopping."""
        self.validation = self.with_training_targets(validation)
        for view in self.views:
            view.x_validation = view.columns(validation.x)

    @property
    def start(self) -> Params:
        """The weights that all networks start from, each for its own view of the columns."""
        return joined_networks([view.start for view in self.views if view.start is not None])

    @property
    def steps_per_pass(self) -> int:
        """How many steps a pass over the rows takes."""
        batch = self.plan.batch_size
        return 1 if batch is None else -(-self.shape[0] // batch)

    def train_at_half(self, rate: float, validation: TrainingRows | None) -> Run:
        """Train at half the learning rate; if that diverges too, raise an error that names the rate that was given."""
        try:
            return self.train_at(rate / 2, validation)
        except DivergedError as error:
            raise DivergedError(
                f"training diverged with learning_rate_init={rate:g}, and again with half of it: give a much smaller "
                f"learning rate, such as 0.01 (the second time it was {rate / 2:g}, and step {error.step} was the last)",
                error.step,
                error.last_finite_loss,
                error.params,
                error.losses,
            ) from None

    def train_at(self, rate: float, validation: TrainingRows | None) -> Run:
        """Train all networks once, at this learning rate."""
        model, batch, passes = self.model, self.plan.batch_size, self.steps_per_pass
        callbacks, every = self.callbacks(passes, validation)
        tol = checks.finite_number(model.tol, "tol", at_least=0)
        tol = tol if self.loss_ends_training() else 0.0
        self.can_converge = get_solver(self.plan.solver).stops_itself or tol > 0
        settings = {
            "loss": self.task.loss,
            "activation": self.task.activation,
            "solver": self.plan.solver,
            "learning_rate": rate,
            "alpha": self.alpha * self.unit,
            "l1": self.task.l1 * self.unit,
            "dropout": self.task.dropout,
            "batch_size": batch,
            "steps": checks.whole_number(model.max_iter, "max_iter") * passes,
            "tol": tol,
            "sample_weight": self.s,
            "engine": model.engine,
            "device": model.device,
            "random_state": self.rng,
            "callback": callbacks,
            "callback_every": every,
        }
        run = self.train_views(settings)
        if callbacks is not None and (trained := callbacks.trained_networks):
            run = first_networks(run, trained, self.plan.n_networks)
        if model.verbose:
            print(
                f"{progress_line_end()}{len(run.losses)} steps, loss {np.mean(run.final_loss):.6g} ({run.stopped})"
            )
        return run

    def callbacks(
        self, passes: int, validation: TrainingRows | None
    ) -> tuple[CallbackList | None, int | None]:
        """Return what runs between steps, and after how many steps; `passes` is the number of steps per pass."""
        model = self.model
        every = None
        if validation is not None:
            patience = checks.whole_number(model.n_iter_no_change, "n_iter_no_change")
            self.early_stopping = EarlyStopping(
                self.validation_score(validation), patience, self.start
            )
            wide = self.shape[1] > self.shape[0]
            in_batches = self.plan.batch_size is not None
            every = passes if in_batches else VALIDATION_INTERVAL if wide else 1
        callbacks = user_callbacks(model.callback)
        if every is None and (own := [one.every for one in callbacks if hasattr(one, "every")]):
            every = passes * min(own)
        if model.verbose:
            callbacks = [*callbacks, print_progress_bar]
        if not callbacks and self.early_stopping is None:
            return None, every
        return CallbackList(callbacks, self.own_units, self.early_stopping), every

    def own_units(self, progress: Progress) -> Progress:
        """Return the progress for the user's callbacks: weights for the user's own units, and the model's predictions."""
        score = None if self.early_stopping is None else self.early_stopping.last_score
        return progress_in_own_units(progress, self.model, self.view, self.targets, score)

    def loss_ends_training(self) -> bool:
        """Return whether training ends once its loss no longer falls: not with early stopping, nor with dropout."""
        itself = get_solver(self.plan.solver).stops_itself
        return itself or not (self.early_stopping or self.task.dropout)

    def train_views(self, settings: dict[str, Any]) -> Run:
        """Train the networks of one view after another, and return them as one run."""
        if len(self.views) > 1:
            parts = [(view, view.start) for view in self.views if view.start is not None]
            return self.train_parts(parts, settings)
        start = self.start
        if start.n_networks is not None and checks.is_sparse(self.view.x):
            # no engine takes a sparse table for many networks at once; after Ctrl-C there is no result, as networks that
            # had not begun would be averaged with the others
            with ctrl_c_raises():
                parts = [(self.view, one) for one in single_networks(start)]
                return self.train_parts(parts, settings)
        return train(self.view.x, self.y, start, **settings)

    def train_parts(self, parts: list[tuple[ColumnView, Params]], settings: dict[str, Any]) -> Run:
        """Train some networks after others, until a callback or Ctrl-C ends the training; others are left out then."""
        runs: list[Run] = []
        callbacks, first = settings["callback"], 0
        for self.view, start in parts:
            count = start.n_networks or 1
            if callbacks is not None:
                callbacks.part = first, count, self.plan.n_networks
            runs.append(train(self.view.x, self.y, start, **settings))
            first += count
            by_callback = callbacks is not None and callbacks.trained_networks is not None
            if by_callback or INTERRUPTED in runs[-1].stopped:
                break
        return stack_runs(runs)

    def with_training_targets(self, rows: TrainingRows) -> TrainingRows:
        """Return validation rows with their targets as in training."""
        y = rows.y
        if self.targets is not None:
            y = (y - self.targets.mean) / self.targets.scale
        y = checked_targets(y, rows.n_rows, self.task.n_outputs, self.task.loss, np.float64)
        return replace(rows, y=y)

    def validation_score(self, rows: TrainingRows) -> Callable[[Params], float]:
        """Return the score that early stopping maximises: the user's own on these rows, or minus the loss."""
        scoring = self.model.scoring
        if scoring is None:
            return self.negative_loss
        scorer = scorer_of(scoring)
        y = self.model._original_targets(rows.y)
        weights = {} if rows.s is None or not takes_weights(scorer) else {"sample_weight": rows.s}

        def score(params: Params) -> float:
            own = self.view.own_params(params, self.targets)
            candidate = with_networks(self.model, own, self.view.clip_of(own))
            candidate.__dict__.pop("feature_names_in_", None)
            return float(scorer(candidate, rows.x, y, **weights))

        return score

    def negative_loss(self, params: Params) -> float:
        """Return minus the mean loss of the validation rows."""
        assert self.validation is not None
        x, y, s = self.view.x_validation, self.validation.y, self.validation.s
        total = float(len(y) if s is None else s.sum())
        outputs = network.forward(x, params, self.task.activation)
        value = -float(self.task.loss.value(outputs, y, s, total))
        return value / total if self.task.loss.is_sum else value

    def set_attributes(self) -> None:
        """Set the fitted attributes of the model."""
        model, run = self.model, self.result
        model._set_networks_and_clip(*params_for_user(self.params, self.views, self.targets))
        model.alpha_, model.solver_ = self.alpha, run.settings["solver"]
        model.network_loss_curves_ = loss_curves(run.losses, self.steps_per_pass)
        model.n_iter_, model.loss_ = len(model.network_loss_curves_), run.final_loss
        model.stopped_ = run.stopped
        model.device_ = run.device
        model.stream_ = self.stream_state()
        model.alphas_tried_ = None
        model.column_weighing_ = self.weighing
        model.alpha_search_ = None if self.choice is None else self.choice.way
        if self.choice is not None and len(self.choice.alphas):
            model.alphas_tried_ = np.column_stack([self.choice.alphas, self.choice.losses])
        model.validation_scores_ = model.best_iter_ = None
        if self.early_stopping is not None:
            alone = self.params.n_networks is None
            model.validation_scores_ = self.early_stopping.scores(alone)
            steps = np.array([best.step for best in self.early_stopping.networks])
            passes = -(-steps // self.steps_per_pass)
            model.best_iter_ = int(passes[0]) if alone else passes
        for name in ("noise_std_", "temperature_"):  # of a fit before
            model.__dict__.pop(name, None)
        if uses_calibration(model.calibrate, self.task.smoothing):
            model.temperature_ = self.temperature()
        set_left_out_losses(self)
        if self.targets is not None:
            set_spread(self, self.predictive_spread(self.targets))

    def count_moments(self) -> ColumnMoments:
        """Return the moments of targets that are not standardised."""
        return ColumnMoments.from_rows(self.rows.y, self.s, "y")

    def stream_state(self) -> StreamState:
        """Return what `partial_fit` goes on from."""
        total, targets = self.total, None
        if self.targets is not None:
            targets = ColumnMoments.from_scaling(self.targets, total)
        elif self.task.loss.has_link:
            targets = self.count_moments()
        moments = {
            view.clip is not None: ColumnMoments.from_scaling(view.moments, total)
            for view, _ in networks_by_view(self.params, self.views)
        }
        return StreamState(
            moments.get(False), targets, RowCount(least=total), clipped=moments.get(True)
        )
