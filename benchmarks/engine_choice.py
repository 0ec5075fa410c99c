"""Is the choice a good one? `engine="auto"` beside every engine and form it could have taken, over many shapes."""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np

from twolayer.maths.network import init_params
from twolayer.training.train import train

# rows, inputs, hidden units, outputs, and the settings that matter to the choice
SHAPES: list[tuple[int, int, int, int, dict[str, Any]]] = [
    (12, 2, 10, 4, {"solver": "gd", "steps": 2000}),
    (64, 1000, 100, 10, {"solver": "gd", "steps": 500}),
    (64, 1000, 100, 10, {"solver": "gd", "steps": 2}),
    (100, 20_000, 50, 1, {"solver": "gd", "steps": 20}),
    (100, 20_000, 50, 1, {"solver": "gd", "steps": 1}),
    (150, 4, 50, 3, {"solver": "lbfgs", "steps": 100}),
    (171, 5748, 100, 4, {"solver": "lbfgs", "steps": 30}),
    (400, 400, 50, 1, {"solver": "gd", "steps": 100}),
    (500, 30, 50, 1, {"solver": "lbfgs", "steps": 100}),
    (1000, 1500, 50, 1, {"solver": "gd", "steps": 20}),
    (2000, 20, 50, 1, {"solver": "adam", "steps": 200, "batch_size": 200}),
    (2000, 784, 100, 10, {"solver": "adam", "steps": 20, "batch_size": 200}),
    (300, 3000, 50, 1, {"solver": "gd", "steps": 100, "batch_size": 50}),
    (5000, 20, 50, 1, {"solver": "gd", "steps": 50}),
]


def engine_choices(quick: bool) -> list[dict[str, Any]]:
    """Return, for each shape, the median seconds of the choice, of the NumPy engine and of every other candidate.

    Returns
    -------
    list of dict
        For each shape: what was chosen, its seconds, and the choice's seconds as a share of the NumPy engine's and of the
        fastest candidate's.
    """
    figures = []
    for n, d, h, o, settings in SHAPES:
        rng = np.random.default_rng(0)
        x = rng.standard_normal((n, d))
        y = np.tanh(x[:, :2] @ rng.standard_normal((2, o)))
        params = init_params(d, h, o, scheme="glorot")
        candidates: dict[str, dict[str, Any]] = {
            "auto": {},
            "numpy": {"engine": "numpy"},
            "compiled": {"engine": "compiled"},
        }
        if settings["solver"] != "adam":
            candidates["compiled, span"] = {"engine": "compiled", "span": True}
        seconds: dict[str, list[float]] = {name: [] for name in candidates}
        chosen = ""
        for turn in range(4 if quick else 6):
            for name, form in candidates.items():
                start = time.perf_counter()
                run = train(
                    x,
                    y,
                    params,
                    loss="squared_error",
                    learning_rate=1e-3,
                    random_state=0,
                    **settings,
                    **form,
                )
                if turn:  # the first is the warm-up
                    seconds[name].append(time.perf_counter() - start)
                if name == "auto":
                    chosen = f"{run.engine}{', span' if run.span else ''}"
        medians = {name: statistics.median(taken) for name, taken in seconds.items()}
        batch = f", batches of {settings['batch_size']}" if "batch_size" in settings else ""
        figures.append(
            {
                "shape": f"{n}×{d}, {h} hidden, {o} out, {settings['solver']}, {settings['steps']} steps{batch}",
                "chosen": chosen,
                "auto": medians["auto"],
                "of_numpy": medians["auto"] / medians["numpy"],
                "of_best": medians["auto"] / min(medians.values()),
            }
        )
    return figures
