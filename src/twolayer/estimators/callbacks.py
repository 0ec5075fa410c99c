"""What runs between the steps of a training: the user's callbacks, and a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.training.loop import Progress, callback_state, has_state, load_callback_state


def user_callbacks(callback: Any) -> list[Callable[[Progress], Any]]:
    """Return the user's function, or functions, as a list."""
    if callback is None:
        return []
    functions = list(callback) if isinstance(callback, (list, tuple)) else [callback]
    for one in functions:
        if not callable(one):
            raise InputError(
                f"callback must be a function, a list of functions, or None; got {checks.short_repr(one)}"
            )
    return functions


class CallbackList:
    """Several callbacks as one, which ends the training if one of them returns True."""

    def __init__(self, callbacks: list[Callable[[Progress], Any]]) -> None:
        self.callbacks = callbacks

    def __call__(self, progress: Progress) -> bool:
        answers = [each(progress) for each in self.callbacks]
        return any(isinstance(answer, (bool, np.bool_)) and bool(answer) for answer in answers)

    def state_dict(self) -> list[Any] | None:
        """Return the states of those that have one; None if none has."""
        return [callback_state(each) for each in self.callbacks if has_state(each)] or None

    def load_state_dict(self, states: list[Any]) -> None:
        """Give each its state back."""
        for each, own in zip(filter(has_state, self.callbacks), states, strict=True):
            load_callback_state(each, own)


def print_progress_bar(progress: Progress) -> None:
    """Print a bar that fills: on a terminal in one line, elsewhere a line each time."""
    done = int(20 * progress.step / max(progress.steps, 1))
    loss = float(np.mean(progress.losses[-1]))
    line = f"[{'#' * done}{'.' * (20 - done)}] step {progress.step} of {progress.steps}: loss {loss:.6g}"
    if sys.stdout.isatty():
        print(f"\r{line}  ", end="", flush=True)
    else:
        print(line)


def progress_line_end() -> str:
    """Return what ends the bar's line on a terminal."""
    return "\n" if sys.stdout.isatty() else ""
