"""How much a row of each class counts, beside its own weight."""

from __future__ import annotations

from typing import Any

import numpy as np

from twolayer.errors import InputError
from twolayer.text import first_names


def class_weights(
    class_weight: Any, classes: np.ndarray, labels: np.ndarray, s: np.ndarray | None
) -> np.ndarray:
    """Return how much a row of each class counts, shape (n_classes,); the rows together count as much as without it.

    Parameters
    ----------
    class_weight : dict of class: weight, or "balanced"
    classes : ndarray, shape (n_classes,)
    labels : ndarray of int, shape (n_rows,)
        The number of the class of each row.
    s : ndarray, shape (n_rows,), or None
        Row weights.

    Raises
    ------
    InputError
        If a name or weight cannot be used, or every row would weigh 0.
    """
    totals = np.bincount(labels, weights=s, minlength=len(classes)).astype(float)
    if isinstance(class_weight, str) and class_weight == "balanced":
        return totals.sum() / (len(classes) * np.where(totals > 0, totals, np.inf))
    if not isinstance(class_weight, dict):
        raise InputError(
            f"class_weight must be a dict of class: weight, 'balanced', or None; got {class_weight!r}"
        )
    names = classes.tolist()  # 1 is True and 1.0 too; NumPy's dates are not Python's
    places = {one: k for own in (classes, names) for k, one in enumerate(own)}
    weights = np.ones(len(classes))
    for name, weight in class_weight.items():
        if name not in places:
            raise InputError(
                f"class_weight names {name!r}, which is no class of y: {first_names(map(repr, names), quote='')}"
            )
        if not (np.isreal(weight) and np.isfinite(weight) and weight >= 0):
            raise InputError(f"class_weight must not be negative; class {name!r} has {weight!r}")
        weights[places[name]] = float(weight)
    if not weights[np.unique(labels)].any():
        raise InputError("class_weight is zero for every class: nothing is left to fit")
    return weights * (totals[weights > 0].sum() / (totals * weights).sum())


def check_two_classes(classes: np.ndarray, labels: np.ndarray, s: np.ndarray | None) -> None:
    """Raise InputError if the rows of weight above 0 are all of one class. Arguments as in `class_weights`."""
    counted = np.unique(labels if s is None else labels[s > 0])
    if len(counted) < 2:
        raise InputError(
            f"y holds one class only, {str(classes[counted[0]])!r}, in every row of weight above 0: two classes are needed"
        )
