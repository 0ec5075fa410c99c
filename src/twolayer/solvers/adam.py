"""Adam: each weight moves by its own mean gradient over its own root mean square gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twolayer.maths.network import Params
from twolayer.solvers import Evaluate, Memory, Solver


@dataclass(frozen=True)
class Adam(Solver):
    """Kingma & Ba (2015), *Adam: a method for stochastic optimization*, ICLR; algorithm 1.

    mean ← beta1·mean + (1 − beta1)·gradient;  square ← beta2·square + (1 − beta2)·gradient²;
    w ← w − learning_rate/(1 − beta1ᵗ) · mean / (sqrt(square/(1 − beta2ᵗ)) + epsilon), epsilon where torch has it.
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    name = "adam"
    not_in_span = "it scales every weight's gradient by itself, and so leaves the span of the rows"

    def start(self, params: Params) -> Memory:
        return {
            "mean": params.map(lambda w: w * 0),
            "square": params.map(lambda w: w * 0),
            "steps": 0,
        }

    def step(self, evaluate: Evaluate, params: Params, memory: Memory) -> Any:
        loss, gradients = evaluate(params)
        memory["steps"] += 1
        rate = self.learning_rate / (1 - self.beta1 ** memory["steps"])
        correction = (1 - self.beta2 ** memory["steps"]) ** 0.5
        pairs = zip(
            params.items(),
            gradients.items(),
            memory["mean"].items(),
            memory["square"].items(),
            strict=True,
        )
        for (_, w), (_, gradient), (_, mean), (_, square) in pairs:
            mean *= self.beta1
            mean += (1 - self.beta1) * gradient
            square *= self.beta2
            square += (1 - self.beta2) * (gradient * gradient)
            w -= rate * (mean / (square**0.5 / correction + self.epsilon))
        return loss
