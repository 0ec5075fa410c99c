"""What every engine promises: prepare a state, give loss and gradients, advance the state by some steps.

    engine = get_engine("numpy")
    state = engine.prepare(problem, params, solver, device="cpu")    # its own copies, on its device
    losses = engine.advance(state, plan)                             # one loss per step, each before its step
    params = engine.params(state)                                    # NumPy copies

Training asks for steps in chunks and does everything else between them. The default `advance` is the plain loop over
gradient and solver; an engine that can do better overrides it. An engine declares what it takes as attributes of its class,
and `refusal` compares them with what is to be trained. A new engine is a file beside this one, and a line of the table in
`twolayer/engines/__init__.py`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from twolayer.errors import EngineError, Refusal
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.custom import is_custom
from twolayer.maths.losses import LOSSES
from twolayer.maths.network import Params, loss_and_gradients
from twolayer.maths.problem import Problem
from twolayer.solvers import Solver


@dataclass(frozen=True, eq=False)
class Batch:
    """The rows of one step (numbers or a slice; None: all of them), their total weight, and the step's penalty factors.

    `l1` is the factor of Σ|w1| + Σ|w_skip|; `mask` is dropout's factor of each entry of `h_relu`, None without dropout.
    """

    rows: Any
    total: float
    penalty: float
    l1: float = 0.0
    mask: Any = None


@dataclass(frozen=True, eq=False)
class DropoutMasks:
    """Which hidden units each row uses, drawn anew at every step.

    A step's mask follows from the seed and the step's number alone, so that neither the chunks nor a return to an earlier
    step change it, and every engine gets the same one.

    Attributes
    ----------
    dropout : float
        The share of units left out; the others count 1/(1 − dropout), so that the mean stays the same.
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

    def mask(self, step: int, n_rows: int) -> np.ndarray:
        """Return the mask of that step: (n_rows, n_hidden), or (n_networks, n_rows, n_hidden)."""
        front = () if self.n_networks is None else (self.n_networks,)
        rng = np.random.default_rng([self.seed, step])
        used = rng.random((*front, n_rows, self.n_hidden), dtype=np.float32) >= self.dropout
        return used.astype(self.dtype) * self.dtype.type(1 / (1 - self.dropout))


@dataclass(frozen=True, eq=False)
class BatchPlan:
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
    masks : DropoutMasks or None
    first_step : int
        The number of the first of these steps in its run.
    """

    order: Any
    starts: np.ndarray
    totals: np.ndarray
    penalties: np.ndarray
    l1s: np.ndarray | None = None
    masks: DropoutMasks | None = None
    first_step: int = 0

    @property
    def steps(self) -> int:
        return len(self.totals)

    def first(self, steps: int) -> BatchPlan:
        """Return the plan of only the first `steps` of these steps."""
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
                mask = self.masks.mask(self.first_step + k, n_rows)
            yield Batch(rows, float(self.totals[k]), float(self.penalties[k]), l1, mask)


@dataclass(eq=False)
class TrainingState:
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
        """Return a copy of everything that moves."""
        return copy.deepcopy((self.params, self.memory))

    def restore(self, snapshot: Any) -> None:
        """Go back to a snapshot, which stays usable."""
        self.params, self.memory = copy.deepcopy(snapshot)

    def state_fits(self, stored: dict[str, Any], steps: int) -> bool:
        """Return whether a `state_dict` of the right shapes, from a file, can be one after that many steps."""
        return self.solver.memory_fits(stored["memory"], steps)


class Library(NamedTuple):
    """A library that an engine needs, and the line that installs it."""

    module: str
    title: str
    install: str


class Engine:
    """Who computes the gradient. Subclasses stand one to a file, each importing only its own library.

    Attributes
    ----------
    name : str
        The name by which users choose it.
    summary : str
        A few words for a list of engines.
    library : Library or None
        What has to be installed for it.
    libraries : tuple of str
        Those on whose versions the last bit of a result depends.
    solvers : tuple of classes, or None
        The solvers that it runs, exactly of these classes; None for any.
    takes_many : bool
        True if it trains several networks at once.
    takes_sparse : bool
        True if it trains one network on a sparse table.
    takes_custom : bool
        True if it runs losses and activations that users define.
    takes_l1, takes_dropout : bool
    substitute : str
        The engine to use for what this one does not take.
    """

    name: str
    summary: str
    library: Library | None = None
    libraries: tuple[str, ...] = ("numpy",)
    solvers: tuple[type[Solver], ...] | None = None
    takes_many = True
    takes_sparse = False
    takes_custom = True
    takes_l1 = True
    takes_dropout = True
    substitute = "numpy"

    def missing(self) -> Refusal | None:
        """Return why it cannot run here, and what to install; None if it can."""
        if self.library is None or find_spec(self.library.module) is not None:
            return None
        reason = f"needs {self.library.title}, which is not installed"
        return Refusal(f"engine '{self.name}'", reason, self.library.install)

    def refusal(
        self, problem: Problem, params: Params, solver: Solver, spanned: bool = False
    ) -> Refusal | None:
        """Return why it cannot train this, and what to use instead; None if it can.

        `spanned` says that a small dense table will take the place of `x`.
        """
        objective, many = problem.objective, params.n_networks is not None
        sparse = not spanned and not isinstance(problem.x, np.ndarray)
        reason, remedy = "", f"use engine='{self.substitute}'"
        if many and not self.takes_many:
            reason = "trains one network at a time"
        elif self.solvers is not None and type(solver) not in self.solvers:
            reason = f"has no solver '{solver.name}'"
        elif not self.takes_custom and is_custom(objective.activation, ACTIVATIONS):
            reason = f"has no activation '{objective.activation.name}'"
        elif not self.takes_custom and is_custom(objective.loss, LOSSES):
            reason = f"has no loss '{objective.loss.name}'"
        elif objective.l1 and not self.takes_l1:
            reason = "has no l1"
        elif objective.dropout and not self.takes_dropout:
            reason = "has no dropout"
        elif sparse and not self.takes_sparse:
            reason, remedy = "takes dense tables only, and x is sparse", "use engine='numpy'"
        elif sparse and many:
            reason = "trains many networks at once on dense tables only, and x is sparse"
            remedy = "train one network at a time"
        return Refusal(f"engine '{self.name}'", reason, remedy) if reason else None

    def takes_gram(self, problem: Problem, params: Params, solver: Solver, batched: bool) -> bool:
        """Return whether it can train the span's form `GramSpan` of this, and not only the rotated one."""
        return False

    def check_device(self, device: str) -> str:
        """Return the full name of the device that will be used; raise EngineError if there is none."""
        if device not in ("cpu", "auto"):
            raise EngineError(
                f"engine '{self.name}' runs on device 'cpu' only, not '{device}': "
                "use one of the torch engines"
            )
        return "cpu"

    def prepare(
        self, problem: Problem, params: Params, solver: Solver, device: str
    ) -> TrainingState:
        """Return a new state with the engine's own copies of the weights.

        The table may be shared, and is never changed.
        """
        raise NotImplementedError

    def loss_and_gradients(
        self, state: TrainingState, params: Any, batch: Batch
    ) -> tuple[Any, Any]:
        """Return objective and gradients at `params` on one batch, in the engine's own arrays."""
        raise NotImplementedError

    def objective(self, state: TrainingState, batch: Batch) -> Any:
        """Return the objective on one batch as it is now: a float, or an array with one number per network."""
        value, _ = self.loss_and_gradients(state, state.params, batch)
        values = self.to_numpy([value])[0]
        return float(values) if values.ndim == 0 else values

    def table_gradients(self, problem: Problem, params: Params, batch: Batch) -> Params:
        """Return the gradients at weights of NumPy, without dropout and l1, in the axes of the user's table."""
        numbers = problem.s, batch.total, batch.penalty
        return loss_and_gradients(problem.x, problem.y, params, problem.objective, *numbers)[1]

    def advance(self, state: TrainingState, plan: BatchPlan) -> np.ndarray:
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

    def _evaluate(self, state: TrainingState, batch: Batch, params: Any) -> tuple[Any, Any]:
        return self.loss_and_gradients(state, params, batch)

    def params(self, state: TrainingState) -> Params:
        """Return the weights as they are now: NumPy copies."""
        raise NotImplementedError

    def to_numpy(self, losses: list[Any]) -> np.ndarray:
        """Return the losses of some steps as float64, shape (steps,) or (steps, n_networks)."""
        return np.asarray(losses, dtype=np.float64)

    def host(self, array: Any) -> np.ndarray:
        """Return one of the engine's arrays as a NumPy array."""
        return np.asarray(array)

    def own(self, array: np.ndarray, like: Any) -> Any:
        """Return a NumPy array as one of the engine's, on the device of the array `like`."""
        return array[()]

    def state_dict(self, state: TrainingState) -> dict[str, Any]:
        """Return everything that moves, for a checkpoint, as dicts of NumPy arrays, numbers and text."""
        return {"params": self._plain(state.params), "memory": self._plain(state.memory)}

    def state_fits(self, state: TrainingState, stored: Any, steps: int) -> bool:
        """Return whether what a file holds can be the `state_dict` of this training after that many steps."""
        return same_form(stored, self.state_dict(state)) and state.state_fits(stored, steps)

    def load_state_dict(self, state: TrainingState, stored: dict[str, Any]) -> None:
        """Bring a state just prepared to where another was when its `state_dict` was `stored`."""
        like = next(state.params.items())[1]
        for name in ("params", "memory"):
            self._fill(getattr(state, name), stored[name], like)

    def _plain(self, value: Any) -> Any:
        """Return arrays as NumPy's, and what holds them as a dict."""
        if isinstance(value, (str, bool, int, float, list, np.ndarray)) or value is None:
            return value.item() if isinstance(value, np.generic) else value
        if isinstance(value, (dict, Params)):
            return {name: self._plain(part) for name, part in value.items()}
        if isinstance(value, tuple):
            return self._plain(value._asdict())  # type: ignore[attr-defined]
        return self.host(value)

    def _fill(self, target: Any, stored: dict[str, Any], like: Any) -> None:
        """Write stored numbers into the arrays that are there: the next steps' rounding follows their memory layout."""
        parts = target._asdict() if isinstance(target, tuple) else dict(target.items())  # type: ignore[attr-defined]
        for name, value in stored.items():
            part = parts[name]
            if isinstance(value, dict):
                self._fill(part, value, like)
            elif part is None or not isinstance(value, np.ndarray):
                target[name] = self.own(value, like) if isinstance(value, np.ndarray) else value
            else:
                part[...] = value if isinstance(part, np.ndarray) else self.own(value, like)


def same_form(stored: Any, like: Any) -> bool:
    """Return whether a value has the names of another, and its arrays' shapes and dtypes; what else it holds may differ."""
    if isinstance(like, dict):
        named = isinstance(stored, dict) and stored.keys() == like.keys()
        return named and all(same_form(stored[name], part) for name, part in like.items())
    if isinstance(like, np.ndarray):
        fits = isinstance(stored, np.ndarray) and stored.dtype == like.dtype
        return fits and stored.shape == like.shape
    return True
