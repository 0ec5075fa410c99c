"""The first wrong line of a step whose updates do not follow the gradient, and why: weight by weight."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.tutorial.check_script.probe import OWN_NUMBERS
from twolayer.tutorial.check_script.training_step import (
    EXACT_TOLERANCE,
    Weight,
    has_target,
    multiple_of,
    strict_loss,
)
from twolayer.tutorial.check_script.value_flow import ValueFlow
from twolayer.tutorial.check_script.verdict import UNCHECKED, WRONG, ScriptVerdict
from twolayer.tutorial.check_script.way_back import WayBack

UNSPECIFIC_CAUSES = {"value", "loss_gradient", "factor", "changed", "not_summed", "slope"}


class Diagnosis(WayBack):
    """Finds the first wrong line of a step whose updates do not follow the gradient."""

    def verdict(self) -> ScriptVerdict:
        """Return the verdict: the earliest of the faults found for the weights."""
        if self.step.loss[0] not in OWN_NUMBERS:
            return ScriptVerdict(UNCHECKED, "no_loss")
        if not self.step.exact:
            return self.without_chain()
        faults = []
        for weight in self.step.weights:
            fault = self.weight_fault(weight)
            if fault is not None:
                faults.append(fault)
        if not faults:
            faults = self.scale_faults()
        if not faults:
            return ScriptVerdict(UNCHECKED, "unknown_rule")
        verdict = min(faults, key=lambda one: one[0])[1]
        if not self.is_descent(verdict):
            return ScriptVerdict(UNCHECKED, "unknown_rule")
        return verdict

    def is_descent(self, verdict: ScriptVerdict) -> bool:
        """Return whether the script means to follow the gradient of a loss, so that a difference is a mistake.

        Other rules, such as Newton's, a random search or the power iteration, are no mistakes.
        """
        if not (strict_loss(self.step) or self.has_difference()):
            return False
        if verdict.cause == "update":
            return any(self.rises(weight) for weight in self.step.weights)
        return verdict.cause not in UNSPECIFIC_CAUSES or self.has_some_gradient()

    def has_difference(self) -> bool:
        """Return whether the loss is made of the difference of a prediction and a target."""
        starts = {weight.start for weight in self.step.weights}
        return any(
            event.node is not None
            and event.node.operation == "binary:Sub"
            and has_target(self.events, event.index, starts)
            for event in (self.events[index] for index in self.step.gradients)
        )

    def has_gradient_variable(self, weight: Weight) -> bool:
        """Return whether a variable of the script is a multiple of the true gradient of a weight."""
        return any(
            event.path
            and event.statement is not None
            and event.index not in self.step.gradients
            and self.flow.gradient_scale(event.index, weight.start) is not None
            for event in self.events
        )

    def rises(self, weight: Weight) -> bool:
        """Return whether the update of a weight goes uphill."""
        gradient = self.step.gradients[weight.start]
        return float(np.sum(weight.update * gradient.reshape(weight.update.shape))) > 0

    def has_some_gradient(self) -> bool:
        """Return whether the script computes the gradient of any value of its forward half."""
        return any(
            event.value.size > 1
            and event.source < 0
            and event.index not in self.step.gradients
            and not self.flow.is_given(event.index)
            and not self.flow.is_turn_of_forward(event.index)
            and self.flow.gradient_of(event.index) is not None
            for event in self.events
        )

    def without_chain(self) -> ScriptVerdict:
        """Return the verdict where the forward half is not understood: only what finite differences say."""
        for weight in self.step.weights:
            slopes = weight.slopes[self.step.loss]
            update = weight.along(weight.update)
            rises = float(update @ slopes) > 0
            if rises and multiple_of(update, slopes, 1e-3):
                fault = self.update_fault(weight, "adds")
                return fault[1]
        return ScriptVerdict(UNCHECKED, "not_understood")

    def weight_fault(self, weight: Weight) -> tuple[int, ScriptVerdict] | None:
        """Return (event, verdict) of what is wrong on the way from the loss to a weight's update; None if only its size."""
        update = self.update_event(weight)
        truth = self.step.gradients[weight.start]
        ratio = multiple_of(weight.update, truth, self.tolerance(weight))
        if ratio is not None and ratio < 0:
            return None
        if self.has_gradient_variable(weight) and not self.rises(weight):
            return None  # a rule of its own, such as Newton's, takes the right gradient
        if update is None:
            return self.named_fault(weight)
        gradient = self.flow.stripped(self.gradient_operand(update, weight))
        if ratio is not None or self.flow.gradient_scale(gradient, weight.start) is not None:
            return self.sign_fault(weight, gradient)
        return self.fault(gradient, weight.start) or self.named_fault(weight)

    def tolerance(self, weight: Weight) -> float:
        """Return how much rounding may have changed an update."""
        size = float(np.linalg.norm(weight.update)) or 1.0
        return EXACT_TOLERANCE + 1e-14 * float(np.linalg.norm(weight.before)) / size

    def update_event(self, weight: Weight) -> int | None:
        """Return the event with which a weight got its new value."""
        for event in self.events:
            if (
                event.node is None
                and event.statement is not None
                and event.source < 0
                and np.array_equal(event.value, weight.after)
            ):
                return event.index
        for event in self.events:
            if (
                event.node is not None
                and event.source < 0
                and event.value.shape == weight.after.shape
                and np.array_equal(event.value, weight.after)
            ):
                return event.index
        return None

    def gradient_operand(self, update: int, weight: Weight) -> int:
        """Return what an update adds to the weight or takes from it."""
        event = self.events[update]
        if event.previous >= 0 and event.children and event.children[0] >= 0:
            right = event.children[0]
            operation = event.statement.operation if event.statement is not None else ""
            if operation in ("Sub=", "Add=", "[]Sub=", "[]Add="):
                return right
            update = self.flow.origin(right)
            event = self.events[update]
        children = [child for child in event.children if child >= 0]
        others = [
            child
            for child in children
            if not np.array_equal(self.events[child].value, weight.before)
        ]
        return others[-1] if others and len(children) == 2 else update

    def named_fault(self, weight: Weight) -> tuple[int, ScriptVerdict] | None:
        """Return the fault of an array that by its name and shape is the gradient of a weight."""
        short = weight.path.split(".")[-1].strip("[]'\"").lower()
        for event in self.events:
            name = event.path.split(".")[-1].strip("[]'\"").lower()
            if (
                event.node is None
                and name != short
                and short in name
                and event.value.shape == weight.before.shape
            ):
                index = self.flow.stripped(event.index)
                if self.flow.gradient_scale(index, weight.start) is None:
                    return self.fault(index, weight.start)
        return None

    def sign_fault(self, weight: Weight, gradient: int) -> tuple[int, ScriptVerdict]:
        """Return the fault of an update that goes uphill: its own, or that of a gradient with the wrong sign."""
        scale = self.flow.gradient_scale(gradient, weight.start)
        if scale is not None and scale < 0:
            first = self.first_with_sign(gradient)
            if first is not None:
                return self.answer(
                    first, "sign", self.flow.gradient_of(first), {"weight": weight.path}
                )
        if scale is not None and self.is_plain_update(weight):
            return self.update_fault(weight, "adds")
        return self.update_fault(weight, "update")

    def is_plain_update(self, weight: Weight) -> bool:
        """Return whether an update is a multiple of the true gradient."""
        truth = self.step.gradients[weight.start]
        return multiple_of(weight.update, truth, self.tolerance(weight)) is not None

    def first_with_sign(self, gradient: int) -> int | None:
        """Return the first event on the way to a gradient that is a gradient with its sign turned."""
        ahead, found, seen = [gradient], [], set()
        while ahead:
            index = ahead.pop()
            if index in seen or index < 0:
                continue
            seen.add(index)
            if index in self.step.gradients or self.flow.is_given(index):
                continue
            role = self.flow.gradient_of(index)
            if role is not None and (self.flow.gradient_scale(index, role) or 0) < 0:
                found.append(index)
                event = self.events[index]
                ahead += [event.source, event.previous, *event.children]
        return min(found, default=None)

    def update_fault(self, weight: Weight, cause: str) -> tuple[int, ScriptVerdict]:
        """Return a fault of the line that changes a weight."""
        update = self.update_event(weight)
        index = len(self.events) - 1 if update is None else update
        line, text = self.place(index)
        return index, ScriptVerdict(WRONG, cause, line, text, {"weight": weight.path})

    def used_gradient(self, update: int, weight: Weight) -> int:
        """Return the gradient in an update as the script has it in a variable, or in the update's own line."""
        index, line = self.gradient_operand(update, weight), self.events[update].line
        while self.events[index].line == line and self.events[index].source < 0:
            inner = self.flow.scaled(self.events[index])
            if inner < 0:
                break
            index = inner
        return self.flow.origin(index)

    def scale_faults(self) -> list[tuple[int, ScriptVerdict]]:
        """Return the faults of gradients that are right but for a factor that the others do not have."""
        scales = {}
        for weight in self.step.weights:
            update = self.update_event(weight)
            if update is not None:
                gradient = self.used_gradient(update, weight)
                scale = self.flow.gradient_scale(gradient, weight.start)
                ratio = multiple_of(weight.update, self.step.gradients[weight.start], 1e-4)
                if scale is not None and ratio is not None:
                    scales[weight.path] = (scale, gradient, weight, ratio)
        return odd_scales(self, scales)


def odd_scales(diagnosis: Diagnosis, scales: dict[str, Any]) -> list[tuple[int, ScriptVerdict]]:
    """Return the faults of the weights whose gradient has another factor than most."""
    if len(scales) < 2:
        return []
    values = [scale for scale, *_ in scales.values()]
    usual = max(
        values,
        key=lambda one: (sum(abs(one / v - 1) < 1e-3 for v in values), -abs(np.log(abs(one)))),
    )
    found = []
    for scale, gradient, weight, _ in scales.values():
        if abs(scale / usual - 1) < 1e-3 or not is_telling(diagnosis, scale / usual):
            continue
        index = scale_start(diagnosis.flow, gradient, scale)
        role = diagnosis.flow.gradient_of(index)
        words = {
            "weight": weight.path,
            "factor": scale / usual,
            "usual": abs(usual),
            "rows": row_factor(diagnosis, scale / usual),
        }
        found.append(
            diagnosis.answer(index, "scale", weight.start if role is None else role, words)
        )
    return found


def is_telling(diagnosis: Diagnosis, factor: float) -> bool:
    """Return whether a factor is one of a mistake: a sign, 2, a number of rows or entries; clipping brings others."""
    size = max(abs(factor), 1 / abs(factor))
    near = abs(size / round(size) - 1) < 1e-6
    return near and (
        round(size) <= 2
        or bool(row_factor(diagnosis, size))
        or bool(row_factor(diagnosis, size / 2))
    )


def scale_start(flow: ValueFlow, index: int, scale: float) -> int:
    """Return the event on the way to a gradient at which its factor first appeared."""
    event = flow.events[index]
    for child in (event.source, event.previous, *event.children):
        if child < 0:
            continue
        inner = flow.origin(child)
        role = flow.gradient_of(inner)
        if role is None:
            continue
        own = flow.gradient_scale(inner, role)
        if own is not None and abs(own / scale - 1) < 1e-3:
            return scale_start(flow, inner, scale)
    return index


def row_factor(diagnosis: Diagnosis, factor: float) -> str:
    """Return whether a factor is a number of rows or entries, as between a sum and a mean: "mean", "sum" or ""."""
    sizes = {
        n
        for index in diagnosis.flow.forward_values
        for n in (*diagnosis.events[index].value.shape, diagnosis.events[index].value.size)
    }
    for name, value in (("mean", 1 / factor), ("sum", factor)):
        if any(n > 2 and abs(value / n - 1) < 1e-3 for n in sizes):
            return name
    return ""
