"""Two runs on the same numbers: the first entry that differs, and the step from which the losses part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from twolayer.watch.engine_run import EngineRun, WatchedTables
from twolayer.watch.frames import matrix_of
from twolayer.watch.watch_settings import WatchSettings
from twolayer.watch.watched_lines import WatchedLine

PARTED = 0.01  # relative difference of two losses that a reader would see

KnownArrays = dict[str, np.ndarray]


def first_difference(array: np.ndarray, expected: np.ndarray) -> dict[str, Any] | None:
    """Return the first entry that differs, or the shapes if these do; None where both are the same."""
    if array.shape != expected.shape:
        return {"shape": list(array.shape), "expectedShape": list(expected.shape)}
    one, other = matrix_of(array), matrix_of(expected)
    places = np.argwhere((one != other) & ~(np.isnan(one) & np.isnan(other)))
    if not len(places):
        return None
    row, column = (int(k) for k in places[0])
    return {
        "row": row,
        "column": column,
        "value": float(one[row, column]),
        "expected": float(other[row, column]),
    }


def arrays_of(run: EngineRun, names: tuple[str, ...] | list[str]) -> KnownArrays:
    """Return those of the variables that are there."""
    arrays = {name: run.array(name) for name in names}
    return {name: np.array(array) for name, array in arrays.items() if array is not None}


class DifferenceFinder:
    """The first entry in which a run differs from the right program's.

    Attributes
    ----------
    found : dict or None
        "place", "step", "variable", "line", and the entry or the shapes.
    """

    def __init__(self, run: EngineRun, right: EngineRun) -> None:
        self.run, self.right = run, right
        self.found: dict[str, Any] | None = None
        self.step = -1
        self.after: dict[str, KnownArrays] = {}
        for name in run.given:
            difference = first_difference(run.tables.arrays[name], right.tables.arrays[name])
            if difference and not self.found:
                self.found = {"place": 0, "step": 0, "variable": name, "line": None, **difference}

    def prepare(self, step: int) -> None:
        """Keep what the right program's lines write in this step."""
        self.right.seek(step * len(self.right.lines))
        self.after = {}
        for line in self.right.lines:
            self.right.run_line()
            self.after[line.id] = arrays_of(self.right, [*self.right.given, *self.written(line)])
        self.step = step

    def written(self, line: WatchedLine) -> list[str]:
        """Return every variable that a step's lines write, up to this one."""
        lines = self.right.lines
        return [name for other in lines[: lines.index(line) + 1] for name in other.writes]

    def check(self, line: WatchedLine | None) -> None:
        """Look at what a line of the run has written."""
        run = self.run
        if self.found or line is None or run.history.stopped:
            return
        if run.step != self.step:
            self.prepare(run.step)
        expected = self.after.get(line.id, {})
        for name in line.writes:
            array = run.array(name)
            difference = (
                None
                if array is None or name not in expected
                else first_difference(array, expected[name])
            )
            if difference:
                place = {"place": run.place, "step": run.step, "variable": name, "line": line.code}
                self.found, self.after = {**place, **difference}, {}
                return


class RunComparison:
    """Two runs side by side."""

    def __init__(self, one: WatchSettings, other: WatchSettings, own: WatchedTables | None) -> None:
        self.runs = EngineRun(one, own), EngineRun(other, own)
        self.first: dict[str, Any] | None = None
        self.parted: int | None = None
        self.look(self.runs[0].given, "", 0)
        left, right = ([(line.id, line.writes) for line in run.lines] for run in self.runs)
        self.aligned = left == right

    def look(self, names: list[str] | tuple[str, ...], code: str, step: int) -> None:
        """Keep the first entry that differs in these variables."""
        one, other = (arrays_of(run, names) for run in self.runs)
        for name in names:
            if self.first or name not in one or name not in other:
                continue
            difference = first_difference(one[name], other[name])
            if difference:
                self.first = {"variable": name, "line": code, "step": step, **difference}

    def step(self, number: int) -> bool:
        """Run a step of both; return whether both go on."""
        one, other = self.runs
        if self.aligned and not self.first:
            for line in one.lines:
                one.run_line()
                other.run_line()
                if one.history.stopped or other.history.stopped:
                    break
                self.look(line.writes, line.code, number)
        else:
            one.run_step()
            other.run_step()
            self.look(["loss", *one.weights], "", number)
        losses = [run.history.losses[number : number + 1] for run in self.runs]
        if self.parted is None and all(losses):
            a, b = losses[0][0], losses[1][0]
            apart = np.isfinite(a) != np.isfinite(b) or abs(a - b) > PARTED * max(abs(a), abs(b))
            self.parted = number if apart else None
        return not any(run.history.stopped or run.history.diverged is not None for run in self.runs)

    def outcome(self, finished: bool) -> dict[str, Any]:
        """Return what is known so far, as the page needs it."""
        return {
            "first": self.first,
            "parted": self.parted,
            "losses": [np.array(run.history.losses) for run in self.runs],
            "stopped": [run.history.stopped for run in self.runs],
            "steps": len(self.runs[0].history.losses),
            "finished": finished,
        }

    def outcomes(self, steps: int) -> Iterator[dict[str, Any]]:
        """Run both, and yield what is known now and then; after each step at most one value."""
        for number in range(steps):
            goes_on = self.step(number)
            yield self.outcome(not goes_on or number == steps - 1)
            if not goes_on:
                return
