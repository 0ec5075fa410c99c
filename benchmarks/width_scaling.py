"""What a step costs as the columns grow, and what the one pass over them costs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from benchmarks.machine import Machine
from benchmarks.programs import numpy_span_steps
from twolayer.engines import get_available_engine
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES
from twolayer.maths.network import Objective, init_params
from twolayer.maths.problem import Problem
from twolayer.maths.span import GramSpan, gram_and_products
from twolayer.solvers.gd import GradientDescent
from twolayer.training.batches import Batches
from twolayer.training.threads import limited_threads

TABLES = (  # columns and dtype; each dtype at the least width too, as its yardstick
    (1_000, "float64"),
    (10_000, "float64"),
    (100_000, "float64"),
    (1_000, "float32"),
    (1_000_000, "float32"),
)


N_ROWS, N_HIDDEN, STEPS, RATE = 100, 100, 1000, 1e-6


@dataclass
class Width:
    """A table of that width, ready for steps of ours and of NumPy's with the span, on one thread.

    Attributes
    ----------
    ours, numpy : callable
        Take `STEPS` steps.
    figures : dict
        What is known of it so far.
    steps, numpy_steps : list of float
        Seconds of a step, one a round.
    """

    ours: Callable[[], Any]
    numpy: Callable[[], Any]
    figures: dict[str, Any]
    steps: list[float] = field(default_factory=list)
    numpy_steps: list[float] = field(default_factory=list)


def width_scaling(machine: Machine, quick: bool) -> list[dict[str, Any]]:
    """Return what a table of 100 rows, 100 hidden units and 1 output costs as its columns grow.

    Returns
    -------
    list of dict
        For each width: seconds of the pass, its share of the machine's best, and seconds of a step of ours and of NumPy's.
    """
    prepared = {
        table: prepare_width(*table, machine) for table in (TABLES[:3] if quick else TABLES)
    }
    for _ in range(5 if quick else 15):
        for width in prepared.values():
            width.steps.append(step_seconds(width.ours))
            width.numpy_steps.append(step_seconds(width.numpy))
    for (_, dtype), width in prepared.items():
        least = prepared[1_000, dtype]
        width.figures["step"] = statistics.median(width.steps)
        width.figures["numpy_step"] = statistics.median(width.numpy_steps)
        width.figures["times_the_least_width"] = statistics.median(
            a / b for a, b in zip(width.steps, least.steps, strict=True)
        )
    return [width.figures for width in prepared.values()]


def step_seconds(take_steps: Callable[[], Any]) -> float:
    """Return the seconds of a step, of one run of them on one thread."""
    with limited_threads(1):
        start = time.perf_counter()
        take_steps()
        return (time.perf_counter() - start) / STEPS


def prepare_width(columns: int, dtype: str, machine: Machine) -> Width:
    """Return a table of that width; its pass is timed."""
    n, h = N_ROWS, N_HIDDEN
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, columns), dtype=np.dtype(dtype).type)
    y = np.tanh(x[:, :5].sum(1, keepdims=True))
    params = init_params(columns, h, 1, scheme="glorot", bias=False, dtype=dtype)
    problem = Problem(
        x, y, None, Objective(LOSSES["sum_of_squares"], ACTIVATIONS["relu"]), float(n)
    )
    pass_seconds = []
    for _ in range(3):
        start = time.perf_counter()
        gram_and_products(x, [params.w1], x.dtype)
        pass_seconds.append(time.perf_counter() - start)
    operations = 2 * n * n * columns + 2 * n * columns * h
    floor = machine.floor(operations, dtype, x.nbytes + params.w1.nbytes)
    figures = {
        "columns": columns,
        "dtype": dtype,
        "pass": statistics.median(pass_seconds),
        "pass_share_of_best": floor / statistics.median(pass_seconds),
    }
    engine, gram = get_available_engine("compiled"), GramSpan(problem, params)
    state = engine.prepare(gram.problem, gram.params, GradientDescent(RATE), "cpu")
    batches = Batches(problem, None, 0)
    engine.advance(state, batches.next_plan(10))
    k, h_start = gram.problem.x, gram.problem.h_start
    return Width(
        lambda: engine.advance(state, batches.next_plan(STEPS)),
        partial(numpy_span_steps, k, h_start, y, params.w2, RATE, STEPS),
        figures,
    )
