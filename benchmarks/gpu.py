"""The ladder on a GPU: every torch engine on `cuda` and on the processor, beside the NumPy program.

`python -m benchmarks gpu` prints it; it needs PyTorch with a CUDA device. Each run is timed whole, after one that is
not counted; `train` hands back NumPy arrays, so the clock is read only when the device has finished.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import numpy as np

import twolayer as tl

SIZES = [(64, 1000, 100, 10), (1024, 1000, 100, 10), (4096, 4096, 4096, 10)]
ENGINES = ["torch", "torch-autograd", "torch-function", "torch-nn"]


def seconds_of(
    x: np.ndarray, y: np.ndarray, params: tl.Params, engine: str, device: str, steps: int
) -> float:
    """The median of three runs."""
    taken = []
    for turn in range(4):
        start = time.perf_counter()
        tl.train(x, y, params, learning_rate=1e-9, steps=steps, engine=engine, device=device)
        if turn:
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks gpu", description=__doc__)
    parser.add_argument("steps", type=int, nargs="?", default=500, help="default: 500")
    steps = parser.parse_args(arguments).steps
    try:
        import torch
    except ImportError:
        sys.exit("PyTorch is not installed: nothing is measured")
    if not torch.cuda.is_available():
        sys.exit("PyTorch sees no CUDA device here: nothing is measured")
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, float32, {steps} steps")
    for n, d, h, o in SIZES:
        rng = np.random.default_rng(0)
        x = rng.standard_normal((n, d)).astype(np.float32)
        y = rng.standard_normal((n, o)).astype(np.float32)
        params = tl.init_params(d, h, o, bias=False, dtype="float32")
        here = steps if n * d * h < 1e8 else max(1, steps // 50)
        print(f"\n{n} rows, {d} inputs, {h} hidden, {o} outputs, {here} steps")
        numpy_seconds = seconds_of(x, y, params, "numpy", "cpu", here)
        print(f"{'numpy':<16}cpu   {numpy_seconds:9.4f} s")
        for engine in ENGINES:
            for device in ("cpu", "cuda"):
                took = seconds_of(x, y, params, engine, device, here)
                print(
                    f"{engine:<16}{device:<5} {took:9.4f} s  {numpy_seconds / took:6.2f} times faster than numpy"
                )


if __name__ == "__main__":
    main()
