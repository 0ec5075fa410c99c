"""Adam: each weight moves by its own mean gradient over its own root mean square gradient."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from twolayer.maths.network import L1_WEIGHTS, Params
from twolayer.solvers.contract import Evaluate, Solver, SolverMemory, all_finite, soft_threshold


@dataclass(frozen=True)
class Adam(Solver):
    """Kingma & Ba (2015), *Adam: a method for stochastic optimization*, ICLR; algorithm 1.

    mean ← beta1·mean + (1 − beta1)·gradient;  square ← beta2·square + (1 − beta2)·gradient²;
    w ← w − learning_rate/(1 − beta1ᵗ) · mean / (sqrt(square/(1 − beta2ᵗ)) + epsilon), epsilon where torch has it.

    With `l1` each step is followed by a soft threshold, for every weight l1 times its own rate: Yun, Lozano & Yang (2021),
    *Adaptive proximal gradient methods for structured neural networks*, NeurIPS.
    """

    learning_rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    name = "adam"
    settings = ("learning_rate",)
    takes_l1 = True
    vectors_kept = 2
    not_in_span = "it scales every weight's gradient by itself, and so leaves the span of the rows"

    def start(self, params: Params) -> SolverMemory:
        return {
            "mean": params.map(lambda w: w * 0),
            "square": params.map(lambda w: w * 0),
            "steps": 0,
        }

    def memory_fits(self, memory: SolverMemory, steps: int) -> bool:
        # a square may overflow to infinity, whose weight then stays where it is
        squares = all((square >= 0).all() for square in memory["square"].values())
        return memory["steps"] == steps and squares and all_finite(memory["mean"])

    def step(self, evaluate: Evaluate, params: Params, memory: SolverMemory) -> Any:
        loss, gradients = evaluate(params)
        memory["steps"] += 1
        rate, correction = self.rate_and_correction(memory["steps"])
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

    def rate_and_correction(self, steps: int) -> tuple[float, float]:
        """Return learning_rate/(1 − beta1ᵗ) and sqrt(1 − beta2ᵗ) at step t."""
        rate = self.learning_rate / (1 - self.beta1**steps)
        return rate, (1 - self.beta2**steps) ** 0.5

    def shrink(self, params: Params, memory: SolverMemory, l1: float) -> None:
        rate, correction = self.rate_and_correction(memory["steps"])
        for (name, w), (_, square) in zip(params.items(), memory["square"].items(), strict=True):
            if name in L1_WEIGHTS:
                soft_threshold(w, l1 * rate / (square**0.5 / correction + self.epsilon))


@dataclass(frozen=True)
class ResumedAdam(Adam):
    """Adam that goes on with the memory of the training before, which it writes to."""

    memory: SolverMemory = field(default_factory=dict)

    def start(self, params: Params) -> SolverMemory:
        if not self.memory:
            self.memory.update(super().start(params))
        return self.memory
