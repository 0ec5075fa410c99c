"""The ladder: one program on the same numbers, run by every engine as written, side by side.

The numbers come from one generator in the order of the program (`x`, `y`, `w1`, `w2`, `b1`, `b2`), so that a script of a few
lines with the same seed has them too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.engines import ENGINE_NAMES, engines, get_available_engine
from twolayer.engines.contract import Engine
from twolayer.errors import DivergedError, EngineError, InputError
from twolayer.maths.losses import LOSSES
from twolayer.maths.network import Params, init_params
from twolayer.training.loop import INTERRUPTED, Progress
from twolayer.training.train import Run, train

REFERENCE_ENGINE = ENGINE_NAMES[0]  # all others are compared with the first rung
EARLY_STEPS = 100  # steps over which runs in float32 are still comparable
LADDER_DTYPES = {name: np.dtype(name) for name in ("float64", "float32")}

# Points of the plane near and far from the axes, in the four quadrants counted as usual, against the clock.
QUADRANT_POINTS = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
QUADRANT_POINTS += [(10 * i, j) for i, j in QUADRANT_POINTS] + [
    (i, 10 * j) for i, j in QUADRANT_POINTS
]


@dataclass(frozen=True)
class LadderProgram:
    """One program of the ladder: what it trains on, and how. The defaults are the well-known program's."""

    problem: str = "random"
    n_rows: int = 64
    n_inputs: int = 1000
    n_hidden: int = 100
    n_outputs: int = 10
    bias: bool = False
    activation: str = "relu"
    loss: str = "sum_of_squares"
    alpha: float = 0.0
    solver: str = "gd"
    learning_rate: float = 1e-6
    momentum: float = 0.0
    nesterov: bool = False
    batch_size: int | None = None
    steps: int = 500
    dtype: str = "float64"
    device: str = "cpu"
    seed: int = 0
    predict: tuple[tuple[float, ...], ...] = ()
    show_weights: bool = False
    prints_losses: bool = True

    def training(self) -> dict[str, Any]:
        """What `train` is told, but for the arrays, the engine and the device."""
        return {
            "activation": self.activation,
            "loss": self.loss,
            "alpha": self.alpha,
            "solver": self.solver,
            "learning_rate": self.learning_rate,
            "momentum": self.momentum,
            "nesterov": self.nesterov,
            "batch_size": self.batch_size,
            "steps": self.steps,
            "random_state": self.seed,
        }


_ON_TENSORS = {"dtype": "float32", "device": "auto"}
_TIMED = LadderProgram(steps=2000, prints_losses=False, **_ON_TENSORS)  # type: ignore[arg-type]
PROGRAMS = {
    "P1": LadderProgram(),
    "P2": LadderProgram(learning_rate=1e-7, steps=200),
    "P3": LadderProgram(bias=True),
    "P4": LadderProgram(
        problem="quadrants",
        n_rows=len(QUADRANT_POINTS),
        n_inputs=2,
        n_hidden=10,
        n_outputs=4,
        bias=True,
        activation="identity",
        learning_rate=1e-5,
        predict=((111, -111), (1, 9), (8, 1), (1, 8)),
        show_weights=True,
    ),
    "P5": LadderProgram(**_ON_TENSORS),  # type: ignore[arg-type]
    "P7": _TIMED,
    "P8": _TIMED,
    "P10": _TIMED,
}
LADDER_PROBLEMS = {"random": PROGRAMS["P1"], "quadrants": PROGRAMS["P4"]}


@dataclass(frozen=True, eq=False)
class LadderArrays:
    """What every engine is given: the table and the weights to start from."""

    x: np.ndarray
    y: np.ndarray
    params: Params


@dataclass(frozen=True, eq=False)
class LadderRow:
    """One engine's row of the table.

    Attributes
    ----------
    engine, device : str
    run : Run or None
        None if it did not run.
    reason : str or None
        Why it did not run.
    times_faster : float
        The NumPy program's seconds over this one's.
    early, difference : float
        The largest relative difference of any loss from the NumPy program's, over the first `EARLY` steps and over all.
    """

    engine: str
    device: str
    run: Run | None
    reason: str | None = None
    times_faster: float = 1.0
    early: float = 0.0
    difference: float = 0.0


def ladder_arrays(program: LadderProgram) -> LadderArrays:
    """The table and the weights to start from.

    Raises
    ------
    InputError
        If a size, the seed, the dtype or the problem cannot be used.
    """
    dtype = checks.one_of(program.dtype, LADDER_DTYPES, "dtype", np.dtype)
    rng = np.random.default_rng(checks.whole_number(program.seed, "seed", at_least=0))
    sizes = [
        checks.whole_number(getattr(program, name), name)
        for name in ("n_rows", "n_inputs", "n_hidden", "n_outputs")
    ]
    n_rows, n_inputs, n_hidden, n_outputs = sizes
    if program.problem == "quadrants":
        x, y = quadrants()
        if (n_rows, n_inputs, n_outputs) != (*x.shape, y.shape[1]):
            raise InputError(
                f"the quadrants are {len(x)} rows of {x.shape[1]} inputs in {y.shape[1]} classes: "
                "leave those sizes out, or use --problem random"
            )
    else:
        x = rng.standard_normal((n_rows, n_inputs))
        y = rng.standard_normal((n_rows, n_outputs))
        if program.loss in LOSSES and LOSSES[program.loss].takes_labels:
            y = random_labels(y)
    params = init_params(
        n_inputs, n_hidden, n_outputs, bias=program.bias, random_state=rng, dtype=program.dtype
    )
    return LadderArrays(x.astype(dtype), y.astype(dtype), params)


def quadrants() -> tuple[np.ndarray, np.ndarray]:
    """Twelve points of the plane, and one-hot which quadrant each lies in."""
    x = np.array(QUADRANT_POINTS, dtype=float)
    return x, np.eye(4)[quadrant_of(x) - 1]


def quadrant_of(x: np.ndarray) -> np.ndarray:
    """1 to 4, against the clock from x, y > 0."""
    right, up = x[:, 0] > 0, x[:, 1] > 0
    return np.where(up, np.where(right, 1, 2), np.where(right, 4, 3))


def random_labels(y: np.ndarray) -> np.ndarray:
    """Classes from random numbers, for losses that need classes: the largest of each row, or the sign of the only one."""
    if y.shape[1] == 1:
        return (y > 0).astype(float)
    return np.eye(y.shape[1])[y.argmax(1)]


def least_squares_floor(numbers: LadderArrays) -> float:
    """The least sum of squares that a linear model with a constant can reach on the table."""
    columns = np.column_stack([numbers.x, np.ones(len(numbers.x))])
    best = np.linalg.lstsq(columns, numbers.y, rcond=None)[0]
    return float(np.square(columns @ best - numbers.y).sum())


def weight_snapshots(
    program: LadderProgram, numbers: LadderArrays, every: int
) -> dict[int, Params]:
    """The NumPy program's weights before update 0, `every`, 2·`every`, ..."""
    seen = {0: numbers.params}

    def look(progress: Progress) -> None:
        seen[progress.step] = progress.params()

    train(
        numbers.x,
        numbers.y,
        numbers.params,
        **program.training(),
        engine=REFERENCE_ENGINE,
        callback=look,
        callback_every=every,
    )
    return seen


def run_ladder(
    program: LadderProgram, numbers: LadderArrays, names: Sequence[str] | None = None
) -> Iterator[LadderRow]:
    """Run the program on one engine after another, the NumPy program first.

    Parameters
    ----------
    program : Program
    numbers : Numbers
    names : sequence of str, or None
        The engines; None for all there are. One that is named must be installed; of all there are, those that are not give
        their reason instead of a run. The NumPy program always runs: the others are compared with it.

    Yields
    ------
    Rung

    Raises
    ------
    InputError, EngineError, DivergedError
        As in `train`; for engines after the first, not being able to run this or diverging is the rung's `reason`.
    """
    if names is None:
        missing = {name: reason for name, reason in engines().items() if reason}
        wanted = list(ENGINE_NAMES)
    else:
        missing = {}
        wanted = [
            REFERENCE_ENGINE,
            *dict.fromkeys(name for name in names if name != REFERENCE_ENGINE),
        ]
    ready = [get_available_engine(name) for name in wanted if name not in missing]
    devices = engine_devices(ready, program.device, missing)

    reference: Run | None = None
    for name in wanted:
        if name in missing:
            yield LadderRow(name, "", None, missing[name])
            continue
        try:
            run = timed_run(program, numbers, name, devices[name])
        except (EngineError, DivergedError) as error:
            if reference is None:
                raise
            yield LadderRow(name, devices[name], None, str(error))
            continue
        reference = reference or run
        yield LadderRow(
            name,
            run.device,
            run,
            times_faster=reference.seconds / run.seconds,
            early=largest_difference(run.losses[:EARLY_STEPS], reference.losses[:EARLY_STEPS]),
            difference=largest_difference(run.losses, reference.losses),
        )
        if run.stopped == INTERRUPTED:
            return


def engine_devices(
    workers: Sequence[Engine], device: str, missing: dict[str, str]
) -> dict[str, str]:
    """Where each engine runs: on the device asked for, or on the CPU if only others can be there."""
    found, refusal = {}, None
    for worker in workers:
        try:
            found[worker.name] = worker.check_device(device)
        except EngineError as error:
            refusal = error
    if refusal and not found:
        hint = f" ({next(iter(missing.values()))})" if missing else ""
        raise EngineError(f"{refusal}{hint}")
    return {worker.name: found.get(worker.name, "cpu") for worker in workers}


def timed_run(program: LadderProgram, numbers: LadderArrays, engine: str, device: str) -> Run:
    """One run whose seconds mean something: after a few untimed steps, and the fastest of three if they are short.

    On one thread: at the well-known program's size a second one gains little, and when the machine has something else to
    do, threads that wait for each other make a run several times slower.
    """
    from threadpoolctl import threadpool_limits

    def call(**changed: Any) -> Run:
        arguments = {**program.training(), "engine": engine, "device": device, **changed}
        return train(numbers.x, numbers.y, numbers.params, **arguments)

    call(steps=min(2, program.steps))  # libraries are loaded, kernels compiled, memory touched
    with threadpool_limits(1):  # after the call: it limits the libraries that are loaded
        return fastest_run(call)


def fastest_run(call: Callable[[], Run], at_most: int = 3, enough_seconds: float = 0.5) -> Run:
    """The fastest of some runs, which end once they have taken `enough_seconds` together."""
    runs = [call()]
    while (
        len(runs) < at_most
        and sum(run.seconds for run in runs) < enough_seconds
        and runs[-1].stopped != "interrupted"
    ):
        runs.append(call())
    return min(runs, key=lambda run: run.seconds)


def largest_difference(losses: np.ndarray, reference: np.ndarray) -> float:
    """max |loss − reference| / |reference| over the steps both have taken."""
    both = min(len(losses), len(reference))
    apart = np.abs(losses[:both] - reference[:both])
    if not apart.any():
        return 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = apart / np.abs(reference[:both])
    return float(np.max(relative[apart > 0]))
