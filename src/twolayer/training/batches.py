"""Which rows each step takes: all of them, or batches in a new random order per pass over the table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.engines.contract import Batch, BatchPlan, DropoutMasks
from twolayer.maths.network import Params
from twolayer.maths.problem import Problem
from twolayer.training.checkpoint_schema import (
    BATCHES_ENTRIES,
    has_entries,
    is_whole,
    load_generator_state,
    require_intact,
)


class Batches:
    """The rows of each step, pass after pass over the table in a new random order."""

    def __init__(
        self,
        problem: Problem,
        batch_size: int | None,
        random_state: Any,
        params: Params | None = None,
    ) -> None:
        self.problem = problem
        self.batch_size = batch_size
        self.rng = checks.generator(random_state)
        self.masks = None if params is None else dropout_masks(problem, params, self.rng)
        self.steps = 0  # planned so far
        self.order = np.zeros(0, dtype=np.int64)  # the rows of this pass,
        self.position = 0  # of which this many are taken

    @property
    def steps_per_pass(self) -> int:
        return 1 if self.batch_size is None else -(-self.problem.n_rows // self.batch_size)

    def all_rows(self) -> Batch:
        """Return all rows as one batch."""
        total, objective = self.problem.total, self.problem.objective
        return Batch(
            None, total, objective.penalty(total, total), objective.l1_penalty(total, total)
        )

    def next_plan(self, steps: int) -> BatchPlan:
        """Return the plan of the next steps."""
        if self.batch_size is None:
            return self._plan(
                None, np.zeros(steps + 1, dtype=np.int64), np.full(steps, self.problem.total)
            )
        parts, sizes = [], []
        while steps:
            if self.position == len(self.order):
                self.order, self.position = self.rng.permutation(self.problem.n_rows), 0
            left = len(self.order) - self.position
            batches = min(steps, -(-left // self.batch_size))
            rows = min(left, batches * self.batch_size)
            parts.append(self.order[self.position : self.position + rows])
            sizes.append(np.full(batches, self.batch_size))
            sizes[-1][-1] -= batches * self.batch_size - rows  # the last of a pass may be smaller
            self.position += rows
            steps -= batches
        order, lengths = np.concatenate(parts), np.concatenate(sizes)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        s = self.problem.s
        totals = lengths.astype(float)
        if s is not None:
            totals = np.add.reduceat(s[order].astype(float), starts[:-1])
        return self._plan(order, starts, totals)

    def _plan(self, order: np.ndarray | None, starts: np.ndarray, totals: np.ndarray) -> BatchPlan:
        """Return the plan of these rows, whose weights add up to `totals`, one number per step."""
        objective, steps = self.problem.objective, len(totals)
        penalties = np.zeros(steps) + objective.penalty(totals, self.problem.total)
        l1s = None
        if objective.l1:
            l1s = np.zeros(steps) + objective.l1_penalty(totals, self.problem.total)
        first, self.steps = self.steps, self.steps + steps
        if order is not None:
            totals[totals == 0] = 1  # rows of no weight at all: a loss of 0, not 0 / 0
        return BatchPlan(order, starts, totals, penalties, l1s, self.masks, first)

    def state_dict(self) -> dict[str, Any]:
        """Return the place in the order of the rows, and the random numbers to come, for a checkpoint."""
        return {
            "random": self.rng.bit_generator.state,
            "seed": None if self.masks is None else self.masks.seed,
            "steps": self.steps,
            "order": self.order,
            "position": self.position,
        }

    def load_state_dict(self, stored: dict[str, Any]) -> None:
        """Go to where other batches were when their `state_dict` was `stored`; raise DamagedError if it cannot be one."""
        what = "the order of the rows"
        require_intact(has_entries(stored, BATCHES_ENTRIES), what)
        seed, steps, order, position = (
            stored[name] for name in ("seed", "steps", "order", "position")
        )
        require_intact(is_whole(steps), what)
        require_intact(is_whole(seed, 0, 2**63 - 1) if self.masks else seed is None, "dropout")
        require_intact(isinstance(order, np.ndarray) and order.dtype == np.int64, what)
        n_rows = self.problem.n_rows if self.batch_size and order.size else 0
        require_intact(np.array_equal(np.sort(order, None), np.arange(n_rows)), what)
        require_intact(order.shape == (n_rows,) and is_whole(position, 0, n_rows), what)
        at_end = position == n_rows or position % (self.batch_size or 1) == 0
        require_intact(at_end, what)
        load_generator_state(self.rng, stored["random"])
        if self.masks is not None:
            self.masks = replace(self.masks, seed=seed)
        self.steps, self.order, self.position = steps, order, position


def dropout_masks(
    problem: Problem, params: Params, rng: np.random.Generator
) -> DropoutMasks | None:
    """Return the source of dropout's masks; None without dropout, and then nothing is drawn."""
    dropout = problem.objective.dropout
    if not dropout:
        return None
    seed = int(rng.integers(2**63))
    return DropoutMasks(
        dropout, problem.n_rows, params.n_hidden, params.n_networks, params.dtype, seed
    )
