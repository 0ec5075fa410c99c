"""Entries of an array beside what they should be, by finite differences of the script's own loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.tutorial.check_script.arrays import is_float
from twolayer.tutorial.check_script.probe import OWN_NUMBERS
from twolayer.tutorial.check_script.recorder import variable_name
from twolayer.tutorial.check_script.training_step import TrainingStep, squeezed
from twolayer.tutorial.check_script.value_flow import ValueFlow

SHOWN = 3


def entry_rows(
    step: TrainingStep, flow: ValueFlow, index: int, role: int
) -> list[tuple[str, float, float]]:
    """Return (entry, its value, the derivative of the loss) for the entries that differ most."""
    value = flow.events[index].value.astype(float)
    truth = step.gradients[role]
    name = entry_name(flow, index)
    if not is_float(value) or squeezed(value.shape) != squeezed(truth.shape):
        return []
    truth = truth.reshape(value.shape)
    with np.errstate(all="ignore"):
        difference = np.nan_to_num(np.abs(value - truth))
    if not difference.any():
        return []
    order = np.argsort(difference.ravel())[::-1][:SHOWN]
    rows = []
    for flat in order:
        place = np.unravel_index(flat, value.shape)
        derivative = entry_derivative(step, flow, role, int(flat))
        should = truth.ravel()[flat] if derivative is None else derivative
        where = ", ".join(str(int(k)) for k in place)
        rows.append((f"{name}[{where}]", float(value[place]) + 0.0, float(should) + 0.0))
    return rows


def entry_name(flow: ValueFlow, index: int) -> str:
    """Return the variable that a statement gave a value, or a multiple of it; else its source in brackets."""
    origin = flow.origin(index)
    names = [
        event.path
        for event in flow.events[index:]
        if event.node is None and event.statement is not None and flow.origin(event.index) == origin
    ]
    text = names[-1] if names else variable_name(flow.events, index)
    return text if text.replace("_", "").replace(".", "").isalnum() else f"({text})"


def entry_derivative(step: TrainingStep, flow: ValueFlow, role: int, flat: int) -> float | None:
    """Return the derivative of the loss for one entry of a forward value, by a central difference; None if it cannot be."""
    if step.loss[0] not in OWN_NUMBERS:
        return None
    event = flow.events[role]
    delta: Any = np.zeros(event.value.size)
    delta[flat] = 1e-6 * max(1.0, float(np.abs(event.value).mean()))
    delta = delta.reshape(event.value.shape)
    weight = next((one for one in step.weights if one.start == role), None)
    if weight is None:
        return None
    found = step.experiment.derivatives(0, weight.path, delta).get(step.loss)
    return None if found is None else found / float(delta.sum())
