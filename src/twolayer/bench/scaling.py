"""What a step costs as the columns grow, what the one pass over them costs, and what a fresh process pays."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

import numpy as np

from twolayer.bench.machine import Machine
from twolayer.engines import get_available_engine
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES
from twolayer.maths.network import Objective, init_params
from twolayer.maths.problem import Problem
from twolayer.maths.span import GramSpan, gram_and_products
from twolayer.solvers.gd import GradientDescent
from twolayer.training.loop import Batches
from twolayer.training.threads import limited_threads

WIDTHS = (1_000, 10_000, 100_000, 1_000_000)
FRESH = """
import time
start = time.perf_counter()
import numpy as np
import twolayer as tl
rng = np.random.default_rng(0)
x, y = rng.standard_normal((64, 1000)), rng.standard_normal((64, 10))
run = tl.train(x, y, tl.init_params(1000, 100, 10, bias=False), steps=500)
print(time.perf_counter() - start)
"""


def scaling(machine: Machine, quick: bool) -> list[dict[str, Any]]:
    """100 rows, 100 hidden units, 1 output, and more and more columns: the pass, and a step after it.

    Returns
    -------
    list of dict
        For each width: seconds of the pass, its share of the machine's best, and seconds of a step.
    """
    figures: list[dict[str, Any]] = []
    widths = WIDTHS[:3] if quick else WIDTHS
    states = {}
    for width in widths:
        dtype = "float32" if width == 1_000_000 else "float64"
        states[width, dtype] = prepared(width, dtype, figures, machine)
    if not quick:  # its own yardstick: the same dtype at the least width
        states[1000, "float32"] = prepared(1000, "float32", [], machine)
    steps = 1000
    seconds: dict[Any, list[float]] = {key: [] for key in states}
    for _ in range(5 if quick else 15):
        for key, (engine, state, batches) in states.items():
            plan = batches.take(steps)
            start = time.perf_counter()
            with limited_threads(1):
                engine.advance(state, plan)
            seconds[key].append((time.perf_counter() - start) / steps)
    for figure in figures:
        mine = seconds[figure["columns"], figure["dtype"]]
        least = seconds[1000, figure["dtype"]]
        figure["step"] = statistics.median(mine)
        figure["times_the_least_width"] = statistics.median(
            a / b for a, b in zip(mine, least, strict=True)
        )
    return figures


def prepared(width: int, dtype: str, figures: list[dict[str, Any]], machine: Machine) -> Any:
    """An engine ready to take steps on a table of that width; its pass is timed and noted."""
    n, h = 100, 100
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n, width), dtype=np.dtype(dtype).type)
    y = np.tanh(x[:, :5].sum(1, keepdims=True))
    params = init_params(width, h, 1, scheme="glorot", dtype=dtype)
    problem = Problem(x, y, None, Objective(LOSSES["squared_error"], ACTIVATIONS["relu"]), float(n))
    tries = []
    for _ in range(3):
        start = time.perf_counter()
        gram_and_products(x, [params.w1], x.dtype)
        tries.append(time.perf_counter() - start)
    operations = 2 * n * n * width + 2 * n * width * h
    traffic = x.nbytes + params.w1.nbytes
    figures.append(
        {
            "columns": width,
            "dtype": dtype,
            "pass": statistics.median(tries),
            "pass_share_of_best": machine.floor(operations, dtype, traffic)
            / statistics.median(tries),
        }
    )
    engine, solver = get_available_engine("compiled"), GradientDescent(1e-4)
    form = GramSpan(problem, params)
    state = engine.prepare(form.problem, form.params, solver, "cpu")
    batches = Batches(problem, None, 0)
    engine.advance(state, batches.take(10))
    return engine, state, batches


def fresh_process() -> dict[str, float]:
    """P1 in a new process, the import included: with nothing compiled yet, and with the kernels on disk."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}

        def run() -> float:
            done = subprocess.run(
                [sys.executable, "-c", FRESH],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            return float(done.stdout)

        return {"nothing_cached": run(), "cached": statistics.median(run() for _ in range(5))}
