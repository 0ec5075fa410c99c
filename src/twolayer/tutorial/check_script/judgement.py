"""Is the training step right? By its updates first, then by the gradients behind them, then by what comes after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from twolayer.tutorial.check_script.arrays import is_float
from twolayer.tutorial.check_script.diagnosis import Diagnosis
from twolayer.tutorial.check_script.forward_gradients import PRODUCTS
from twolayer.tutorial.check_script.idle_loop import unused_gradient
from twolayer.tutorial.check_script.probe import ALL, OWN_NUMBERS, Key
from twolayer.tutorial.check_script.recorder import Event
from twolayer.tutorial.check_script.second_step import second_step
from twolayer.tutorial.check_script.training_step import (
    TrainingStep,
    Weight,
    depends_on,
    fitting_loss,
    is_opposite,
    loss_place,
    multiple_of,
    named_loss,
    occurrences,
)
from twolayer.tutorial.check_script.value_flow import ValueFlow
from twolayer.tutorial.check_script.verdict import RIGHT, UNCHECKED, WRONG, ScriptVerdict

MAX_LOSSES = 12
SURE_OF_A_SUM = ("adds", "update", "scale")
MONOTONE_TOLERANCE = (
    0.05  # of the longest step: Adam with weight decay is monotone but for the decay
)
NEGLIGIBLE = 1e-7  # of the steepest slope, such as that of a bias before a batch norm
SUBTRACTING_CALLS = {
    "mse_loss",
    "l1_loss",
    "subtract",
    "criterion",
    "loss_fn",
    "loss_of",
    "MSELoss",
    "smooth_l1_loss",
    "huber_loss",
}


def judge_step(step: TrainingStep) -> ScriptVerdict:
    """Return the verdict on the first iterations."""
    repeated = repeated_difference(step.events, {weight.start for weight in step.weights})
    if repeated is not None:
        return repeated
    loss = fitting_loss(step)
    if loss is not None:
        step.choose(loss)
        unused = unused_gradient(step, skipped={weight.start for weight in step.weights})
        return second_step(step) or unused or right_verdict(step, "plain")
    for key in likely_losses(step):
        step.choose(key)
        if all(explained(step, weight) for weight in step.weights) and same_scales(step):
            return second_step(step) or right_verdict(step, "optimiser")
    loss = named_loss(step)
    optimiser = closure_optimiser(step)
    if optimiser:
        return ScriptVerdict(UNCHECKED, "closure", values={"optimiser": optimiser})
    if adds_up(step, loss):
        return diagnosis_of_sum(step, loss)
    step.choose(loss)
    return Diagnosis(step, ValueFlow(step)).verdict()


def adds_up(step: TrainingStep, loss: Key) -> bool:
    """Return whether a loss is computed several times before the weights change, and the gradients of a weight added up."""
    sizes = {weight.before.size for weight in step.weights}
    return len(occurrences(step, loss)) > 1 and any(
        event.path.endswith(".grad") or (event.previous >= 0 and is_sum_in_place(event))
        for event in step.events[: step.first_update]
        if event.value.size in sizes and event.statement is not None
    )


def is_sum_in_place(event: Event) -> bool:
    """Return whether a statement added something to an array."""
    return event.statement is not None and event.statement.operation in ("Add=", "[]Add=")


def diagnosis_of_sum(step: TrainingStep, loss: Key) -> ScriptVerdict:
    """Return what is wrong where the gradients of several losses are added up: that of the last lines alone is sure.

    On the way back every value is there once for each loss, and none of them is the gradient of the sum.
    """
    total = (*loss[:2], ALL)
    step.loss = loss
    if total in step.candidates:
        step.choose(total)
        verdict = Diagnosis(step, ValueFlow(step)).verdict()
        if verdict.status == WRONG and verdict.cause in SURE_OF_A_SUM:
            return verdict
    line, text = loss_place(step)
    values = {"loss": text, "times": len(occurrences(step, loss))}
    return ScriptVerdict(UNCHECKED, "several_losses", line, values=values)


def closure_optimiser(step: TrainingStep) -> str:
    """Return the name of an optimiser of torch that is given a function to compute the loss anew; "" if there is none."""
    for event in step.events:
        owner = getattr(event.function, "__self__", None)
        if getattr(event.function, "__name__", "") == "step" and any(
            callable(one) for one in (*event.arguments, *event.keywords.values())
        ):
            return type(owner).__name__
    return ""


def right_verdict(step: TrainingStep, cause: str) -> ScriptVerdict:
    """Return that all is right, by which loss and for which weights."""
    line, text = loss_place(step)
    own = step.loss[0] in OWN_NUMBERS
    return ScriptVerdict(
        RIGHT,
        cause if own else cause + "_other_loss",
        values={
            "loss": text,
            "loss_line": line,
            "kind": step.loss[0].partition(":")[0],
            "weights": [weight.path for weight in step.weights],
            **repeated_loss(step),
        },
    )


def repeated_loss(step: TrainingStep) -> dict[str, int]:
    """Return how often the loss is computed before the weights change, and which of them the steps follow: 0 for all."""
    times = len(occurrences(step, step.loss))
    return {"times": times, "which": step.loss[2] + 1} if times > 1 else {}


def likely_losses(step: TrainingStep) -> list[Key]:
    """Return the losses to try, the most probable first."""
    first = named_loss(step)
    rest = [key for key in reversed(step.candidates) if key != first]
    rest.sort(key=lambda key: key[0] not in OWN_NUMBERS)
    return [key for key in [first, *rest] if not is_opposite(step, key, first)][:MAX_LOSSES]


def same_scales(step: TrainingStep) -> bool:
    """Return whether the gradients that the updates use are all the same multiple of the true ones, as far as can be seen.

    Weights may have rates of their own; a factor such as 2 or a number of rows between gradients is a mistake.
    """
    if not step.exact:
        return True
    return not Diagnosis(step, ValueFlow(step)).scale_faults()


@dataclass
class UpdateRule:
    """How an update may follow from a gradient."""

    gradient: np.ndarray
    update: np.ndarray
    weight: np.ndarray

    def is_plain(self) -> bool:
        """Return whether the update is a negative multiple of the gradient."""
        scale = multiple_of(self.update, self.gradient, 1e-5)
        return scale is not None and scale < 0

    def has_decay(self) -> bool:
        """Return whether the update is a negative multiple of the gradient and of the weight itself."""
        parts = np.stack([self.gradient.ravel(), self.weight.ravel()], axis=1)
        factors, *_ = np.linalg.lstsq(parts, self.update.ravel(), rcond=None)
        left = self.update.ravel() - parts @ factors
        small = np.linalg.norm(left) <= 1e-5 * np.linalg.norm(self.update)
        return bool(small and factors[0] < 0 and factors[1] <= 0)

    def is_monotone(self) -> bool:
        """Return whether each entry moves against its gradient, and farther the larger this is: Adam, clipping, signs."""
        g, u = self.gradient.ravel(), self.update.ravel()
        known = np.abs(g) > 1e-9 * np.abs(g).max()
        g, u = g[known], u[known]
        order = np.argsort(g)
        falls = -np.diff(u[order])
        against = np.mean(u * g < 0) > 0.999
        return bool(against and np.all(falls >= -MONOTONE_TOLERANCE * np.abs(u).max()))


def explained(step: TrainingStep, weight: Weight) -> bool:
    """Return whether the weight's update follows from its gradient by a rule that is known."""
    steepest = max(float(np.linalg.norm(one.slopes[step.loss])) for one in step.weights)
    if np.linalg.norm(weight.slopes[step.loss]) <= NEGLIGIBLE * steepest:
        return True
    gradient = true_gradient(step, weight)
    if gradient is None:
        return False
    rule = UpdateRule(gradient, weight.update, weight.before.astype(float))
    return rule.is_plain() or (
        (rule.has_decay() or rule.is_monotone()) and has_gradient(step, weight)
    )


def has_gradient(step: TrainingStep, weight: Weight) -> bool:
    """Return whether the script itself has a multiple of the gradient of a weight."""
    return any(
        event.source < 0
        and event.value.size == weight.before.size
        and step.scale(weight, event.value) is not None
        for event in step.events
    )


def true_gradient(step: TrainingStep, weight: Weight) -> np.ndarray | None:
    """Return the whole gradient: by the chain rule, or an array of the script that agrees with finite differences."""
    if step.exact:
        return step.gradients[weight.start].reshape(weight.before.shape)
    for event in step.events:
        if event.source < 0 and event.value.size == weight.before.size:
            scale = step.scale(weight, event.value)
            if scale is not None:
                return (event.value / scale).reshape(weight.before.shape)
    return None


def repeated_difference(
    events: list[Event], starts: set[int] | None = None
) -> ScriptVerdict | None:
    """Return the verdict on a difference of a prediction and a target of shapes (N,) and (N, 1), which is (N, N).

    `starts`: the first values of the weights, from which only one of the two may be computed; None: not known.
    """
    for event in events:
        if event.node is None:
            continue
        operation = event.node.operation
        name = operation.partition(":")[2]
        is_loss = operation.startswith("call:") and name not in PRODUCTS and event.value.size == 1
        if operation != "binary:Sub" and name not in SUBTRACTING_CALLS and not is_loss:
            continue
        children = [child for child in event.children if child >= 0]
        if len(children) != 2 or not all(is_float(events[child].value) for child in children):
            continue
        if (
            starts is not None
            and [is_predicted(events, one, starts) for one in children].count(True) != 1
        ):
            continue
        shapes = [events[child].value.shape for child in children]
        if is_column_and_row(*shapes) or is_column_and_row(*shapes[::-1]):
            names = [events[child].node.text for child in children]  # type: ignore[union-attr]
            return ScriptVerdict(
                WRONG,
                "repeated",
                event.line,
                event.node.text,
                {
                    "left": names[0],
                    "right": names[1],
                    "left_shape": str(shapes[0]),
                    "right_shape": str(shapes[1]),
                    "rows": max(shapes[0]),
                    "flat": names[0] if len(shapes[0]) == 1 else names[1],
                },
            )
    return None


def is_predicted(events: list[Event], index: int, starts: set[int]) -> bool:
    """Return whether a value was computed from weights, or by a module of torch, whose weights are its own."""
    if depends_on(events, index, starts):
        return True
    while events[index].source >= 0:
        index = events[index].source
    return hasattr(events[index].function, "parameters")


def is_column_and_row(column: tuple[int, ...], flat: tuple[int, ...]) -> bool:
    """Return whether the shapes are (N, 1) and (N,), N above 1."""
    return len(column) == 2 and column[1] == 1 and flat == (column[0],) and column[0] > 1
