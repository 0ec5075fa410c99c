"""The loop of the program, run with and without its second half, and its weights on the way."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES
from twolayer.maths.network import Params
from twolayer.tutorial import explain
from twolayer.tutorial.explain import program_text as words
from twolayer.tutorial.ladder import LadderProgram
from twolayer.tutorial.layout import Page, format_figure
from twolayer.tutorial.source.program import program_lines

ALL_STEPS = 10  # so many are all shown
FIRST_HALF = ("forward", "loss")


@dataclass
class PrintedLosses:
    """What the loop's `print` was given: losses, and after some updates windows of the weights."""

    wanted: set[int]
    losses: list[float] = field(default_factory=list)
    weights: dict[int, list[np.ndarray]] = field(default_factory=dict)

    def __call__(self, *given: Any) -> None:
        if np.ndim(given[0]):
            t = len(self.losses) - 1
            if t in self.wanted:
                self.weights[t] = [np.copy(weight) for weight in given]
        else:
            self.losses.append(float(given[1]))

    @property
    def diverged(self) -> int | None:
        """The first step whose loss is not finite; None if all are."""
        bad = np.flatnonzero(~np.isfinite(self.losses))
        return int(bad[0]) if len(bad) else None


def show_loop(
    page: Page, program: LadderProgram, names: dict[str, Any], show_weights: bool, every: int | None
) -> float | None:
    """Write the loop, run it with and without its second half, and say what came out.

    Returns
    -------
    seconds : float or None
        A step; None if the run diverged, as infinite numbers take another time.
    """
    comment = page.text(words.SECOND_HALF)
    params = Params(names["w1"], names.get("b1"), names["w2"], names.get("b2"))
    first, second = loop_halves(program, params, names["y"])
    if show_weights:
        second = [*second, "print(w1, w2)"]
    source = loop_source(program.steps, [*first, f"# {comment}", *second])
    page.heading(words.LOOP)
    page.say(words.LOOP_IS, steps=program.steps)
    page.line()
    page.code(source)
    shown = steps_shown(program.steps, every)

    started = time.perf_counter()
    both = run_loop(source, names, set(shown))
    seconds = time.perf_counter() - started
    only = run_loop(loop_source(program.steps, first), names, set())
    page.line()
    page.say(words.RAN_TWICE, seconds=seconds)
    page.line()
    runs = {page.text(words.WITH_BOTH): both, page.text(words.FORWARD_ONLY): only}
    show_losses(page, shown, runs)
    page.line()
    say_what_came_out(page, program, both, only)
    if show_weights:
        show_the_weights(page, program.steps, both)
    return seconds / program.steps if both.diverged is None else None


def loop_halves(
    program: LadderProgram, params: Params, y: np.ndarray
) -> tuple[list[str], list[str]]:
    """The code of the loop's two halves."""
    lines = program_lines(
        LOSSES[program.loss],
        ACTIVATIONS[program.activation],
        params,
        y,
        weighted=False,
        decays=False,
    )
    first = [line.code for line in lines if line.part in FIRST_HALF]
    second = [line.code for line in lines if line.part not in FIRST_HALF]
    return [*first, "print(t, loss)"], second


def loop_source(steps: int, lines: list[str]) -> str:
    """The lines as the body of a loop."""
    return "\n    ".join([f"for t in range({steps}):", *lines])


def run_loop(source: str, names: dict[str, Any], wanted: set[int]) -> PrintedLosses:
    """Run a loop on copies of the weights, with a `print` that takes notes."""
    printed = PrintedLosses(wanted)
    own = {name: np.copy(value) if name[0] in "wb" else value for name, value in names.items()}
    own |= {"np": np, "print": printed}
    # a diverged run is told so in words; at the usual sizes a second thread costs more than it brings
    with np.errstate(over="ignore", invalid="ignore"), threadpool_limits(1):
        exec(compile(source, "<the loop>", "exec"), own)
    return printed


def steps_shown(steps: int, every: int | None) -> list[int]:
    """Every so many steps and the last; without `every` a selection that thins out."""
    if every is None:
        thinning = [digit * 10**power for power in range(12) for digit in (1, 2, 5)]
        chosen = range(steps) if steps <= ALL_STEPS else [0, *thinning]
    else:
        chosen = range(0, steps, every)
    return sorted({t for t in chosen if t < steps} | {steps - 1})


def show_losses(page: Page, shown: list[int], runs: dict[str, PrintedLosses]) -> None:
    """The losses of some runs side by side, each under its name."""
    rows = [[str(t), *(format_figure(run.losses[t]) for run in runs.values())] for t in shown]
    page.table([page.text(explain.STEP_HEADING), *runs], rows)


def say_what_came_out(
    page: Page, program: LadderProgram, both: PrintedLosses, only: PrintedLosses
) -> None:
    """That one run never changes, and where the other went."""
    if len(set(only.losses)) == 1:
        page.say(words.NEVER_CHANGES, loss=format_figure(only.losses[0]), steps=program.steps)
    rate, first, last = program.learning_rate, both.losses[0], both.losses[-1]
    if both.diverged is not None:
        page.say(words.LOOP_DIVERGED, step=both.diverged, rate=rate, smaller=rate / 10)
    elif program.steps > 1:
        page.say(words.FELL, first=format_figure(first), last=format_figure(last))
        if last >= first:
            page.say(words.ROSE, rate=rate, smaller=rate / 10)
        else:
            page.say(words.STEADILY, rows=program.n_rows)


def show_the_weights(page: Page, steps: int, both: PrintedLosses) -> None:
    """w1 and w2 after each update that is shown."""
    page.heading(words.WEIGHTS_HEADING)
    if len(both.weights) < steps:
        page.say(words.UPDATES_SHOWN, shown=len(both.weights), steps=steps)
    for t, weights in both.weights.items():
        page.line()
        page.say(words.AFTER_UPDATE, step=t, loss=format_figure(both.losses[t]))
        for name, weight in zip(("w1", "w2"), weights, strict=True):
            page.values(name, weight, indent=2)
