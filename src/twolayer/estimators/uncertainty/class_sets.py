"""Sets of classes that hold the right one with a given probability, for each class by itself (Mondrian conformal sets).

A class is in the set of a new row where the log loss that the row would have, were the class its own, is not above the
quantile of the log losses of that class's rows left out of training: of n of them the ⌈level·(n + 1)⌉-th. If the rows of a
class, new ones and old ones, are exchangeable, and the old ones were left out with all chosen anew, at least the share
`level` of the rows of *each* class has it in its set, be the class rare or not (Vovk, Gammerman & Shafer, *Algorithmic
learning in a random world*, 2005, section 4.5; Sadinle, Lei & Wasserman, JASA 114, 2019). With rows left out in closed
form that is measured, not proved.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np

from twolayer.checks import is_sparse
from twolayer.errors import InputError, warn_user
from twolayer.estimators.ensemble import class_probabilities, mean_outputs
from twolayer.estimators.uncertainty.left_out_fit import LeftOutFit, left_out_settings
from twolayer.estimators.uncertainty.left_out_intervals import upper_quantile
from twolayer.estimators.uncertainty.predictive_spread import sorted_residuals
from twolayer.estimators.uncertainty.temperature import best_temperature
from twolayer.files import DamagedError
from twolayer.maths.losses import Loss
from twolayer.maths.problem import checked_targets
from twolayer.text import first_names, plural

TINY_PROBABILITY = 1e-300
FEW_ROWS = "too few left out for sets at the level"
KNOWN_SHARE = 0.9  # of the rows: where more cannot be left out in closed form, others are taken


class RowsLeftOut:
    """What networks of classes say of rows left out of the training that they come from, worked out when it is asked for.

    Until then it holds on to the rows of training.

    Parameters
    ----------
    fit : NetworkFit
        One that has ended, and whose loss takes labels.
    """

    def __init__(self, fit: Any) -> None:
        rows, task = fit.rows, fit.task
        y = checked_targets(fit.y, rows.n_rows, task.n_outputs, task.loss, np.float64)
        settings = left_out_settings(fit, y)
        self.fit = None if settings is None else LeftOutFit(**settings)
        self.parts, self.loss, self.choice = fit.parts, task.loss, fit.choice
        self.y, self.s = rows.y, rows.s

    @property
    def is_in_memory(self) -> bool:
        """Whether the rows are here."""
        return all(isinstance(view.x, np.ndarray) or is_sparse(view.x) for view, _ in self.parts)

    @cached_property
    def outputs(self) -> np.ndarray | None:
        """Logits of the average for each row, (n_rows, n_outputs), in closed form; None where that says too little.

        They are not a number for a row of which nothing can be said.
        """
        each = None if self.fit is None else self.fit.outputs(self.parts)
        if each is None:
            return None
        outputs = mean_of_known(each, self.loss)
        known = np.isfinite(outputs).all(axis=1)
        return outputs if known.mean() >= KNOWN_SHARE else None

    def temperature(self) -> float | None:
        """Return the temperature of these logits, if there are any."""
        outputs = self.outputs
        if outputs is None:
            return None
        known = np.isfinite(outputs).all(axis=1)
        y = checked_targets(self.y, len(self.y), outputs.shape[1], self.loss, np.float64)
        s = None if self.s is None else self.s[known]
        return best_temperature(outputs[known], y[known], s, self.loss)

    def class_losses(self, model: Any) -> dict[Any, np.ndarray] | None:
        """Return the log losses of each class's rows; where there is no closed form, of those left out to choose alpha."""
        choice = self.choice
        if self.outputs is not None:
            return class_losses(self.outputs, self.y, self.s, model)
        if choice is not None and choice.outputs is not None:
            return class_losses(choice.outputs, choice.targets, choice.weights, model)
        return None


def set_left_out_losses(fit: Any) -> None:
    """Let the model know the losses of each class's rows held out or left out, or how to work them out.

    Parameters
    ----------
    fit : NetworkFit
        One that has ended.
    """
    model, loss = fit.model, fit.task.loss
    if not loss.takes_labels:
        return
    if fit.validation is not None:
        held_out = mean_outputs(fit.validation_outputs(), loss)
        model.left_out_losses_ = class_losses(held_out, fit.validation.y, fit.validation.s, model)
        return
    model._rows_left_out = fit.rows_left_out
    if "outputs" in vars(fit.rows_left_out) or not fit.rows_left_out.is_in_memory:
        model.work_out_left_out_losses()


def mean_of_known(outputs: np.ndarray, loss: Loss) -> np.ndarray:
    """Return the outputs of the average of those networks that say something of a row; not a number where none does."""
    known = np.isfinite(outputs).all(axis=2)  # (n_networks, n_rows)
    mean = np.full(outputs.shape[1:], np.nan)
    for pattern in np.unique(known, axis=1).T:
        rows = (known == pattern[:, None]).all(axis=0)
        if pattern.any():
            mean[rows] = mean_outputs(outputs[pattern][:, rows], loss)
    return mean


def class_losses(
    outputs: np.ndarray, y: np.ndarray, s: np.ndarray | None, model: Any
) -> dict[Any, np.ndarray]:
    """Return the log losses of the rows of each class, from small to large, as the model's `predict_proba` tells them.

    Parameters
    ----------
    outputs : ndarray, shape (n_rows, n_outputs)
        Logits of rows left out; those that are not a number are passed over.
    y : ndarray
        Class numbers, shape (n_rows,), or targets of training, (n_rows, n_outputs).
    s : ndarray, shape (n_rows,), or None
        Row weights: within a class they count.
    model : fitted classifier
        For its classes and temperature.
    """
    known = np.isfinite(outputs).all(axis=1)
    p = class_probabilities(outputs[known] / getattr(model, "temperature_", 1.0))
    numbers = class_numbers(y)[known]
    weights = None if s is None else s[known]
    return losses_of_probabilities(p, numbers, weights, model.classes_)


def class_numbers(y: np.ndarray) -> np.ndarray:
    """Return the class number of each row, of class numbers or of targets of training."""
    if y.ndim == 1:
        return y
    return y.argmax(axis=1) if y.shape[1] > 1 else (y[:, 0] > 0.5).astype(int)


def losses_of_probabilities(
    p: np.ndarray, numbers: np.ndarray, s: np.ndarray | None, classes: np.ndarray
) -> dict[Any, np.ndarray]:
    """Return the sorted log losses of each class's rows, from the probabilities of all classes for each row."""
    own = minus_log(p[np.arange(len(p)), numbers])
    losses = {}
    for k, name in enumerate(classes.tolist()):
        rows = numbers == k
        weights = None if s is None else s[rows]
        some = rows.any()
        losses[name] = sorted_residuals(own[rows][:, None], weights)[:, 0] if some else own[:0]
    return losses


def minus_log(p: np.ndarray) -> np.ndarray:
    """Return −log p, finite."""
    return -np.log(np.maximum(p, TINY_PROBABILITY))


def class_set(p: np.ndarray, losses: Mapping[Any, np.ndarray], level: float) -> np.ndarray:
    """Return which classes are in the set of each row, bool of shape (n_rows, n_classes).

    Parameters
    ----------
    p : ndarray, shape (n_rows, n_classes)
    losses : mapping of class to ndarray
        In the order of the classes.
    level : float
    """
    most = np.array([float(upper_quantile(own, None, level)) for own in losses.values()])
    chosen = minus_log(p) <= most
    empty = ~chosen.any(axis=1)
    chosen[empty, p[empty].argmax(axis=1)] = True
    return chosen


def few_rows_sentence(losses: Mapping[Any, np.ndarray], level: float) -> str | None:
    """Return what to say of classes with too few rows for the level, which are in every set; None if there are none."""
    few = [name for name, own in losses.items() if np.isinf(upper_quantile(own, None, level))]
    if not few:
        return None
    counts = sorted({len(losses[name]) for name in few})
    rows = plural(counts[0], "row") if len(counts) == 1 else f"{counts[0]} to {counts[-1]} rows"
    needed = int(np.ceil(level / (1 - level) * (1 - 1e-9)))
    be, what = ("is", "class") if len(few) == 1 else ("are", "classes")
    return (
        f"the {what} {first_names(few)} {be} in every set: of {'it' if len(few) == 1 else 'each'} there are {rows}, "
        f"{FEW_ROWS} {level:g}, which takes {needed}"
    )


def warn_of_few_rows(losses: Mapping[Any, np.ndarray], level: float) -> None:
    """Warn where the rows of a class are too few for the level."""
    sentence = few_rows_sentence(losses, level)
    if sentence is not None:
        warn_user(sentence)


def losses_as_arrays(losses: Mapping[Any, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the losses of all classes in one array, and how many each has, for a file."""
    counts = np.array([len(own) for own in losses.values()], dtype=np.float64)
    return {"losses": np.concatenate(list(losses.values())), "counts": counts}


def losses_from_arrays(
    arrays: Mapping[str, np.ndarray], classes: np.ndarray
) -> dict[Any, np.ndarray]:
    """Return the losses of each class; raise DamagedError if the arrays are not those of `losses_as_arrays`."""
    losses, counts = (arrays.get(name, np.zeros((0, 0))) for name in ("losses", "counts"))
    fits = (
        set(arrays) == {"losses", "counts"}
        and losses.ndim == 1
        and losses.dtype == counts.dtype == np.float64
        and counts.shape == classes.shape
        and np.isfinite(losses).all()
        and (losses >= 0).all()
        and (counts >= 0).all()
        and (counts == np.floor(counts)).all()
        and counts.sum() == len(losses)
    )
    parts = np.split(losses, np.cumsum(counts[:-1]).astype(int)) if fits else []
    if not fits or any((np.diff(part) < 0).any() for part in parts):
        raise DamagedError("the losses of its rows left out are not those of its classes, in order")
    return dict(zip(classes.tolist(), parts, strict=True))


def set_refusal(several_labels: bool) -> InputError:
    """Return the error of a model that can tell no sets."""
    if several_labels:
        return InputError("sets are for one class per row, and each row has several labels here")
    return InputError(
        "the sets of classes come from rows left out of training, and this model knows of none: it was made without them, "
        "or they cannot be left out in closed form. Call model.keep_rows(X, y) with the rows that fit had, or fit again "
        "with alpha='auto'"
    )
