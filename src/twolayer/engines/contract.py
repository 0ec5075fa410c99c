"""What every engine promises: prepare a state, give loss and gradients, advance the state by some steps.

    engine = engines.get("numpy")
    state = engine.prepare(problem, params, solver, device="cpu")    # its own copies, on its device
    losses = engine.advance(state, plan)                             # one loss a step, each before its step
    params = engine.params(state)                                    # NumPy copies

Training asks for steps in chunks and does everything else between them. The default `advance` is the plain loop over
gradient and solver; an engine that can do better overrides it. What an engine cannot do it says in `cannot`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from twolayer.errors import EngineError
from twolayer.maths.network import Params
from twolayer.maths.problem import Problem
from twolayer.solvers import Solver


@dataclass(frozen=True, eq=False)
class Batch:
    """The rows of one step (None: all of them), their total weight, and the step's penalty factors.

    `l1` is the factor of Σ|w1| + Σ|w_skip|; `mask` is dropout's factor of each entry of `h_relu`, None without dropout.
    """

    rows: Any
    total: float
    penalty: float
    l1: float = 0.0
    mask: Any = None


@dataclass(frozen=True, eq=False)
class Masks:
    """Dropout: which hidden units each row meets, drawn anew at every step.

    A step's mask follows from the seed and the step's number alone, so that neither the chunks nor a way back change it,
    and every engine is given the same one.

    Attributes
    ----------
    dropout : float
        The share of units left out; the others count 1/(1 − dropout), so that the mean stays as it was.
    n_rows : int
        Of a step on all rows.
    n_hidden : int
    n_networks : int or None
    dtype : dtype
    seed : int
    """

    dropout: float
    n_rows: int
    n_hidden: int
    n_networks: int | None
    dtype: Any
    seed: int

    def of(self, step: int, n_rows: int) -> np.ndarray:
        """The mask of that step: (n_rows, n_hidden), or (n_networks, n_rows, n_hidden)."""
        front = () if self.n_networks is None else (self.n_networks,)
        rng = np.random.default_rng([self.seed, step])
        kept = rng.random((*front, n_rows, self.n_hidden), dtype=np.float32) >= self.dropout
        return kept.astype(self.dtype) * self.dtype.type(1 / (1 - self.dropout))


@dataclass(frozen=True, eq=False)
class Plan:
    """The batches of a number of steps, one after another.

    Attributes
    ----------
    order : ndarray of int64, or None
        The rows of all steps in one array; None if every step takes all rows.
    starts : ndarray of int64, shape (steps + 1,)
        Step k takes rows `order[starts[k]:starts[k + 1]]`.
    totals, penalties : ndarray, shape (steps,)
        Each step's total row weight, and its factor of ½·(‖w1‖² + ...).
    l1s : ndarray, shape (steps,), or None
        Each step's factor of Σ|w1| + Σ|w_skip|; None without `l1`.
    masks : Masks or None
        Where dropout's masks come from.
    first_step : int
        The number of the first of these steps in its run.
    """

    order: Any
    starts: np.ndarray
    totals: np.ndarray
    penalties: np.ndarray
    l1s: np.ndarray | None = None
    masks: Masks | None = None
    first_step: int = 0

    @property
    def steps(self) -> int:
        return len(self.totals)

    def first(self, steps: int) -> Plan:
        """The plan of only the first `steps` of these steps."""
        return replace(
            self,
            starts=self.starts[: steps + 1],
            totals=self.totals[:steps],
            penalties=self.penalties[:steps],
            l1s=None if self.l1s is None else self.l1s[:steps],
        )

    def __iter__(self) -> Iterator[Batch]:
        for k in range(self.steps):
            rows = None if self.order is None else self.order[self.starts[k] : self.starts[k + 1]]
            l1 = 0.0 if self.l1s is None else float(self.l1s[k])
            mask = None
            if self.masks is not None:
                n_rows = self.masks.n_rows if rows is None else len(rows)
                mask = self.masks.of(self.first_step + k, n_rows)
            yield Batch(rows, float(self.totals[k]), float(self.penalties[k]), l1, mask)


@dataclass(eq=False)
class State:
    """A training run inside an engine.

    Attributes
    ----------
    problem : Problem
        The table, in the engine's own arrays; never changes.
    solver : Solver
    params : Any
        The weights, in the engine's own form; changed in place by every step.
    memory : Any
        The solver's memory, likewise.
    """

    problem: Any
    solver: Solver
    params: Any
    memory: Any

    def snapshot(self) -> Any:
        """Everything that moves, copied."""
        return copy.deepcopy((self.params, self.memory))

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot, which stays usable."""
        self.params, self.memory = copy.deepcopy(snapshot)


class Engine:
    """Who computes the gradient. Subclasses stand one to a file, each importing only its own library."""

    name: str
    summary: str
    libraries: tuple[str, ...] = ("numpy",)  # whose versions the last bit of a result depends on

    def missing(self) -> str | None:
        """None if it can run here, else one sentence saying why not and what to do."""
        return None

    def cannot(
        self, problem: Problem, params: Params, solver: Solver, spanned: bool = False
    ) -> str | None:
        """None if it can train this, else one sentence saying why not.

        `spanned` says that a small dense table will stand in the place of `x`.
        """
        if not isinstance(problem.x, np.ndarray) and not spanned:
            return (
                f"engine '{self.name}' takes dense tables only, and x is sparse: use engine='numpy'"
            )
        return None

    def takes_gram(self, problem: Problem, params: Params, solver: Solver, batched: bool) -> bool:
        """Whether it can train the span's form `Gram` of this, and not only the rotated one."""
        return False

    def check_device(self, device: str) -> str:
        """The device that will be used, in full; raises EngineError if it cannot be had."""
        if device not in ("cpu", "auto"):
            raise EngineError(
                f"engine '{self.name}' runs on device 'cpu' only, not '{device}': "
                "use one of the torch engines"
            )
        return "cpu"

    def prepare(self, problem: Problem, params: Params, solver: Solver, device: str) -> State:
        """A new state with the engine's own copies of the weights; the table may be shared, and is never changed."""
        raise NotImplementedError

    def loss_and_gradients(self, state: State, params: Any, batch: Batch) -> tuple[Any, Any]:
        """Objective and gradients at `params` on one batch, in the engine's own arrays."""
        raise NotImplementedError

    def to_numpy(self, losses: list[Any]) -> np.ndarray:
        """The losses of some steps as float64, shape (steps,) or (steps, n_networks)."""
        return np.asarray(losses, dtype=np.float64)

    def host(self, array: Any) -> np.ndarray:
        """One of the engine's arrays as a NumPy array."""
        return np.asarray(array)

    def own(self, array: np.ndarray, like: Any) -> Any:
        """A NumPy array as one of the engine's, beside the array `like`."""
        return array[()]

    def state_dict(self, state: State) -> dict[str, Any]:
        """What a checkpoint keeps: everything that moves, as dicts of NumPy arrays, numbers and text."""
        return {"params": self._told(state.params), "memory": self._told(state.memory)}

    def load_state_dict(self, state: State, kept: dict[str, Any]) -> None:
        """Bring a state just prepared to where another was when it was `kept`."""
        like = next(state.params.items())[1]
        for name in ("params", "memory"):
            self._fill(getattr(state, name), kept[name], like)

    def _told(self, value: Any) -> Any:
        """Arrays as NumPy's, and what holds them as a dict."""
        if isinstance(value, (str, bool, int, float, list, np.ndarray)) or value is None:
            return value.item() if isinstance(value, np.generic) else value
        if isinstance(value, (dict, Params)):
            return {name: self._told(part) for name, part in value.items()}
        if isinstance(value, tuple):
            return self._told(value._asdict())  # type: ignore[attr-defined]
        return self.host(value)

    def _fill(self, whole: Any, kept: dict[str, Any], like: Any) -> None:
        """Write what was kept into the arrays that are there, whose layout in memory the next steps' rounding follows."""
        parts = whole._asdict() if isinstance(whole, tuple) else dict(whole.items())  # type: ignore[attr-defined]
        for name, value in kept.items():
            part = parts[name]
            if isinstance(value, dict):
                self._fill(part, value, like)
            elif part is None or not isinstance(value, np.ndarray):
                own = self.own(value, like) if isinstance(value, np.ndarray) else value
                whole[name] = own
            else:
                part[...] = value if isinstance(part, np.ndarray) else self.own(value, like)

    def objective(self, state: State, batch: Batch) -> Any:
        """The objective on one batch as it is now: a float, or an array with one number a network."""
        value, _ = self.loss_and_gradients(state, state.params, batch)
        values = self.to_numpy([value])[0]
        return float(values) if values.ndim == 0 else values

    def advance(self, state: State, plan: Plan) -> np.ndarray:
        """Take the plan's steps; return the loss before each. Fewer losses than steps: the solver has finished."""
        losses = []
        for batch in plan:
            if state.solver.finished(state.memory):
                break
            evaluate = partial(self._evaluate, state, batch)
            losses.append(state.solver.step(evaluate, state.params, state.memory))
            if batch.l1:
                state.solver.shrink(state.params, state.memory, batch.l1)
        return self.to_numpy(losses)

    def _evaluate(self, state: State, batch: Batch, params: Any) -> tuple[Any, Any]:
        return self.loss_and_gradients(state, params, batch)

    def params(self, state: State) -> Params:
        """The weights as they are now: NumPy copies."""
        raise NotImplementedError
