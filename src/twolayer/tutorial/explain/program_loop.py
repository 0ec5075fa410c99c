"""The loop of the program, run with and without its second half, and its weights during training."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES
from twolayer.maths.network import Params
from twolayer.tutorial import explain
from twolayer.tutorial.explain import program_text as words
from twolayer.tutorial.explain.outcome import loop_outcome, show_outcome
from twolayer.tutorial.ladder import LadderProgram
from twolayer.tutorial.layout import Page, format_figure
from twolayer.tutorial.source import SourceLine
from twolayer.tutorial.source.program import program_lines

MAX_SHORT_STEPS = 10  # of a run of which every step is shown
FIRST_HALF = ("forward", "loss")


@dataclass
class PrintedLosses:
    """What the loop gives to `print`: losses, and after some updates the weights."""

    weight_steps: set[int]
    losses: list[float] = field(default_factory=list)
    weights: dict[int, list[np.ndarray]] = field(default_factory=dict)
    names: dict[str, Any] = field(default_factory=dict)  # the variables when the loop has ended

    def __call__(self, *given: Any) -> None:
        if np.ndim(given[0]):
            t = len(self.losses) - 1
            if t in self.weight_steps:
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
    """Write the loop, run it with and without its second half, and show the results.

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
    page.heading(words.PAGE_PARTS["loop"])
    page.paragraph(words.LOOP_IS, steps=program.steps)
    page.line()
    page.code(source)
    shown = selected_steps(program.steps, every)

    started = time.perf_counter()
    full = run_loop(source, names, set(shown))
    seconds = time.perf_counter() - started
    forward_only = run_loop(loop_source(program.steps, first), names, set())
    page.line()
    page.paragraph(words.RAN_TWICE, seconds=seconds)
    page.line()
    runs = {page.text(words.WITH_BOTH): full, page.text(words.FORWARD_ONLY): forward_only}
    show_losses(page, shown, runs)
    page.line()
    if len(set(forward_only.losses)) == 1:
        same = format_figure(forward_only.losses[0])
        page.paragraph(words.NEVER_CHANGES, loss=same, steps=program.steps)
    show_outcome(page, loop_outcome(program, names, full.names, full.losses))
    if show_weights:
        show_weight_windows(page, program.steps, full)
    return seconds / program.steps if full.diverged is None else None


def lines_of_one_step(program: LadderProgram, params: Params, y: np.ndarray) -> list[SourceLine]:
    """Return the lines of one step of a program."""
    loss, activation = LOSSES[program.loss], ACTIVATIONS[program.activation]
    return program_lines(loss, activation, params, y, weighted=False, decays=False)


def loop_halves(
    program: LadderProgram, params: Params, y: np.ndarray
) -> tuple[list[str], list[str]]:
    """Return the code of the loop's two halves."""
    lines = lines_of_one_step(program, params, y)
    first = [line.code for line in lines if line.part in FIRST_HALF]
    second = [line.code for line in lines if line.part not in FIRST_HALF]
    return [*first, "print(t, loss)"], second


def loop_source(steps: int, lines: list[str]) -> str:
    """Return the lines as the body of a loop."""
    return "\n    ".join([f"for t in range({steps}):", *lines])


def run_loop(source: str, names: dict[str, Any], weight_steps: set[int]) -> PrintedLosses:
    """Run a loop on copies of the weights, with a `print` that keeps what it is given."""
    printed = PrintedLosses(weight_steps)
    own = {name: np.copy(value) if name[0] in "wb" else value for name, value in names.items()}
    own |= {"np": np, "print": printed}
    # divergence is reported in words; at the usual sizes a second thread costs more than it gains
    from threadpoolctl import threadpool_limits

    with np.errstate(over="ignore", invalid="ignore"), threadpool_limits(1):
        exec(compile(source, "<the loop>", "exec"), own)
    printed.names = own
    return printed


def selected_steps(steps: int, every: int | None) -> list[int]:
    """Return every `every`-th step and the last; without `every`, steps further and further apart."""
    if every is None:
        thinning = [digit * 10**power for power in range(12) for digit in (1, 2, 5)]
        chosen = range(steps) if steps <= MAX_SHORT_STEPS else [0, *thinning]
    else:
        chosen = range(0, steps, every)
    return sorted({t for t in chosen if t < steps} | {steps - 1})


def show_losses(page: Page, shown: list[int], runs: dict[str, PrintedLosses]) -> None:
    """Show the losses of some runs side by side, each under its name."""
    rows = [[str(t), *(format_figure(run.losses[t]) for run in runs.values())] for t in shown]
    page.table([page.text(explain.STEP_HEADING), *runs], rows)


def show_weight_windows(page: Page, steps: int, run: PrintedLosses) -> None:
    """Show w1 and w2 after each selected update."""
    page.heading(words.WEIGHTS_HEADING)
    if len(run.weights) < steps:
        page.paragraph(words.UPDATES_SHOWN, shown=len(run.weights), steps=steps)
    for t, weights in run.weights.items():
        page.line()
        page.paragraph(words.AFTER_UPDATE, step=t, loss=format_figure(run.losses[t]))
        for name, weight in zip(("w1", "w2"), weights, strict=True):
            page.values(name, weight, indent=2)
