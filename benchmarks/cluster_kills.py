"""Workers killed at random moments, and a network cut in two: does a training on Dask end, with the same bits?

python -m benchmarks kills                   # SIGKILL of a worker in the pass and in training, ten times each
python -m benchmarks kills --partition 20    # as root: two hosts (network namespaces), their link down for 20 s
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

N_BLOCKS, N_ROWS, N_INPUTS, N_HIDDEN = 16, 10_000, 20, 20
WIDE_ROWS, WIDE_INPUTS = 100, 20_000  # of each block of columns
STEPS = 20
SETTLE = 1.5  # seconds for a new worker to be ready
SPACES, ADDRESSES = ("twolayer-a", "twolayer-b"), ("10.99.0.1", "10.99.0.2")
LINKS = ("twolayer-va", "twolayer-vb")


def main(arguments: list[str] | None = None) -> None:
    """Print a line per kill, and how many ended with the same bits."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks kills", description=__doc__.splitlines()[0])  # fmt: skip
    parser.add_argument("--times", type=int, default=10, help="kills in each phase (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="for the moments (default: 0)")
    parser.add_argument("--partition", type=float, help="seconds without the link of two hosts, instead")  # fmt: skip
    parser.add_argument("--inside", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.inside:
        train_across_hosts(options.inside, options.partition)
    elif options.partition:
        partition_hosts(options.partition)
    else:
        kill_workers(options.times, random.Random(options.seed))


def tall_block(number: int) -> np.ndarray:
    """Return a block of rows; whoever asks gets the same one."""
    return np.random.default_rng(number).standard_normal((N_ROWS, N_INPUTS), np.float32)


def wide_block(number: int) -> np.ndarray:
    """Return a block of columns."""
    return np.random.default_rng(number).standard_normal((WIDE_ROWS, WIDE_INPUTS), np.float32)


def table(read: Callable[[int], np.ndarray], shape: tuple[int, int], axis: int) -> Any:
    """Return the Dask array of blocks that a function reads."""
    import dask.array as da
    from dask import delayed

    lazy = delayed(read, pure=False)
    parts = [da.from_delayed(lazy(k), shape, np.float32) for k in range(N_BLOCKS)]
    return da.concatenate(parts, axis=axis)


def train_tall(client: Any, callback: Callable[[Any], None] | None = None) -> Any:
    """Train on blocks of rows by L-BFGS."""
    import twolayer as tl

    x = table(tall_block, (N_ROWS, N_INPUTS), 0)
    y = np.concatenate([np.sin(tall_block(k)[:, :1]) for k in range(N_BLOCKS)])
    params = tl.init_params(N_INPUTS, N_HIDDEN, 1, dtype=np.float32)
    settings: dict[str, Any] = {
        "loss": "squared_error",
        "solver": "lbfgs",
        "tol": 0.0,
        "steps": STEPS,
    }
    return tl.train(x, y, params, client=client, callback=callback, callback_every=1, **settings)


def train_wide(client: Any, callback: Callable[[Any], None] | None = None) -> Any:
    """Train on blocks of columns: a pass over them, steps with the caller, and a pass for `w1`."""
    import twolayer as tl

    x = table(wide_block, (WIDE_ROWS, WIDE_INPUTS), 1)
    y = np.random.default_rng(1).standard_normal((WIDE_ROWS, 1)).astype(np.float32)
    params = tl.init_params(N_BLOCKS * WIDE_INPUTS, N_HIDDEN, 1, dtype=np.float32)
    settings: dict[str, Any] = {"solver": "gd", "learning_rate": 1e-10, "steps": STEPS}
    return tl.train(x, y, params, client=client, callback=callback, callback_every=1, **settings)


def same_bits(run: Any, other: Any) -> bool:
    """Return whether two runs are equal bit for bit."""
    pairs = zip(run.params.items(), other.params.items(), strict=True)
    weights = all(np.array_equal(one, its) for (_, one), (_, its) in pairs)
    return weights and np.array_equal(run.losses, other.losses)


@contextmanager
def quiet_cluster() -> Iterator[Any]:
    """Yield the client of a cluster of two processes, which come again when they are killed."""
    import dask
    from distributed import Client, LocalCluster
    from distributed.utils import silence_logging_cmgr

    from twolayer.distributed.cluster import WORKERS_RETURN

    silent = logging.CRITICAL + 1
    with (
        dask.config.set(WORKERS_RETURN),
        silence_logging_cmgr(silent),
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=silent
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


class Phases:
    """A run's times, and a kill of one of the workers at a moment of one of them."""

    def __init__(self, client: Any, phase: str = "", moment: float = 0.0, who: int = 0) -> None:
        client.wait_for_workers(2, timeout=60)
        time.sleep(SETTLE)
        self.victim = list(client.run(os.getpid).values())[who]
        self.phase, self.moment = phase, moment
        self.start, self.first_step = time.perf_counter(), 0.0
        self.timer: threading.Timer | None = None
        self.killed = False
        if phase == "pass":
            self.set_timer()

    def set_timer(self) -> None:
        self.timer = threading.Timer(self.moment, self.kill)
        self.timer.start()

    def kill(self) -> None:
        os.kill(self.victim, signal.SIGKILL)
        self.killed = True

    def __call__(self, progress: Any) -> None:
        """Be the callback of the training."""
        if not self.first_step:
            self.first_step = time.perf_counter()
            if self.phase == "training":
                self.set_timer()

    def end(self) -> float:
        """Return the seconds of the run."""
        seconds = time.perf_counter() - self.start
        if self.timer is not None:
            self.timer.cancel()
        return seconds


def kill_workers(times: int, rng: random.Random) -> None:
    """Kill a worker of a real cluster at random moments of a training's pass and of its steps."""
    rows = []
    with quiet_cluster() as client:
        for name, train in (("rows", train_tall), ("columns", train_wide)):
            train(client)  # compiles
            plain = Phases(client)
            expected, seconds = train(client, plain), plain.end()
            lengths = {"pass": plain.first_step - plain.start}
            lengths["training"] = seconds - lengths["pass"]
            print(
                f"blocks of {name}, nobody killed: {seconds:.1f} s, of which the pass {lengths['pass']:.1f} s"
            )
            for phase, length in lengths.items():
                for _ in range(times):
                    phases = Phases(client, phase, rng.uniform(0, length), rng.randrange(2))
                    same = same_bits(train(client, phases), expected)
                    row = name, phase, phases.moment, phases.end(), same, phases.killed
                    rows.append(row)
                    print(kill_line(*row), flush=True)
    print(kill_summary(rows))


def kill_line(
    name: str, phase: str, moment: float, seconds: float, same: bool, killed: bool
) -> str:
    """Return the line of one kill."""
    what = f"killed {moment:4.1f} s into the {phase}" if killed else "ended before the kill"
    return f"{name:8}{what:36}{seconds:6.1f} s  {'same bits' if same else 'OTHER BITS'}"


def kill_summary(rows: list[tuple[str, str, float, float, bool, bool]]) -> str:
    """Return the table's last lines: of each phase, the kills, those with the same bits, and the longest run."""
    lines = ["", "| blocks of | killed in | kills | same bits | longest |", "|---|---|---|---|---|"]
    for name, phase in dict.fromkeys(row[:2] for row in rows):
        hit = [row for row in rows if row[:2] == (name, phase) and row[5]]
        longest = max((row[3] for row in hit), default=0.0)
        same = sum(row[4] for row in hit)
        lines.append(f"| {name} | {phase} | {len(hit)} | {same} | {longest:.1f} s |")
    return "\n".join(lines)


def partition_hosts(seconds: float) -> None:
    """Train on two hosts, which are network namespaces of this machine, while their link is down for a time."""
    with hosts() as inside, tempfile.TemporaryDirectory() as folder, ExitStack() as ended:
        file = Path(folder) / "scheduler.json"
        no_page = ["--no-dashboard"]
        scheduler = ["scheduler", "--host", ADDRESSES[0], "--scheduler-file", str(file), *no_page]  # fmt: skip
        ended.enter_context(process([*inside(0), "-m", "dask", *scheduler]))
        while not file.exists():
            time.sleep(0.1)
        for number, address in enumerate(ADDRESSES):
            worker = ["worker", "--scheduler-file", str(file), "--host", address, "--nthreads", "1", *no_page]  # fmt: skip
            ended.enter_context(process([*inside(number), "-m", "dask", *worker]))
        command = ["-m", "benchmarks", "kills", "--inside", str(file), "--partition", str(seconds)]
        subprocess.run([*inside(0), *command], check=True)


@contextmanager
def process(command: list[str]) -> Iterator[None]:
    """Have a process run, which is ended at the end."""
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(10)
        child.kill()
        child.wait()


@contextmanager
def hosts() -> Iterator[Callable[[int], list[str]]]:
    """Yield a function that gives the command for Python on the first or second of two linked hosts."""

    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True)

    for space in SPACES:
        ip("netns", "add", space)
    try:
        ip("link", "add", LINKS[0], "type", "veth", "peer", "name", LINKS[1])
        for space, link, address in zip(SPACES, LINKS, ADDRESSES, strict=True):
            ip("link", "set", link, "netns", space)
            ip("-n", space, "addr", "add", f"{address}/24", "dev", link)
            ip("-n", space, "link", "set", link, "up")
            ip("-n", space, "link", "set", "lo", "up")
        yield lambda number: ["ip", "netns", "exec", SPACES[number], sys.executable]
    finally:
        for space in SPACES:
            ip("netns", "del", space)


def train_across_hosts(scheduler_file: str, seconds: float) -> None:
    """Train twice from the first host, the second time with the link down for a time, and compare."""
    from distributed import Client

    def cut() -> None:
        for state, pause in (("down", seconds), ("up", 0.0)):
            subprocess.run(["ip", "link", "set", LINKS[0], state], check=True)
            print(f"link {state}", flush=True)
            time.sleep(pause)

    def at_first_step(progress: Any) -> None:
        if not timers:
            timers.append(threading.Timer(0.5, cut))
            timers[0].start()

    timers: list[threading.Timer] = []
    with Client(scheduler_file=scheduler_file) as client:
        client.wait_for_workers(2, timeout=60)
        expected = train_tall(client)
        print(f"with the link up: {expected.seconds:.1f} s", flush=True)
        run = train_tall(client, at_first_step)
        timers[0].join()
    same = "same bits" if same_bits(run, expected) else "OTHER BITS"
    print(f"with the link down for {seconds:g} s in training: {run.seconds:.1f} s, {same}")


if __name__ == "__main__":
    main()
