"""The only training loop: batches, stopping, callbacks, history.

The engine takes chunks of steps; between chunks come progress, callbacks and Ctrl-C, and after the last one too, whatever
ended it. Chunks change nothing in the numbers, only how often someone can look.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Protocol

import numpy as np

from twolayer import checks
from twolayer.engines.contract import Batch, Engine, Masks, Plan, State
from twolayer.errors import DivergedError, InputError
from twolayer.maths.network import Params, loss_and_gradients
from twolayer.maths.problem import Problem

SECONDS_PER_CHUNK = 0.1  # how long nobody can look, press Ctrl-C, or be called back
CHUNK_STRETCH = 20  # up to so many times longer, where copying and checking large weights between chunks takes long


@dataclass(frozen=True)
class Progress:
    """What a callback is given between chunks of steps, and after the last one.

    Attributes
    ----------
    step, steps : int
        Steps taken, and steps asked for.
    losses : ndarray, shape (step,) or (step, n_networks)
        The objective before each step taken.
    seconds : float
        Since the call.
    params : callable
        `params()` copies the weights as they are now.
    gradients : callable
        `gradients()` computes the gradients at these weights over all rows, dropout and `l1` left out.
    previous_step : int
        Steps taken at the call before; 0 at the first call of a training, where networks are trained one after another.
    """

    step: int
    steps: int
    losses: np.ndarray
    seconds: float
    params: Callable[[], Params]
    gradients: Callable[[], Params]
    previous_step: int = 0


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
        self.at = 0  # of which so many are taken

    @property
    def a_pass(self) -> int:
        """Steps in one pass over the table."""
        return 1 if self.batch_size is None else -(-self.problem.n_rows // self.batch_size)

    def everything(self) -> Batch:
        """All rows as one batch."""
        total = self.problem.total
        objective = self.problem.objective
        return Batch(
            None, total, objective.penalty(total, total), objective.l1_penalty(total, total)
        )

    def take(self, steps: int) -> Plan:
        """The plan of the next steps."""
        if self.batch_size is None:
            return self.plan(
                None, np.zeros(steps + 1, dtype=np.int64), np.full(steps, self.problem.total)
            )
        parts, sizes = [], []
        while steps:
            if self.at == len(self.order):
                self.order, self.at = self.rng.permutation(self.problem.n_rows), 0
            left = len(self.order) - self.at
            batches = min(steps, -(-left // self.batch_size))
            rows = min(left, batches * self.batch_size)
            parts.append(self.order[self.at : self.at + rows])
            sizes.append(np.full(batches, self.batch_size))
            sizes[-1][-1] -= batches * self.batch_size - rows  # the last of a pass may be smaller
            self.at += rows
            steps -= batches
        order, lengths = np.concatenate(parts), np.concatenate(sizes)
        starts = np.concatenate([[0], np.cumsum(lengths)])
        s = self.problem.s
        totals = lengths.astype(float)
        if s is not None:
            totals = np.add.reduceat(s[order].astype(float), starts[:-1])
        return self.plan(order, starts, totals)

    def plan(self, order: np.ndarray | None, starts: np.ndarray, totals: np.ndarray) -> Plan:
        """The plan of these rows, whose weights add up to `totals`, one number a step."""
        objective, steps = self.problem.objective, len(totals)
        penalties = np.zeros(steps) + objective.penalty(totals, self.problem.total)
        l1s = None
        if objective.l1:
            l1s = np.zeros(steps) + objective.l1_penalty(totals, self.problem.total)
        first, self.steps = self.steps, self.steps + steps
        if order is not None:
            totals[totals == 0] = 1  # rows of no weight at all: a loss of 0, not 0 / 0
        return Plan(order, starts, totals, penalties, l1s, self.masks, first)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps: the place in the order of the rows, and the random numbers to come."""
        seed = None if self.masks is None else self.masks.seed
        random = self.rng.bit_generator.state
        return {
            "random": random,
            "seed": seed,
            "steps": self.steps,
            "order": self.order,
            "at": self.at,
        }

    def load_state_dict(self, kept: dict[str, Any]) -> None:
        """Go to where other batches were when they were `kept`."""
        self.rng.bit_generator.state = kept["random"]
        if self.masks is not None:
            self.masks = replace(self.masks, seed=kept["seed"])
        self.steps, self.order, self.at = kept["steps"], kept["order"], kept["at"]


def dropout_masks(problem: Problem, params: Params, rng: np.random.Generator) -> Masks | None:
    """Where dropout's masks come from; None without dropout, when nothing is drawn."""
    dropout = problem.objective.dropout
    if not dropout:
        return None
    seed = int(rng.integers(2**63))
    return Masks(dropout, problem.n_rows, params.n_hidden, params.n_networks, params.dtype, seed)


@dataclass(frozen=True, eq=False)
class LoopResult:
    """How a loop ended: parameters in the axes it ran in, objectives, and why."""

    params: Params
    losses: np.ndarray
    final_loss: Any
    stopped: str


class CheckpointWriter(Protocol):
    """Where a checkpoint keeps this training; `twolayer.training.checkpoints` has it."""

    def ended(self) -> LoopResult | None:
        """How the next loop ended, if it had ended when the checkpoint was written."""

    def inside(self) -> dict[str, Any] | None:
        """Where the next loop was, if the checkpoint was written inside it."""

    def due(self) -> bool:
        """Whether it is time to write."""

    def write(self, inside: dict[str, Any]) -> None:
        """Write where the loop is."""

    def end(self, ended: LoopResult) -> None:
        """Note how the loop ended."""

    def interrupt(self, inside: dict[str, Any]) -> None:
        """Write where the loop is, and nothing after it."""


class TrainingLoop:
    """Chunk after chunk of steps, until there is a reason to stop."""

    def __init__(
        self,
        engine: Engine,
        state: State,
        recover: Callable[[Params], Params],
        batches: Batches,
        steps: int,
        tol: float,
        started: float,
        callback: Callable[[Progress], Any] | None,
        callback_every: int | None,
        keeping: CheckpointWriter | None = None,
    ) -> None:
        self.engine, self.state, self.batches = engine, state, batches
        self.recover = recover
        self.steps, self.tol = steps, tol
        self.started, self.callback, self.callback_every = started, callback, callback_every
        self.keeping = keeping
        params = engine.params(state)
        self.n_weights = sum(w.size for _, w in params.items())
        self.losses = np.zeros((0,) if params.n_networks is None else (0, params.n_networks))
        self.room = self.losses  # `losses` is the filled front of it
        self.stopped = "all steps taken"
        self.seen = 0  # the step at the last call of the callback
        self.chunks: list[
            tuple[int, Any, Plan]
        ] = []  # (first step, snapshot, plan) of the last two

    def run_to_end(self, interrupted: Callable[[], bool]) -> LoopResult:
        """Take the steps and tell how it ended; the state is spent then."""
        if self.keeping and (before := self.keeping.ended()):
            return before
        self.run(interrupted)
        final_loss = self.engine.objective(self.state, self.batches.everything())
        self.check_end(final_loss)
        params = self.engine.params(self.state)
        self.state.memory = None  # room for the way back
        ended = LoopResult(params, self.losses.copy(), final_loss, self.stopped)
        if self.keeping:
            self.keeping.end(ended)
        return ended

    def run(self, interrupted: Callable[[], bool]) -> None:
        """Take the steps."""
        done, size = self.first_step(), self.first_size()
        self.seen = done
        while done < self.steps:
            plan = self.batches.take(min(size, self.steps - done))
            began = time.perf_counter()
            if not self.state.solver.stops_itself:
                self.chunks = [*self.chunks[-1:], (done, self.state.snapshot(), plan)]
            before = time.perf_counter()
            losses = self.engine.advance(self.state, plan)
            took = time.perf_counter() - before
            self.keep(losses)
            self.check_finite(done)
            beside = time.perf_counter() - began - took
            reason = "tol reached" if self.flat() else self.state.solver.finished(self.state.memory)
            done = len(self.losses)
            wants_to_stop = self.called_back(done)  # at the last state too, whatever ended it
            if reason:
                self.stopped = reason
            elif wants_to_stop:
                self.stopped = "stopped by the callback"
            elif interrupted():
                self.stopped = "interrupted"
                if self.keeping:
                    self.keeping.interrupt(self.state_dict())
            else:
                if self.keeping and self.keeping.due():
                    self.keeping.write(self.state_dict())
                size = self.next_size(size, took, beside)
                continue
            return

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps of a loop between two chunks."""
        return {
            "losses": self.losses,
            "engine": self.engine.state_dict(self.state),
            "batches": self.batches.state_dict(),
            "callback": callback_state(self.callback),
        }

    def first_step(self) -> int:
        """The step to begin with: where the checkpoint was written, if there is one."""
        inside = self.keeping.inside() if self.keeping else None
        if inside is None:
            return 0
        self.keep(inside["losses"])
        self.engine.load_state_dict(self.state, inside["engine"])
        self.batches.load_state_dict(inside["batches"])
        load_callback_state(self.callback, inside["callback"])
        return len(self.losses)

    def keep(self, losses: np.ndarray) -> None:
        """Write a chunk's losses behind those before, into room that doubles when it is full."""
        done = len(self.losses)
        if not len(losses):
            return
        if done + len(losses) > len(self.room):
            self.room = np.empty((max(2 * len(self.room), done + len(losses)), *losses.shape[1:]))
            self.room[:done] = self.losses
        self.room[done : done + len(losses)] = losses
        self.losses = self.room[: done + len(losses)]
        self.losses.flags.writeable = False  # a callback may look at them

    def first_size(self) -> int:
        """Steps of the first chunk: a careful guess from the shapes, as chunks soon grow."""
        if self.callback_every:
            return self.callback_every
        rows = self.batches.batch_size or self.batches.problem.n_rows
        return max(1, min(100, int(2e8 / (4 * rows * self.n_weights))))

    def next_size(self, size: int, took: float, beside: float) -> int:
        """Steps of the next chunk: for SECONDS_A_CHUNK, or ten times what is spent beside the steps, within PATIENCE."""
        if self.callback_every:
            return self.callback_every
        seconds = min(max(SECONDS_PER_CHUNK, 10 * beside), CHUNK_STRETCH * SECONDS_PER_CHUNK)
        return max(1, min(10 * size, int(size * seconds / max(took, 1e-9))))

    def called_back(self, done: int) -> bool:
        """Tell the callback where we are; True if it wants to stop."""
        if self.callback is None:
            return False
        seconds = time.perf_counter() - self.started
        params = cache(self.params)  # on a wide table the way back takes longer than a step
        gradients = partial(self.gradients, params)
        progress = Progress(done, self.steps, self.losses, seconds, params, gradients, self.seen)
        self.seen = done
        answer = self.callback(progress)
        return isinstance(answer, (bool, np.bool_)) and bool(answer)

    def params(self) -> Params:
        """The weights as they are now, in the table's own axes."""
        return self.recover(self.engine.params(self.state))

    def gradients(self, params: Callable[[], Params]) -> Params:
        """The gradients at these weights, over all rows, in the table's own axes."""
        problem, everything = self.batches.problem, self.batches.everything()
        _, gradients = loss_and_gradients(
            problem.x,
            problem.y,
            params(),
            problem.objective,
            problem.s,
            everything.total,
            everything.penalty,
        )
        return gradients

    def flat(self) -> bool:
        """Whether the objective has stopped falling; if it did inside the chunk, go back to that step."""
        if not self.tol or self.state.solver.stops_itself:
            return False
        a_pass = self.batches.a_pass
        window = a_pass * -(-10 // a_pass)
        first = max(self.chunks[-1][0] + 1, 2 * window)
        # only at the ends of passes: there both means are over the same rows
        ends = np.arange(a_pass * -(-first // a_pass), len(self.losses) + 1, a_pass)
        if not len(ends):
            return False
        # summed step by step, so that no mean depends on how many others are taken with it
        now = sum(self.losses[ends - k] for k in range(1, window + 1)) / window
        then = sum(self.losses[ends - window - k] for k in range(1, window + 1)) / window
        flat = (then - now <= self.tol * np.abs(then)).reshape(len(ends), -1).all(1)
        if not flat.any():
            return False
        t = int(ends[np.argmax(flat)])
        self.go_back(t)
        self.losses = self.losses[:t]
        return True

    def go_back(self, step: int) -> None:
        """Put the state back to where it was before update `step`, by taking the steps to there again."""
        for first, snapshot, plan in reversed(self.chunks):
            if first <= step:
                self.state.restore(snapshot)
                if step > first:
                    self.engine.advance(self.state, plan.first(step - first))
                return
        if self.chunks:  # a step before the checkpoint that this run began with
            self.state.restore(self.chunks[0][1])

    def check_finite(self, first: int) -> None:
        """Raise DivergedError if a loss since step `first`, or a weight now, is not finite."""
        good = np.isfinite(self.losses[first:]).reshape(len(self.losses) - first, -1).all(1)
        if good.all() and self.weights_finite():
            return
        end = len(self.losses) if good.all() else first + int(np.argmin(good))
        step = self.first_bad_weights(first, end)
        if step is None:
            self.diverged(end, "loss")
        else:
            self.diverged(step, "weights")

    def first_bad_weights(self, low: int, high: int) -> int | None:
        """The first step, up to `high`, that starts from a weight that is not finite; None if there is none.

        The weights before step `low` are finite, and a weight that is not never becomes so again: halving finds it.
        """
        self.go_back(high)
        if self.weights_finite():
            return None
        while high - low > 1:
            middle = (low + high) // 2
            self.go_back(middle)
            low, high = (middle, high) if self.weights_finite() else (low, middle)
        return high

    def weights_finite(self) -> bool:
        """Whether every weight is finite now."""
        return all(np.isfinite(w).all() for _, w in self.engine.params(self.state).items())

    def check_end(self, final_loss: Any) -> None:
        """Raise DivergedError if the objective after the last step is not finite."""
        if not np.all(np.isfinite(final_loss)):
            self.diverged(len(self.losses), "loss")

    def diverged(self, step: int, what: str) -> None:
        """Raise DivergedError: at `step` the loss or a weight was not finite."""
        self.go_back(max(step - 1, 0))
        losses = self.losses[:step]
        last = None if not len(losses) else float(np.max(losses[-1]))
        solver = self.state.solver
        rate = getattr(solver, "learning_rate", None)
        advice = (
            "Rescale x and y, or start from smaller weights."
            if last is None
            else f"Try a smaller learning rate (it was {rate:g}), or standardise the columns of x."
            if rate
            else "Standardise the columns of x, or raise alpha."
        )
        seen = (
            "there was no finite loss before"
            if last is None
            else f"the last finite loss was {last:.6g}"
        )
        raise DivergedError(
            f"training diverged: the {what} stopped being finite at step {step}; {seen}. {advice}",
            step,
            last,
            self.params(),
            losses,
        )


def has_state(callback: Any) -> bool:
    """Whether a callback has something of its own for a checkpoint to keep."""
    return hasattr(callback, "state_dict")


def callback_state(callback: Any) -> Any:
    """What a checkpoint keeps of a callback: what its method `state_dict()` returns, if it has one."""
    return callback.state_dict() if has_state(callback) else None


def load_callback_state(callback: Any, kept: Any) -> None:
    """Give it back, to the callback's method `load_state_dict`."""
    if kept is None:
        return
    if not hasattr(callback, "load_state_dict"):
        raise InputError("the checkpoint keeps what a callback has seen: resume with that callback")
    callback.load_state_dict(kept)


def train_one_by_one(
    spanned: Any, loop_from: Callable[..., TrainingLoop], interrupted: Callable[[], bool]
) -> LoopResult:
    """Network after network, for a solver that moves one at a time; they share the table's one pass.

    `losses` is as long as the longest run; a network that stopped before it keeps its final loss.
    """
    starts: Params = spanned.params

    ends = [
        loop_from(starts.network(k), spanned.network(k).recover).run_to_end(interrupted)
        for k in range(len(starts.w1))
    ]
    longest = max(len(end.losses) for end in ends)
    losses = np.empty((longest, len(ends)))
    for k, end in enumerate(ends):
        losses[: len(end.losses), k] = end.losses
        losses[len(end.losses) :, k] = end.final_loss
    reasons = list(dict.fromkeys(end.stopped for end in ends))
    return LoopResult(
        Params.stack([end.params for end in ends]),
        losses,
        np.array([end.final_loss for end in ends]),
        "; ".join(reasons),
    )
