"""Does a right step lead anywhere? The loss over many iterations, and which rate lowers it."""

from __future__ import annotations

import math
import sys
import time
from typing import Any

from twolayer.tutorial.check_script.arrays import as_array
from twolayer.tutorial.check_script.probe import OWN_NUMBERS, Key, value_of
from twolayer.tutorial.check_script.sandbox import NotFollowedError, StopRun
from twolayer.tutorial.check_script.training_step import TrainingStep, loss_place
from twolayer.tutorial.check_script.verdict import WRONG, ScriptVerdict

ITERATIONS, COURSE_SECONDS = 200, 5.0
DIVERGED = 1e3  # times the first loss


class LossCourse:
    """Keeps the first value of one expression in each iteration of a loop."""

    def __init__(self, loop: int, key: Key, name: str) -> None:
        self.loop, self.key, self.number = loop, key, key[1] if key[0] == "number" else -1
        self.variable = key[1] if key[0] == "variable" else -1
        self.name = name
        self.losses: list[float] = []
        self.waits = False
        self.count = 0
        self.end = time.monotonic() + COURSE_SECONDS

    def step(self, loop: int) -> None:
        """Start of an iteration."""
        if time.monotonic() > self.end:
            raise StopRun
        if loop == self.loop:
            self.count += 1
            self.waits = True
            if self.count > ITERATIONS:
                raise StopRun

    def statement(self, number: int) -> None:
        """End of a statement, after which the loss is the value of a variable."""
        if number == self.variable:
            frame = sys._getframe(1)
            self._keep(frame.f_locals.get(self.name, frame.f_globals.get(self.name)))

    def value(self, number: int, value: Any) -> Any:
        """An expression has this value."""
        if number == self.number and self.waits:
            self._keep(value)
        return value

    def _keep(self, value: Any) -> None:
        array = as_array(value)
        if array is not None and array.size == 1:
            if self.waits or (self.variable >= 0 and self.losses):
                self.losses[len(self.losses) - (not self.waits) :] = [float(array.reshape(()))]
            self.waits = False
            if not math.isfinite(self.losses[-1]):
                raise StopRun

    def item(self, number: int, owner: Any, index: Any) -> Any:
        """A subscript."""
        return self.value(number, owner[index])

    def call(self, number: int, function: Any, *arguments: Any, **keywords: Any) -> Any:
        """A call."""
        return self.value(number, function(*arguments, **keywords))


def course_verdict(step: TrainingStep, verdict: ScriptVerdict) -> ScriptVerdict:
    """Return the verdict after some hundred iterations: the same, or that the rate is too large."""
    if step.loss[0] not in OWN_NUMBERS:
        return verdict
    course = LossCourse(step.experiment.loop, step.loss, loss_place(step)[1])
    try:
        step.experiment.sandbox.run(step.experiment.script.full, course)
    except NotFollowedError:
        pass
    except Exception:  # an error after the training: it is not what was asked
        if not course.losses:
            return verdict
    losses = course.losses
    if len(losses) < 2:
        return verdict
    verdict.values |= {"first": losses[0], "last": losses[-1], "iterations": len(losses)}
    worst = losses[-1] if math.isfinite(losses[-1]) else math.inf
    if worst > DIVERGED * abs(losses[0]) or not math.isfinite(worst):
        return rate_verdict(step, verdict)
    return verdict


def rate_verdict(step: TrainingStep, verdict: ScriptVerdict) -> ScriptVerdict:
    """Return that the steps are too long: the loss after the first, and by which part of it the loss falls."""
    start = value_of(step.experiment.numbers(0, {}), step.loss)
    share = 1.0
    for _ in range(12):
        share /= 10
        changes = {weight.path: weight.update * share for weight in step.weights}
        after = value_of(step.experiment.numbers(0, changes), step.loss)
        if after is not None and start is not None and after < start:
            break
    line, text = rate_place(step)
    return ScriptVerdict(WRONG, "rate", line, text, verdict.values | {"share": share})


def rate_place(step: TrainingStep) -> tuple[int, str]:
    """Return the line of the first update."""
    event = step.events[min(step.first_update, len(step.events) - 1)]
    statement = event.statement
    return (statement.line, statement.text) if statement is not None else (event.line, "")
