"""Gradient descent: w ← w − learning_rate · gradient, with momentum if asked. On batches it is stochastic (SGD)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twolayer.maths.network import Params
from twolayer.solvers import Evaluate, Memory, Solver


@dataclass(frozen=True)
class GradientDescent(Solver):
    """The tutorial's rule, and its two well-known accelerations.

    With momentum, v ← momentum·v + gradient (v starts at 0) and w ← w − learning_rate·v. Nesterov's form looks ahead:
    w ← w − learning_rate·(gradient + momentum·v). The same rules as `torch.optim.SGD`, after Sutskever et al. (2013),
    *On the importance of initialization and momentum in deep learning*, ICML.
    """

    learning_rate: float
    momentum: float = 0.0
    nesterov: bool = False

    name = "gd"
    not_in_span = None

    def start(self, params: Params) -> Memory:
        return {"velocity": params.map(lambda w: w * 0)} if self.momentum else {}

    def step(self, evaluate: Evaluate, params: Params, memory: Memory) -> Any:
        loss, gradients = evaluate(params)
        velocity = dict(memory["velocity"].items()) if self.momentum else {}
        for (name, w), (_, gradient) in zip(params.items(), gradients.items(), strict=True):
            move = gradient
            if self.momentum:
                v = velocity[name]
                v *= self.momentum
                v += gradient
                move = gradient + self.momentum * v if self.nesterov else v
            w -= self.learning_rate * move
        return loss
