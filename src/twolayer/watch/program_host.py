"""The answers to a page's requests on one run; they are those of the page's own thread (`page/worker.js`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from twolayer.errors import EngineError
from twolayer.tutorial.bilingual import Bilingual
from twolayer.watch.cell_origins import cell_origin
from twolayer.watch.engine_run import EngineRun, WatchedTables, predictions
from twolayer.watch.frames import (
    exact_window,
    matrix_of,
    plane_map,
    pooled,
    rows_right,
    thinned,
    unit_map,
)
from twolayer.watch.run_comparison import DifferenceFinder, RunComparison
from twolayer.watch.watch_settings import PageRequestError, checked_settings, is_whole_number
from twolayer.watch.watched_lines import WatchedLine

TURN_SECONDS = 0.006  # of work, before other requests are looked at
NEW_ROWS_EVERY = 10  # steps between two losses on rows that training does not see
MOST_STEPS = 2000  # that one request runs
MOST_COMPARED = 5000  # steps of a comparison

REQUEST_REFUSAL = Bilingual(
    en="the page asked for something that this server does not know: {what}",
    zh="页面请求了服务器不认识的内容：{what}",
)
STEPS_REFUSAL = Bilingual(
    en="the server runs up to {most} steps at once: run the program on from a nearer step",
    zh="服务器一次最多运行 {most} 步：请从更近的一步接着运行",
)
TABLE_REFUSAL = Bilingual(
    en="the table does not fit its sizes: x is {x} and y is {y}",
    zh="表与尺寸对不上：x 的形状是 {x}，y 的形状是 {y}",
)


class ProgramHost:
    """One page's run.

    Attributes
    ----------
    run : EngineRun
    speed : dict or None
        "unit" and "perSecond" while the program runs on.
    """

    def __init__(self) -> None:
        self.run = EngineRun(checked_settings({}))
        self.finder: DifferenceFinder | None = None
        self.speed: dict[str, Any] | None = None
        self.due = 0.0
        self.job: tuple[dict[str, Any], Iterator[dict[str, Any]]] | None = None
        self.results: dict[str, Any] = {}  # of the job, the newest

    def answer(self, kind: Any, request: dict[str, Any]) -> Any:
        """Return the answer to a request.

        Raises
        ------
        PageRequestError
            If it cannot be done.
        """
        if kind not in REQUESTS:
            raise PageRequestError(REQUEST_REFUSAL, what=str(kind)[:40])
        try:
            return REQUESTS[kind](self, request)
        except EngineError as error:
            raise PageRequestError(Bilingual("{error}", "{error}"), error=error) from None
        except (KeyError, TypeError, IndexError, AttributeError) as error:
            raise PageRequestError(
                REQUEST_REFUSAL, what=f"{kind} ({type(error).__name__})"
            ) from error

    def start(self, request: dict[str, Any]) -> dict[str, Any]:
        settings = checked_settings(request["settings"])
        own = own_tables(request.get("own")) if settings.problem == "own" else None
        if own is not None:
            check_own_sizes(own, settings)
        self.run, self.speed = EngineRun(settings, own), None
        self.finder = None
        if settings.breaks:
            right = EngineRun(settings.without_mistakes(), own)
            self.finder = DifferenceFinder(self.run, right)
        return {
            "setup": [line_message(line) for line in self.run.setup],
            "lines": [line_message(line) for line in self.run.lines],
            "given": self.run.given,
        }

    def next_line(self) -> WatchedLine | None:
        """Run a line, and look at what it did."""
        run = self.run
        line = run.run_line()
        if self.finder:
            self.finder.check(line)
        looks = run.step < NEW_ROWS_EVERY or run.step % NEW_ROWS_EVERY == 0
        if line is not None and line.id == "loss" and looks:
            new_x, new_y = run.tables.new_x, run.tables.new_y
            if new_x is not None and new_y is not None:
                scale = run.settings.rows / len(
                    new_x
                )  # as if they were as many as those of training
                loss = np.square(predictions(new_x, run) - new_y).sum()
                run.history.new_losses.append((run.step, float(loss * scale)))
        return line

    def next_step(self) -> None:
        """Run to the end of the step."""
        self.next_line()
        while not self.run.history.stopped and self.run.place % len(self.run.lines):
            self.next_line()

    def move(self, request: dict[str, Any]) -> dict[str, Any]:
        self.speed = None
        run, by_line = self.run, request["unit"] == "line"
        if request["by"] > 0:
            (self.next_line if by_line else self.next_step)()
        elif by_line:
            self.back(max(0, run.place - 1))
        else:
            self.back(max(0, (-(-run.place // len(run.lines)) - 1) * len(run.lines)))
        return {}

    def back(self, place: int) -> None:
        """Go back to a place."""
        self.run.seek(place)
        if self.finder and not self.finder.found:
            self.finder.step = -1

    def seek(self, request: dict[str, Any]) -> dict[str, Any]:
        self.speed = None
        place, run = request["place"], self.run
        if (
            not is_whole_number(place)
            or place < 0
            or place - run.place > MOST_STEPS * len(run.lines)
        ):
            raise PageRequestError(STEPS_REFUSAL, most=MOST_STEPS)
        if place < run.place:
            self.back(place)
        while run.place < place and not run.history.stopped:
            self.next_line()
        return {}

    def go(self, request: dict[str, Any]) -> dict[str, Any]:
        speed = request["speed"]
        self.speed = {
            "unit": "line" if speed["unit"] == "line" else "step",
            "perSecond": min(1000.0, max(0.1, float(speed["perSecond"]))),
        }
        self.due = time.monotonic()
        return {}

    def pause(self, request: dict[str, Any]) -> dict[str, Any]:
        self.speed = None
        return {}

    def turn(self) -> float | None:
        """Work for a moment: return the seconds to wait before the next turn, or None where there is nothing to do."""
        until = time.monotonic() + TURN_SECONDS
        while self.speed and (now := time.monotonic()) < until and now >= self.due:
            (self.next_line if self.speed["unit"] == "line" else self.next_step)()
            self.due = max(self.due + 1 / self.speed["perSecond"], now - 0.2)
            if self.run.history.stopped or self.run.history.diverged is not None:
                self.speed = None
        while self.job and time.monotonic() < until:
            given, work = self.job
            value = next(work, None)
            if value is None:
                self.job = None
            else:
                self.results = {"job": given["name"], "round": given["round"], "value": value}
        if self.job:
            return 0.0
        return max(0.0, self.due - time.monotonic()) if self.speed else None

    def frame(self, request: dict[str, Any]) -> dict[str, Any]:
        run, history = self.run, self.run.history
        want, start = request.get("want") or [], max(0, int(request.get("from") or 0))
        names = [name for name in request.get("variables") or [] if isinstance(name, str)]
        found = self.finder.found if self.finder else None
        length = len(run.lines)
        frame: dict[str, Any] = {
            "place": run.place,
            "iteration": run.step,
            "position": run.position,
            "losses": np.array(history.losses[start:]),
            "from": start,
            "count": len(history.losses),
            "stopped": history.stopped,
            "diverged": history.diverged,
            "running": self.speed is not None,
            "found": found if found and found["place"] <= run.place else None,
            "ages": {name: run.age(name) for name in names},
            "steps": {
                name: (at - 1) // length if (at := run.written_at.get(name)) else None
                for name in names
            },
            "matrices": {},
        }
        if "matrices" in want:
            arrays = {name: run.array(name) for name in names}
            frame["matrices"] = {
                name: pooled(array) for name, array in arrays.items() if array is not None
            }
        is_classes = request.get("isClasses") is True
        if "losses" in want:
            frame["unseen"] = history.new_losses
            frame["predictZero"] = float(np.square(self.numbers("y")).sum())
            if history.activity:
                before, now = (int((history.activity[at] == 0).sum()) for at in (0, -1))
                frame["dead"] = {"before": before, "now": now}
            if is_classes:
                frame["right"] = rows_right(run)
        if "units" in want:
            frame |= {"units": unit_map(run), "activity": thinned(history.activity)}
        if "plane" in want:
            frame["plane"] = plane_map(run, is_classes, request.get("reach") or {})
        return frame

    def numbers(self, name: str) -> np.ndarray:
        """Return an array that is there."""
        array = self.run.array(name)
        assert array is not None
        return array

    def cells(self, request: dict[str, Any]) -> dict[str, Any] | None:
        array = self.shown(request["variable"])
        if array is None:
            return None
        sizes = [min(64, max(1, int(request[name]))) for name in ("rows", "columns")]
        window = exact_window(array, int(request["row"]), int(request["column"]), *sizes)
        return {"variable": request["variable"], **window}

    def trace(self, request: dict[str, Any]) -> dict[str, Any]:
        variable = request["variable"]
        array = self.shown(variable)
        if array is None:
            return {"age": "none"}
        rows, columns = matrix_of(array).shape
        row = min(max(0, int(request["row"])), rows - 1)
        column = min(max(0, int(request["column"])), columns - 1)
        return {
            "age": self.run.age(variable),
            "variable": variable,
            "row": row,
            "column": column,
            "value": float(matrix_of(array)[row, column]),
            "shape": list(array.shape),
            "trace": cell_origin(self.run, variable, row, column),
        }

    def arrays(self, request: dict[str, Any]) -> dict[str, Any]:
        run = self.run
        start = run.tables.arrays if request.get("atStart") else {}
        arrays = {name: start.get(name, self.shown(name)) for name in request["variables"]}
        return {
            name: {"shape": list(array.shape), "data": array}
            for name, array in arrays.items()
            if array is not None
        }

    def shown(self, name: Any) -> np.ndarray | None:
        """Return a variable that a page may see: an array that the program was given or has computed."""
        known = {*self.run.given, *(one for line in self.run.lines for one in line.writes)}
        return self.run.array(name) if isinstance(name, str) and name in known else None

    def curvature(self, request: dict[str, Any]) -> dict[str, Any]:
        step = -(-self.run.place // len(self.run.lines))
        return {"curvature": self.run.curvature(), "step": step}

    def begin(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["name"] != "comparison":
            raise PageRequestError(REQUEST_REFUSAL, what=str(request["name"])[:40])
        one, other = (checked_settings(request[side]) for side in ("one", "other"))
        own = own_tables(request.get("own")) if one.problem == "own" else None
        steps = min(MOST_COMPARED, max(1, int(request["steps"])))
        self.job = request, RunComparison(one, other, own).outcomes(steps)
        self.results = {}
        return {}


def line_message(line: WatchedLine) -> dict[str, Any]:
    """Return a line as the page needs it."""
    message = dict(vars(line))
    message["kind"] = "alias" if line.id.endswith("_identity") else ""
    return {**message, "original": line.original or line.code}


def own_tables(given: Any) -> WatchedTables:
    """Return a table that a page sent: arrays are `{"shape": ..., "data": ...}`."""

    def array(name: str) -> np.ndarray | None:
        part = given.get(name)
        if part is None:
            return None
        return np.array(part["data"], dtype=float).reshape(part["shape"])

    try:
        x, y = array("x"), array("y")
        if x is None or y is None or x.ndim != 2 or y.ndim != 2 or len(x) != len(y):
            shapes = [None if part is None else part.shape for part in (x, y)]
            raise PageRequestError(TABLE_REFUSAL, x=shapes[0], y=shapes[1])
        if not (np.isfinite(x).all() and np.isfinite(y).all()):
            raise PageRequestError(TABLE_REFUSAL, x="NaN", y="NaN")
        return WatchedTables({"x": x, "y": y}, array("newX"), array("newY"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PageRequestError(TABLE_REFUSAL, x=error, y=error) from None


def check_own_sizes(own: WatchedTables, settings: Any) -> None:
    """Raise if a table has other sizes than the settings say."""
    x, y = own.arrays["x"], own.arrays["y"]
    if (*x.shape, y.shape[1]) != (settings.rows, settings.inputs, settings.outputs):
        raise PageRequestError(TABLE_REFUSAL, x=x.shape, y=y.shape)
    new_x, new_y = own.new_x, own.new_y
    if new_x is not None and (new_y is None or new_x.shape[1] != x.shape[1]):
        raise PageRequestError(
            TABLE_REFUSAL, x=new_x.shape, y=None if new_y is None else new_y.shape
        )


REQUESTS: dict[str, Callable[[ProgramHost, dict[str, Any]], Any]] = {
    "start": ProgramHost.start,
    "move": ProgramHost.move,
    "seek": ProgramHost.seek,
    "go": ProgramHost.go,
    "pause": ProgramHost.pause,
    "frame": ProgramHost.frame,
    "cells": ProgramHost.cells,
    "trace": ProgramHost.trace,
    "arrays": ProgramHost.arrays,
    "curvature": ProgramHost.curvature,
    "job": ProgramHost.begin,
}
CHANGES_STATE = {"start", "move", "seek", "go", "pause", "job"}
