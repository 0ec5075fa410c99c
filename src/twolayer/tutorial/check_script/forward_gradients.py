"""The chain rule, run backwards over the values of one iteration: the gradient of the loss for each of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from twolayer.tutorial.check_script.arrays import as_array, is_float, is_tensor
from twolayer.tutorial.check_script.recorder import Event

PRODUCTS = {"dot", "matmul", "mm", "mv"}
MAX_ENTRYWISE = 4000  # entries that are changed one by one where nothing is known of a function
_STEP = 1e-6

Gradients = dict[int, np.ndarray]  # by the index of the event


def gradients_of(events: list[Event], seeds: Gradients) -> Gradients:
    """Return the gradient for each event from which the seeds were computed, as far as the way back is understood."""
    found = {index: np.asarray(seed, dtype=float) for index, seed in seeds.items()}
    for index in range(max(seeds, default=-1), -1, -1):
        if index in found:
            for child, gradient in parts_of(events, events[index], found[index]).items():
                if gradient.shape == events[child].value.shape:
                    found[child] = found[child] + gradient if child in found else gradient
    return found


def parts_of(events: list[Event], event: Event, gradient: np.ndarray) -> Gradients:
    """Return what the gradient of an event gives to the events that it was computed from."""
    if event.source >= 0:
        return {event.source: gradient}
    if event.node is None:
        return in_place_parts(events, event, gradient) if event.previous >= 0 else {}
    kind, _, name = event.node.operation.partition(":")
    children = event.children
    values = [events[child].value if child >= 0 else None for child in children]
    if kind == "attribute" and children[0] >= 0:
        turned = gradient.T if name in ("T", "mT") else gradient
        return {children[0]: turned.reshape(events[children[0]].value.shape)}
    if kind == "unary" and name == "USub" and children[0] >= 0:
        return {children[0]: -gradient}
    if kind == "binary" and all(value is not None for value in values):
        return binary_parts(name, event, values, gradient)
    if kind == "item" and children[0] >= 0:
        return item_parts(event, values[0], gradient)
    if kind == "call":
        return call_parts(events, event, name, gradient)
    return {}


def in_place_parts(events: list[Event], event: Event, gradient: np.ndarray) -> Gradients:
    """Return the parts of an array that a statement has changed: what was overwritten has none."""
    before = events[event.previous].value
    operation = event.statement.operation if event.statement is not None else ""
    right = event.children[0] if event.children else -1
    if operation in ("Add=", "Sub=", "Mult=", "Div=") and right >= 0:
        values = [before, events[right].value]
        pieces = binary_gradients(operation[:-1], event.value, values, gradient)
        return {event.previous: pieces[0], right: pieces[1]}
    if operation in ("[]Add=", "[]Sub="):
        return {event.previous: gradient}
    if before.shape != event.value.shape:
        return {}
    return {event.previous: np.where(before == event.value, gradient, 0.0)}


def binary_parts(name: str, event: Event, values: list[Any], gradient: np.ndarray) -> Gradients:
    """Return the parts of `left op right`."""
    left, right = event.children
    pieces = (
        product_gradients(values, gradient)
        if name == "MatMult"
        else binary_gradients(name, event.value, values, gradient)
    )
    if left == right:
        return {left: pieces[0] + pieces[1]}
    return {left: pieces[0], right: pieces[1]}


def binary_gradients(
    name: str, result: np.ndarray, values: list[np.ndarray], gradient: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return both gradients of an elementwise operation."""
    a, b = (np.asarray(value, dtype=float) for value in values)
    with np.errstate(all="ignore"):
        slopes: dict[str, Callable[[], tuple[Any, Any]]] = {
            "Add": lambda: (1.0, 1.0),
            "Sub": lambda: (1.0, -1.0),
            "Mult": lambda: (b, a),
            "Div": lambda: (1 / b, -a / b**2),
            "Pow": lambda: (b * a ** (b - 1), np.nan_to_num(result * np.log(np.abs(a)))),
        }
        if name not in slopes:
            return np.zeros(0), np.zeros(0)
        first, second = slopes[name]()
        return sum_to(gradient * first, a.shape), sum_to(gradient * second, b.shape)


def sum_to(gradient: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return a gradient summed over the axes along which an array was repeated."""
    gradient = np.asarray(gradient)
    while gradient.ndim > len(shape):
        gradient = gradient.sum(0)
    for axis, size in enumerate(shape):
        if size == 1 and gradient.shape[axis] != 1:
            gradient = gradient.sum(axis, keepdims=True)
    return np.broadcast_to(gradient, shape) if gradient.shape != shape else gradient


def product_gradients(
    values: list[np.ndarray], gradient: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return both gradients of a matrix product."""
    a, b = values
    if a.ndim == 2 and b.ndim == 2:
        return gradient @ b.T, a.T @ gradient
    if a.ndim == 2 and b.ndim == 1:
        return np.outer(gradient, b), a.T @ gradient
    if a.ndim == 1 and b.ndim == 2:
        return b @ gradient, np.outer(a, gradient)
    if a.ndim == 1 and b.ndim == 1:
        return gradient * b, gradient * a
    return np.zeros(0), np.zeros(0)


def item_parts(event: Event, owner: Any, gradient: np.ndarray) -> Gradients:
    """Return the part of the array that a subscript was taken of."""
    whole = np.zeros(owner.shape)
    index = event.subscript
    parts = index if isinstance(index, tuple) else (index,)
    plain: Any = tuple(as_array(part) if is_tensor(part) else part for part in parts)
    try:
        np.add.at(whole, plain if isinstance(index, tuple) else plain[0], gradient)
    except (IndexError, ValueError, TypeError):
        return {}
    return {event.children[0]: whole}


def call_parts(events: list[Event], event: Event, name: str, gradient: np.ndarray) -> Gradients:
    """Return the parts of a call's arguments."""
    inputs = float_inputs(events, event)
    if not inputs:
        return {}
    values = [events[child].value for child in inputs.values()]
    if name in PRODUCTS and len(inputs) == 2:
        return dict(zip(inputs.values(), product_gradients(values, gradient), strict=True))
    if len(inputs) == 1:
        (child,) = inputs.values()
        known = shape_gradient(name, values[0], event, gradient)
        if known is not None:
            return {child: known}
    parts: Gradients = {}
    for slot, child in inputs.items():
        part = numeric_gradient(events, event, slot, gradient)
        if part is not None:
            parts[child] = parts[child] + part if child in parts else part
    return parts


def float_inputs(events: list[Event], event: Event) -> dict[int, int]:
    """Return the events of the arguments that are float arrays, by place; place 0 is what a method belongs to."""
    assert event.node is not None
    if len(event.children) != 1 + len(event.arguments) + len(event.keywords):
        return {}
    return {
        slot: child
        for slot, child in enumerate(event.children)
        if child >= 0
        and is_float(events[child].value)
        and events[child].node is not None
        and events[child].node.operation != "constant"  # type: ignore[union-attr]
    }


def shape_gradient(
    name: str, value: np.ndarray, event: Event, gradient: np.ndarray
) -> np.ndarray | None:
    """Return the gradient of a sum, a mean, or a rearrangement; None for another function."""
    if name in ("t", "transpose") and value.ndim == 2 and event.value.shape == value.shape[::-1]:
        return gradient.T
    if name in ("sum", "mean") and event.value.size < value.size:
        axes = [k for k in event.keywords if k in ("axis", "dim")]
        rest = [one for one in event.arguments if isinstance(one, (int, tuple)) and one is not True]
        axis = event.keywords[axes[0]] if axes else rest[0] if rest else None
        full = gradient
        if axis is not None and gradient.ndim < value.ndim:
            full = np.expand_dims(gradient, axis)
        elif axis is None:
            full = gradient.reshape((1,) * value.ndim)
        share = event.value.size / value.size if name == "mean" else 1.0
        return np.broadcast_to(full * share, value.shape)
    if event.value.size == value.size and np.array_equal(event.value.ravel(), value.ravel()):
        return gradient.reshape(value.shape)
    return None


def numeric_gradient(
    events: list[Event], event: Event, slot: int, gradient: np.ndarray
) -> np.ndarray | None:
    """Return the gradient of one argument by calling the function again with other values of it."""
    value = events[event.children[slot]].value.astype(float)
    step = _STEP * max(1.0, float(np.abs(value).mean()))

    def call(changed: np.ndarray) -> np.ndarray:
        result = as_array(call_again(events, event, {slot: changed}))
        if result is None:
            raise TypeError
        return np.array(result, dtype=float)

    try:
        if event.value.shape == value.shape:
            half = np.random.default_rng(0).random(value.shape) < 0.5
            if np.array_equal(call(value + step * half)[~half], call(value)[~half]):
                return gradient * (call(value + step) - call(value - step)) / (2 * step)
        if value.size > MAX_ENTRYWISE:
            return None
        found = np.zeros(value.size)
        for k in range(value.size):
            delta: Any = np.zeros(value.size)
            delta[k] = step
            delta = delta.reshape(value.shape)
            found[k] = np.sum(gradient * (call(value + delta) - call(value - delta))) / (2 * step)
        return found.reshape(value.shape)
    except Exception:  # whatever the function does not like: its gradient stays unknown
        return None


def call_again(events: list[Event], event: Event, changed: dict[int, np.ndarray]) -> Any:
    """Return the result of the same call with the recorded arguments, some of them changed."""
    given = [None, *event.arguments, *event.keywords.values()]
    function = event.function
    owner = getattr(function, "__self__", None)
    if event.children[0] >= 0:
        given[0] = owner
    for slot, child in enumerate(event.children):
        if child >= 0 and (slot or event.children[0] >= 0):
            given[slot] = like(given[slot], changed.get(slot, events[child].value))
    if event.children[0] >= 0:
        function = getattr(given[0], function.__name__)
    count = 1 + len(event.arguments)
    return function(*given[1:count], **dict(zip(event.keywords, given[count:], strict=True)))


def like(raw: Any, array: np.ndarray) -> Any:
    """Return the array as the kind of object that was given: a tensor, an array or a number."""
    if is_tensor(raw):
        import torch

        return torch.from_numpy(np.array(array)).to(raw.dtype)
    if isinstance(raw, np.ndarray):
        return np.array(array)
    return raw if array.dtype.kind != "f" else float(array)
