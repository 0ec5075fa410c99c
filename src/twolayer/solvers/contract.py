"""What every solver promises: given a gradient and a memory, one step; and what it declares of itself.

A solver receives a function `evaluate(params) -> (loss, gradients)`, changes `params` and its memory in place, and
returns the loss before the step. It knows nothing of where the gradient comes from; its arithmetic works on the arrays of
any library. A new solver is a file beside this one, and its place in the table of `twolayer/solvers/__init__.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from twolayer.maths.network import Params

Evaluate = Callable[[Params], tuple[Any, Params]]
SolverMemory = dict[str, Any]


class Solver:
    """One rule for moving the weights.

    Attributes
    ----------
    name : str
        The name by which users choose it.
    settings : tuple of str
        Those of `learning_rate`, `momentum`, `nesterov` and `tol` that it takes.
    full_batch : bool
        True if it needs all rows at every step, because it compares the losses of its steps.
    stops_itself : bool
        True if it judges its own progress, and every step ends at a finite point.
    one_network : bool
        True if it moves one network at a time.
    not_in_span : str or None
        Why the span is not exact for it. None if it is exact: if the updates are the same in any rotated axes.
    """

    name: str
    learning_rate: float  # of solvers that have it among their settings
    settings: tuple[str, ...] = ()
    full_batch = False
    stops_itself = False
    one_network = False
    not_in_span: str | None = "it does not declare that its steps are the same in rotated axes"

    @property
    def takes_l1(self) -> bool:
        """Whether it can minimise absolute weights: whether it has `shrink`."""
        return False

    @property
    def vectors_kept(self) -> int:
        """The number of vectors as long as the weights in its memory, from one step to the next."""
        return 0

    @property
    def passes_per_step(self) -> int:
        """The number of vectors as long as the weights that a step reads or writes."""
        return 4

    @classmethod
    def create(cls, **settings: Any) -> Solver:
        """Return the solver with these of its `settings`."""
        return cls(**settings)

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"solver '{self.name}'"

    def with_decrease_tol(self, decrease_tol: float) -> Solver:
        """Return the rule that stops where a step lowers the objective by at most this share of it, if it stops itself."""
        return self

    def start(self, params: Params) -> SolverMemory:
        """Return the memory before the first step."""
        raise NotImplementedError

    def step(self, evaluate: Evaluate, params: Params, memory: SolverMemory) -> Any:
        """Move `params` once, in place; return the loss before the move."""
        raise NotImplementedError

    def shrink(self, params: Params, memory: SolverMemory, l1: float) -> None:
        """Take the proximal step for l1·(Σ|w1| + Σ|w_skip|) after a step, in place: it makes weights exactly 0."""
        raise NotImplementedError

    def memory_fits(self, memory: SolverMemory, steps: int) -> bool:
        """Return whether what a file holds, as NumPy arrays in dicts, can be its memory after that many steps.

        The arrays have the shapes and dtypes of a new memory.
        """
        return all_finite(memory)

    def finished(self, memory: SolverMemory) -> str | None:
        """Return why there is nothing left to do, or None."""
        return None


def all_finite(value: Any) -> bool:
    """Return whether every number of the NumPy arrays in a dict, of dicts, is finite."""
    if isinstance(value, dict):
        return all(all_finite(part) for part in value.values())
    return not isinstance(value, np.ndarray) or bool(np.isfinite(value).all())


def soft_threshold(w: Any, by: Any) -> Any:
    """Move `w` towards 0 by this much, in place, and no further than 0; return what was taken off."""
    off = w.clip(-by, by)
    w -= off
    return off
