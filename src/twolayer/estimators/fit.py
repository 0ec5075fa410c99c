"""One fit, from checked rows to weights in the user's own units."""

from __future__ import annotations

import copy
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import DivergedError, InputError, TwoLayerWarning
from twolayer.estimators.early_stopping import EarlyStopping, single_networks
from twolayer.estimators.ensemble import mean_logits, stack_runs
from twolayer.estimators.fit_plan import FitPlan, uses_calibration
from twolayer.estimators.initial_weights import initial_params, penalty_unit, start_at_mean
from twolayer.estimators.selection.alpha_path import (
    AlphaChoice,
    LearningTask,
    choose_alpha,
    path_table,
)
from twolayer.estimators.selection.scorers import scorer_of, takes_weights
from twolayer.estimators.standardise import (
    apply_scaling,
    rescale_params,
    standardise,
    unscale_params,
)
from twolayer.estimators.uncertainty.noise import noise_std
from twolayer.estimators.uncertainty.temperature import best_temperature
from twolayer.maths import network
from twolayer.maths.network import Params
from twolayer.maths.problem import checked_targets
from twolayer.solvers import SOLVERS, get_solver
from twolayer.training.ctrl_c import ctrl_c_raises
from twolayer.training.loop import Progress, callback_state, has_state, load_callback_state
from twolayer.training.train import Run, train

VALIDATION_INTERVAL = 5  # steps, where each look costs as much as reading the table


class NetworkFit:
    """The rows standardised, the weight decay settled, and where to start."""

    def __init__(
        self,
        model: Any,
        x: Any,
        y: np.ndarray,
        s: np.ndarray | None,
        task: LearningTask,
        how: FitPlan,
        rng: np.random.Generator,
        before: Params | None,
        alpha: float | None,
        groups: np.ndarray | None = None,
    ) -> None:
        self.model, self.task, self.how, self.rng, self.s = model, task, how, rng, s
        self.groups = groups
        self.rows = x, y, s  # in the user's own units
        self.x, self.inputs = standardise(x, s, "X")
        self.y, self.targets = task.smoothed(y), None
        if task.standardise_y:
            self.y, self.targets = standardise(y, s, "y")
        self.unit = penalty_unit(y, s, task.loss)
        self.start = self.where_to_start(before)
        self.strength: AlphaChoice | None = None
        if alpha is None and before is not None:
            alpha = model.alpha_
        if alpha is None:
            self.strength = choose_alpha(x, y, s, task, rng, groups=groups)
            alpha = self.strength.alpha
            if model.verbose:
                print("\n".join(path_table(self.strength)))
        self.alpha = alpha
        self.watch: EarlyStopping | None = None
        self.validation: Any = None

    def where_to_start(self, before: Params | None) -> Params:
        """The weights of the fit before if there are any, else new ones."""
        alone = self.how.n_networks == 1
        task = self.task
        if before is None:
            n_networks = None if alone else self.how.n_networks
            sizes = (task.n_hidden, task.n_outputs)
            params = initial_params(
                self.x,
                self.inputs.constant,
                *sizes,
                self.rng,
                n_networks=n_networks,
                skip=task.skip,
            )
            return start_at_mean(params, self.y, self.s, task.loss)
        seen = (
            before.n_inputs,
            before.n_hidden,
            before.n_outputs,
            before.n_networks or 1,
            before.w_skip is not None,
        )
        wanted = (self.x.shape[1], task.n_hidden, task.n_outputs, self.how.n_networks, task.skip)
        if seen != wanted:
            raise InputError(
                "warm_start goes on with the same network, and it has changed: inputs, hidden units, outputs, networks and "
                f"skip layer were {seen} and are {wanted} now. Set warm_start=False to start anew"
            )
        params = rescale_params(before, self.inputs, self.targets)
        params.w1[..., self.inputs.constant, :] = 0
        return params

    # ---- training

    def run(self, validation: tuple[Any, np.ndarray, Any] | None) -> None:
        """Train, and go back to the best on the rows held out if there are any."""
        if validation is not None:
            self.validation = self.on_the_same_scale(*validation)
        try:
            self.ended = self.trained(self.model.learning_rate_init, validation)
        except DivergedError as error:
            rate = self.model.learning_rate_init
            kind = SOLVERS.get(self.how.solver)
            if kind is None or "learning_rate" not in kind.settings:
                raise
            warnings.warn(
                f"training diverged at step {error.step} with learning_rate_init={rate:g}: trying once more with "
                f"{rate / 2:g}",
                TwoLayerWarning,
                stacklevel=5,
            )
            self.ended = self.trained(rate / 2, validation)
        self.params = self.ended.params
        if self.watch is not None:
            self.params = self.watch.best(alone=self.params.n_networks is None)

    def trained(self, rate: float, validation: Any) -> Run:
        """One run of training, of all networks."""
        model, batch = self.model, self.how.batch_size
        passes = 1 if batch is None else -(-self.x.shape[0] // batch)
        calls: list[Callable[[Progress], Any]] = []
        every = None
        if validation is not None:
            patience = checks.whole_number(model.n_iter_no_change, "n_iter_no_change")
            self.watch = EarlyStopping(self.score_of(validation), patience)
            calls.append(self.watch)
            wide = self.x.shape[1] > self.x.shape[0]
            every = passes if batch is not None else VALIDATION_INTERVAL if wide else 1
        calls += user_callbacks(model.callback)
        if every is None and (often := [one.every for one in calls if hasattr(one, "every")]):
            every = passes * min(often)
        if model.verbose:
            calls.append(print_progress_bar)
        rule_stops = get_solver(self.how.solver).stops_itself
        tol = checks.finite_number(model.tol, "tol", at_least=0)
        settings = {
            "loss": self.task.loss,
            "activation": self.task.activation,
            "solver": self.how.solver,
            "learning_rate": rate,
            "alpha": self.alpha * self.unit,
            "l1": self.task.l1 * self.unit,
            "dropout": self.task.dropout,
            "batch_size": batch,
            "steps": checks.whole_number(model.max_iter, "max_iter") * passes,
            "tol": tol if rule_stops or not (self.watch or self.task.dropout) else 0.0,
            "sample_weight": self.s,
            "engine": model.engine,
            "device": model.device,
            "random_state": self.rng,
            "callback": CallbackList(calls) if calls else None,
            "callback_every": every,
        }
        run = (
            self.each_alone(settings)
            if self.one_after_another()
            else train(self.x, self.y, self.start, **settings)
        )
        if model.verbose:
            print(
                f"{progress_line_end()}{len(run.losses)} steps, loss {np.mean(run.final_loss):.6g} ({run.stopped})"
            )
        return run

    def one_after_another(self) -> bool:
        """Whether each network has a call of its own: on sparse tables, which no engine takes for many at once."""
        return self.start.n_networks is not None and checks.is_sparse(self.x)

    @ctrl_c_raises()
    def each_alone(self, settings: dict[str, Any]) -> Run:
        """Network after network; after Ctrl-C none, as those that had not begun would be averaged with the others."""
        return stack_runs(
            [train(self.x, self.y, one, **settings) for one in single_networks(self.start)]
        )

    # ---- rows held out

    def on_the_same_scale(
        self, x: Any, y: np.ndarray, s: Any
    ) -> tuple[Any, np.ndarray, Any, float]:
        """Rows held out, as the network sees them, and their total weight."""
        if self.targets is not None:
            y = (y - self.targets.mean) / self.targets.scale
        y = checked_targets(y, x.shape[0], self.task.n_outputs, self.task.loss, np.float64)
        return apply_scaling(self.inputs, x), y, s, float(x.shape[0] if s is None else s.sum())

    def score_of(self, validation: tuple[Any, np.ndarray, Any]) -> Callable[[Params], float]:
        """Minus the loss on the rows held out, or the user's own score there."""
        scoring = self.model.scoring
        if scoring is None:
            return self.minus_loss
        scorer = scorer_of(scoring)
        x, y, s = validation
        y = self.model._own_targets(y)
        weights = {} if s is None or not takes_weights(scorer) else {"sample_weight": s}

        def score(params: Params) -> float:
            candidate = copy.copy(self.model)
            candidate.__dict__.pop("feature_names_in_", None)
            candidate._set_params_of_networks(unscale_params(params, self.inputs, self.targets))
            return float(scorer(candidate, x, y, **weights))

        return score

    def minus_loss(self, params: Params) -> float:
        x, y, s, total = self.validation
        outputs = network.forward(x, params, self.task.activation)
        value = -float(self.task.loss.value(outputs, y, s, total))
        return value / total if self.task.loss.is_sum else value

    # ---- what is kept

    def keep(self) -> None:
        """Give the model its fitted attributes."""
        model, run = self.model, self.ended
        model._set_params_of_networks(unscale_params(self.params, self.inputs, self.targets))
        model.alpha_, model.solver_ = self.alpha, run.settings["solver"]
        model.loss_curve_, model.loss_ = run.losses, run.final_loss
        model.n_iter_, model.stopped_ = len(run.losses), run.stopped
        model.device_ = run.device
        model.alphas_tried_ = self.strength and np.column_stack(
            [self.strength.alphas, self.strength.losses]
        )
        model.validation_scores_ = model.best_step_ = None
        if self.watch is not None:
            alone = self.params.n_networks is None
            model.validation_scores_ = self.watch.scores(alone)
            best = np.array([best.step for best in self.watch.networks])
            model.best_step_ = int(best[0]) if alone else best
        for name in ("noise_std_", "temperature_"):  # of a fit before
            model.__dict__.pop(name, None)
        if uses_calibration(model.calibrate, self.task.smoothing):
            model.temperature_ = fitted_temperature(self)
        if self.targets is not None:
            model.noise_std_ = self.noise()

    def noise(self) -> np.ndarray:
        """How far targets scatter around predictions, from rows left out where there were any; (n_outputs,)."""
        if self.strength is not None and self.strength.residuals is not None:
            squares = np.square(self.strength.residuals)
            return np.sqrt(np.average(squares, axis=0, weights=self.strength.weights))
        assert self.targets is not None
        each = single_networks(self.params) or [self.params]
        if self.validation is not None:
            x, y, s, _ = self.validation
            outputs = np.mean(
                [network.forward(x, one, self.task.activation) for one in each], axis=0
            )
            return (
                np.sqrt(np.average(np.square(y - outputs), axis=0, weights=s)) * self.targets.scale
            )
        std = noise_std(self.x, self.y, self.s, each, self.task.activation, self.alpha)
        return std * self.targets.scale


def user_callbacks(callback: Any) -> list[Callable[[Progress], Any]]:
    """The user's function, or functions."""
    if callback is None:
        return []
    given = list(callback) if isinstance(callback, (list, tuple)) else [callback]
    for one in given:
        if not callable(one):
            raise InputError(
                f"callback must be a function, a list of functions, or None; got {checks.short_repr(one)}"
            )
    return given


class CallbackList:
    """Several callbacks as one, which stops if one of them says so."""

    def __init__(self, calls: list[Callable[[Progress], Any]]) -> None:
        self.calls = calls

    def __call__(self, progress: Progress) -> bool:
        answers = [each(progress) for each in self.calls]
        return any(isinstance(answer, (bool, np.bool_)) and bool(answer) for answer in answers)

    def state_dict(self) -> list[Any] | None:
        """What a checkpoint keeps of those that have something of their own; None if none has."""
        return [callback_state(each) for each in self.calls if has_state(each)] or None

    def load_state_dict(self, state: list[Any]) -> None:
        """Give it back to each."""
        for each, own in zip(filter(has_state, self.calls), state, strict=True):
            load_callback_state(each, own)


def print_progress_bar(progress: Progress) -> None:
    """A bar that fills, on a terminal in one line."""
    done = int(20 * progress.step / max(progress.steps, 1))
    loss = float(np.mean(progress.losses[-1]))
    line = f"[{'#' * done}{'.' * (20 - done)}] step {progress.step} of {progress.steps}: loss {loss:.6g}"
    if sys.stdout.isatty():
        print(f"\r{line}  ", end="", flush=True)
    else:
        print(line)


def progress_line_end() -> str:
    """What ends the bar's line on a terminal."""
    return "\n" if sys.stdout.isatty() else ""


def fitted_temperature(fitting: NetworkFit) -> float:
    """The temperature for networks just trained.

    Of their own logits for the rows held out, if there are any. Else for rows left out of training while alpha was chosen,
    of the logits that a network like these gave them; where alpha was given, folds are made for this alone.
    """
    task = fitting.task
    if fitting.validation is not None:
        x, y, s, _ = fitting.validation
        each = single_networks(fitting.params) or [fitting.params]
        outputs = np.stack([network.forward(x, one, task.activation) for one in each])
        several = fitting.model._several_labels
        logits = outputs[0] if len(each) == 1 else mean_logits(outputs, several)
        return best_temperature(logits, y, s, task.loss)
    strength = fitting.strength
    if strength is None:
        strength = choose_alpha(*fitting.rows, task, fitting.rng, (fitting.alpha,), fitting.groups)
    if strength.outputs is None or strength.targets is None:  # too few rows to leave any out
        return 1.0
    return best_temperature(strength.outputs, strength.targets, strength.weights, task.loss)
