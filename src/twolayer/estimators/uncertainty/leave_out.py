"""What a fitted model would have said of each row had that row, or its fold, been left out of training.

In closed form (`twolayer.maths.tangent`) that costs one factorisation for each network, whatever is left out. Where the
closed form does not hold, networks are trained anew without the rows, at the weight decay of the fit.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import _safe_indexing
from sklearn.utils.validation import _num_samples, check_is_fitted

from twolayer import checks
from twolayer.errors import InputError, warn_user
from twolayer.estimators.column_weights import NO_WEIGHING
from twolayer.estimators.kept_rows import KeptRows
from twolayer.estimators.training_rows import TrainingRows, group_numbers
from twolayer.estimators.uncertainty.closed_form_check import CheckedOutputs, checked_outputs
from twolayer.estimators.uncertainty.fitted_tangents import (
    fitted_tangents,
    in_own_units,
    trained_networks,
)
from twolayer.evaluation.splits import FoldRows, fold_splits
from twolayer.maths.smooth_clip import SMOOTH_CLIP, STANDARD
from twolayer.solvers.lbfgs import tol_of_end
from twolayer.text import plural
from twolayer.training.loop import was_cut_short
from twolayer.training.table_home import check_in_memory, is_elsewhere

# rows·outputs or weights, whichever are fewer: beyond, another training costs less
LARGEST_FACTOR = 3000
LOOSEST_TOL = 0.01  # up to here training ends near enough to its minimum
FEWEST_STEPS = 10  # of a training that was cut short; after fewer it is as far from its minimum as from its start
FOLDS_OF_REFITS = 10  # in the place of single rows, where each must be trained without
BLOCK_ROWS = "twolayer.distributed.column_fit"  # loaded when a table is in blocks elsewhere
WEIGHED = "the columns were weighed by the targets of all rows (all is chosen anew)"


class LeaveOutMixin:
    """The methods of the estimators that leave rows out of a fit that was made, and that keep rows for it."""

    rows_: KeptRows | None = None  # goes with the weights

    def keep_rows(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Any:  # noqa: N803
        """Keep the rows of training, for all that is said of rows left out.

        Then `left_out_predict` and `influence` need no rows, and intervals of the kinds "jackknife+" and "cv+" can be told.
        A fit does not keep them by itself, as they may be many, or patients' data: a model that keeps them carries them in
        its pickle, and in its file if `twolayer.save(..., keep_rows=True)` is asked for. Another fit forgets them.

        Parameters
        ----------
        X, y, sample_weight, groups : as they were given to `fit`
            Rows of one group are left out together.

        Returns
        -------
        self

        Raises
        ------
        InputError, ValueError
            If these are not the rows of training, as far as the loss of training tells it: not with l1, dropout, early
            stopping or another solver than "lbfgs".

        Examples
        --------
        >>> import numpy as np
        >>> import twolayer as tl
        >>> X = np.linspace(-1, 1, 40)[:, None]
        >>> y = np.abs(X[:, 0])
        >>> model = tl.TwoLayerRegressor(10, alpha=0.1, random_state=0).fit(X, y).keep_rows(X, y)
        >>> model.left_out_predict().shape
        (40,)
        """
        check_is_fitted(self)
        check_in_memory(X, "X", "a model keeps rows in memory only")
        rows = rows_of_training(self, X, y, sample_weight, groups)
        compare_loss(self, rows)
        s = checks.row_weights(sample_weight, rows.n_rows, np.float64)
        own_groups = None if groups is None else np.array(groups)
        targets = np.array(self._original_targets(rows.y))  # type: ignore[attr-defined]
        self.__dict__.pop("_refits", None)
        self.rows_ = KeptRows(rows.x.copy(), targets, s, own_groups)
        return self

    def left_out_predict(
        self,
        X: Any = None,  # noqa: N803
        y: Any = None,
        *,
        cv: Any = None,
        groups: Any = None,
        sample_weight: Any = None,
        method: str = "predict",
        refit: bool = False,
    ) -> np.ndarray:
        """Return what this model would have said of each row of training, had the row been left out of training.

        The networks that were trained are left as they are: what they would say follows in closed form from their tangent
        kernel, at the same alpha, and the same means and spreads of columns. Where that does not hold (a loss without second
        derivative, l1, dropout, early stopping, a solver other than "lbfgs", a `tol` above 0.01, a training cut short before
        ten steps, a splitter that leaves out other rows than it tests, or a table too large) networks are trained without
        the rows, at the same alpha, and a TwoLayerWarning says so; in ten folds where each row alone was asked for. Where
        the columns of a wide table were weighed by the targets (`column_weighing_`), weighing and alpha are chosen anew.

        alpha was chosen with all rows, so scores of these predictions are a little too good; `refit=True` chooses everything
        anew without the rows.

        Parameters
        ----------
        X, y, sample_weight : as they were given to `fit`
            None for the rows, weights and groups that `keep_rows` keeps.
        cv : int, splitter, iterable of (train, test), or None
            What is left out together, as in scikit-learn; each row once. None for each row alone or, with `groups`, for each
            group.
        groups : array-like, shape (n_rows,), or None
        method : {"predict", "predict_proba", "decision_function"}
            What to return; the last two of a classifier.
        refit : bool
            Whether to fit a clone of this model without each of the parts instead.

        Returns
        -------
        predictions : ndarray, shape (n_rows,), (n_rows, n_outputs) or (n_rows, n_classes)
            A row for each of X, as the method returns them: numbers in the units of y, classes, probabilities or logits.

        Raises
        ------
        InputError, ValueError
            If these are not the rows of training, or an argument cannot be used.

        Source: Rad & Maleki, *A scalable estimate of the out-of-sample prediction error via approximate leave-one-out*,
        JRSSB 82 (2020), arXiv 1801.10243; for blocks and several outputs `twolayer.maths.tangent`.

        Examples
        --------
        >>> import numpy as np
        >>> import twolayer as tl
        >>> X = np.linspace(-1, 1, 40)[:, None]
        >>> y = np.abs(X[:, 0])
        >>> model = tl.TwoLayerRegressor(10, alpha=0.1, random_state=0).fit(X, y)
        >>> left_out = model.left_out_predict(X, y)
        >>> bool(np.abs(left_out - y).mean() > np.abs(model.predict(X) - y).mean())
        True
        """
        check_is_fitted(self)
        methods = ("predict", "predict_proba", "decision_function")
        checks.one_of(method, dict.fromkeys(methods), "method")
        if method != "predict" and not is_classifier(self):
            raise InputError(f"a regressor has numbers only, and no {method}: leave method out")
        own, X, y, sample_weight, groups = given_or_kept(self, X, y, sample_weight, groups)  # noqa: N806
        rows = rows_of_training(own, X, y, sample_weight, groups)
        splits = left_out_parts(self, rows, cv, groups)
        given = (X, y, sample_weight, groups, method)
        if checks.flag(refit, "refit"):
            return predictions_of_refits(clone(self), given, splits)
        refusal = leave_out_refusal(self, rows, splits)
        if refusal is not None:
            compare_loss(self, rows)
        else:
            blocks = None if splits is None else [b for _, b in splits]
            checked = left_out_outputs(self, rows, blocks)
            outputs, refusal = checked.outputs, checked.refusal
        if refusal is None:
            unknown = ~np.isfinite(outputs).all(axis=(0, 2))
            predictions = self._predictions(np.where(np.isfinite(outputs), outputs, 0), method)  # type: ignore[attr-defined]
            if not unknown.any():
                return predictions
            parts = each_row(rows.n_rows) if splits is None else splits
            parts = [(a, b) for a, b in parts if unknown[b].any()]
            again = predictions_of_refits(as_fitted(self), given, parts)
            for _, part in parts:
                predictions[part] = again[part]
            return predictions
        if splits is None:
            splits = refit_folds(self, rows, groups)
        warn_user(refit_sentence(splits, refusal))
        return predictions_of_refits(as_fitted(self), given, splits)


def given_or_kept(
    model: Any,
    X: Any,  # noqa: N803
    y: Any,
    sample_weight: Any,
    groups: Any,
) -> tuple[Any, Any, Any, Any, Any]:
    """Return the model that reads the rows, and X, y, sample_weight and groups: those given, or those that it keeps."""
    if X is not None and y is not None:
        return model, X, y, sample_weight, groups
    if X is not None or y is not None or sample_weight is not None:
        raise InputError("give X and y of training together, or neither for the rows that are kept")
    kept = kept_rows(model)
    own_groups = kept.groups if groups is None else groups
    return model.without_feature_names(), kept.X, kept.y, kept.sample_weight, own_groups


def kept_rows(model: Any) -> KeptRows:
    """Return the rows of training that the model keeps; raise InputError if it keeps none."""
    if model.rows_ is None:
        raise InputError(
            "the rows of training are needed, and this model keeps none: call model.keep_rows(X, y) with the rows that "
            "fit had (a file holds them only if it was saved with keep_rows=True)"
        )
    rows: KeptRows = model.rows_
    return rows


def refit_folds(model: Any, rows: TrainingRows, groups: Any, cv: Any = None) -> list[FoldRows]:
    """Return folds, ten by default, or as many as there are rows or groups."""
    units = rows.n_rows if groups is None else len(np.unique(np.asarray(groups)))
    if cv is None:
        left_out_parts(model, rows, None, groups)  # refuses what has no second part
        cv = min(FOLDS_OF_REFITS, units)
    parts = left_out_parts(model, rows, cv, groups)
    assert parts is not None
    return parts


def refit_sentence(splits: Sequence[FoldRows], refusal: str) -> str:
    """Return what to say where networks are trained in the place of the closed form."""
    return f"{len(splits)} times networks are trained without some rows, because {refusal}"


def rows_of_training(model: Any, x: Any, y: Any, sample_weight: Any, groups: Any) -> TrainingRows:
    """Return the rows as `fit` reads them, those of weight 0 too; raise InputError if they cannot be those of the fit."""
    if "_stream_rng" in vars(model):
        raise InputError(
            "partial_fit has gone on since the fit, and no training without some rows would lead to these weights: nothing "
            "can be said of rows left out"
        )
    same = copy.copy(model)
    same._keeps_weightless_rows = True
    if is_elsewhere(x):
        x, y, sample_weight, groups = import_module(BLOCK_ROWS).rows_in_columns(
            x, y, sample_weight, groups
        )
    else:
        same._check_columns(x, reset=False)
    numbers = None if groups is None else group_numbers(groups, _num_samples(x))
    rows = same._read(x, y, sample_weight, numbers)
    if rows.x.shape[1] != model.n_features_in_:
        raise InputError(
            f"X has {rows.x.shape[1]} columns, and the model was fitted to {model.n_features_in_}"
        )
    outputs = same._n_outputs(), model.params_.n_outputs
    if outputs[0] != outputs[1] or not np.array_equal(same._class_names(), model._class_names()):
        raise InputError("y has other classes, or columns, than that of training")
    return rows


def classes_of(model: Any, rows: TrainingRows) -> np.ndarray | None:
    """Return the classes that folds keep in equal parts."""
    return getattr(model, "classes_", None) if rows.y.ndim == 1 else None


def each_row(n_rows: int) -> list[FoldRows]:
    """Return a part for each row alone."""
    everything = np.arange(n_rows)
    return [(np.delete(everything, i), everything[i : i + 1]) for i in range(n_rows)]


def left_out_parts(model: Any, rows: TrainingRows, cv: Any, groups: Any) -> list[FoldRows] | None:
    """Return what is left out together; None for each row alone.

    Raises
    ------
    InputError
        If a row is left out never or twice, or a group is the whole table.
    """
    if cv is None and rows.groups is None:
        if rows.n_rows < 3:
            raise InputError(f"to leave rows out takes three at least; X has {rows.n_rows}")
        return None
    if cv is None and rows.groups is not None:
        parts = [np.flatnonzero(rows.groups == k) for k in np.unique(rows.groups)]
        if len(parts) < 2:
            raise InputError(
                "groups has one group only, and nothing is left to learn from without it"
            )
        return [(np.setdiff1d(np.arange(rows.n_rows), part), part) for part in parts]
    splits = fold_splits(cv, rows.x, rows.y, groups, 0, classes_of(model, rows))
    counts = np.bincount(np.concatenate([test for _, test in splits]), minlength=rows.n_rows)
    if (counts != 1).any():
        row = int(np.argmax(counts != 1))
        raise InputError(
            f"cv must leave out each row once; row {row} (counted from 0) is left out {counts[row]} times"
        )
    return [(train, test) for train, test in splits if len(test)]


def leave_out_refusal(
    model: Any,
    rows: TrainingRows,
    splits: Sequence[FoldRows] | None,
    near_minimum: bool = True,
) -> str | None:
    """Return why the closed form does not hold for this fit; None if it does, as far as it has to be near a minimum."""
    settings = model.get_params(deep=False)
    if "alphas" in settings:
        return f"{type(model).__name__} is a search by cross-validation, for which there is no closed form"
    loss = model._task_loss()
    weights = sum(w.size for name, w in model.networks_[0].items() if name.startswith("w"))
    n_outputs = model.params_.n_outputs
    axes = min(rows.x.shape)
    weights = weights // rows.x.shape[1] * axes if rows.x.shape[1] > axes else weights
    if not loss.smooth:
        return f"loss '{loss}' has no second derivative"
    if settings.get("l1") or settings.get("dropout"):
        return "l1 and dropout are not part of the closed form"
    if getattr(model, "validation_scores_", None) is not None:
        return "early stopping ended the training before its minimum"
    if model.solver_ != "lbfgs":
        return f"solver '{model.solver_}' does not end at a minimum"
    if getattr(model, "column_weighing_", NO_WEIGHING) != NO_WEIGHING:
        return WEIGHED
    if min(rows.n_rows * n_outputs, weights) > LARGEST_FACTOR:
        return f"both rows times outputs and weights are more than {LARGEST_FACTOR}"
    if splits is not None:
        for train, test in splits:
            if len(np.unique(train)) + len(test) != rows.n_rows:
                return "cv leaves out other rows than it tests"
    return distance_refusal(model.stopped_, model.n_iter_) if near_minimum else None


def distance_refusal(stopped: str, n_iter: int) -> str | None:
    """Return why a training ended too far from its minimum; None if it did not. `stopped` is the reason why it ended."""
    tol = tol_of_end(stopped)
    if tol > LOOSEST_TOL:
        return f"tol={tol:g} ended the training before its minimum"
    if was_cut_short(stopped) and n_iter < FEWEST_STEPS:
        return f"the training was cut short after {plural(n_iter, 'step')}"
    return None


def compare_loss(model: Any, rows: TrainingRows) -> None:
    """Raise InputError if these are not the rows of training, where the loss of training tells it."""
    if leave_out_refusal(model, rows, None, near_minimum=False) is None:
        for _ in trained_networks(model, rows):
            pass  # each is compared


def left_out_outputs(
    model: Any, rows: TrainingRows, blocks: Sequence[np.ndarray] | None
) -> CheckedOutputs:
    """Return the outputs of each network for the rows left out, in closed form, and whether that holds.

    They are as `network_outputs` gives them; not a number where nothing follows from the other rows.

    Raises
    ------
    InputError
        If these are not the rows of training.
    """
    tangents = fitted_tangents(model, rows)
    settled = was_cut_short(model.stopped_)
    outputs = np.stack([tangent.left_out(blocks, settled) for tangent in tangents])
    checked = checked_outputs(tangents, outputs, blocks, settled)
    return replace(checked, outputs=in_own_units(model, rows, checked.outputs))


def as_fitted(model: Any) -> Any:
    """Return an unfitted model with the settings that the fit ended with: its alpha, and its views of the columns.

    Where the columns were weighed by the targets, all is left to be chosen anew, as the weighing depends on the rows.
    """
    same = clone(model).set_params(n_networks=model.n_networks_)
    settings = same.get_params(deep=False)
    if "alphas" in settings:
        return same.set_params(alphas=[model.alpha_], n_hidden=model.n_hidden_)  # a search of one
    if getattr(model, "column_weighing_", NO_WEIGHING) != NO_WEIGHING:
        return same
    clip = model.input_clip_
    if clip is None or clip.networks.all():
        same.set_params(scaling=STANDARD if clip is None else SMOOTH_CLIP)
    return same.set_params(alpha=model.alpha_, n_hidden=model.params_.n_hidden)


def predictions_of_refits(
    unfitted: Any, given: tuple[Any, Any, Any, Any, str], splits: Sequence[FoldRows] | None
) -> np.ndarray:
    """Return the predictions of models fitted without each part; rows of no part are 0."""
    X, y, sample_weight, groups, method = given  # noqa: N806
    n_rows = _num_samples(X)
    classes = np.unique(y) if is_classifier(unfitted) and np.ndim(y) == 1 else None
    result: np.ndarray | None = None
    parts = each_row(n_rows) if splits is None else splits
    if "spread" in unfitted.get_params(deep=False):
        unfitted.set_params(spread=False)  # of predictions alone
    fits = each_warning_once(refits(unfitted, (X, y, sample_weight, groups), parts))
    for own, (_, test) in zip(fits, parts, strict=True):
        found = getattr(own, method)(_safe_indexing(X, test))
        if method != "predict" and classes is not None and len(own.classes_) < len(classes):
            found = with_all_classes(found, own.classes_, classes, method)
        if result is None:
            result = np.zeros((n_rows, *found.shape[1:]), dtype=found.dtype)
        elif found.dtype.itemsize > result.dtype.itemsize:
            result = result.astype(found.dtype)
        result[test] = found
    assert result is not None
    return result


def refits(
    unfitted: Any, given: tuple[Any, Any, Any, Any], splits: Sequence[FoldRows]
) -> Iterator[Any]:
    """Yield a clone fitted to X, y, sample_weight and groups without each part."""
    X, y, sample_weight, groups = given  # noqa: N806
    settings = unfitted.get_params(deep=False)
    unfitted.set_params(callback=None)
    if "warm_start" in settings:
        unfitted.set_params(warm_start=False)
    for train, _ in splits:
        weights = None if sample_weight is None else np.asarray(sample_weight)[train]
        own_groups = None if groups is None else np.asarray(groups)[train]
        x_train, y_train = _safe_indexing(X, train), _safe_indexing(y, train)
        yield clone(unfitted).fit(x_train, y_train, weights, groups=own_groups)


def each_warning_once(fits: Iterator[Any]) -> Iterator[Any]:
    """Yield fits, and then give each of their warnings once, however many of them gave it."""
    said: dict[tuple[type[Warning], str], int] = {}
    n_fits = 0
    while True:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            own = next(fits, None)
        for one in {(one.category, str(one.message)) for one in caught}:
            said[one] = said.get(one, 0) + 1
        if own is None:
            break
        n_fits += 1
        yield own
    for (category, text), count in said.items():
        warn_user(f"{text} (in {count} of {n_fits} fits without some rows)", category)


def with_all_classes(
    found: np.ndarray, own: np.ndarray, classes: np.ndarray, method: str
) -> np.ndarray:
    """Return probabilities with a column for each class; those that training had no row of have 0."""
    if method != "predict_proba":
        missing = np.setdiff1d(classes, own)[0]
        raise InputError(
            f"all rows of class {str(missing)!r} are left out together, and without them it has no logits: choose other "
            "folds, or method='predict_proba'"
        )
    result = np.zeros((len(found), len(classes)))
    result[:, np.searchsorted(classes, own)] = found
    return result
