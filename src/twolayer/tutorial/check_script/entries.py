"""Entries of an array beside what they should be, by finite differences of the script's own loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.tutorial.check_script.arrays import is_float
from twolayer.tutorial.check_script.probe import OWN_NUMBERS, value_of
from twolayer.tutorial.check_script.recorder import variable_name
from twolayer.tutorial.check_script.training_step import TrainingStep, squeezed
from twolayer.tutorial.check_script.value_flow import ValueFlow

SHOWN = 3

Entries = list[tuple[str, float, float]]


def entry_rows(
    step: TrainingStep, flow: ValueFlow, index: int, role: int, line: int, scale: float
) -> Entries:
    """Return (entry, its value, `scale` times the derivative of the loss) for the entries that differ most.

    `line`: of the statement that is shown; a variable that it sets to a multiple of the value stands for the event.
    """
    shown = shown_event(flow, index, line)
    value = flow.events[shown].value.astype(float)
    truth = step.gradients[role] * scale
    if not is_float(value) or squeezed(value.shape) != squeezed(truth.shape):
        return []
    truth = truth.reshape(value.shape)
    with np.errstate(all="ignore"):
        difference = np.nan_to_num(np.abs(value - truth))
    if not difference.any():
        return []
    rows = []
    for flat in np.argsort(difference.ravel())[::-1][:SHOWN]:
        place = np.unravel_index(flat, value.shape)
        derivative = entry_derivative(step, flow, role, int(flat))
        should = truth.ravel()[flat] if derivative is None else derivative * scale
        where = ", ".join(str(int(k)) for k in place)
        name = f"{entry_name(flow, shown)}[{where}]" if where else entry_name(flow, shown)
        rows.append((name, float(value[place]) + 0.0, float(should) + 0.0))
    return rows


def shown_event(flow: ValueFlow, index: int, line: int) -> int:
    """Return the event of a variable that the line sets to an event's value, or a multiple of it; else the event."""
    stripped = flow.stripped(index)
    for event in flow.events:
        is_set = event.node is None and event.statement is not None and event.statement.line == line
        if is_set and event.path and flow.stripped(event.index) == stripped:
            return event.index
    return index


def entry_name(flow: ValueFlow, index: int) -> str:
    """Return the name of a variable; else the source in brackets."""
    text = variable_name(flow.events, index)
    return text if text.replace("_", "").replace(".", "").isalnum() else f"({text})"


def usual_scale(step: TrainingStep, flow: ValueFlow, index: int, role: int) -> float:
    """Return of which multiple of the true gradients a script has those before an event: 1/2 without the 2 of a square.

    A factor in the line itself may have made it 1 again: the one of the two that is nearer to the value is taken.
    """
    value = np.abs(flow.events[index].value.astype(float)).ravel()
    truth = np.abs(step.gradients[role]).ravel()
    for event in reversed(flow.events[:index]):
        if event.path and event.statement is not None and event.index not in step.gradients:
            known = flow.gradient_of(event.index)
            scale = None if known is None else flow.gradient_scale(event.index, known)
            if scale is None or value.size != truth.size:
                continue
            with np.errstate(all="ignore"):
                far = [float(np.linalg.norm(value - c * truth)) for c in (1.0, abs(scale))]
            return abs(scale) if far[1] < far[0] else 1.0
    return 1.0


def entry_derivative(step: TrainingStep, flow: ValueFlow, role: int, flat: int) -> float | None:
    """Return the derivative of the loss for one entry of a forward value, by a central difference; None if it cannot be."""
    if step.loss[0] not in OWN_NUMBERS:
        return None
    event = flow.events[role]
    delta: Any = np.zeros(event.value.size)
    delta[flat] = 1e-6 * max(1.0, float(np.abs(event.value).mean()))
    delta = delta.reshape(event.value.shape)
    weight = next((one for one in step.weights if one.start == role), None)
    experiment = step.experiment
    if weight is not None:
        found = value_of(experiment.derivatives(0, weight.path, delta), step.loss)
    elif event.node is not None:
        node = experiment.script.nodes.index(event.node)
        place = sum(other.node is event.node for other in flow.events[:role])
        ahead, behind = (
            value_of(experiment.numbers(0, {}, (node, place, sign * delta)), step.loss)
            for sign in (1, -1)
        )
        found = None if ahead is None or behind is None else (ahead - behind) / 2
    else:
        return None
    return None if found is None else found / float(delta.sum())
