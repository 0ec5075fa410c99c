"""What runs between the steps of a training: the user's callbacks, and a progress bar."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.column_views import ColumnView
from twolayer.estimators.early_stopping import EarlyStopping
from twolayer.estimators.standardise import Scaling
from twolayer.maths.network import Params
from twolayer.maths.smooth_clip import InputClip
from twolayer.training.checkpoint_schema import has_entries, is_whole, require_intact
from twolayer.training.loop import (
    NetworkEnd,
    Progress,
    callback_state,
    has_state,
    load_callback_state,
)


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


def with_networks(model: Any, params: Params, clip: InputClip | None) -> Any:
    """Return a copy of the model with these weights, which act on the user's own, or clipped, columns."""
    same = copy.copy(model)
    same.__dict__.pop("temperature_", None)  # of a fit before
    same._set_networks_and_clip(params, clip)
    return same


def progress_in_own_units(
    progress: Progress,
    model: Any,
    view: ColumnView,
    targets: Scaling | None,
    validation_score: float | None = None,
) -> Progress:
    """Return the progress for the user's callbacks: weights for the user's own units, and the model's predictions.

    The networks in training are all of this view.
    """

    @cache
    def params() -> Params:
        return view.own_params(progress.params(), targets)

    return replace(
        progress,
        params=params,
        predict=lambda X: with_networks(model, params(), view.clip_of(params())).predict(X),  # noqa: N803
        validation_score=validation_score,
        training_params=progress.params,
    )


class CallbackList:
    """All that runs between the steps of a fit, as one callback.

    Parameters
    ----------
    callbacks : list of callables
        The user's: if one returns True, this network is the last that is trained.
    own_units : callable
        From the progress of training to what the user's callbacks are given.
    early_stopping : EarlyStopping or None
        It ends one network at a time.
    """

    def __init__(
        self,
        callbacks: list[Callable[[Progress], Any]],
        own_units: Callable[[Progress], Progress],
        early_stopping: EarlyStopping | None = None,
    ) -> None:
        self.callbacks, self.own_units, self.early_stopping = callbacks, own_units, early_stopping
        # where `train` does not know of the others: the first network of its call, their number, and that of all
        self.part: tuple[int, int, int] | None = None
        self.trained_networks: int | None = None  # after a callback returned True before the last

    def __call__(self, progress: Progress) -> bool | NetworkEnd:
        trained = None  # networks, at the end of the one at hand
        if self.part is not None:
            first, count, total = self.part
            k = 0 if progress.network is None else progress.network[0]
            trained = first + (count if progress.network is None else k + 1), total
            if progress.network is not None or count == 1:
                progress = replace(progress, network=(first + k, total))
        elif progress.network is not None:
            trained = progress.network[0] + 1, progress.network[1]
        patience_lost = self.early_stopping is not None and self.early_stopping(progress)
        progress = self.own_units(progress)
        answers = [each(progress) for each in self.callbacks]
        if any(isinstance(one, (bool, np.bool_)) and bool(one) for one in answers):
            if trained is not None and trained[0] < trained[1]:
                self.trained_networks = trained[0]
            return True
        if patience_lost:
            assert self.early_stopping is not None
            return NetworkEnd(self.early_stopping.reason)
        return False

    @property
    def with_state(self) -> list[Any]:
        """The callbacks that a checkpoint stores."""
        return [one for one in (self.early_stopping, *self.callbacks) if one and has_state(one)]

    def state_dict(self) -> dict[str, Any] | None:
        """Return the states of those that have one, and how many networks were trained; None if there is nothing to keep."""
        states = [callback_state(each) for each in self.with_state]
        if not states and self.trained_networks is None:
            return None
        return {"states": states, "trained_networks": self.trained_networks}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Give each its state back; raise DamagedError if it is none of these callbacks'."""
        require_intact(has_entries(state, {"states", "trained_networks"}), "callbacks")
        states, trained = state["states"], state["trained_networks"]
        fits = isinstance(states, list) and len(states) == len(self.with_state)
        require_intact(fits and (trained is None or is_whole(trained, 1)), "callbacks")
        self.trained_networks = trained
        for each, own in zip(self.with_state, state["states"], strict=True):
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
