"""What a fresh process pays: P1 with the import included, with nothing compiled yet and with the kernels on disk."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile

PROGRAM = """
import time
start = time.perf_counter()
import numpy as np
import twolayer as tl
rng = np.random.default_rng(0)
x, y = rng.standard_normal((64, 1000)), rng.standard_normal((64, 10))
run = tl.train(x, y, tl.init_params(1000, 100, 10, bias=False), steps=500)
print(time.perf_counter() - start)
"""


def cold_start() -> dict[str, float]:
    """Return the seconds of P1 in a new process: with nothing compiled yet, and with the kernels on disk."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}

        def run() -> float:
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            return float(done.stdout)

        return {"nothing_cached": run(), "cached": statistics.median(run() for _ in range(5))}
