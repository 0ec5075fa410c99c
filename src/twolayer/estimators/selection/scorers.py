"""The score that a user asks for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from sklearn.metrics import get_scorer

from twolayer.checks import short_repr
from twolayer.errors import InputError


def scorer_of(scoring: Any) -> Callable[..., Any]:
    """scikit-learn's scorer of that name, or the user's own function of (model, X, y)."""
    if callable(scoring):
        return scoring
    try:
        return get_scorer(scoring)
    except (ValueError, TypeError):
        raise InputError(
            f"there is no score {short_repr(scoring)} for scoring: see sklearn.metrics.get_scorer_names(), "
            "or give a function "
            "of (model, X, y)"
        ) from None


def takes_weights(scorer: Callable[..., Any]) -> bool:
    """Whether a scorer can be told row weights."""
    told = getattr(scorer, "_score_func", scorer)  # scikit-learn's hands on what it is given
    try:
        parameters = inspect.signature(told).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)
