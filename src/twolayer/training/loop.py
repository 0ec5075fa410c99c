"""The only training loop: stopping, callbacks, history.

The engine takes chunks of steps; between chunks come progress, callbacks and Ctrl-C, and after the last one too, whatever
ended it. Chunks change nothing in the numbers, only how often these have their turn.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Protocol

import numpy as np

from twolayer import checks
from twolayer.engines.contract import BatchPlan, Engine, TrainingState
from twolayer.errors import DivergedError, InputError
from twolayer.files import DamagedError
from twolayer.maths.network import Params, forward
from twolayer.training.batches import Batches
from twolayer.training.checkpoint_schema import check_losses, require_intact

SECONDS_PER_CHUNK = 0.1  # without a callback, and without a reaction to Ctrl-C
CHUNK_STRETCH = (
    20  # times longer at most, where copying and checking large weights between chunks takes long
)
ALL_STEPS = "all steps taken"  # why a training ended: its steps ran out,
INTERRUPTED = "interrupted"  # on Ctrl-C,
BY_CALLBACK = "stopped by the callback"  # or as a callback returned True


def steps_ran_out(stopped: str) -> bool:
    """Return whether a network ended because its steps ran out; `stopped` holds the reasons of all networks."""
    return ALL_STEPS in stopped.split("; ")


def was_interrupted(stopped: str) -> bool:
    """Return whether Ctrl-C ended a network; `stopped` holds the reasons of all networks."""
    return INTERRUPTED in stopped.split("; ")


def was_cut_short(stopped: str) -> bool:
    """Return whether a network ended before a minimum: its steps ran out, or Ctrl-C or a callback ended it."""
    return steps_ran_out(stopped) or was_interrupted(stopped) or BY_CALLBACK in stopped


def joined_reasons(reasons: Iterable[str]) -> str:
    """Return the different reasons why networks ended, as one text; each may be such a text of several networks."""
    return "; ".join(dict.fromkeys(one for text in reasons for one in text.split("; ")))


@dataclass(frozen=True)
class NetworkEnd:
    """An answer of a callback that ends the network being trained for this reason, and not those that follow it."""

    reason: str


@dataclass(frozen=True)
class Progress:
    """What a callback is given between chunks of steps, and after the last one.

    Attributes
    ----------
    step, steps : int
        Steps taken, and steps to take.
    losses : ndarray, shape (step,) or (step, n_networks)
        The objective before each step taken.
    seconds : float
        Since the call.
    params : callable
        `params()` returns a copy of the weights as they are now; of an estimator, for the columns of its `network_inputs`.
    gradients : callable
        `gradients()` returns the gradients at the weights of training over all rows, without dropout and `l1`.
    previous_step : int
        Steps taken at the call before; 0 at the first call of a training, where networks are trained one after another.
    predict : callable
        `predict(X)` returns what these weights predict for rows: in `twolayer.train` the outputs, of an estimator what its
        `predict` returns.
    network : (int, int) or None
        The number, counted from 0, of the network that is being trained, and how many there are, where they are trained one
        after another; `params`, `predict` and `losses` are then of this network. None if all are trained together.
    validation_score : float or None
        The last score of early stopping; of networks that are trained together, the mean of theirs.
    training_params : callable
        `training_params()` returns the weights on which the gradients act: of an estimator, for standardised columns.
    """

    step: int
    steps: int
    losses: np.ndarray
    seconds: float
    params: Callable[[], Params]
    gradients: Callable[[], Params]
    previous_step: int = 0
    predict: Callable[[Any], Any] = field(default=lambda X: None, repr=False)  # noqa: N803
    network: tuple[int, int] | None = None
    validation_score: float | None = None
    training_params: Callable[[], Params] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.training_params is None:
            object.__setattr__(self, "training_params", self.params)


@dataclass(frozen=True, eq=False)
class LoopResult:
    """The end of a loop: parameters in the axes it ran in, objectives, and why it ended."""

    params: Params
    losses: np.ndarray
    final_loss: Any
    stopped: str
    ends_all: bool = False  # a callback returned True: no other network is trained


class CheckpointRecord(Protocol):
    """The checkpoint's record of this training; `twolayer.training.checkpoints` has it."""

    def ended(self, like: Params, steps: int) -> LoopResult | None:
        """Return the end of the next loop, of such weights and that many steps, if it had ended before."""

    def inside(self) -> dict[str, Any] | None:
        """Return the state of the next loop, if the checkpoint was written inside it."""

    def due(self) -> bool:
        """Return whether it is time to write."""

    def write(self, inside: dict[str, Any]) -> None:
        """Write the state of the loop."""

    def end(self, ended: LoopResult) -> None:
        """Record the end of the loop."""

    def interrupt(self, inside: dict[str, Any]) -> None:
        """Write the state of the loop, and nothing after it."""


class TrainingLoop:
    """Chunk after chunk of steps, until there is a reason to stop."""

    def __init__(
        self,
        engine: Engine,
        state: TrainingState,
        recover: Callable[[Params], Params],
        batches: Batches,
        steps: int,
        tol: float,
        started: float,
        callback: Callable[[Progress], Any] | None,
        callback_every: int | None,
        record: CheckpointRecord | None = None,
        network: tuple[int, int] | None = None,
    ) -> None:
        self.network = network
        self.engine, self.state, self.batches = engine, state, batches
        self.recover = recover
        self.steps, self.tol = steps, tol
        self.started, self.callback, self.callback_every = started, callback, callback_every
        self.record = record
        params = engine.params(state)
        self.n_weights = sum(w.size for _, w in params.items())
        self.losses = np.zeros((0,) if params.n_networks is None else (0, params.n_networks))
        self.losses_room = self.losses  # `losses` is the filled front of it
        self.stopped = ALL_STEPS
        self.ends_all = False  # the networks that follow too
        self.seen = 0  # the step at the last call of the callback
        self.chunks: list[tuple[int, Any, BatchPlan]] = []  # first step, snapshot, plan: the last 2

    def run_to_end(self, interrupted: Callable[[], bool]) -> LoopResult:
        """Take the steps and return how it ended; the state cannot be used again."""
        if self.record and (
            before := self.record.ended(self.engine.params(self.state), self.steps)
        ):
            return before
        self.run(interrupted)
        final_loss = self.engine.objective(self.state, self.batches.all_rows())
        self.check_end(final_loss)
        params = self.engine.params(self.state)
        self.state.memory = None  # so that recovering the weights has room
        ended = LoopResult(params, self.losses.copy(), final_loss, self.stopped, self.ends_all)
        if self.record:
            self.record.end(ended)
        return ended

    def run(self, interrupted: Callable[[], bool]) -> None:
        """Take the steps."""
        done, size = self.first_step(), self.first_size()
        self.seen = done
        while done < self.steps:
            plan = self.batches.next_plan(min(size, self.steps - done))
            began = time.perf_counter()
            if not self.state.solver.stops_itself:
                self.chunks = [*self.chunks[-1:], (done, self.state.snapshot(), plan)]
            before = time.perf_counter()
            losses = self.engine.advance(self.state, plan)
            took = time.perf_counter() - before
            self.append(losses)
            self.check_finite(done)
            beside = time.perf_counter() - began - took
            reason = "tol reached" if self.flat() else self.state.solver.finished(self.state.memory)
            done = len(self.losses)
            answer = self.called_back(done)  # at the last state too, whatever ended it
            if reason:
                self.stopped = reason
            elif answer:
                self.stopped = answer
            elif interrupted():
                self.stopped = INTERRUPTED
                if self.record:
                    self.record.interrupt(self.state_dict())
            else:
                if self.record and self.record.due():
                    self.record.write(self.state_dict())
                size = self.next_size(size, took, beside)
                continue
            return

    def state_dict(self) -> dict[str, Any]:
        """Return the state of the loop between two chunks, for a checkpoint."""
        return {
            "losses": self.losses,
            "engine": self.engine.state_dict(self.state),
            "batches": self.batches.state_dict(),
            "callback": callback_state(self.callback),
        }

    def first_step(self) -> int:
        """Return the step to begin with: that of the checkpoint, if there is one, whose state is loaded."""
        inside = self.record.inside() if self.record else None
        if inside is None:
            return 0
        losses, engine = inside["losses"], inside["engine"]
        check_losses(losses, self.losses.shape[1:], 1, self.steps)
        fits = self.engine.state_fits(self.state, engine, len(losses))
        require_intact(fits, "the solver's memory")
        self.append(losses)
        self.engine.load_state_dict(self.state, engine)
        require_intact(self.weights_finite(), "the weights")
        self.batches.load_state_dict(inside["batches"])
        load_callback_state(self.callback, inside["callback"])
        return len(self.losses)

    def append(self, losses: np.ndarray) -> None:
        """Write a chunk's losses behind the earlier ones, into room that doubles when it is full."""
        done = len(self.losses)
        if not len(losses):
            return
        if done + len(losses) > len(self.losses_room):
            self.losses_room = np.empty(
                (max(2 * len(self.losses_room), done + len(losses)), *losses.shape[1:])
            )
            self.losses_room[:done] = self.losses
        self.losses_room[done : done + len(losses)] = losses
        self.losses = self.losses_room[: done + len(losses)]
        self.losses.flags.writeable = False  # a callback gets them

    def first_size(self) -> int:
        """Return the steps of the first chunk: a careful estimate from the shapes, as chunks soon grow."""
        if self.callback_every:
            return self.callback_every
        rows = self.batches.batch_size or self.batches.problem.n_rows
        return max(1, min(100, int(2e8 / (4 * rows * self.n_weights))))

    def next_size(self, size: int, took: float, beside: float) -> int:
        """Return the steps of the next chunk: SECONDS_PER_CHUNK of them, or ten times what is spent beside the steps."""
        if self.callback_every:
            return self.callback_every
        seconds = min(max(SECONDS_PER_CHUNK, 10 * beside), CHUNK_STRETCH * SECONDS_PER_CHUNK)
        return max(1, min(10 * size, int(size * seconds / max(took, 1e-9))))

    def called_back(self, done: int) -> str | None:
        """Call the callback; return the reason if it ends the training."""
        if self.callback is None:
            return None
        seconds = time.perf_counter() - self.started
        params = cache(
            self.params
        )  # on a wide table recovering the weights takes longer than a step
        gradients = partial(self.gradients, params)
        progress = Progress(
            done,
            self.steps,
            self.losses,
            seconds,
            params,
            gradients,
            self.seen,
            lambda x: self.outputs(x, params()),
            self.network,
        )
        self.seen = done
        answer = self.callback(progress)
        if isinstance(answer, NetworkEnd):
            return answer.reason
        self.ends_all = isinstance(answer, (bool, np.bool_)) and bool(answer)
        return BY_CALLBACK if self.ends_all else None

    def take_no_step(self) -> None:
        """Leave the weights as they are, since the callback has ended the networks before this one too."""
        self.steps, self.stopped, self.ends_all = 0, BY_CALLBACK, True

    def params(self) -> Params:
        """Return the weights as they are now, in the table's own axes."""
        return self.recover(self.engine.params(self.state))

    def outputs(self, x: Any, params: Params) -> np.ndarray:
        """Return the outputs of these weights for rows."""
        x = x if checks.is_sparse(x) else np.asarray(x)
        return forward(x, params, self.batches.problem.objective.activation)

    def gradients(self, params: Callable[[], Params]) -> Params:
        """Return the gradients at these weights, over all rows, in the table's own axes."""
        return self.engine.table_gradients(self.batches.problem, params(), self.batches.all_rows())

    def flat(self) -> bool:
        """Return whether the objective has stopped falling; if it did inside the chunk, go back to that step."""
        if not self.tol or self.state.solver.stops_itself:
            return False
        per_pass = self.batches.steps_per_pass
        window = per_pass * -(-10 // per_pass)
        first = max(self.chunks[-1][0] + 1, 2 * window)
        # only at the ends of passes: there both means are over the same rows
        ends = np.arange(per_pass * -(-first // per_pass), len(self.losses) + 1, per_pass)
        if not len(ends):
            return False
        # summed step by step, so that no mean depends on how many others are computed with it
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
        """Bring the state back to where it was before update `step`, by taking the steps up to there again."""
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
        """Return the first step, up to `high`, that starts from a weight that is not finite; None if there is none.

        The weights before step `low` are finite, and a weight that is not never becomes finite again: bisection finds it.
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
        """Return whether every weight is finite now."""
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
        rate = solver.learning_rate if "learning_rate" in solver.settings else None
        advice = (
            "Rescale x and y, or start from smaller weights."
            if last is None
            else f"Try a smaller learning rate (it was {rate:g}), or standardise the columns of x."
            if rate
            else "Standardise the columns of x, or raise alpha."
        )
        before = (
            "there was no finite loss before"
            if last is None
            else f"the last finite loss was {last:.6g}"
        )
        raise DivergedError(
            f"training diverged: the {what} stopped being finite at step {step}; {before}. {advice}",
            step,
            last,
            self.params(),
            losses,
        )


def has_state(callback: Any) -> bool:
    """Return whether a callback has a state of its own for a checkpoint."""
    return hasattr(callback, "state_dict")


def callback_state(callback: Any) -> Any:
    """Return the callback's `state_dict()` for a checkpoint; None if it has no such method."""
    return callback.state_dict() if has_state(callback) else None


def load_callback_state(callback: Any, stored: Any) -> None:
    """Pass the stored state to the callback's method `load_state_dict`."""
    if stored is None:
        return
    if not hasattr(callback, "load_state_dict"):
        raise InputError("the checkpoint holds the state of a callback: resume with that callback")
    try:
        callback.load_state_dict(stored)
    except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise DamagedError(
            f"its record of a callback was refused by {type(callback).__name__} "
            f"({type(error).__name__}: {checks.short_repr(str(error))})"
        ) from error


def train_one_by_one(
    spanned: Any, loop_from: Callable[..., TrainingLoop], interrupted: Callable[[], bool]
) -> LoopResult:
    """Train network after network, for a solver that moves one at a time; they share the table's one pass.

    `losses` is as long as the longest run; a network that stopped earlier repeats its final loss. After a callback has
    returned True, the networks that follow stay at their start.
    """
    starts: Params = spanned.params
    ends: list[LoopResult] = []
    for k in range(len(starts.w1)):
        loop = loop_from(starts.network(k), spanned.network(k).recover, (k, len(starts.w1)))
        if ends and ends[-1].ends_all:
            loop.take_no_step()
        ends.append(loop.run_to_end(interrupted))
    longest = max(len(end.losses) for end in ends)
    losses = np.empty((longest, len(ends)))
    for k, end in enumerate(ends):
        losses[: len(end.losses), k] = end.losses
        losses[len(end.losses) :, k] = end.final_loss
    return LoopResult(
        Params.stack([end.params for end in ends]),
        losses,
        np.array([end.final_loss for end in ends]),
        joined_reasons(end.stopped for end in ends),
    )
