"""The UCI regression tables: ours on the published splits, beside the published figures."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import published_figures
from benchmarks.datasets import read_uci_split, uci_folder
from benchmarks.measurements import Measurements
from benchmarks.scores import mean_and_error

UCI = tuple(sorted(published_figures.RMSE))
N_HIDDEN = 50  # as the published figures have it


def normal_nll(y: np.ndarray, mean: np.ndarray, std: np.ndarray) -> float:
    """Mean negative log likelihood under normal distributions."""
    return float(np.mean(0.5 * np.log(2 * np.pi * std**2) + 0.5 * ((y - mean) / std) ** 2))


def uci_split(path: Path, split: int) -> dict[str, Any]:
    """One split, learned and predicted by ours as it comes."""
    from twolayer.estimators import TwoLayerRegressor

    x, y, x_test, y_test = read_uci_split(path, split)
    began = time.perf_counter()
    model = TwoLayerRegressor(N_HIDDEN, random_state=split).fit(x, y)
    mean, std = model.predict(x_test, return_std=True)
    return {
        "rmse": float(np.sqrt(np.mean((mean - y_test) ** 2))),
        "nll": normal_nll(y_test, mean, std),
        "alpha": model.alpha_,
        "seconds": time.perf_counter() - began,
    }


def uci_table(
    name: str, splits: int, tell: Callable[[str], None], measurements: Measurements
) -> dict[str, Any]:
    """Some splits of one table."""
    runs = []
    for split in range(splits):
        run = measurements.of(
            (name, "published splits", str(split), "TwoLayerRegressor"),
            partial(uci_split, uci_folder(name), split),
        )
        runs.append(run)
        tell(
            f"{name}, split {split + 1} of {splits}: RMSE {run['rmse']:.3f}, NLL {run['nll']:.3f} "
            f"(alpha {run['alpha']:.3g}, {run['seconds']:.0f} s)"
        )
    return {
        "table": name,
        "splits": runs,
        "rmse": mean_and_error([run["rmse"] for run in runs]),
        "nll": mean_and_error([run["nll"] for run in runs]),
        "seconds": float(np.mean([run["seconds"] for run in runs])),
    }
