"""Gradient descent: w ← w − learning_rate · gradient, optionally with momentum. On batches it is stochastic (SGD)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twolayer.maths.network import L1_WEIGHTS, Params
from twolayer.solvers.contract import Evaluate, Solver, SolverMemory, soft_threshold


@dataclass(frozen=True)
class GradientDescent(Solver):
    """The tutorial's rule, and its two well-known accelerations.

    With momentum, v ← momentum·v + gradient (v starts at 0) and w ← w − learning_rate·v. Nesterov's form looks ahead:
    w ← w − learning_rate·(gradient + momentum·v). The same rules as `torch.optim.SGD`, after Sutskever et al. (2013),
    *On the importance of initialization and momentum in deep learning*, ICML.

    With `l1` each step is followed by the soft threshold learning_rate·l1, which the velocity records: proximal gradient
    descent, with momentum as in Ochs et al. (2014), *iPiano: inertial proximal algorithm for nonconvex optimization*, SIAM
    Journal on Imaging Sciences 7. Not for Nesterov's form, whose weights are not those that the threshold makes 0.
    """

    learning_rate: float
    momentum: float = 0.0
    nesterov: bool = False

    name = "gd"
    settings = ("learning_rate", "momentum", "nesterov")
    not_in_span = None

    @property
    def takes_l1(self) -> bool:
        return not self.nesterov

    @property
    def vectors_kept(self) -> int:
        return 1 if self.momentum else 0

    @property
    def label(self) -> str:
        return super().label + (" with nesterov" if self.nesterov else "")

    def start(self, params: Params) -> SolverMemory:
        return {"velocity": params.map(lambda w: w * 0)} if self.momentum else {}

    def step(self, evaluate: Evaluate, params: Params, memory: SolverMemory) -> Any:
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

    def shrink(self, params: Params, memory: SolverMemory, l1: float) -> None:
        velocity = dict(memory["velocity"].items()) if self.momentum else {}
        for name, w in params.items():
            if name in L1_WEIGHTS:
                off = soft_threshold(w, self.learning_rate * l1)
                if self.momentum:  # the velocity is the move that was made
                    v = velocity[name]
                    v += off / self.learning_rate
