"""The way back of a script, from a weight towards the loss, beside the chain rule: where the first value goes wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.tutorial.check_script.entries import entry_rows, usual_scale
from twolayer.tutorial.check_script.training_step import TrainingStep, multiple_of
from twolayer.tutorial.check_script.value_flow import ValueFlow
from twolayer.tutorial.check_script.verdict import WRONG, ScriptVerdict

MAX_WAY = 60  # steps of the way back


class WayBack:
    """Compares the gradients of a script with those of the chain rule.

    Parameters
    ----------
    step : TrainingStep
    flow : ValueFlow
    """

    def __init__(self, step: TrainingStep, flow: ValueFlow) -> None:
        self.step, self.flow, self.events = step, flow, step.events

    def fault(self, index: int, role: int, way: int = 0) -> tuple[int, ScriptVerdict] | None:
        """Return the fault of an event that should be the gradient of a forward value; None if it is."""
        index = self.flow.stripped(index)
        if self.flow.gradient_scale(index, role) is not None:
            return None
        use = self.flow.forward_use(role)
        if use is None or way > MAX_WAY:
            return self.answer(index, "value", role)
        operation = use[0]
        factors = self.flow.product(operation)
        if factors is not None:
            return self.product_fault(index, role, operation, factors, way)
        result = self.events[operation].value
        if result.shape == self.events[role].value.shape:
            if self.flow.gradient_scale(index, operation) is not None and not self.is_loss_part(
                operation
            ):
                return self.answer(
                    index,
                    self.slope_cause(operation, role),
                    role,
                    self.slope_words(index, operation, role),
                )
            return self.elementwise_fault(index, role, operation, way)
        if result.size > self.events[role].value.size:
            return self.sum_fault(index, role, operation, way)
        return self.answer(index, "value", role)

    def is_loss_part(self, operation: int) -> bool:
        """Return whether an operation stands behind the last weight, as the squares of a loss do."""
        return not any(self.uses_weight(use) for use in self.flow.uses.get(operation, []))

    def uses_weight(self, operation: int, depth: int = 0) -> bool:
        """Return whether an operation or one behind it takes a weight."""
        starts = {weight.start for weight in self.step.weights}
        children = {
            self.flow.origin(child) for child in self.events[operation].children if child >= 0
        }
        turned = {self.flow.stripped(child) for child in children}
        if (children | turned) & starts:
            return True
        return depth < MAX_WAY and any(
            self.uses_weight(use, depth + 1) for use in self.flow.uses.get(operation, [])
        )

    def product_fault(
        self, index: int, role: int, operation: int, factors: tuple[int, int], way: int
    ) -> tuple[int, ScriptVerdict] | None:
        """Return the fault of the gradient of a factor of a matrix product."""
        is_left = self.flow.stripped(factors[0]) == self.flow.stripped(role)
        other = factors[1] if is_left else factors[0]
        own = self.flow.product(index)
        words = {"other": self.flow.name(self.flow.stripped(other))}
        if own is None:
            inner = self.hidden_product(index)
            if inner is not None:
                return self.fault(inner, role, way + 1) or self.answer(index, "value", role, words)
            return self.answer(index, "value", role, words)
        needed = self.events[self.flow.stripped(other)].value
        for given, rest in (own, own[::-1]):
            if same_or_turned(self.events[self.flow.stripped(given)].value, needed):
                return self.gradient_factor(index, role, operation, (given, rest), way, words)
        for given, rest in (own, own[::-1]):
            if self.flow.gradient_of(self.flow.stripped(rest)) is not None or self.is_forward(
                given
            ):
                return self.other_factor(index, role, operation, (given, rest), words, way)
        return self.answer(index, "value", role, words)

    def hidden_product(self, index: int) -> int | None:
        """Return the matrix product inside an expression that multiplies it with something of its shape."""
        for child in self.events[index].children:
            if child >= 0 and self.flow.product(self.flow.stripped(child)) is not None:
                return child
        return None

    def is_forward(self, index: int) -> bool:
        """Return whether an event has the value of one of the forward half."""
        return self.flow.equals_forward(index) is not None

    def gradient_factor(
        self, index: int, role: int, operation: int, own: tuple[int, int], way: int, words: Any
    ) -> tuple[int, ScriptVerdict] | None:
        """Return the fault where one factor is as it should be, perhaps not turned: the other, or the turn."""
        rest = self.flow.stripped(own[1])
        scale = self.flow.gradient_scale(rest, operation)
        if scale is not None:
            return self.answer(index, "turn", role, words | self.right_product(own, role))
        found = self.flow.gradient_of(rest)
        deeper = self.fault(rest, operation, way + 1)
        if found is not None and deeper is not None and deeper[0] == rest:
            return self.replaced(index, deeper, rest)
        return deeper

    def replaced(
        self, index: int, deeper: tuple[int, ScriptVerdict], rest: int
    ) -> tuple[int, ScriptVerdict]:
        """Return a fault at a value that is right for another role: on its own line if that names it so, else on this."""
        verdict = deeper[1]
        if verdict.cause not in ("mask", "slope_missing"):
            return deeper
        name = self.named_copy(rest, index)
        if name is not None:
            verdict.line, verdict.text = self.place(name)
            own = self.events[name].path
            verdict.entries = [
                (own + e[e.index("[") :], has, should) for e, has, should in verdict.entries
            ]
            return name, verdict
        verdict.line, verdict.text = self.place(index)
        return index, verdict

    def named_copy(self, index: int, before: int) -> int | None:
        """Return the last variable with a value that is not its first: a copy with a name of its own."""
        origin = self.flow.origin(index)
        names = [
            event.index
            for event in self.events[:before]
            if event.path
            and event.statement is not None
            and self.flow.origin(event.index) == origin
        ]
        return names[-1] if len({self.events[k].path for k in names}) > 1 else None

    def other_factor(
        self, index: int, role: int, operation: int, own: tuple[int, int], words: Any, way: int
    ) -> tuple[int, ScriptVerdict] | None:
        """Return the fault where one factor is not the value that it should be."""
        given, rest = own
        deeper = self.fault(rest, operation, way + 1)
        words = words | {"given": self.flow.name(self.flow.stripped(given))}
        cause = "factor"
        current = self.flow.stripped(given)
        start = self.start_behind(current)
        if start is not None and start != current and words["given"] == words["other"]:
            cause = "updated"
        if words["given"] == words["other"] and cause == "factor":
            cause = "changed"
        if deeper is not None and deeper[0] < index and cause == "factor":
            return deeper
        return self.answer(index, cause, role, words)

    def start_behind(self, index: int) -> int | None:
        """Return the first value of a weight of which the event is a later one, by its identity or its name."""
        event = self.events[index]
        for weight in self.step.weights:
            start = self.events[weight.start]
            if index == weight.start:
                return weight.start
            same_shape = event.value.shape == weight.after.shape
            if event.identity == start.identity or (
                same_shape and np.array_equal(event.value, weight.after)
            ):
                return weight.start
        return None

    def unturned(self, index: int) -> int:
        """Return the event behind a transpose."""
        event = self.events[index]
        if event.node is not None and self.flow.is_turn(event):
            return self.flow.scaled(event)
        return index

    def text_of(self, index: int) -> str:
        """Return the source of an event."""
        node = self.events[index].node
        return node.text if node is not None else self.events[index].path

    def right_product(self, own: tuple[int, int], role: int) -> dict[str, str]:
        """Return how the product of the two factors has to be written."""
        bases = {"factor": self.unturned(own[0]), "gradient": self.unturned(own[1])}
        arrays = {name: self.events[index].value for name, index in bases.items()}
        texts = {name: bare(self.text_of(index)) for name, index in bases.items()}
        truth = self.step.gradients[role]
        for first, second in (("factor", "gradient"), ("gradient", "factor")):
            for a, b in ((1, 0), (0, 1), (0, 0), (1, 1)):
                left = arrays[first].T if a else arrays[first]
                right = arrays[second].T if b else arrays[second]
                if (
                    left.ndim == right.ndim == 2
                    and left.shape[1] == right.shape[0]
                    and multiple_of(left @ right, truth, 1e-6)
                ):
                    dots = [".T" if turned else "" for turned in (a, b)]
                    return {"product": f"{texts[first]}{dots[0]} @ {texts[second]}{dots[1]}"}
        return {"product": "?"}

    def slope_cause(self, operation: int, role: int) -> str:
        """Return what is missing where a value is passed back unchanged through an activation."""
        return "mask" if self.is_rectifier(operation, role) else "slope_missing"

    def slope(self, operation: int, role: int) -> np.ndarray:
        """Return the derivative of an elementwise operation at its input."""
        with np.errstate(all="ignore"):
            return self.step.gradients[role] / self.step.gradients[operation]

    def is_rectifier(self, operation: int, role: int) -> bool:
        """Return whether an operation has only two slopes, such as 0 and 1."""
        slope = self.slope(operation, role)
        return len(np.unique(np.round(slope[np.isfinite(slope)], 6))) <= 2

    def slope_words(self, index: int, operation: int, role: int) -> dict[str, Any]:
        """Return the names of an activation's input and output."""
        return {
            "input": self.flow.name(role),
            "output": self.flow.name(operation),
            "name": self.last_name(index),
        }

    def last_name(self, index: int) -> str:
        """Return the last variable that holds a value or a copy of it."""
        copy = self.named_copy(index, len(self.events))
        return self.flow.name(index) if copy is None else self.events[copy].path

    def elementwise_fault(
        self, index: int, role: int, operation: int, way: int
    ) -> tuple[int, ScriptVerdict] | None:
        """Return the fault of the gradient of an activation's input."""
        if self.is_loss_part(operation):
            return self.loss_fault(index, role)
        output = self.step.gradients[self.activation_end(operation)]
        value = self.events[index].value
        words = self.slope_words(index, self.activation_end(operation), role)
        truth = self.step.gradients[role]
        if (
            value.shape == output.shape
            and multiple_of(value, output - truth, 1e-6)
            and self.is_rectifier(self.activation_end(operation), role)
        ):
            return self.answer(index, "inverted", role, words)
        event = self.events[index]
        parts = [event.previous] if event.previous >= 0 else self.multiplied(index)
        end = self.activation_end(operation)
        for part in parts:
            if self.flow.gradient_scale(self.flow.stripped(part), end) is not None:
                return self.answer(index, self.wrong_slope(event, part), role, words)
        if self.flow.gradient_scale(index, end) is not None:
            return self.answer(index, self.slope_cause(end, role), role, words)
        if self.flow.product(index) is not None:
            return self.fault(index, end, way + 1)
        return self.deeper_part(index, role, end, parts, way, words)

    def multiplied(self, index: int) -> list[int]:
        """Return the factors of an expression of one line, `a * b * c`; its parts if it is none."""
        event = self.events[index]
        found: list[int] = []
        for child in event.children:
            if child < 0:
                continue
            inner = self.events[child]
            nested = inner.node is not None and inner.node.operation in (
                "binary:Mult",
                "call:multiply",
            )
            found += self.multiplied(child) if nested and inner.line == event.line else [child]
        return found

    def activation_end(self, operation: int) -> int:
        """Return the last of the elementwise operations that follow each other up to the next weight."""
        shape = self.events[operation].value.shape
        for _ in range(MAX_WAY):
            nexts = [
                use
                for use in self.flow.uses.get(operation, [])
                if self.events[use].value.shape == shape and self.flow.product(use) is None
            ]
            if not nexts or self.is_loss_part(nexts[0]):
                return operation
            operation = nexts[0]
        return operation

    def wrong_slope(self, event: Any, part: int) -> str:
        """Return the cause where the incoming gradient is right and the slope is not."""
        kept = np.isclose(event.value, self.events[self.flow.stripped(part)].value)
        return "mask_nothing" if kept.all() else "slope"

    def deeper_part(
        self, index: int, role: int, end: int, parts: list[int], way: int, words: Any
    ) -> tuple[int, ScriptVerdict] | None:
        """Return the fault of the part of an expression that brings the gradient from behind the activation."""
        for part in parts:
            inner = self.flow.stripped(part)
            if (
                self.flow.product(inner) is not None
                and self.events[inner].value.shape == self.events[role].value.shape
            ):
                return self.fault(inner, end, way + 1) or self.answer(index, "slope", role, words)
        products = [part for part in parts if self.reaches_product(part)]
        if len(products) == 1:
            return self.fault(products[0], end, way + 1) or self.answer(index, "slope", role, words)
        return self.answer(index, "value", role, words)

    def reaches_product(self, index: int) -> bool:
        """Return whether a matrix product that is not of the forward half stands behind an event."""
        ahead, seen = [index], set()
        while ahead:
            one = ahead.pop()
            if one < 0 or one in seen:
                continue
            seen.add(one)
            if one in self.step.gradients:
                continue
            if self.flow.product(one) is not None:
                return True
            event = self.events[one]
            ahead += [event.source, event.previous, *event.children]
        return False

    def sum_fault(
        self, index: int, role: int, operation: int, way: int
    ) -> tuple[int, ScriptVerdict] | None:
        """Return the fault of the gradient of a bias, which is added to every row."""
        event = self.events[index]
        words = {"weight": self.flow.name(role)}
        if self.flow.gradient_scale(index, operation) is not None:
            return self.answer(index, "not_summed", role, words)
        for child in event.children:
            if child < 0:
                continue
            inner = self.flow.stripped(child)
            if self.flow.gradient_scale(inner, operation) is not None:
                return self.answer(index, "not_summed", role, words)
            if self.events[inner].value.shape == self.events[operation].value.shape:
                deeper = self.fault(inner, operation, way + 1)
                return (
                    self.replaced(index, deeper, inner) if deeper and deeper[0] == inner else deeper
                )
        return self.answer(index, "not_summed", role, words)

    def loss_fault(self, index: int, role: int) -> tuple[int, ScriptVerdict]:
        """Return the fault of the first gradient, that of the loss for the prediction."""
        return self.answer(index, "loss_gradient", role, {"name": self.flow.name(role)})

    def answer(
        self, index: int, cause: str, role: int | None, values: dict[str, Any] | None = None
    ) -> tuple[int, ScriptVerdict]:
        """Return (event, verdict) with the place of an event, and some of its entries beside what they should be."""
        alias = self.alias(role) if cause in ("mask", "mask_nothing", "slope", "value") else None
        if alias is not None and role is not None:
            return self.alias_answer(alias, role)
        line, text = self.place(index)
        if cause == "value" and "backward(" in text and self.events[index].path.endswith(".grad"):
            cause = "autograd"
        words = {"role": "" if role is None else self.flow.name(role)} | (values or {})
        if role is None:
            return index, ScriptVerdict(WRONG, cause, line, text, words)
        usual = words.pop("usual", None) or usual_scale(self.step, self.flow, index, role)
        words["usual"] = usual
        entries = entry_rows(self.step, self.flow, index, role, line, usual)
        return index, ScriptVerdict(WRONG, cause, line, text, words, entries)

    def alias(self, role: int | None) -> int | None:
        """Return the event with which a value of the forward half, changed in place later, got a second name; else None."""
        use = None if role is None else self.flow.forward_use(role)
        if use is None or self.events[use[0]].previous < 0:
            return None
        identity = self.events[use[0]].identity
        names = [
            event
            for event in self.events[: use[0]]
            if event.node is None and event.identity == identity and event.statement is not None
        ]
        return names[-1].index if len({event.path for event in names}) > 1 else None

    def alias_answer(self, alias: int, role: int) -> tuple[int, ScriptVerdict]:
        """Return that one array has two names, and that a change by one of them is one of both."""
        use = self.flow.forward_use(role)
        assert use is not None
        line, text = self.place(alias)
        change_line, change = self.place(use[0])
        names = [
            event.path
            for event in self.events[: use[0]]
            if event.node is None and event.identity == self.events[alias].identity
        ]
        values = {
            "name": self.events[alias].path,
            "first": names[0],
            "change": change,
            "change_line": change_line,
        }
        return alias, ScriptVerdict(WRONG, "alias", line, text, values)

    def place(self, index: int) -> tuple[int, str]:
        """Return line and source of the statement in which an event appeared."""
        event = self.events[index]
        if event.statement is not None:
            return event.statement.line, event.statement.text
        for later in self.events[index:]:
            if later.statement is not None:
                same = later.statement.line == event.line or (
                    event.node is not None and event.node.text in later.statement.text
                )
                if same:
                    return later.statement.line, later.statement.text
        return event.line, event.node.text if event.node is not None else event.path


def same_or_turned(a: np.ndarray, b: np.ndarray) -> bool:
    """Return whether two arrays are equal, or one is the other's transpose."""
    if a.shape == b.shape and np.array_equal(a, b):
        return True
    return a.ndim == 2 and a.T.shape == b.shape and bool(np.array_equal(a.T, b))


def bare(text: str) -> str:
    """Return a name without its transpose; an expression in brackets."""
    text = text.removesuffix(".T").removesuffix(".t()")
    return text if text.replace("_", "").replace(".", "").isalnum() else f"({text})"
