"""The second iteration: gradients that were not cleared show only there."""

from __future__ import annotations

import re

import numpy as np

from twolayer.tutorial.check_script.probe import OWN_NUMBERS, value_of
from twolayer.tutorial.check_script.training_step import (
    FD_TOLERANCE,
    TrainingStep,
    Weight,
    multiple_of,
)
from twolayer.tutorial.check_script.verdict import WRONG, ScriptVerdict


def second_step(step: TrainingStep) -> ScriptVerdict | None:
    """Return the verdict if the second iteration goes along the sum of both gradients; None if not."""
    if len(step.states) < 3 or step.loss[0] not in (*OWN_NUMBERS, "squares"):
        return None
    weight = max(step.weights, key=lambda one: one.before.size)
    if weight.path not in step.states[2]:
        return None
    found = [
        value_of(step.experiment.derivatives(1, weight.path, d), step.loss)
        for d in weight.directions
    ]
    slopes = np.array([np.nan if one is None else one for one in found])
    first = weight.slopes[step.loss]
    if not np.all(np.isfinite(slopes)) or not first.any():
        return None
    summed = summed_gradient(step, weight, slopes, first)
    return None if summed is None else accumulation_verdict(step, weight, *summed)


def summed_gradient(
    step: TrainingStep, weight: Weight, slopes: np.ndarray, first: np.ndarray
) -> tuple[int, np.ndarray] | None:
    """Return (event, slopes of both iterations) of an array of the second that is both gradients added; None if none is."""
    alone = []
    both = []
    for event in step.later:
        if event.source >= 0 or event.value.size != weight.before.size or not event.value.ndim:
            continue
        along = weight.along(event.value)
        if multiple_of(along, slopes, FD_TOLERANCE) is not None:
            alone.append(event.index)
        if multiple_of(along, slopes + first, FD_TOLERANCE) is not None and not same_direction(
            slopes, first
        ):
            both.append(event.index)
    moved = weight.along(step.states[2][weight.path].astype(float) - step.states[1][weight.path])
    by_sum = multiple_of(moved, slopes + first, FD_TOLERANCE)
    by_own = multiple_of(moved, slopes, FD_TOLERANCE)
    rate = multiple_of(weight.along(weight.update), first, FD_TOLERANCE)
    if by_own is not None or not both:
        return None
    if by_sum is None or rate is None or abs(by_sum / rate - 1) > 1e-2:
        is_grad = any(step.later[index].path.endswith(".grad") for index in both)
        if not is_grad or alone:
            return None
    return both[0], slopes


def same_direction(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether two gradients cannot be told apart."""
    return multiple_of(a, b, 10 * FD_TOLERANCE) is not None


def accumulation_verdict(
    step: TrainingStep, weight: Weight, index: int, slopes: np.ndarray
) -> ScriptVerdict:
    """Return that gradients were not cleared: at which line they were added up."""
    event = step.later[index]
    along = weight.along(event.value)
    worst = int(np.argmax(np.abs(along - slopes)))
    share = along[worst] / slopes[worst] if slopes[worst] else float("inf")
    return ScriptVerdict(
        WRONG,
        "not_cleared",
        event.line,
        event.statement.text if event.statement is not None else event.node.text,  # type: ignore[union-attr]
        {
            "weight": re.sub(r"\.(\d+)", r"[\1]", weight.path),  # of nn.Sequential
            "name": event.path or weight.path,
            "times": float(share),
        },
    )
