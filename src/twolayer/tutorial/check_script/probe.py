"""How the numbers of one iteration change if the weights do: the script run again from its start, for each difference."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer.tutorial.check_script.arrays import as_array, is_float
from twolayer.tutorial.check_script.instrumentation import InstrumentedScript
from twolayer.tutorial.check_script.recorder import NUMBER_SUMS, Recorder
from twolayer.tutorial.check_script.sandbox import NotFollowedError, Sandbox

Key = tuple[str, int, int]  # kind, number of the expression, its how many-th value of the iteration
ALL = -1  # in place of how many-th: the sum of all, such as of the losses of batches whose gradients are added up
OWN_NUMBERS = ("number", "variable")  # kinds that the script itself computes
MAX_PAIR_SIZE = 200_000
STEP = 1e-6  # of a central difference, relative to the size of the weights


class LossProbe(Recorder):
    """Keeps only the numbers of the iteration, and the pairs (prediction, target) of each difference.

    Attributes
    ----------
    numbers : dict of Key to float
        "number": a value of the script; "variable": one that the statement of this number has changed;
        "squares", "binary", "classes": a loss of the two sides of a subtraction.
    """

    changed_value: tuple[int, int, np.ndarray] | None = (
        None  # of which expression, the how many-th, by what
    )

    def _start(self, frame: Any) -> None:
        self.recording = self.count == self.first
        self.numbers: dict[Key, float] = {}
        self.occurrences: dict[int, int] = {}
        self.last_value: dict[int, Any] = {}

    def statement(self, number: int) -> None:
        """Keep a number that `+=` has changed: it appears in no expression."""
        statement = self.script.statements[number]
        if (
            not self.recording
            or statement.operation not in NUMBER_SUMS
            or not statement.target.isidentifier()
        ):
            return
        frame = sys._getframe(1)
        array = as_array(
            frame.f_locals.get(statement.target, frame.f_globals.get(statement.target))
        )
        if array is not None and array.size == 1 and is_float(array):
            occurrence = self.occurrences[-1 - number] = self.occurrences.get(-1 - number, -1) + 1
            self.numbers["variable", number, occurrence] = float(array.reshape(()))

    def _note(self, number: int, value: Any, **parts: Any) -> Any:
        occurrence = self.occurrences[number] = self.occurrences.get(number, -1) + 1
        if self.changed_value is not None and self.changed_value[:2] == (number, occurrence):
            value = value + type_like(value, self.changed_value[2])
        array = as_array(value)
        self.last_value[number] = array
        if array is None:
            return value
        if array.size == 1 and is_float(array):
            self.numbers["number", number, occurrence] = float(array.reshape(()))
        node = self.script.nodes[number]
        if node.operation == "binary:Sub" and 1 < array.size <= MAX_PAIR_SIZE:
            sides = [self.last_value.get(child) for child in node.children]
            for kind, loss in pair_losses(array, *sides).items():
                self.numbers[kind, number, occurrence] = loss
        return value


def value_of(numbers: dict[Key, float], key: Key) -> float | None:
    """Return the number of a key, or the sum of all of that expression; None if there is none."""
    if key[2] != ALL:
        return numbers.get(key)
    found = [value for other, value in numbers.items() if other[:2] == key[:2] and other[2] != ALL]
    return sum(found) if found else None


def type_like(value: Any, delta: np.ndarray) -> Any:
    """Return the delta as an array or tensor as the value is."""
    if isinstance(value, (float, np.generic)):
        return float(delta)
    if isinstance(value, np.ndarray):
        return delta
    import torch

    return torch.as_tensor(delta, dtype=value.dtype)


def pair_losses(
    difference: np.ndarray, left: np.ndarray | None, right: np.ndarray | None
) -> dict[str, float]:
    """Return the losses that the two sides of a difference may stand for."""
    losses = {"squares": 0.5 * float(np.sum(np.square(difference, dtype=float)))}
    if left is None or right is None or left.shape != right.shape:
        return losses
    for name, predicted, target in (("left", left, right), ("right", right, left)):
        if is_share(predicted, open_interval=True) and is_share(target):
            logs = np.log(predicted), np.log1p(-predicted)
            losses["binary:" + name] = -float(np.sum(target * logs[0] + (1 - target) * logs[1]))
            losses["classes:" + name] = -float(np.sum(target * logs[0]))
    return losses


def is_share(array: np.ndarray, open_interval: bool = False) -> bool:
    """Return whether all entries lie from 0 to 1."""
    low, high = array.min(), array.max()
    return bool(low > 0 and high < 1) if open_interval else bool(low >= 0 and high <= 1)


@dataclass
class Experiment:
    """Runs the script with other weights.

    Parameters
    ----------
    script : InstrumentedScript
    sandbox : Sandbox
    loop : int
    deadline : float
    """

    script: InstrumentedScript
    sandbox: Sandbox
    loop: int
    deadline: float

    def numbers(
        self, iteration: int, changes: dict[str, np.ndarray], changed_value: Any = None
    ) -> dict[Key, float]:
        """Return the numbers of an iteration with these differences added to the weights; none after an error."""
        if time.monotonic() > self.deadline:
            raise NotFollowedError("slow")
        added = [(iteration, path, delta) for path, delta in changes.items()]
        probe = LossProbe(self.script, self.loop, iteration, iteration, self.deadline, added)
        probe.changed_value = changed_value
        try:
            self.sandbox.run(self.script.full, probe)
        except (
            Exception
        ):  # an error of the script, such as a check of its own that other numbers fail
            return {}
        return getattr(probe, "numbers", {})

    def derivatives(self, iteration: int, path: str, direction: np.ndarray) -> dict[Key, float]:
        """Return the derivative of each number along a direction of a weight, by a central difference."""
        ahead = self.numbers(iteration, {path: direction})
        behind = self.numbers(iteration, {path: -direction})
        return {key: (ahead[key] - behind[key]) / 2 for key in ahead if key in behind}


def random_directions(value: np.ndarray, count: int, seed: int = 0) -> list[np.ndarray]:
    """Return random differences of a weight, small beside it."""
    rng = np.random.default_rng(seed)
    size = max(float(np.abs(value).mean()), 1e-2)
    step = STEP if value.dtype == np.float64 else 1e-3
    return [
        (rng.standard_normal(value.shape) * size * step).astype(value.dtype) for _ in range(count)
    ]
