"""The training loop of a script: its weights, its loss, and the true gradient of that loss."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from twolayer.tutorial.check_script.arrays import is_float
from twolayer.tutorial.check_script.forward_gradients import Gradients, gradients_of
from twolayer.tutorial.check_script.probe import (
    ALL,
    OWN_NUMBERS,
    Experiment,
    Key,
    random_directions,
)
from twolayer.tutorial.check_script.recorder import (
    Event,
    Recorder,
    State,
    changing,
    same_values,
)

DIRECTIONS = 4
FD_TOLERANCE, EXACT_TOLERANCE = 2e-4, 1e-6
STRICT_LOSS_WORDS = ("loss", "cost", "mse", "sse", "objective", "nll")
LOSS_WORDS = ("loss", "cost", "mse", "error", "err", "objective", "nll", "energy", "sse")


class NotTrainingError(Exception):
    """The loop is not one of training."""


@dataclass
class Weight:
    """An array that training changes.

    Attributes
    ----------
    path : str
    before, after : ndarray
        At the start of the first iteration, and of the second.
    start : int
        The event of its first value.
    directions : list of ndarray
    slopes : dict of Key to ndarray
        The derivative of each number along the directions.
    """

    path: str
    before: np.ndarray
    after: np.ndarray
    start: int
    directions: list[np.ndarray] = field(default_factory=list)
    slopes: dict[Key, np.ndarray] = field(default_factory=dict)

    @property
    def update(self) -> np.ndarray:
        """How the first iteration changed it."""
        return self.after.astype(float) - self.before

    def along(self, array: np.ndarray) -> np.ndarray:
        """Return the products of an array with the directions."""
        return np.array([float(np.sum(array.reshape(-1) * d.reshape(-1))) for d in self.directions])


@dataclass
class TrainingStep:
    """One iteration of training.

    Attributes
    ----------
    experiment : Experiment
    events : list of Event
        Of the first iteration.
    later : list of Event
        Of the second.
    states : list of State
    weights : list of Weight
    first_update : int
        The event with which the first weight changed.
    loss : Key
    gradients : dict
        Of the loss, for each event of the first iteration from which it was computed.
    exact : bool
        Whether `gradients` agree with finite differences for every weight.
    """

    experiment: Experiment
    events: list[Event]
    later: list[Event]
    states: list[State]
    weights: list[Weight]
    first_update: int
    candidates: list[Key]
    loss: Key = ("", 0, 0)
    gradients: Gradients = field(default_factory=dict)
    exact: bool = False

    def scale(self, weight: Weight, array: np.ndarray) -> float | None:
        """Return by which number the array is the gradient of the loss for a weight; None if it is no multiple."""
        if self.exact:
            return multiple_of(array, self.gradients[weight.start], EXACT_TOLERANCE)
        if array.size != weight.before.size:
            return None
        turned = [array.reshape(-1)]
        if array.ndim == 2 and array.shape == weight.before.shape[::-1]:
            turned.append(array.T.reshape(-1))
        for one in turned:
            found = multiple_of(weight.along(one), weight.slopes[self.loss], FD_TOLERANCE)
            if found is not None:
                return found
        return None

    def choose(self, loss: Key) -> None:
        """Take a loss, and compute its gradients."""
        self.loss = loss
        self.gradients = gradients_of(self.events, loss_seed(self, loss))
        self.exact = all(
            weight.start in self.gradients
            and multiple_of(
                weight.along(self.gradients[weight.start]), weight.slopes[loss], FD_TOLERANCE, 1.0
            )
            for weight in self.weights
        )


def multiple_of(
    array: np.ndarray, truth: np.ndarray, tolerance: float, known: float | None = None
) -> float | None:
    """Return c if array = c · truth, for arrays of one shape, of one turned, or of one with an axis of length 1 more."""
    if array.size != truth.size or not np.all(np.isfinite(array)):
        return None
    if array.shape != truth.shape:
        if array.ndim == 2 and array.shape == truth.shape[::-1] and 1 not in array.shape:
            array = array.T
        elif squeezed(array.shape) != squeezed(truth.shape):
            return None
    a, b = np.ravel(array).astype(float), np.ravel(truth).astype(float)
    norm = float(b @ b)
    if norm == 0 or not np.isfinite(norm):
        return None
    scale = float(a @ b) / norm if known is None else known
    if scale == 0 or np.linalg.norm(a - scale * b) > tolerance * abs(scale) * np.sqrt(norm):
        return None
    return scale


def squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape without its axes of length 1."""
    return tuple(size for size in shape if size != 1)


def loss_seed(step: TrainingStep, loss: Key) -> Gradients:
    """Return the gradient of the loss for the event that it is, or for the prediction that it is computed from."""
    if loss[2] == ALL:
        seeds: Gradients = {}
        for key in occurrences(step, loss):
            seeds |= loss_seed(step, key)
        return seeds
    kind = loss[0]
    index = event_of(step, loss)
    if index < 0:
        return {}
    event = step.events[index]
    if kind in OWN_NUMBERS:
        return {index: np.ones(event.value.shape)}
    if kind == "squares":
        return {index: event.value.astype(float)}
    name, side = kind.split(":")
    children = event.children if side == "left" else event.children[::-1]
    predicted, target = (step.events[child].value for child in children)
    if name == "binary":
        return {children[0]: (predicted - target) / (predicted * (1 - predicted))}
    return {children[0]: -target / predicted}


def event_of(step: TrainingStep, key: Key) -> int:
    """Return the index of the event of an expression's or statement's how many-th value, of all the first; -1 if it was
    not recorded.
    """
    kind, number, occurrence = key
    occurrence = max(0, occurrence)
    script = step.experiment.script
    if kind == "variable":
        statement = script.statements[number]
        same = [
            event.index
            for event in step.events
            if event.statement is statement and event.path == statement.target
        ]
    else:
        node = script.nodes[number]
        same = [event.index for event in step.events if event.node is node]
    return same[occurrence] if occurrence < len(same) else -1


def occurrences(step: TrainingStep, key: Key) -> list[Key]:
    """Return the keys of all values of an expression before the first update."""
    known = {one for weight in step.weights for one in weight.slopes}
    same = sorted(one for one in known if one[:2] == key[:2] and one[2] != ALL)
    return [one for one in same if 0 <= event_of(step, one) < step.first_update]


def add_sums(step: TrainingStep) -> None:
    """Add the slopes of the sum of all values of an expression that has several, all before the first update.

    Where some come after it, the weights may change more than once in an iteration, each time by a part of the sum.
    """
    counted = Counter(key[:2] for weight in step.weights for key in weight.slopes if key[2] == 1)
    for kind, number in counted:
        keys = occurrences(step, (kind, number, ALL))
        for weight in step.weights:
            same = [key for key in weight.slopes if key[:2] == (kind, number) and key[2] != ALL]
            own = [weight.slopes[key] for key in same]
            if sorted(same) == keys and len(keys) > 1:
                weight.slopes[kind, number, ALL] = sum(own[1:], own[0])


def study_loop(experiment: Experiment) -> TrainingStep:
    """Return what one loop trains; raise NotTrainingError if it trains nothing."""
    recorder = Recorder(experiment.script, experiment.loop, 0, 1, experiment.deadline)
    experiment.sandbox.run(experiment.script.full, recorder)
    if len(recorder.states) < 2 or not recorder.events:
        raise NotTrainingError
    events, later = recorder.events[0], (recorder.events[1:] or [[]])[0]
    states = recorder.states
    weights = [
        Weight(path, states[0][path], states[1][path], initial_event(events, path))
        for path in changing(states[:2])
        if not path.endswith(".grad")
    ]
    weights = [
        weight
        for weight in weights
        if weight.start >= 0 and any(same_values(e.value, weight.after) for e in events)
    ]  # what the loop's own head changes, such as its row, is no weight
    step = TrainingStep(experiment, events, later, states, weights, 0, [])
    differentiate(step, weights, 1)
    step.weights = [
        weight for weight in weights if any(slope.any() for slope in weight.slopes.values())
    ]
    step.first_update = first_update(step)
    add_sums(step)
    step.candidates = loss_candidates(step)
    if not step.weights or not step.candidates:
        raise NotTrainingError
    differentiate(step, step.weights, DIRECTIONS)
    add_sums(step)
    return step


def initial_event(events: list[Event], path: str) -> int:
    """Return the event of a variable's value at the start; -1 if it has none."""
    for event in events:
        if event.node is not None or event.statement is not None:
            return -1
        if event.path == path:
            return event.index if event.source < 0 else event.source
    return -1


def differentiate(step: TrainingStep, weights: Iterable[Weight], count: int) -> None:
    """Find the slopes of all numbers along random directions of the weights."""
    for seed, weight in enumerate(weights):
        weight.directions = random_directions(weight.before, count, seed)
        found = [step.experiment.derivatives(0, weight.path, d) for d in weight.directions]
        keys = set(found[0]).intersection(*found[1:])
        weight.slopes = {key: np.array([one[key] for one in found]) for key in keys}


def first_update(step: TrainingStep) -> int:
    """Return the event with which the first weight changed."""
    identities = {step.events[weight.start].identity for weight in step.weights}
    finals = [weight.after for weight in step.weights]
    for event in step.events:
        if event.node is not None or event.statement is None:
            continue
        in_place = event.previous >= 0 and event.identity in identities
        if in_place or any(same_values(event.value, final) for final in finals):
            return event.index
    return len(step.events)


def loss_candidates(step: TrainingStep) -> list[Key]:
    """Return the numbers that depend on the weights before these change; keep only the weights that these depend on.

    Numbers of the script come first; where there are none, differences of a prediction and a target.
    """
    starts = {weight.start for weight in step.weights}
    dependent: dict[Key, list[str]] = {}
    for weight in step.weights:
        for key, slope in weight.slopes.items():
            index = event_of(step, key) if np.any(slope) else -1
            if 0 <= index < step.first_update and not is_copy(step.events[index]):
                dependent.setdefault(key, []).append(weight.path)
    dependent = {
        key: paths
        for key, paths in dependent.items()
        if key[0] in OWN_NUMBERS or has_target(step.events, event_of(step, key), starts)
    }
    own = {key: paths for key, paths in dependent.items() if key[0] in OWN_NUMBERS}
    most = max((own or dependent).values(), key=len, default=[])
    step.weights = [weight for weight in step.weights if weight.path in most]
    return [key for key, paths in dependent.items() if paths == most]


def has_target(events: list[Event], index: int, starts: set[int]) -> bool:
    """Return whether one side of a difference depends on the weights and the other does not."""
    sides = [child >= 0 and depends_on(events, child, starts) for child in events[index].children]
    return sides.count(True) == 1


def depends_on(events: list[Event], index: int, starts: set[int]) -> bool:
    """Return whether an event was computed from one of those."""
    ahead, seen = [index], set()
    while ahead:
        one = ahead.pop()
        if one in starts:
            return True
        if one >= 0 and one not in seen:
            seen.add(one)
            event = events[one]
            ahead += [event.source, event.previous, *event.children]
    return False


def loss_place(step: TrainingStep) -> tuple[int, str]:
    """Return the line and the source of the loss."""
    script = step.experiment.script
    if step.loss[0] == "variable":
        return script.statements[step.loss[1]].line, script.statements[step.loss[1]].target
    return script.nodes[step.loss[1]].line, script.nodes[step.loss[1]].text


def is_copy(event: Event) -> bool:
    """Return whether an event is another event's value again."""
    return event.source >= 0 or not is_float(event.value)


def strict_loss(step: TrainingStep) -> bool:
    """Return whether the script calls its loss by a name that means nothing else."""
    event = step.events[event_of(step, step.loss)]
    names = {one.path.lower() for one in step.events if one.identity == event.identity and one.path}
    return any(word in name for word in STRICT_LOSS_WORDS for name in names) or bool(
        names & {"j", "l"}
    )


def loss_words(step: TrainingStep, key: Key) -> bool:
    """Return whether the number is called a loss by the script."""
    index = event_of(step, key)
    identity = step.events[index].identity
    names = {
        event.path.lower() for event in step.events if event.identity == identity and event.path
    }
    return any(word in name for word in LOSS_WORDS for name in names)


def named_loss(step: TrainingStep) -> Key:
    """Return the number that is most probably the loss: by its name, else the last one, else squares."""
    alone = [key for key in step.candidates if key[2] != ALL]
    numbers = [key for key in alone if key[0] in OWN_NUMBERS]
    named = [key for key in numbers if loss_words(step, key)]
    return (named or numbers or alone)[-1]


def is_opposite(step: TrainingStep, key: Key, loss: Key) -> bool:
    """Return whether a number falls where the loss rises, such as a sum of logarithms inside it."""
    slopes = [np.concatenate([w.slopes[k] for w in step.weights]) for k in (key, loss)]
    scale = multiple_of(slopes[0], slopes[1], FD_TOLERANCE)
    return scale is not None and scale < 0


def fitting_loss(step: TrainingStep) -> Key | None:
    """Return a loss down whose gradient the first iteration went, by one rate for all weights; None if there is none."""
    first = named_loss(step)
    order = [first, *(key for key in reversed(step.candidates) if key != first)]
    order.sort(key=lambda key: key[0] not in OWN_NUMBERS)
    for key in order:
        if is_opposite(step, key, first):
            continue
        updates = np.concatenate([weight.along(weight.update) for weight in step.weights])
        slopes = np.concatenate([weight.slopes[key] for weight in step.weights])
        parts = [(w.along(w.update), w.slopes[key]) for w in step.weights]
        total = multiple_of(updates, slopes, FD_TOLERANCE)
        if total is None or total > 0:
            continue
        if all(multiple_of(u, s, FD_TOLERANCE, total) or not s.any() for u, s in parts):
            return key
    return None
