"""The settings whose value a fit may not come to need, or late: they are all checked before anything is learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from twolayer import checks
from twolayer.estimators.callbacks import user_callbacks
from twolayer.estimators.selection.scoring import scorer_of
from twolayer.evaluation.splits import validation_share


def check_verbose(value: Any, name: str) -> None:
    """Raise InputError unless it is a whole number, at least 0, or True or False."""
    if not isinstance(value, (bool, np.bool_)):
        checks.whole_number(value, name, at_least=0)


def or_none(check: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Return a check that takes None too."""
    return lambda value, name: value is None or check(value, name)


SETTING_CHECKS: dict[str, Callable[[Any, str], Any]] = {
    "learning_rate_init": partial(checks.finite_number, above=0),
    "max_iter": checks.whole_number,
    "tol": partial(checks.finite_number, at_least=0),
    "batch_size": or_none(checks.whole_number),
    "early_stopping": checks.flag,
    "validation_fraction": lambda value, name: validation_share(value),
    "n_iter_no_change": checks.whole_number,
    "scoring": or_none(lambda value, name: scorer_of(value)),
    "callback": lambda value, name: user_callbacks(value),
    "warm_start": checks.flag,
    "spread": partial(checks.flag, others=("auto",)),
    "refit": checks.flag,
    "verbose": check_verbose,
}


def check_settings(settings: Mapping[str, Any]) -> None:
    """Raise InputError for the first setting that cannot be, whether it will be used or not."""
    search = (
        "alphas" in settings
    )  # which takes None for a tolerance of its own, and sees to its one callback
    for name, check in SETTING_CHECKS.items():
        own = search and (name == "callback" or (name == "tol" and settings[name] is None))
        if name in settings and not own:
            check(settings[name], name)
