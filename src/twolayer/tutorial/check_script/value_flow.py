"""How the values of an iteration come from each other: behind names, copies and factors; what uses them."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from twolayer.tutorial.check_script.arrays import is_float
from twolayer.tutorial.check_script.forward_gradients import PRODUCTS
from twolayer.tutorial.check_script.recorder import Event, variable_name
from twolayer.tutorial.check_script.training_step import (
    EXACT_TOLERANCE,
    TrainingStep,
    multiple_of,
)

COPIES = {
    "copy",
    "clone",
    "array",
    "asarray",
    "float",
    "double",
    "detach",
    "astype",
    "reshape",
    "view",
    "squeeze",
    "ravel",
    "flatten",
    "to",
    "unsqueeze",
    "contiguous",
    "ascontiguousarray",
    "deepcopy",
}
TURNS = {"t", "transpose"}


class ValueFlow:
    """The events of a training step as a graph.

    Parameters
    ----------
    step : TrainingStep
    """

    def __init__(self, step: TrainingStep) -> None:
        self.step, self.events = step, step.events

    def origin(self, index: int) -> int:
        """Return the event behind names and copies, the same value."""
        while True:
            event = self.events[index]
            if event.source >= 0:
                index = event.source
            elif self.is_copy(event):
                index = next(child for child in event.children if child >= 0)
            else:
                return index

    def is_copy(self, event: Event) -> bool:
        """Return whether an expression is a copy or a rearrangement of its first array."""
        if event.node is None or not event.node.operation.startswith("call:"):
            return False
        first = next((child for child in event.children if child >= 0), -1)
        return (
            event.node.operation[5:] in COPIES
            and first >= 0
            and self.events[first].value.size == event.value.size
        )

    def stripped(self, index: int) -> int:
        """Return the event behind names, copies, transposes, signs and factors that are numbers."""
        while True:
            index = self.origin(index)
            inner = self.scaled(self.events[index])
            if inner < 0:
                return index
            index = inner

    def scaled(self, event: Event) -> int:
        """Return the array of which an expression is a multiple or the transpose; -1 if it is something else."""
        if event.node is None:
            return self.scaled_in_place(event)
        operation, children = event.node.operation, event.children
        if operation in ("attribute:T", "attribute:data", "unary:USub", "attribute:mT"):
            return children[0]
        if operation.startswith("call:") and operation[5:] in TURNS:
            return next((child for child in children if child >= 0), -1)
        if operation in ("binary:Mult", "binary:Div") and min(children) >= 0:
            a, b = children
            left, right = (self.events[child].value.size == 1 for child in children)
            if (
                left and right and operation == "binary:Mult"
            ):  # a rate, or a gradient that should be an array
                return b if self.is_given(a) else a
            if right:
                return a
            if left and operation == "binary:Mult":
                return b
        return -1

    def is_given(self, index: int) -> bool:
        """Return whether a value was there before the iteration, or is a constant."""
        event = self.events[self.origin(index)]
        if event.node is not None:
            return event.node.operation == "constant"
        return event.statement is None

    def scaled_in_place(self, event: Event) -> int:
        """Return the array before `array *= number`; -1 for another statement."""
        operation = event.statement.operation if event.statement is not None else ""
        right = event.children[0] if event.children else -1
        if (
            event.previous >= 0
            and operation in ("Mult=", "Div=")
            and right >= 0
            and self.events[right].value.size == 1
        ):
            return event.previous
        return -1

    def product(self, index: int) -> tuple[int, int] | None:
        """Return both factors of a matrix product; None if the event is none."""
        event = self.events[index]
        if event.node is None:
            return None
        operation = event.node.operation
        is_product = operation == "binary:MatMult" or (
            operation.startswith("call:") and operation[5:] in PRODUCTS
        )
        children = [child for child in event.children if child >= 0]
        return (children[0], children[1]) if is_product and len(children) == 2 else None

    @cached_property
    def uses(self) -> dict[int, list[int]]:
        """For each value that the loss depends on: the operations of the forward half that take it."""
        found: dict[int, list[int]] = {}
        for index in self.step.gradients:
            event = self.events[index]
            if event.source >= 0 or self.is_copy(event):
                continue
            for child in [*event.children, event.previous]:
                if child >= 0 and child in self.step.gradients:
                    found.setdefault(self.origin(child), []).append(index)
        return found

    def forward_use(self, index: int) -> tuple[int, int] | None:
        """Return (operation, the operand in it) for a value of the forward half, through transposes; None at the loss."""
        for use in sorted(self.uses.get(index, [])):
            event = self.events[use]
            if event.node is not None and self.scaled(event) >= 0 and self.is_turn(event):
                inner = self.forward_use(use)
                if inner:
                    return inner
                continue
            return use, index
        return None

    def is_turn(self, event: Event) -> bool:
        """Return whether an expression is a transpose."""
        assert event.node is not None
        return (
            event.node.operation in ("attribute:T", "attribute:mT")
            or event.node.operation[5:] in TURNS
        )

    @cached_property
    def forward_values(self) -> list[int]:
        """The arrays of the forward half, without copies, the data among them."""
        ahead = [
            index
            for index, event in enumerate(self.events[: self.step.first_update])
            if is_float(event.value) and event.value.ndim and event.source < 0
        ]
        inside = set(self.step.gradients)
        return [index for index in ahead if index in inside]

    def equals_forward(self, index: int) -> tuple[int, bool] | None:
        """Return (event, whether turned) of the latest value of the forward half that is the same; None if there is none."""
        value = self.events[index].value
        for known in reversed(self.forward_values):
            other = self.events[known].value
            if self.events[known].node is not None and self.is_turn(self.events[known]):
                continue
            if value.shape == other.shape and np.array_equal(value, other):
                return known, False
            if (
                value.ndim == 2
                and value.shape == other.shape[::-1]
                and np.array_equal(value.T, other)
            ):
                return known, True
        return None

    def is_turn_of_forward(self, index: int) -> bool:
        """Return whether a value is one of the forward half, perhaps transposed or times a number."""
        return self.stripped(index) in self.step.gradients

    def gradient_scale(self, index: int, role: int) -> float | None:
        """Return c if an event's value is c times the gradient of a forward value."""
        if role not in self.step.gradients:
            return None
        return multiple_of(self.events[index].value, self.step.gradients[role], EXACT_TOLERANCE)

    def gradient_of(self, index: int) -> int | None:
        """Return the forward value whose gradient an event is, or a multiple of it; None if there is none."""
        for known in reversed(self.forward_values):
            if self.gradient_scale(index, known) is not None:
                return known
        return None

    def name(self, index: int) -> str:
        """Return what the script calls a value."""
        return variable_name(self.events, self.origin(index))
