"""What the loop did: where its loss went and why, beside the loss of predicting 0 and the loss on new rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from twolayer.functional import forward
from twolayer.maths.network import Params
from twolayer.tutorial.explain import outcome_text as words
from twolayer.tutorial.ladder import LadderProgram
from twolayer.tutorial.layout import Page, format_figure, format_short
from twolayer.tutorial.learning_rates import dead_units, holding_rate, largest_curvature

NEW_ROWS_SEED = 1  # beside the program's own: new rows are other numbers than x
A_RISE = 1e-6  # of the loss, relative: rounding makes smaller ones
LATE = 0.9  # of the steps; a loss that falls less than `STILL` after them has stopped falling
STILL = 0.01
NEAR_ZERO_PREDICTION = 0.5  # of the loss of predicting 0


@dataclass(frozen=True, eq=False)
class LoopOutcome:
    """A run of the loop, and what it is compared with.

    Attributes
    ----------
    program : LadderProgram
    x, y, x_new, y_new : ndarray
    before, after : Params
    losses : ndarray
        Before each update.
    """

    program: LadderProgram
    x: np.ndarray
    y: np.ndarray
    x_new: np.ndarray
    y_new: np.ndarray
    before: Params
    after: Params
    losses: np.ndarray

    @cached_property
    def diverged(self) -> int | None:
        """The first step whose loss is not finite; None if all are."""
        bad = np.flatnonzero(~np.isfinite(self.losses))
        return int(bad[0]) if len(bad) else None

    @cached_property
    def peak(self) -> int | None:
        """The step with the largest loss of those that rose by more than rounding; None if it fell at every step."""
        risen = np.diff(self.losses) > A_RISE * np.maximum(
            self.losses[:-1], self.losses[0] * A_RISE
        )
        steps = np.flatnonzero(risen) + 1
        return int(steps[self.losses[steps].argmax()]) if len(steps) else None

    @property
    def zero_loss(self) -> float:
        """The loss of predicting 0 for every row of training."""
        return float(np.square(self.y).sum())

    @property
    def is_late(self) -> bool:
        """Whether the loss is still falling at the end."""
        late = self.losses[int(LATE * (len(self.losses) - 1))]
        return bool(self.losses[-1] < (1 - STILL) * late)

    @property
    def is_stuck(self) -> bool:
        """Whether the loss stopped near that of predicting 0."""
        return not self.is_late and self.losses[-1] > NEAR_ZERO_PREDICTION * self.zero_loss

    def loss_on(self, x: np.ndarray, y: np.ndarray, params: Params) -> float:
        """Return the sum of squares on some rows."""
        return float(np.square(self.outputs(x, params) - y).sum())

    def outputs(self, x: np.ndarray, params: Params) -> np.ndarray:
        """Return the predictions."""
        return forward(x, params, self.program.activation)

    def curvature(self, params: Params) -> float:
        """Return the largest curvature of the loss at these weights."""
        return largest_curvature(self.x, self.y, params, self.program.activation)

    def dead(self, params: Params) -> int:
        """Return the number of dead units; only the rectifier has any."""
        return dead_units(self.x, params) if self.program.activation == "relu" else 0


def loop_outcome(
    program: LadderProgram, names: dict[str, Any], after: dict[str, Any], losses: list[float]
) -> LoopOutcome:
    """Return a run's outcome, from the names before and after it; random programs get new rows of the same kind."""
    x_new, y_new = names.get("x_new"), names.get("y_new")
    if x_new is None or y_new is None:
        rng = np.random.default_rng([program.seed, NEW_ROWS_SEED])
        x_new, y_new = (rng.standard_normal(names[name].shape) for name in "xy")
    before, trained = (
        Params(here["w1"], here.get("b1"), here["w2"], here.get("b2")) for here in (names, after)
    )
    return LoopOutcome(
        program, names["x"], names["y"], x_new, y_new, before, trained, np.array(losses)
    )


def show_outcome(page: Page, outcome: LoopOutcome) -> None:
    """Show where the loss went, what it means, and what could be tried."""
    rate = format_short(outcome.program.learning_rate)
    losses = outcome.losses
    if outcome.diverged is not None:
        page.paragraph(words.LOOP_DIVERGED, step=outcome.diverged, rate=rate)
        show_smaller_rate(page, outcome.program, outcome.x, outcome.y, outcome.before)
        return
    if len(losses) < 2:
        return
    first, last = (format_figure(losses[step]) for step in (0, -1))
    page.paragraph(words.FELL, first=first, last=last)
    failed = losses[-1] >= losses[0]
    if failed:
        page.paragraph(words.ROSE, rate=rate)
    elif outcome.is_stuck:
        page.paragraph(words.LOOP_STUCK, zero=format_short(outcome.zero_loss))
    show_peak(page, outcome)
    died = show_dead(page, outcome)
    if failed or (outcome.is_stuck and died):
        show_smaller_rate(page, outcome.program, outcome.x, outcome.y, outcome.before)
    elif not outcome.is_stuck:
        show_success(page, outcome)
    show_comparison(page, outcome)


def show_peak(page: Page, outcome: LoopOutcome) -> None:
    """Show the highest loss on the way, if the loss rose, and the bound 2/λ on the learning rate."""
    if outcome.peak is None:
        return
    page.paragraph(
        words.ROSE_ON_THE_WAY, step=outcome.peak, most=format_figure(outcome.losses[outcome.peak])
    )
    curvature = outcome.curvature(outcome.before)
    if not curvature or outcome.losses[-1] >= outcome.losses[0]:
        return
    bound, rate = 2 / curvature, outcome.program.learning_rate
    beyond = rate > bound
    page.paragraph(
        words.BEYOND_THE_BOUND if beyond else words.BELOW_THE_BOUND,
        curvature=f"{curvature:.3g}",
        bound=f"{bound:.3g}",
        rate=format_short(rate),
    )
    at_end = outcome.curvature(outcome.after)
    if beyond and 0 < at_end < 2 / rate:
        page.paragraph(words.CURVATURE_FELL, bound=f"{2 / at_end:.3g}")


def show_dead(page: Page, outcome: LoopOutcome) -> bool:
    """Show how many units are dead; return whether any died in the loop."""
    before, dead = outcome.dead(outcome.before), outcome.dead(outcome.after)
    if dead:
        text = words.ONE_DEAD if dead == 1 else words.DEAD
        page.paragraph(text, dead=dead, units=outcome.before.n_hidden)
    if dead > before:
        thrown = outcome.peak is not None
        page.paragraph(words.DEAD_BY_RATE if thrown else words.DIED, before=before)
    return dead > before


def show_smaller_rate(
    page: Page, program: LadderProgram, x: np.ndarray, y: np.ndarray, params: Params
) -> None:
    """Show a smaller rate that was tried and holds."""
    smaller = holding_rate(x, y, params, program.activation, program.learning_rate, program.steps)
    if smaller is None:
        page.paragraph(words.NO_RATE_HOLDS, steps=program.steps)
    else:
        page.paragraph(words.TRY_RATE, smaller=format_short(smaller))


def show_success(page: Page, outcome: LoopOutcome) -> None:
    """Show what a loss that fell means."""
    if outcome.losses[-1] > NEAR_ZERO_PREDICTION * outcome.zero_loss or (
        outcome.is_late and outcome.program.problem != "random"
    ):
        page.paragraph(words.STILL_FALLING)
    elif outcome.program.problem == "random":
        page.paragraph(words.MEMORISED, rows=len(outcome.x))


def show_comparison(page: Page, outcome: LoopOutcome) -> None:
    """Show the losses of training and on new rows, before and after, beside predicting 0."""
    page.line()
    head = (words.ROWS_COLUMN, words.BEFORE_COLUMN, words.AFTER_COLUMN, words.ZERO_COLUMN)
    rows, costs = [], []
    for label, x, y in (
        (words.TRAINING_ROWS, outcome.x, outcome.y),
        (words.NEW_ROWS, outcome.x_new, outcome.y_new),
    ):
        before, after = (
            outcome.loss_on(x, y, params) for params in (outcome.before, outcome.after)
        )
        costs.append((after, float(np.square(y).sum())))
        figures = [format_short(number) for number in (before, *costs[-1])]
        rows.append([page.text(label, rows=len(x)), *figures])
    page.table([page.text(label) for label in head], rows)
    page.line()
    page.paragraph(words.PREDICTING_0)
    is_random = outcome.program.problem == "random"
    if is_random:
        page.paragraph(words.NEW_RANDOM)
    if not is_random and outcome.y.shape[1] > 1:
        show_answers(page, outcome)
    elif costs[1][0] > costs[1][1] and costs[0][0] < costs[0][1]:
        page.paragraph(words.NEW_HIGHER)


def show_answers(page: Page, outcome: LoopOutcome) -> None:
    """Show how many classes are right, and each new point of the quadrants with its true one."""
    answers = outcome.outputs(outcome.x_new, outcome.after).argmax(1)
    true = outcome.y_new.argmax(1)
    page.paragraph(
        words.CLASSES_RIGHT,
        right=int(
            (outcome.outputs(outcome.x, outcome.after).argmax(1) == outcome.y.argmax(1)).sum()
        ),
        rows=len(outcome.x),
        right_new=int((answers == true).sum()),
        rows_new=len(true),
    )
    if outcome.program.problem != "quadrants":
        return
    page.line()
    head = (words.POINT_COLUMN, words.ANSWER_COLUMN, words.TRUE_COLUMN)
    points = ["(" + ", ".join(f"{number:g}" for number in point) + ")" for point in outcome.x_new]
    rows = [
        [point, str(answer + 1), str(right + 1)]
        for point, answer, right in zip(points, answers, true, strict=True)
    ]
    page.table([page.text(label) for label in head], rows)
