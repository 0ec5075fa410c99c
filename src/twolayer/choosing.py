"""Which engine, and whether the span: decided from shapes and settings alone, so the same call gives the same numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twolayer.engines import get_ready
from twolayer.engines.contract import Engine, Problem
from twolayer.errors import EngineError
from twolayer.maths.network import Params
from twolayer.solvers import Solver


@dataclass(frozen=True)
class Choice:
    """Who trains, where, with the span or without, and why."""

    engine: Engine
    device: str
    span: bool
    why: str


def choose(
    problem: Problem, params: Params, solver: Solver, *, engine: str, device: str, span: Any
) -> Choice:
    """The engine asked for, checked; or the one that is expected to be fastest.

    Raises
    ------
    EngineError
        If the engine or device is unknown, missing, or cannot do this.
    """
    name, why = engine, "asked for"
    if engine == "auto":
        name = "numpy" if device in ("cpu", "auto") else "torch"
        why = "chosen"
    worker = get_ready(name)
    reason = worker.cannot(problem, params, solver)
    if reason:
        raise EngineError(reason)
    return Choice(worker, worker.check_device(device), False, why)
