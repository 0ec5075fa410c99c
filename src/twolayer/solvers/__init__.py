"""How the weights move: given a gradient and a memory, one step.

A solver is told a function `evaluate(params) -> (loss, gradients)`, changes `params` and its memory in place, and
returns the loss before the step. It knows nothing of where the gradient comes from; its arithmetic works on the arrays of
any library.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twolayer.maths.network import Objective, Params

Evaluate = Callable[[Params], tuple[Any, Params]]
SolverMemory = dict[str, Any]


class Solver:
    """One rule for moving the weights.

    Attributes
    ----------
    name : str
        How users ask for it.
    full_batch_only : bool
        True if the rule makes no sense on a batch that changes from step to step.
    stops_itself : bool
        True if it judges its own progress, and every step ends at a finite point.
    one_network : bool
        True if it moves one network at a time.
    takes_l1 : bool
        True if it can make absolute weights small: if it has `shrink`.
    not_in_span : str or None
        Why the span is not exact for it; None if it is: if the updates are the same in any turned axes.
    """

    name: str
    full_batch_only = False
    stops_itself = False
    one_network = False
    takes_l1 = False
    not_in_span: str | None = "nothing says that its steps are the same in turned axes"

    def cannot(self, objective: Objective) -> str | None:
        """None if it can make this small, else one sentence saying why not and what to do."""
        if objective.l1 and not self.takes_l1:
            return (
                f"solver '{self.name}' has no l1, whose absolute weights have a kink at 0: use solver='adam' or 'gd', "
                "or alpha in its place"
            )
        if objective.dropout and self.full_batch_only:
            return (
                f"solver '{self.name}' compares the losses of its steps, and dropout changes the network at every step: "
                "use solver='adam' or 'gd'"
            )
        return None

    def start(self, params: Params) -> SolverMemory:
        """The memory before the first step."""
        raise NotImplementedError

    def step(self, evaluate: Evaluate, params: Params, memory: SolverMemory) -> Any:
        """Move `params` once, in place; return the loss before the move."""
        raise NotImplementedError

    def shrink(self, params: Params, memory: SolverMemory, l1: float) -> None:
        """After a step, in place: the proximal step for l1·(Σ|w1| + Σ|w_skip|), which makes weights exactly 0."""
        raise NotImplementedError

    def finished(self, memory: SolverMemory) -> str | None:
        """Why there is nothing left to do, or None."""
        return None


def soft_threshold(w: Any, by: Any) -> Any:
    """Bring `w` nearer to 0 by so much, in place, and no further than 0; returns what was taken off."""
    off = w.clip(-by, by)
    w -= off
    return off
