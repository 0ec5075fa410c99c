"""A run of the program in one engine: line by line, step by step, and back again. What is shown is what runs."""

from __future__ import annotations

import math
import warnings
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twolayer.engines import get_available_engine
from twolayer.maths.network import Params
from twolayer.tutorial.ladder import quadrant_of, quadrants
from twolayer.tutorial.learning_rates import largest_curvature
from twolayer.tutorial.source.torch_program import OWN_FUNCTION
from twolayer.watch.watch_settings import WatchSettings
from twolayer.watch.watched_lines import WatchedLine, loop_of, setup_of, weight_names

CHECKPOINT_BYTES = 200_000_000
NEW_POINTS = ((111, -111), (1, 9), (8, 1), (1, 8))  # of the quadrants, which training does not see
ENGINE_LIBRARIES = {"torch": "torch", "autograd": "torch-autograd", "custom": "torch-function"}
MANY_STARTS = ("rebind", "rebind_no_grad", "recorded", "not_cleared", "accumulate")


@dataclass(eq=False)
class WatchedTables:
    """What a run starts from: its arrays, and the rows that training does not see (None without any)."""

    arrays: dict[str, np.ndarray]
    new_x: np.ndarray | None = None
    new_y: np.ndarray | None = None


def start_tables(settings: WatchSettings, own: WatchedTables | None = None) -> WatchedTables:
    """Return the arrays before the first step: those of the ladder for this seed, in the order of the program."""
    rng = np.random.default_rng(settings.seed)
    rows, inputs, outputs = settings.rows, settings.inputs, settings.outputs

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape)

    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape)

    weight = zeros if "zeros" in settings.breaks else normal
    if settings.problem == "quadrants":
        x, y = quadrants()
    elif own is not None:
        x, y = own.arrays["x"], own.arrays["y"]
    else:
        x, y = normal(rows, inputs), normal(rows, outputs)
    arrays: dict[str, np.ndarray] = {"x": x, "y": y}
    arrays["w1"], arrays["w2"] = weight(inputs, settings.hidden), weight(settings.hidden, outputs)
    if settings.bias:
        arrays["b1"], arrays["b2"] = normal(settings.hidden), normal(outputs)
    new_x, new_y = (own.new_x, own.new_y) if own else (None, None)
    if settings.problem == "random":
        new_x, new_y = normal(rows, inputs), normal(rows, outputs)
    elif settings.problem == "quadrants":
        new_x = np.array(NEW_POINTS, dtype=float)
        new_y = np.eye(4)[quadrant_of(new_x) - 1]
    if "flat_y" in settings.breaks:
        arrays["y"] = arrays["y"][:, 0]
    arrays = {name: np.array(array, dtype=settings.dtype) for name, array in arrays.items()}
    return WatchedTables(arrays, new_x, new_y)


@dataclass(eq=False)
class RunHistory:
    """What a run has left behind: its losses, the units that were on, and where it came to an end."""

    losses: list[float] = field(default_factory=list)
    new_losses: list[tuple[int, float]] = field(default_factory=list)
    activity: list[np.ndarray] = field(default_factory=list)
    diverged: int | None = None
    stopped: dict[str, str] | None = None  # type and message of the error that ended it
    warned: list[str] = field(default_factory=list)  # the warnings of the library, in its words

    def cut(self, step: int) -> None:
        """Forget everything from this step on."""
        del self.losses[step:], self.activity[step:]
        self.new_losses = [(at, loss) for at, loss in self.new_losses if at <= step]
        self.stopped, self.warned = None, []
        if self.diverged is not None and self.diverged >= step:
            self.diverged = None


class EngineRun:
    """A run that goes line by line.

    Attributes
    ----------
    place : int
        Lines that have run, over all steps.
    names : dict
        The namespace in which the lines run.
    """

    def __init__(self, settings: WatchSettings, own: WatchedTables | None = None) -> None:
        self.settings = settings
        if settings.engine != "numpy":
            get_available_engine(ENGINE_LIBRARIES[settings.engine])
        self.setup, self.lines = setup_of(settings), loop_of(settings)
        self.weights = weight_names(settings)
        self.tables = start_tables(settings, own)
        self.given = list(self.tables.arrays)
        self.codes = {line.code: compiled_line(line) for line in self.lines if not line.removed}
        self.clear()

    def clear(self) -> None:
        """Go to the start."""
        self.place = 0
        self.history = RunHistory()
        self.written_at: dict[str, int] = {}
        self.names: dict[str, Any] = {"np": np, "learning_rate": self.settings.rate}
        for name, array in self.tables.arrays.items():
            self.names[name] = self.variable(name, array)
        if self.settings.engine != "numpy":
            import torch

            self.names["torch"] = torch
        if self.settings.engine == "custom":
            exec("\n".join(line.code for line in OWN_FUNCTION), self.names)
        self.stride = 1
        self.old = self.weights_now()
        self.checkpoints = {0: self.old}

    def variable(self, name: str, array: np.ndarray) -> Any:
        """Return an array as this engine has it: a copy."""
        if self.settings.engine == "numpy":
            return np.array(array)
        import torch

        tensor = torch.tensor(array)
        by_autograd = self.settings.engine != "torch" and name in self.weights
        return tensor.requires_grad_() if by_autograd else tensor

    def array(self, name: str) -> np.ndarray | None:
        """Return a variable as a NumPy array; None if it was not computed yet."""
        value = self.names.get(name)
        if value is None:
            return None
        return np.asarray(value.detach().numpy() if hasattr(value, "detach") else value)

    @property
    def step(self) -> int:
        """The step in which the last line ran."""
        return max(0, self.place - 1) // len(self.lines)

    @property
    def position(self) -> int:
        """How many lines of that step have run."""
        return self.place - self.step * len(self.lines)

    def weights_now(self) -> dict[str, np.ndarray]:
        """Return copies of the weights."""
        arrays = {name: self.array(name) for name in self.weights}
        return {name: np.array(array) for name, array in arrays.items() if array is not None}

    def run_line(self) -> WatchedLine | None:
        """Run the next line and return it; None where the program has stopped."""
        if self.history.stopped:
            return None
        step, at = divmod(self.place, len(self.lines))
        if at == 0 and self.place:
            self.begin_step(step)
        line = self.lines[at]
        self.place += 1
        try:
            if not line.removed:
                self.execute(line)
        except (ValueError, TypeError, RuntimeError) as error:
            message = "\n".join([str(error), *dict.fromkeys(self.history.warned)])
            self.history.stopped = {"type": type(error).__name__, "message": message}
            return line
        for name in line.writes:
            self.written_at[name] = self.place
        if line.id == "loss":
            self.note_loss(step)
        return line

    def execute(self, line: WatchedLine) -> None:
        """Run one line as it stands."""
        indented = line.code.startswith(" ")
        if line.id == "backward":
            keep_gradients(self.names)
        if line.changed == "accumulate":  # the first step adds to nothing
            self.names.setdefault(line.writes[0], 0)
        not_recorded = self.names["torch"].no_grad() if indented else nullcontext()
        with (
            warnings.catch_warnings(record=True) as caught,
            not_recorded,
            np.errstate(all="ignore"),
        ):
            warnings.simplefilter("always")
            try:
                exec(self.codes[line.code], self.names)
            finally:
                texts = [str(warning.message).partition(" (Triggered")[0] for warning in caught]
                self.history.warned += texts
        if line.id == "backward":
            self.take_gradients()

    def take_gradients(self) -> None:
        """Give the gradients of autograd the names that the program by hand has for them."""
        for name in (*self.weights, "h", "h_relu", "y_pred"):
            tensor = self.names[name]
            has_gradient = (
                tensor.is_leaf or tensor.retains_grad
            )  # others: w1.grad is None, with a warning
            self.names[f"grad_{name}"] = tensor.grad if has_gradient else None

    def run_step(self) -> None:
        """Run to the end of the step."""
        self.run_line()
        while not self.history.stopped and self.place % len(self.lines):
            self.run_line()

    def begin_step(self, step: int) -> None:
        """Keep the weights, now and then so that the run can go back."""
        self.old = self.weights_now()
        if step % self.stride or any(name in MANY_STARTS for name in self.settings.breaks):
            return
        self.checkpoints[step] = self.old
        size = sum(array.nbytes for array in self.old.values())
        if len(self.checkpoints) * size > CHECKPOINT_BYTES:
            self.stride *= 2
            self.checkpoints = {
                k: kept for k, kept in self.checkpoints.items() if k % self.stride == 0
            }

    def note_loss(self, step: int) -> None:
        """Keep the loss, and on how many rows each unit is on."""
        loss, h = float(self.array("loss") or 0.0), self.array("h")
        self.history.losses.append(loss)
        if not np.isfinite(loss) and self.history.diverged is None:
            self.history.diverged = step
        if h is not None:
            self.history.activity.append((h > 0).sum(axis=0).astype(np.uint16))

    def seek(self, place: int) -> None:
        """Go to the place where that many lines have run, back or forth."""
        if place < self.place:
            self.restore(place)
        while self.place < place and not self.history.stopped:
            self.run_line()

    def restore(self, place: int) -> None:
        """Go back to a kept start of a step, at the latest the step before the place."""
        wanted = max(0, max(0, place - 1) // len(self.lines) - 1)
        start = max(step for step in self.checkpoints if step <= wanted)
        history, checkpoints, stride = self.history, self.checkpoints, self.stride
        self.clear()
        history.cut(start)
        self.history, self.stride = history, stride
        self.checkpoints = {step: kept for step, kept in checkpoints.items() if step <= start}
        self.place = start * len(self.lines)
        for name, array in self.checkpoints[start].items():
            self.names[name] = self.variable(name, array)
        self.old = self.weights_now()

    def curvature(self) -> float:
        """Return the largest curvature of the loss at the weights as they are; NaN where it cannot be computed."""
        x, y, weights = self.array("x"), self.array("y"), self.weights_now()
        if x is None or y is None or y.ndim != 2:
            return math.nan
        params = Params(*(weights.get(name) for name in ("w1", "b1", "w2", "b2"))).map(np.float64)
        if not all(np.isfinite(part).all() for _, part in params.items()):
            return math.nan
        wide = x.astype(np.float64), y.astype(np.float64)
        return largest_curvature(*wide, params, self.settings.activation)

    def age(self, name: str) -> str:
        """Return when a variable was written: "now" (in this step), "before", "given", or "none"."""
        if self.array(name) is None:
            return "none"
        at = self.written_at.get(name)
        if at is None:
            return "given"
        return "now" if at > self.step * len(self.lines) else "before"


def compiled_line(line: WatchedLine) -> Any:
    """Return a line of the tutorial, ready to run. A block's first line alone does nothing: its lines run within it."""
    source = "pass" if line.id == "no_grad" else line.code.strip()
    return compile(source, "<the program>", "exec")


def keep_gradients(names: dict[str, Any]) -> None:
    """Let autograd keep the gradients of what it computes, so that they can be shown."""
    for name in ("h", "h_relu", "y_pred"):
        if names[name].requires_grad and not names[name].is_leaf:
            names[name].retain_grad()


def predictions(x: np.ndarray, run: EngineRun) -> np.ndarray:
    """Return the network's outputs for rows of x, with the weights as they are."""
    weights = run.weights_now()
    with np.errstate(all="ignore"):
        h = x @ weights["w1"] + weights.get("b1", 0)
        h_relu = np.maximum(h, 0) if run.settings.activation == "relu" else h
        return h_relu @ weights["w2"] + weights.get("b2", 0)
