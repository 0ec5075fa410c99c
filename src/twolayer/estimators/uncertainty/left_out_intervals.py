"""Intervals for new rows from rows that were left out of training: jackknife+ and CV+.

With f_-i the model without row i (or without its fold, or its group), and r_i = |y_i − f_-i(x_i)|, the interval of a new
row x goes from minus the quantile of the r_i − f_-i(x) to the quantile of the f_-i(x) + r_i: of n numbers the
⌈level·(n + 1)⌉-th. Where each f_-i was trained with all that depends on the rows chosen inside, and rows are exchangeable,
such intervals hold at least the share 1 − 2·(1 − level) of the targets, whatever the distribution, and close to `level` in
practice (Barber, Candès, Ramdas & Tibshirani, *Predictive inference with the jackknife+*, Annals of Statistics 49, 2021).
Where f_-i comes in closed form from one training, that is measured, not proved.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from twolayer import checks
from twolayer.errors import InputError, warn_user
from twolayer.estimators.standardise import standardise
from twolayer.estimators.training_rows import TrainingRows
from twolayer.estimators.uncertainty.closed_form_check import checked_outputs
from twolayer.estimators.uncertainty.fitted_tangents import in_own_units, trained_networks
from twolayer.estimators.uncertainty.leave_out import (
    FOLDS_OF_REFITS,
    as_fitted,
    each_row,
    given_or_kept,
    leave_out_refusal,
    left_out_parts,
    refit_folds,
    refit_sentence,
    refits,
    rows_of_training,
)
from twolayer.estimators.uncertainty.left_out_fit import MOST_LEVERAGE, MOST_ROW_LEVERAGE
from twolayer.evaluation.splits import FoldRows
from twolayer.training.loop import was_cut_short

STUDENTISED, NORMAL, JACKKNIFE, CROSS = "studentised", "normal", "jackknife+", "cv+"
KINDS = (STUDENTISED, NORMAL, JACKKNIFE, CROSS)
LEFT_OUT_KINDS = (JACKKNIFE, CROSS)
CHUNK_PREDICTIONS = (
    4_000_000  # rows of training times outputs of new rows, that are in memory at a time
)
ROUNDING = 1e-12  # share of a level
TOO_CLOSE = "the networks follow their rows too closely for the closed form"


def checked_level(level: Any, what: str) -> float:
    """Return a level, or raise InputError if it is no share."""
    level = checks.finite_number(level, "level", above=0)
    if level >= 1:
        raise InputError(
            f"level is a share of the {what}, between 0 and 1, such as 0.9; got {level:g}"
        )
    return level


def checked_kind(kind: Any, cv: Any, refit: Any) -> str:
    """Return the kind of an interval; raise InputError if it is none, or what is asked beside it is for another kind."""
    checks.one_of(kind, dict.fromkeys(KINDS), "kind")
    if cv is not None and kind != CROSS:
        raise InputError(f"cv is for kind='{CROSS}'; got kind={kind!r}")
    if checks.flag(refit, "refit") and kind not in LEFT_OUT_KINDS:
        raise InputError(
            f"refit is for kind='{JACKKNIFE}' and kind='{CROSS}', which leave rows out; got kind={kind!r}"
        )
    return str(kind)


@dataclass(frozen=True, eq=False)
class LeftOutModels:
    """What the models without each part of the rows say.

    Attributes
    ----------
    residuals : ndarray, shape (n_rows, n_outputs)
        |y − prediction| of each row of training by the model without its part.
    parts : ndarray of int, shape (n_rows,)
        The part of each row.
    weights : ndarray, shape (n_rows,), or None
    predict : callable
        From new rows to the predictions of each model, (n_parts, n_new, n_outputs).
    """

    residuals: np.ndarray
    parts: np.ndarray
    weights: np.ndarray | None
    predict: Callable[[Any], np.ndarray]

    def interval(self, x: Any, level: float) -> tuple[np.ndarray, np.ndarray]:
        """Return the ends for each row of `x`, each of shape (n_new, n_outputs)."""
        ends = np.empty((2, x.shape[0], self.residuals.shape[1]))
        size = max(1, CHUNK_PREDICTIONS // self.residuals.size)
        residuals = self.residuals[:, None]
        for first in range(0, x.shape[0], size):
            chunk = slice(first, first + size)
            center = self.predict(x[chunk])[self.parts]  # (n_rows, chunk, n_outputs)
            ends[0, chunk] = -upper_quantile(residuals - center, self.weights, level)
            ends[1, chunk] = upper_quantile(residuals + center, self.weights, level)
        return ends.min(axis=0), ends.max(axis=0)  # at levels below a half they may cross


def upper_quantile(values: np.ndarray, s: np.ndarray | None, level: float) -> np.ndarray:
    """Return what a new row of weight 1 does not exceed at this level; infinite where the rows are too few to tell.

    Parameters
    ----------
    values : ndarray, shape (n_rows, ...)
    s : ndarray, shape (n_rows,), or None
        Row weights.
    level : float
    """
    n = len(values)
    if s is None:
        k = int(np.ceil((n + 1) * level * (1 - ROUNDING)))
        none = np.full(values.shape[1:], np.inf)
        return none if k > n else np.partition(values, k - 1, axis=0)[k - 1]
    order = np.argsort(values, axis=0, kind="stable")
    reached = np.cumsum(s[order], axis=0) >= (s.sum() + 1) * level * (1 - ROUNDING)
    first = np.take_along_axis(order, reached.argmax(axis=0)[None], axis=0)
    return np.where(reached.any(axis=0), np.take_along_axis(values, first, axis=0)[0], np.inf)


def left_out_interval(
    model: Any,
    x: Any,
    level: float,
    kind: str,
    cv: Any,
    refit: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the intervals of new rows, each of shape (n_new, n_outputs).

    Parameters
    ----------
    model : fitted regressor that keeps its rows
    x : array of float64, shape (n_new, n_inputs)
    level, kind, cv, refit : as in `predict_interval`
    """
    reader, *given = given_or_kept(model, None, None, None, None)
    given = counted_rows(given)
    rows = rows_of_training(reader, *given)
    groups = given[3]
    alone = kind == JACKKNIFE
    splits = left_out_parts(model, rows, None, groups)  # refuses what has no second part
    splits = splits if alone else refit_folds(model, rows, groups, cv)
    parts = each_row(rows.n_rows) if splits is None else splits
    found, refusal = None, None if refit else leave_out_refusal(model, rows, splits)
    if not refit and refusal is None:
        found, refusal = closed_form_models(model, rows, given, parts)
    if found is None:
        if refusal is not None:
            parts = refit_folds(model, rows, groups) if splits is None else splits
            warn_user(refit_sentence(parts, refusal))
        found = refitted_models(model, rows, given, parts, refit)
    highest = 1 - 1 / (1 + (rows.n_rows if rows.s is None else rows.s.sum()))
    if level * (1 - ROUNDING) > highest:
        warn_user(
            f"{rows.n_rows} rows of training tell intervals up to a level of {highest:.3g}: for {level:g} they have no "
            "bounds",
        )
    return found.interval(x, level)


def counted_rows(given: list[Any]) -> list[Any]:
    """Return X, y, sample_weight and groups without the rows of weight 0, from which nothing was learned."""
    s = given[2]
    if s is None or s.all():
        return given
    counted = np.flatnonzero(s)
    return [None if one is None else _safe_indexing(one, counted) for one in given]


def part_numbers(parts: Sequence[FoldRows], n_rows: int) -> np.ndarray:
    """Return the number of each row's part, shape (n_rows,)."""
    numbers = np.empty(n_rows, dtype=int)
    for k, (_, test) in enumerate(parts):
        numbers[test] = k
    return numbers


def closed_form_models(
    model: Any, rows: TrainingRows, given: list[Any], parts: Sequence[FoldRows]
) -> tuple[LeftOutModels | None, str | None]:
    """Return the models without each part in closed form; where that says nothing, another training without the part.

    None, and why, where the closed form says too little of any, or something else than trainings do.
    """
    networks = list(trained_networks(model, rows))
    tangents = [network.tangent() for network in networks]
    leverage = np.stack([one.leverage for one in tangents]) / rows.y.shape[1]
    if leverage.mean() > MOST_LEVERAGE and rows.n_rows > rows.x.shape[1]:
        return None, TOO_CLOSE  # a wide table is near linear there too
    settled, loss = was_cut_short(model.stopped_), model.loss_function_
    blocks = [test for _, test in parts]
    alone = all(len(block) == 1 for block in blocks)
    outputs = [one.left_out(None if alone else blocks, settled) for one in tangents]
    refusal = checked_outputs(
        tangents, np.stack(outputs), None if alone else blocks, settled
    ).refusal
    if refusal is not None:
        return None, refusal
    own = loss.mean(np.stack([in_own_units(model, rows, one) for one in outputs])).mean(axis=0)
    own[(leverage > MOST_ROW_LEVERAGE).any(axis=0)] = np.nan
    scale = standardise(rows.y, rows.s, "y")[1].scale if model._standardises_y() else 1.0
    unknown = [k for k, block in enumerate(blocks) if not np.isfinite(own[block]).all()]
    if len(unknown) > FOLDS_OF_REFITS:
        return None, TOO_CLOSE
    others = list(refits(as_fitted(model), tuple(given), [parts[k] for k in unknown]))
    for k, other in zip(unknown, others, strict=True):
        own[blocks[k]] = two_axes(other.predict(given[0][blocks[k]]))
    nameless = model.without_feature_names()

    def predict(x: Any) -> np.ndarray:
        fitted = nameless.network_outputs(x)
        total = np.zeros((len(parts), *fitted.shape[1:]))
        for network, tangent, one in zip(networks, tangents, fitted, strict=True):
            total += loss.mean(one + scale * network.changes(tangent, x, blocks, settled))
        total /= len(networks)
        for k, other in zip(unknown, others, strict=True):
            total[k] = two_axes(other.predict(x))
        return total

    numbers = part_numbers(parts, rows.n_rows)
    return LeftOutModels(np.abs(rows.y - own), numbers, rows.s, predict), None


def refitted_models(
    model: Any,
    rows: TrainingRows,
    given: list[Any],
    parts: Sequence[FoldRows],
    anew: bool,
) -> LeftOutModels:
    """Return models that were trained without each part: with all chosen anew, or at the alpha of the fit.

    The model keeps them, so that more rows, another level or the other kind need no further training.
    """
    numbers = part_numbers(parts, rows.n_rows)
    trained: dict[Any, list[Any]] = model.__dict__.setdefault("_refits", {})
    key = anew, numbers.tobytes()
    if key not in trained:
        unfitted = clone(model) if anew else as_fitted(model)
        trained[key] = list(refits(unfitted, tuple(given), parts))
    models = trained[key]
    own = np.empty(rows.y.shape)
    for one, (_, test) in zip(models, parts, strict=True):
        own[test] = two_axes(one.predict(given[0][test]))

    def predict(x: Any) -> np.ndarray:
        return np.stack([two_axes(one.predict(x)) for one in models])

    return LeftOutModels(np.abs(rows.y - own), numbers, rows.s, predict)


def two_axes(predictions: np.ndarray) -> np.ndarray:
    """Return predictions of shape (n_rows, n_outputs)."""
    return predictions.reshape(len(predictions), -1)
