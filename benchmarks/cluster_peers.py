"""What else learns from a Dask table, on one table in one run: seconds, and the squared error on these rows and on others.

Scikit-learn's networks and linear model by `partial_fit`, block after block (dask-ml's `Incremental`), a network fitted to a
sample that predicts block by block (dask-ml's `ParallelPostFit`), and twolayer, on all rows at each step, or pass by pass.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import twolayer as tl

N_ROWS, N_TEST, N_INPUTS, N_HIDDEN, N_BLOCKS = 320_000, 40_000, 20, 50, 16
PASSES = (5, 20)
SAMPLE = 20_000


def rows_and_targets(n_rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows in float32 and targets whose noise has the variance 0.01: no model has a smaller squared error."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_rows, N_INPUTS), dtype=np.float32)
    y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.1 * rng.standard_normal(n_rows)
    return x, y.astype(np.float32)


def contenders() -> Iterator[tuple[str, Callable[[Any, Any], Any]]]:
    """Yield the name of each, and the function that fits it to a Dask table."""
    from dask_ml.wrappers import Incremental, ParallelPostFit
    from sklearn.linear_model import SGDRegressor
    from sklearn.neural_network import MLPRegressor

    def network() -> Any:
        return MLPRegressor(hidden_layer_sizes=(N_HIDDEN,), random_state=0)

    def in_blocks(model: Any, passes: int) -> Callable[[Any, Any], Any]:
        def fit(x: Any, y: Any) -> Any:
            own = Incremental(model, shuffle_blocks=True, random_state=0)
            for _ in range(passes):
                own.partial_fit(x, y)
            return own

        return fit

    def by_passes(passes: int, n_networks: int) -> Callable[[Any, Any], Any]:
        def fit(x: Any, y: Any) -> Any:
            own = tl.TwoLayerRegressor(N_HIDDEN, alpha=1.0, n_networks=n_networks, random_state=0)
            for _ in range(passes):
                own.partial_fit(x, y)
            return own

        return fit

    def on_sample(x: Any, y: Any) -> Any:
        rows = slice(0, SAMPLE)
        return ParallelPostFit(network().fit(x[rows].compute(), y[rows].compute()))

    for iterations in (100, 300):
        settings: dict[str, Any] = {"alpha": 1.0, "random_state": 0, "max_iter": iterations}
        model = tl.TwoLayerRegressor(N_HIDDEN, **settings)
        yield f"twolayer, L-BFGS, {iterations} steps on all rows", model.fit
    for passes in PASSES:
        yield f"twolayer, partial_fit, {passes} passes, one network", by_passes(passes, 1)
        yield f"twolayer, partial_fit, {passes} passes, five networks", by_passes(passes, 5)
        yield f"dask-ml Incremental of MLPRegressor, {passes} passes", in_blocks(network(), passes)
    yield (
        f"dask-ml Incremental of SGDRegressor, {PASSES[-1]} passes",
        in_blocks(SGDRegressor(random_state=0), PASSES[-1]),
    )
    yield f"dask-ml ParallelPostFit, MLPRegressor on {SAMPLE:,} rows", on_sample


def print_peers(client: Any) -> None:
    """Fit each contender to the same table, which the workers have in memory, and print what it took and reached."""
    import dask.array as da
    from distributed import wait

    x_here, y_here = rows_and_targets(N_ROWS, 0)
    size = N_ROWS // N_BLOCKS
    x, y = client.persist(
        [
            da.from_array(x_here, chunks=(size, N_INPUTS)),
            da.from_array(y_here, chunks=size),
        ]
    )
    wait([x, y])
    x_new, y_new = rows_and_targets(N_TEST, 1)
    print(
        f"{N_ROWS:,} x {N_INPUTS}, {N_HIDDEN} hidden units, {N_BLOCKS} blocks; noise alone 0.01:\n"
    )
    print("| | seconds | squared error, training | other rows |\n|---|---|---|---|")
    for name, fit in contenders():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that steps ran out
            start = time.perf_counter()
            model = fit(x, y)
            seconds = time.perf_counter() - start
            errors = [
                np.square(np.asarray(model.predict(rows)) - truth).mean()
                for rows, truth in ((x, y_here), (da.from_array(x_new, chunks=(size, -1)), y_new))
            ]
        print(f"| {name} | {seconds:.1f} | {errors[0]:.4f} | {errors[1]:.4f} |", flush=True)
