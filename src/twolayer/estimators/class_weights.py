"""What a row of each class counts, beside its own weight."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.errors import InputError
from twolayer.estimators.input_checks import name_list


def class_weights(given: Any, classes: np.ndarray, labels: np.ndarray, s: Any) -> np.ndarray:
    """What a row of each class counts."""
    if isinstance(given, str) and given == "balanced":
        there = np.bincount(labels, weights=s, minlength=len(classes)).astype(float)
        return there.sum() / (len(classes) * np.where(there > 0, there, np.inf))
    if not isinstance(given, dict):
        raise InputError(
            f"class_weight must be a dict of class: weight, 'balanced', or None; got {given!r}"
        )
    names = {str(one): k for k, one in enumerate(classes.tolist())}
    counted = np.ones(len(classes))
    for name, weight in given.items():
        if str(name) not in names:
            raise InputError(
                f"class_weight names {name!r}, which is no class of y: {name_list(list(names))}"
            )
        if not (np.isreal(weight) and np.isfinite(weight) and weight >= 0):
            raise InputError(f"class_weight must not be negative; class {name!r} has {weight!r}")
        counted[names[str(name)]] = float(weight)
    if not counted[np.unique(labels)].any():
        raise InputError("class_weight is zero for every class: nothing is left to fit")
    return counted
