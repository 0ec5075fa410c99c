"""A loop that computes a loss again and again, and changes nothing that it depends on."""

from __future__ import annotations

import numpy as np

from twolayer.tutorial.check_script.diagnosis import Diagnosis
from twolayer.tutorial.check_script.forward_gradients import PRODUCTS
from twolayer.tutorial.check_script.probe import OWN_NUMBERS, Experiment
from twolayer.tutorial.check_script.recorder import Event, Recorder, changing, same_values
from twolayer.tutorial.check_script.training_step import (
    LOSS_WORDS,
    TrainingStep,
    Weight,
    differentiate,
    initial_event,
    loss_candidates,
    loss_place,
    loss_words,
    named_loss,
)
from twolayer.tutorial.check_script.value_flow import ValueFlow
from twolayer.tutorial.check_script.verdict import WRONG, ScriptVerdict

MAX_ARRAYS = 12
DATA_NAMES = {
    "x",
    "y",
    "t",
    "input",
    "inputs",
    "data",
    "target",
    "targets",
    "features",
    "images",
    "labels",
}


def idle_verdict(experiment: Experiment) -> ScriptVerdict | None:
    """Return the verdict on a loop whose weights never change; None if it computes no loss of a prediction."""
    recorder = Recorder(experiment.script, experiment.loop, 0, 1, experiment.deadline)
    experiment.sandbox.run(experiment.script.full, recorder)
    if not recorder.events:
        return None
    events = recorder.events[0]
    state = recorder.states[0]
    starts = {path: initial_event(events, path) for path in state}
    weights = [
        Weight(path, state[path], state[path], starts[path])
        for path in list(state)[:MAX_ARRAYS]
        if starts[path] >= 0 and state[path].size > 1
    ]
    step = TrainingStep(experiment, events, [], recorder.states, weights, len(events), [])
    differentiate(step, weights, 1)
    step.weights = [one for one in weights if any(s.any() for s in one.slopes.values())]
    step.candidates = [key for key in loss_candidates(step) if key[0] in OWN_NUMBERS]
    named = [key for key in step.candidates if loss_words(step, key)]
    products = [
        e
        for e in events
        if (e.node is not None and e.node.operation[5:] in PRODUCTS) or is_product(e)
    ]
    if not named or len(step.weights) < 2 or not products:
        return None
    step.choose(named_loss(step))
    return unused_gradient(step) or no_change(step)


def is_product(event: object) -> bool:
    """Return whether an event is `a @ b`."""
    node = getattr(event, "node", None)
    return node is not None and node.operation in ("binary:MatMult", "call:linear", "call:model")


def unused_gradient(step: TrainingStep, skipped: set[int] | None = None) -> ScriptVerdict | None:
    """Return the verdict if the script has the gradient of a weight, in a variable named after it, that never changes it."""
    if not step.exact:
        return None
    flow = ValueFlow(step)
    last = {path: initial_event(step.events, path) for path in step.states[0]}
    fixed = {
        path: start
        for path, start in last.items()
        if start in step.gradients
        and start not in (skipped or ())
        and short_name(path) not in DATA_NAMES
    }
    for event in step.events:
        if event.node is not None or event.statement is None or event.index in step.gradients:
            continue
        for path, start in fixed.items():
            name = short_name(event.path)
            named = short_name(path) in name and name != short_name(path)
            scale = flow.gradient_scale(event.index, start) if named else None
            if scale is not None and not Diagnosis(step, flow).is_loss_part(first_use(flow, start)):
                values = {"name": event.path, "weight": path}
                return ScriptVerdict(WRONG, "unused", event.line, event.statement.text, values)
    return None


def first_use(flow: ValueFlow, start: int) -> int:
    """Return the first operation that takes a value."""
    use = flow.forward_use(start)
    return start if use is None else use[0]


def short_name(path: str) -> str:
    """Return the last part of a path in small letters."""
    return path.split(".")[-1].split("[")[-1].strip("[]'\"").lower()


def fixed_loss(experiment: Experiment) -> ScriptVerdict | None:
    """Return the verdict on a loop that changes arrays, but whose loss stays what it is; None for another loop."""
    recorder = Recorder(experiment.script, experiment.loop, 0, 1, experiment.deadline)
    experiment.sandbox.run(experiment.script.full, recorder)
    if len(recorder.events) < 2 or len(recorder.states) < 2:
        return None
    first, second = (
        {event.path: event for event in events if is_named_loss(event)}
        for events in recorder.events
    )
    changed = [path for path in changing(recorder.states[:2]) if path not in first]
    for path, event in first.items():
        again = second.get(path)
        if (
            changed
            and again is not None
            and same_values(event.value, again.value)
            and np.isfinite(event.value)
        ):
            assert event.statement is not None
            values = {"loss": float(event.value), "weights": ", ".join(changed)}
            return ScriptVerdict(WRONG, "fixed_loss", event.line, event.statement.text, values)
    return None


def is_named_loss(event: Event) -> bool:
    """Return whether an event is a number that the script calls a loss and computes in the iteration."""
    return (
        event.node is None
        and event.statement is not None
        and event.value.size == 1
        and event.value.dtype.kind == "f"
        and any(word in event.path.lower() for word in LOSS_WORDS[:3])
    )


def no_change(step: TrainingStep) -> ScriptVerdict | None:
    """Return the verdict on a loop that only goes forward."""
    key = step.loss
    again = step.experiment.numbers(1, {})
    first = step.experiment.numbers(0, {})
    if key not in again or again[key] != first.get(key):
        return None
    if not all(same_values(step.states[0][w.path], step.states[1][w.path]) for w in step.weights):
        return None
    return ScriptVerdict(WRONG, "forward_only", *loss_place(step), {"loss": first[key]})
