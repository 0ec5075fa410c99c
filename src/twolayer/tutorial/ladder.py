"""The ladder: one program with the same numbers, run by every engine, side by side.

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
TRAINING_NAMES = (
    "activation", "loss", "alpha", "solver", "learning_rate", "momentum", "nesterov", "batch_size", "steps",
)  # fmt: skip
LADDER_DTYPES = {name: np.dtype(name) for name in ("float64", "float32")}

# Points of the plane near and far from the axes, in the four quadrants counted as usual, against the clock.
QUADRANT_POINTS = [(1, 1), (-1, 1), (-1, -1), (1, -1)]
QUADRANT_POINTS += [(10 * i, j) for i, j in QUADRANT_POINTS] + [
    (i, 10 * j) for i, j in QUADRANT_POINTS
]


@dataclass(frozen=True)
class LadderProgram:
    """One program of the ladder: its data and its training. The defaults are the well-known program's."""

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
        """Return the arguments of `train`, except the arrays, the engine and the device."""
        return {name: getattr(self, name) for name in TRAINING_NAMES} | {"random_state": self.seed}


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
    """What every engine starts from: the table and the weights."""

    x: np.ndarray
    y: np.ndarray
    params: Params


@dataclass(frozen=True, eq=False)
class LadderRow:
    """One engine's row in the table of the ladder.

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
        The largest relative difference of any loss from that program's, over `EARLY_STEPS` steps and over all.
    """

    engine: str
    device: str
    run: Run | None
    reason: str | None = None
    times_faster: float = 1.0
    early: float = 0.0
    difference: float = 0.0


def ladder_arrays(program: LadderProgram) -> LadderArrays:
    """Return the table and the initial weights of a program.

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
    """Return twelve points of the plane, and the quadrant of each as a one-hot vector."""
    x = np.array(QUADRANT_POINTS, dtype=float)
    return x, np.eye(4)[quadrant_of(x) - 1]


def quadrant_of(x: np.ndarray) -> np.ndarray:
    """Return the quadrant of each point, 1 to 4, anticlockwise from x, y > 0."""
    right, up = x[:, 0] > 0, x[:, 1] > 0
    return np.where(up, np.where(right, 1, 2), np.where(right, 4, 3))


def random_labels(y: np.ndarray) -> np.ndarray:
    """Return classes made from random numbers: the largest of each row, or the sign of a single one."""
    if y.shape[1] == 1:
        return (y > 0).astype(float)
    return np.eye(y.shape[1])[y.argmax(1)]


def least_squares_floor(arrays: LadderArrays) -> float:
    """Return the least sum of squares of a linear model with a constant on the table."""
    columns = np.column_stack([arrays.x, np.ones(len(arrays.x))])
    best = np.linalg.lstsq(columns, arrays.y, rcond=None)[0]
    return float(np.square(columns @ best - arrays.y).sum())


def weight_snapshots(program: LadderProgram, arrays: LadderArrays, every: int) -> dict[int, Params]:
    """Return the NumPy program's weights before update 0, `every`, 2·`every`, ..."""
    snapshots = {0: arrays.params}

    def record(progress: Progress) -> None:
        snapshots[progress.step] = progress.params()

    train(
        arrays.x,
        arrays.y,
        arrays.params,
        **program.training(),
        engine=REFERENCE_ENGINE,
        callback=record,
        callback_every=every,
    )
    return snapshots


def run_ladder(
    program: LadderProgram, arrays: LadderArrays, names: Sequence[str] | None = None
) -> Iterator[LadderRow]:
    """Run the program on one engine after another, the NumPy program first.

    Parameters
    ----------
    program : LadderProgram
    arrays : LadderArrays
    names : sequence of str, or None
        The engines; None for all. A named engine must be installed; with None, an engine that is not installed has a
        reason instead of a run. The NumPy program always runs: the others are compared with it.

    Yields
    ------
    LadderRow

    Raises
    ------
    InputError, EngineError, DivergedError
        As in `train`, for the NumPy program; an error of another engine is the `reason` of its row.
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
            run = timed_run(program, arrays, name, devices[name])
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
    """Return where each engine runs: on the given device, or on the CPU if it cannot use that one."""
    devices, refusal = {}, None
    for worker in workers:
        try:
            devices[worker.name] = worker.check_device(device)
        except EngineError as error:
            refusal = error
    if refusal and not devices:
        hint = f" ({next(iter(missing.values()))})" if missing else ""
        raise EngineError(f"{refusal}{hint}")
    return {worker.name: devices.get(worker.name, "cpu") for worker in workers}


def timed_run(program: LadderProgram, arrays: LadderArrays, engine: str, device: str) -> Run:
    """Return a run whose seconds mean something: after untimed steps, and the fastest of three if it is short.

    On one thread: at the well-known program's size a second one gains little, and when the machine has something else to
    do, threads that wait for each other make a run several times slower.
    """
    from threadpoolctl import threadpool_limits

    def call(**changed: Any) -> Run:
        arguments = {**program.training(), "engine": engine, "device": device, **changed}
        return train(arrays.x, arrays.y, arrays.params, **arguments)

    call(steps=min(2, program.steps))  # libraries are loaded, kernels compiled, memory touched
    with threadpool_limits(1):  # after the call: it limits the libraries that are loaded
        return fastest_run(call)


def fastest_run(call: Callable[[], Run], at_most: int = 3, enough_seconds: float = 0.5) -> Run:
    """Return the fastest of at most `at_most` runs, which end after `enough_seconds` in all."""
    runs = [call()]
    while (
        len(runs) < at_most
        and sum(run.seconds for run in runs) < enough_seconds
        and runs[-1].stopped != "interrupted"
    ):
        runs.append(call())
    return min(runs, key=lambda run: run.seconds)


def largest_difference(losses: np.ndarray, reference: np.ndarray) -> float:
    """Return max |loss − reference| / |reference| over the steps that both have."""
    both = min(len(losses), len(reference))
    difference = np.abs(losses[:both] - reference[:both])
    if not difference.any():
        return 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = difference / np.abs(reference[:both])
    return float(np.max(relative[difference > 0]))
