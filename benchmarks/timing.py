"""Timing in turn: every round runs each contender once, so that a machine whose speed drifts drifts for all of them."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

PAUSE = 0.1  # seconds before each run, in which the threads of the one before stop spinning and leave the processor


@dataclass
class Contender:
    """One way of doing a row's work.

    Attributes
    ----------
    name : str
    run : callable
        Does the work once and returns the objective it ends at, or that and what else was computed.
    steps : int
        Steps in one such run; seconds are divided by it in rows that are told per step.
    threads : bool
        Whether to try it with one and with all threads, and keep the better.
    rounds : int or None
        Rounds at most, for what takes long.
    floor : float or None
        Seconds a step below which this machine cannot go with the contender's own algorithm; None if that is not known.
    """

    name: str
    run: Callable[[], Any]
    steps: int = 1
    threads: bool = True
    rounds: int | None = None
    floor: float | None = None


@dataclass
class Timed:
    """A contender's seconds, one a round, and where it ended.

    Attributes
    ----------
    seconds : list of float
        Divided by the contender's steps.
    objective : float
    thread_count : int or None
        The one it ran with; None if it chose for itself.
    """

    name: str
    seconds: list[float] = field(default_factory=list)
    objective: float = float("nan")
    thread_count: int | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the most."""
        return min(self.seconds), max(self.seconds)

    def times(self, other: Timed) -> float:
        """How many times longer than `other` it took: the median of the rounds' own ratios."""
        pairs = zip(self.seconds, other.seconds, strict=False)
        return statistics.median(mine / its for mine, its in pairs)


def in_turn(contenders: list[Contender], rounds: int) -> list[Timed]:
    """Run all contenders `rounds` times in turn, after one run of each that is not counted."""
    timed = []
    for contender in contenders:
        counts = thread_counts() if contender.threads else [None]
        trials = [(run_once(contender, count)[0], count) for count in counts]
        if len(trials) > 1:  # the first trial was also the warm-up: look at its count again
            trials[0] = (run_once(contender, counts[0])[0], counts[0])
        timed.append(Timed(contender.name, thread_count=min(trials, key=lambda trial: trial[0])[1]))
    for turn in range(rounds):
        for contender, figures in zip(contenders, timed, strict=True):
            if contender.rounds is None or turn < contender.rounds:
                seconds, figures.objective = run_once(contender, figures.thread_count)
                figures.seconds.append(seconds / contender.steps)
    return timed


def thread_counts() -> list[int | None]:
    """One thread, and as many as there are processors."""
    processors = os.cpu_count() or 1
    return [1] if processors == 1 else [1, processors]


def run_once(contender: Contender, threads: int | None) -> tuple[float, float]:
    """Seconds and objective of one run with that many threads."""
    time.sleep(PAUSE)
    with limited_to(threads):
        start = time.perf_counter()
        result = contender.run()
        seconds = time.perf_counter() - start
    return seconds, result[0] if isinstance(result, tuple) else result


class limited_to:  # noqa: N801
    """Within it, every library uses at most that many threads; None leaves them alone."""

    def __init__(self, threads: int | None) -> None:
        self.threads = threads

    def __enter__(self) -> None:
        import sys

        from threadpoolctl import threadpool_limits

        self.limits: Any = None
        self.torch: Any = sys.modules.get("torch")
        if self.threads is None:
            return
        if self.torch is not None:  # first: the limits below change what it answers
            self.before = self.torch.get_num_threads()
            self.torch.set_num_threads(self.threads)
        self.limits = threadpool_limits(self.threads)

    def __exit__(self, *exception: object) -> None:
        if self.threads is None:
            return
        self.limits.restore_original_limits()
        if self.torch is not None:
            self.torch.set_num_threads(self.before)
