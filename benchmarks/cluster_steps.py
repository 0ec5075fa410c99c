"""What training on Dask takes: `python -m benchmarks cluster` measures it, and says what it would take elsewhere.

A step on blocks of rows takes

    seconds = work / workers + tasks · task_seconds + round_trips · delay + bytes / rate

with the work that the blocks' gradients take in one process here, the seconds that Dask takes for a task, and what moves:
the weights to each worker, and sums of gradients back. The first two are measured on their own, the formula is held against
real steps on 1, 2 and 4 processes, and with `--network` (as root) on a host behind a slow network. Then it is worked out for
large tables and clusters.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

import twolayer as tl
from benchmarks.arguments import count_from
from benchmarks.cluster_columns import N_ROWS as N_ROWS_WIDE
from benchmarks.cluster_columns import print_columns
from benchmarks.cluster_peers import print_peers
from benchmarks.slow_network import HERE, slow_host
from twolayer.distributed.block_sum import FAN_IN, on_one_thread
from twolayer.distributed.dask_workers import DaskWorkers
from twolayer.distributed.row_blocks import RowBlock, block_loss_and_gradients
from twolayer.maths.problem import checked_objective

N_ROWS, N_INPUTS, N_HIDDEN, N_BLOCKS = 1_600_000, 20, 50, 16
GD: dict[str, Any] = {"solver": "gd", "learning_rate": 1e-3, "steps": 10}
LBFGS: dict[str, Any] = {"solver": "lbfgs", "steps": 20}
ROUND_TRIPS = 7  # of a step: the graph to the scheduler, on to workers, sums between these, the answer back; measured
DISK_RATE = 1e9  # bytes a second that one machine of a cluster reads; for the tables worked out
NETWORK_RATE, NETWORK_DELAY = 1.25e9, 1e-4  # of ten gigabit in one room
MEMORY = 64e9  # bytes of one such machine
WORKER_COUNTS = (1, 10, 100, 1000)


@dataclass(frozen=True)
class Rates:
    """What was measured here, or is supposed.

    Attributes
    ----------
    number : float
        Seconds of one process for the gradient, per row, input and hidden unit.
    gram : float
        Seconds of one process for `x @ x.T`, per pair of rows and column.
    task : float
        Seconds that Dask takes for a task.
    """

    number: float
    gram: float
    task: float


def n_tasks(n_blocks: int) -> int:
    """Return the tasks of a sum over blocks: one for each, and those of the tree."""
    tasks = n_blocks
    while n_blocks > 1:
        n_blocks = -(-n_blocks // FAN_IN)
        tasks += n_blocks
    return tasks


def step_seconds(
    rates: Rates,
    n_rows: float,
    n_inputs: int,
    n_blocks: int,
    workers: int,
    delay: float,
    rate: float,
) -> dict[str, float]:
    """Return the seconds of a step on blocks of rows, part by part."""
    weights = 8.0 * (n_inputs + 2) * N_HIDDEN
    return {
        "gradients": rates.number * n_rows * n_inputs * N_HIDDEN / min(workers, n_blocks),
        "tasks": rates.task * n_tasks(n_blocks),
        "delay": ROUND_TRIPS * delay,
        "bytes": 2 * weights * min(workers, n_blocks) / rate,
    }


def total_seconds(parts: dict[str, float]) -> float:
    """Return the seconds of a step: each step waits for the one before, so that little of its parts overlaps."""
    return sum(parts.values())


def median_seconds(function: Callable[[], Any], tries: int = 5) -> float:
    """Return the median seconds of some calls, after one that is not counted."""
    function()
    seconds = []
    for _ in range(tries):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def random_rows(n_rows: int, seed: int) -> np.ndarray:
    """Return rows of noise in float32."""
    return np.random.default_rng(seed).standard_normal((n_rows, N_INPUTS), dtype=np.float32)


def measured_rates(client: Any) -> Rates:
    """Measure what one process computes, and what Dask takes for tasks that do nothing."""
    n_rows = N_ROWS // N_BLOCKS
    x = random_rows(n_rows, 0)
    params = tl.init_params(N_INPUTS, N_HIDDEN, 1, dtype="float32")
    objective = checked_objective("squared_error", "relu", 0.0)
    block = RowBlock(x, x[:, :1], None)
    what = block, params, objective, float(n_rows), "compiled", "cpu"
    gradient = median_seconds(lambda: on_one_thread(block_loss_and_gradients, *what))
    wide = np.random.default_rng(0).standard_normal((200, 100_000))
    gram = median_seconds(lambda: on_one_thread(np.matmul, wide, wide.T))
    workers, blocks = DaskWorkers(client), list(range(256))
    nothing = median_seconds(lambda: workers.sum(int, blocks))
    few = median_seconds(lambda: workers.sum(int, blocks[:1]))
    return Rates(
        gradient / (n_rows * N_INPUTS * N_HIDDEN),
        gram / (200**2 * 100_000),
        (nothing - few) / (n_tasks(256) - 1),
    )


def measured_step(client: Any, n_rows: int = N_ROWS, solver: Any = GD) -> float:
    """Return the seconds of a step on the cluster, the table being there already."""
    import dask.array as da

    per_block = n_rows // N_BLOCKS
    x = da.concatenate(
        [
            da.map_blocks(
                lambda seed=seed: random_rows(per_block, seed),
                chunks=((per_block,), (N_INPUTS,)),
                dtype=np.float32,
            )
            for seed in range(N_BLOCKS)
        ]
    )
    return step_of_training(x, client, solver)


def step_in_memory(n_rows: int = N_ROWS, solver: Any = GD) -> float:
    """Return the seconds of the same step in this process, the table being in memory."""
    blocks = [random_rows(n_rows // N_BLOCKS, seed) for seed in range(N_BLOCKS)]
    return step_of_training(np.concatenate(blocks), None, solver)


def step_of_training(x: Any, client: Any, solver: dict[str, Any]) -> float:
    """Return the median seconds of a step on these rows."""
    params = tl.init_params(N_INPUTS, N_HIDDEN, 1, dtype="float32")
    ends: list[float] = []
    tl.train(
        x,
        x[:, :1],
        params,
        loss="squared_error",
        **solver,
        callback=lambda progress: ends.append(time.perf_counter()),
        callback_every=1,
        client=client,
    )
    return statistics.median(np.diff(ends[1:]))


@contextmanager
def local_client(n_workers: int) -> Iterator[Any]:
    """Yield a client of so many processes of one thread on this machine."""
    from distributed import Client, LocalCluster

    settings = {"n_workers": n_workers, "threads_per_worker": 1, "dashboard_address": ":0"}
    with LocalCluster(**settings) as cluster, Client(cluster) as client:
        client.wait_for_workers(n_workers)
        yield client


@contextmanager
def distant_client(n_workers: int, delay: float, rate: float) -> Iterator[Any]:
    """Yield a client whose workers are on a host behind a slow network."""
    from distributed import Client, LocalCluster

    settings = {"n_workers": 0, "host": HERE, "dashboard_address": ":0"}
    with (
        slow_host(delay, rate) as there,
        LocalCluster(**settings) as cluster,
        Client(cluster) as client,
    ):
        address = cluster.scheduler_address
        words = [*there, sys.executable, "-m", "distributed.cli.dask_worker", address]
        words += ["--nthreads", "1", "--no-nanny", "--no-dashboard"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        workers = [subprocess.Popen(words, **quiet) for _ in range(n_workers)]  # type: ignore[call-overload]
        try:
            client.wait_for_workers(n_workers, timeout=120)
            yield client
        finally:
            for worker in workers:
                worker.terminate()
                worker.wait()


def main(arguments: list[str] | None = None) -> None:
    """Measure, and print the tables of docs/scaling.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks cluster", description=__doc__)
    parser.add_argument("--network", action="store_true", help="also on a slow network (as root)")
    own = parser.add_mutually_exclusive_group()
    own.add_argument(
        "--rows", type=count_from(N_BLOCKS), metavar="N", help="only steps of L-BFGS on N rows"
    )
    own.add_argument(
        "--columns", type=count_from(N_ROWS_WIDE), metavar="N", help="only fits of 200 rows x N"
    )
    own.add_argument("--peers", action="store_true", help="only other ways (needs dask-ml)")
    options = parser.parse_args(arguments)
    for asked, module in ((options.peers, "dask_ml"), (options.columns, "zarr")):
        if asked and find_spec(module) is None:
            parser.error(f"{module} is not installed: pip install {module.replace('_', '-')}")
    if options.peers:
        with local_client(2) as client:
            print_peers(client)
    elif options.columns:
        with local_client(2) as client:
            print_columns(options.columns, client)
    elif options.rows:
        print_overhead(options.rows)
    else:
        print_steps(options.network)


def print_overhead(n_rows: int) -> None:
    """Print the seconds of a step in memory, and on Dask with one process and two, for a table of so many rows."""
    print(
        f"{n_rows:,} x {N_INPUTS}, {N_HIDDEN} hidden units, float32, {N_BLOCKS} blocks, L-BFGS:\n"
    )
    here = step_in_memory(n_rows, LBFGS)
    print(f"in memory {here:.3f} s a step", flush=True)
    for n_workers, processes in ((1, "one process"), (2, "two processes")):
        with local_client(n_workers) as client:
            there = measured_step(client, n_rows, LBFGS)
        print(
            f"on Dask with {processes} {there:.3f} s ({there / here:.2f} times)",
            flush=True,
        )


def print_steps(network: bool) -> None:
    """Print steps that were measured beside the model's, and what the model says of large tables."""
    with local_client(1) as client:
        rates = measured_rates(client)
    print(
        f"{os.cpu_count()} processors; one process: {1e12 * rates.number:.3g} ps per row, input and unit of a gradient,"
    )
    print(
        f"{1e12 * rates.gram:.3g} ps per pair of rows and column of x @ x.T; Dask: {1e3 * rates.task:.2g} ms per task\n"
    )
    print(f"{N_ROWS:,} x {N_INPUTS}, {N_HIDDEN} hidden units, float32, {N_BLOCKS} blocks:\n")
    print("| workers | delay | rate | seconds a step | by the model |\n|---|---|---|---|---|")
    print(f"| in memory | | | {step_in_memory():.3f} | |", flush=True)
    for n_workers in (1, 2, 4):
        with local_client(n_workers) as client:
            print_step(rates, measured_step(client), n_workers, 0.0, np.inf)
    if network:
        for delay, rate in ((0.0, 12.5e6), (0.01, 12.5e6), (0.05, 12.5e6), (0.01, 1.25e6)):
            with distant_client(2, delay, rate) as client:
                print_step(rates, measured_step(client), 2, delay, rate)
    print()
    print_large_tables(rates)


def print_step(rates: Rates, seconds: float, workers: int, delay: float, rate: float) -> None:
    """Print a measured step beside the model's; no more processes compute at once than there are processors."""
    at_work = min(workers, os.cpu_count() or 1)
    parts = step_seconds(rates, N_ROWS, N_INPUTS, N_BLOCKS, at_work, delay, rate)
    line = "one machine" if rate == np.inf else f"{8e-6 * rate:g} Mbit/s"
    print(
        f"| {workers} | {1e3 * delay:g} ms | {line} | {seconds:.3f} | {total_seconds(parts):.3f} |",
        flush=True,
    )


def print_large_tables(rates: Rates) -> None:
    """Print what the model says of two tables that outgrow any machine."""
    n_rows, n_inputs = 10**9, 100
    print(f"{n_rows:,} rows x {n_inputs} columns (float32), blocks of 1,000,000 rows, a step:\n")
    print(
        "| workers | seconds | of them gradients | tasks | bytes and delay | in memory? |\n|---|---|---|---|---|---|"
    )
    for workers in WORKER_COUNTS:
        parts = step_seconds(rates, n_rows, n_inputs, 1000, workers, NETWORK_DELAY, NETWORK_RATE)
        fits = "yes" if 4.0 * n_rows * n_inputs < workers * MEMORY else "no: read at every step"
        moved, gradients = parts["bytes"] + parts["delay"], parts["gradients"]
        print(
            f"| {workers:,} | {total_seconds(parts):.3g} | {gradients:.3g} | {parts['tasks']:.3g} | {moved:.2g} | {fits} |"
        )
    n_rows, n_inputs = 1000, 10**8
    blocks = n_inputs // 50_000
    print(f"\n{n_rows:,} rows x {n_inputs:,} columns (float32), {blocks:,} blocks, one pass:\n")
    print(
        "| workers | seconds | of them reading | x @ x.T | tasks | bytes |\n|---|---|---|---|---|---|"
    )
    for workers in WORKER_COUNTS:
        reading = 4.0 * n_rows * n_inputs / (workers * DISK_RATE)
        products = rates.gram * n_rows**2 * n_inputs / workers
        tasks = rates.task * n_tasks(blocks)
        moved = 8.0 * n_rows**2 * (blocks / FAN_IN) / (workers * NETWORK_RATE)
        total = reading + products + tasks + moved
        print(
            f"| {workers:,} | {total:.3g} | {reading:.3g} | {products:.3g} | {tasks:.3g} | {moved:.2g} |"
        )


if __name__ == "__main__":
    main()
