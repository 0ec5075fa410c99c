"""The few exceptions and warnings that a user may want to catch.

Every message says what was wrong, what was seen, and what to do.
"""

from __future__ import annotations

import sys
import warnings
from dataclasses import dataclass
from typing import Any

OWN_MODULES = ("twolayer.", "contextlib.")  # between the user's line and the one that warns


class TwoLayerError(Exception):
    """The parent of every error that twolayer raises on purpose."""


class InputError(TwoLayerError, ValueError):
    """Something the user gave (an array, a table, an option) cannot be used as it is."""


class EngineError(TwoLayerError, ValueError):
    """The engine or device asked for is unknown, missing, or cannot do what was asked."""


class FileError(TwoLayerError, OSError):
    """A file cannot be read or written, or is not what it should be."""


class ConcurrentFitError(TwoLayerError, RuntimeError):
    """An estimator is being fitted already, by another thread or by the fit whose callback calls this one."""


class DivergedError(TwoLayerError, ArithmeticError):
    """The loss or a weight stopped being finite.

    Attributes
    ----------
    step : int
        The update (counted from 0) at which it happened.
    last_finite_loss : float or None
        The last objective that was finite; None if there was none.
    params : Params
        The last parameters whose objective was finite.
    losses : ndarray, shape (step,)
        The objectives before `step`, all finite.
    """

    def __init__(
        self,
        message: str,
        step: int,
        last_finite_loss: float | None,
        params: Any,
        losses: object,
    ) -> None:
        super().__init__(message)
        self.step = step
        self.last_finite_loss = last_finite_loss
        self.params = params
        self.losses = losses


class TwoLayerWarning(UserWarning):
    """The parent of every warning that twolayer gives on purpose."""


def warn_user(sentence: str, kind: type[Warning] = TwoLayerWarning) -> None:
    """Give a warning that names the first line outside the package: the user's, unless another library called."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and f"{frame.f_globals.get('__name__')}.".startswith(
        OWN_MODULES
    ):
        level, frame = level + 1, frame.f_back
    warnings.warn(sentence, kind, stacklevel=level)


@dataclass(frozen=True)
class Refusal:
    """Why an engine or a solver cannot do something; as text, the sentence that says so.

    Attributes
    ----------
    subject : str
        Who cannot, such as "engine 'compiled'".
    reason : str
        What is missing, such as "has no l1".
    remedy : str
        What to do instead, such as "use engine='numpy'".
    """

    subject: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.subject} {self.reason}: {self.remedy}"
