"""A table of very many columns in a Zarr store: what its fit takes on Dask, beside reading the store once.

The store is written to a temporary folder. Memory is that of this process and of all workers together.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

import twolayer as tl
from twolayer.distributed import column_source

N_ROWS, BLOCK_COLUMNS, N_HIDDEN = 200, 50_000, 50
SETTINGS: dict[str, dict[str, Any]] = {
    "alpha given, one network": {"alpha": 100.0, "n_networks": 1},
    "default": {},
}
READ_AT_ONCE = 1 << 24


def write_store(path: Path, n_columns: int) -> None:
    """Write noise in float32, block by block."""
    import zarr

    chunks = N_ROWS, min(BLOCK_COLUMNS, n_columns)
    shape = N_ROWS, n_columns
    array = zarr.create_array(path, shape=shape, chunks=chunks, dtype="f4", compressors=None)
    for first in range(0, n_columns, chunks[1]):
        rng = np.random.default_rng(first)
        count = min(chunks[1], n_columns - first)
        array[:, first : first + count] = rng.standard_normal((N_ROWS, count), dtype=np.float32)


def read_seconds(path: Path) -> float:
    """Return the seconds of reading every file of the store once, in one process."""
    start = time.perf_counter()
    for file in path.rglob("*"):
        if file.is_file():
            with file.open("rb", buffering=0) as opened:
                while opened.read(READ_AT_ONCE):
                    pass
    return time.perf_counter() - start


@contextmanager
def largest_memory() -> Iterator[Callable[[], float]]:
    """Yield what gives the largest memory of this process and its children since, in bytes."""
    import psutil

    here, ended, seen = psutil.Process(), threading.Event(), [0]

    def look() -> None:
        while not ended.wait(0.2):
            sizes = []
            for one in (here, *here.children(recursive=True)):
                try:
                    sizes.append(one.memory_info().rss)
                except psutil.NoSuchProcess:
                    continue
            seen[0] = max(seen[0], sum(sizes))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield lambda: float(seen[0])
    finally:
        ended.set()
        thread.join()


@contextmanager
def timed_passes() -> Iterator[list[float]]:
    """Yield a list to which the seconds of each pass for sums over the columns are added."""
    seconds, sums = [], column_source.ColumnSource.sums

    def timed(self: Any, requests: Any) -> Any:
        start = time.perf_counter()
        answers = sums(self, requests)
        seconds.append(time.perf_counter() - start)
        return answers

    column_source.ColumnSource.sums = timed  # type: ignore[method-assign]
    try:
        yield seconds
    finally:
        column_source.ColumnSource.sums = sums  # type: ignore[method-assign]


def print_columns(n_columns: int, client: Any) -> None:
    """Print what fits to a table of so many columns take."""
    import dask.array as da

    y = np.random.default_rng(0).standard_normal(N_ROWS)
    n_bytes = 4.0 * N_ROWS * n_columns
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.zarr"
        write_store(path, n_columns)
        os.sync()
        rate = n_bytes / read_seconds(path)
        print(
            f"{N_ROWS} x {n_columns:,} in float32, {1e-9 * n_bytes:.2g} GB, read once at {1e-6 * rate:.0f} MB/s "
            f"(by one process, as far as the system has it in memory from there)\n"
        )
        print(
            "| fit | seconds | passes for sums, MB/s | memory of all processes |\n|---|---|---|---|"
        )
        for name, settings in SETTINGS.items():
            with largest_memory() as memory, timed_passes() as seconds, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that steps ran out
                start = time.perf_counter()
                table = da.from_zarr(path)
                tl.TwoLayerRegressor(N_HIDDEN, random_state=0, **settings).fit(
                    table, y, client=client
                )
                whole = time.perf_counter() - start
            rates = ", ".join(f"{1e-6 * n_bytes / each:.0f}" for each in seconds)
            print(f"| {name} | {whole:.1f} | {rates} | {1e-9 * memory():.2f} GB |", flush=True)
