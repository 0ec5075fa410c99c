"""What the machine at hand can do at best: the floors that every figure is held against."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from twolayer.distributed.cluster import processor_name

PACKAGES = ("twolayer", "numpy", "scipy", "numba", "scikit-learn", "torch", "jax")


@dataclass(frozen=True)
class Machine:
    """Measured rates, and what was measured with.

    Attributes
    ----------
    operations : dict
        Floating-point operations a second of a large matrix product, by dtype name: the best thread count's.
    bandwidth : float
        Bytes a second, read and written, of a copy too large for the cache.
    description : dict
        Processor, number of processors, system, Python and package versions, BLAS.
    """

    operations: dict[str, float]
    bandwidth: float
    description: dict[str, Any]

    def floor(self, operations: float, dtype: str, traffic: float = 0.0) -> float:
        """Seconds below which this many operations, or bytes moved, cannot be done here: whichever takes longer."""
        return max(operations / self.operations[dtype], traffic / self.bandwidth)


def measure_machine() -> Machine:
    """Measure the machine: a few seconds."""
    return Machine(
        {dtype: matrix_rate(dtype) for dtype in ("float64", "float32")},
        bandwidth(),
        machine_description(),
    )


def best_of(function: Any, tries: int) -> float:
    """The least seconds of some tries: here the machine's best is what is asked for."""
    seconds = []
    for _ in range(tries):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


def matrix_rate(dtype: str, size: int = 1024) -> float:
    """Operations a second of a square product, at the best of one and all threads."""
    from threadpoolctl import threadpool_limits

    a = np.random.default_rng(0).standard_normal((size, size)).astype(dtype)
    out = np.empty_like(a)
    rates = []
    for threads in (1, os.cpu_count() or 1):
        with threadpool_limits(threads, user_api="blas"):
            rates.append(2 * size**3 / best_of(lambda: np.matmul(a, a, out=out), 7))
    return max(rates)


def bandwidth(numbers: int = 1 << 25) -> float:
    """Bytes a second of a copy: every number read once and written once."""
    source, target = np.ones(numbers), np.empty(numbers)
    return 2 * source.nbytes / best_of(lambda: np.copyto(target, source), 5)


def machine_description() -> dict[str, Any]:
    """Processor, system and versions."""
    from threadpoolctl import threadpool_info

    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "not installed"
    blas = sorted({f"{pool['internal_api']} {pool['version']}" for pool in threadpool_info()})
    return {
        "processor": processor_name(),
        "processors": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": versions,
        "blas": blas,
    }
