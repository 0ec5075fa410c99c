"""How well held-out rows were predicted: scikit-learn's scorers, or by default the loss itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.special import log_expit, log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.model_selection import check_cv

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.ensemble import class_probabilities, most_likely_class
from twolayer.estimators.selection.scorers import scorer_of, takes_weights
from twolayer.maths.losses import SquaredError, SumOfSquares

FoldSplit = tuple[np.ndarray, np.ndarray]


class HeldOutModel(BaseEstimator):
    """What a model answers for the held-out rows, as a scorer asks for it."""

    def __init__(self, x: Any = None) -> None:
        self.x = x

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def known(self, x: Any, answer: np.ndarray) -> np.ndarray:
        """The answer, if it is these rows that are asked for."""
        if x is not self.x:
            raise InputError("scoring may ask only for the rows that it is given, all of them")
        return answer


class HeldOutRegressor(RegressorMixin, HeldOutModel):
    """Of a regressor: numbers."""

    y_pred: np.ndarray

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        return self.known(X, self.y_pred)


class HeldOutClassifier(ClassifierMixin, HeldOutModel):
    """Of a classifier: logits, probabilities, classes."""

    classes_: np.ndarray
    logits: np.ndarray
    several_labels: bool

    def decision_function(self, X: Any) -> np.ndarray:  # noqa: N803
        alone = self.logits.shape[1] == 1 and not self.several_labels
        return self.known(X, self.logits[:, 0] if alone else self.logits)

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        return self.known(X, class_probabilities(self.logits, self.several_labels))

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        best = most_likely_class(self.logits, self.several_labels)
        return self.known(X, best if self.several_labels else self.classes_[best])


def log_likelihood(labels: np.ndarray, logits: np.ndarray, s: np.ndarray | None) -> float:
    """Mean log probability of the class that a row has, or of all its labels together."""
    if labels.ndim > 1:
        each = log_expit(np.where(labels == 1, 1, -1) * logits).sum(axis=1)
    elif logits.shape[1] == 1:
        each = log_expit(np.where(labels == 1, 1, -1) * logits[:, 0])
    else:
        each = np.take_along_axis(log_softmax(logits, axis=1), labels[:, None], axis=1)[:, 0]
    return float(np.average(each, weights=s))


def negative_squared_error(y: np.ndarray, y_pred: np.ndarray, s: np.ndarray | None) -> float:
    """Minus the mean squared error; over several outputs, their mean."""
    return -float(np.average(np.square(y - y_pred).mean(axis=1), weights=s))


ScoreFunction = Callable[[Any, np.ndarray, np.ndarray, "np.ndarray | None"], float]


def score_function(
    estimator: Any, scoring: Any, default: str | None = None
) -> ScoreFunction | None:
    """`score(x, y, outputs, s)` of held-out rows.

    Parameters
    ----------
    estimator : TwoLayerRegressor or TwoLayerClassifier
        Read for what it predicts; a classifier has its `classes_`.
    scoring : str, callable or None
        As in scikit-learn; None for `default`.
    default : str or None
        None for the loss: the log likelihood of classes or labels, minus the squared error of numbers.

    Returns
    -------
    score : callable, or None for minus another loss of numbers
        x, y: the held-out rows as the user gave them (y as class numbers, or (n_rows, n_outputs)); outputs: the
        networks' mean, in the user's units, or its logits; s: row weights or None (not told to a scorer that takes none).
        Higher is better.
    """
    scoring = default if scoring is None else scoring
    classifies = is_classifier(estimator)
    if scoring is None:
        if not classifies and not isinstance(estimator._task_loss(), (SquaredError, SumOfSquares)):
            return None
        plain = log_likelihood if classifies else negative_squared_error
        return lambda x, y, outputs, s: plain(y, outputs, s)
    scorer = scorer_of(scoring)

    def score(x: Any, y: np.ndarray, outputs: np.ndarray, s: np.ndarray | None) -> float:
        model: Any = HeldOutClassifier(x) if classifies else HeldOutRegressor(x)
        if classifies:
            model.classes_, model.logits = estimator.classes_, outputs
            model.several_labels = y.ndim > 1
            y = estimator._own_targets(y)
        else:
            model.y_pred = outputs
            if y.shape[1] == 1:
                model.y_pred, y = outputs[:, 0], y[:, 0]
        weights = {} if s is None or not takes_weights(scorer) else {"sample_weight": s}
        return float(scorer(model, x, y, **weights))

    return score


def fold_splits(
    estimator: Any, cv: Any, x: Any, y: np.ndarray, groups: Any, seed: int
) -> list[FoldSplit]:
    """The rows of training and held-out rows of each fold.

    A whole number means that many folds in random order, of classes in equal parts. Anything else is as in scikit-learn.
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

    classifies = is_classifier(estimator) and y.ndim == 1
    if isinstance(cv, (int, np.integer)) and not isinstance(cv, bool):
        cv = checks.whole_number(cv, "cv", at_least=2)
        if cv > len(y):
            raise InputError(
                f"cv={cv} folds need a row each at least, and n_samples={len(y)}: take a smaller cv"
            )
        if classifies:
            check_class_sizes(estimator.classes_, y, cv)
        kind = StratifiedKFold if classifies else KFold
        cv = GroupKFold(cv) if groups is not None else kind(cv, shuffle=True, random_state=seed)
    splitter = check_cv(cv, y, classifier=classifies)
    splits = splitter.split(x, y, groups)
    return [(row_indices(a, len(y)), row_indices(b, len(y))) for a, b in splits]


def row_indices(rows: Any, n_rows: int) -> np.ndarray:
    """One part of a fold: the numbers of its rows, or True for each."""
    rows = np.asarray(rows)
    if rows.dtype == bool and rows.shape == (n_rows,):
        return np.flatnonzero(rows)
    if rows.size == 0:
        return np.zeros(0, dtype=int)
    if (
        rows.ndim != 1
        or rows.dtype.kind not in "iu"
        or rows.min() < -n_rows
        or rows.max() >= n_rows
    ):
        raise InputError(
            f"each part of a fold of cv must hold numbers of rows, from 0 to {n_rows - 1}; got {checks.short_repr(rows)}"
        )
    return rows


def check_class_sizes(classes: np.ndarray, labels: np.ndarray, n_splits: int) -> None:
    """Raise if a class has too few rows for a part of it to be in each fold."""
    if n_splits > len(labels):
        return  # the splitter says it better
    counts = np.bincount(labels, minlength=len(classes))
    if counts.min() < n_splits:
        few = int(counts.argmin())
        rows = f"{counts[few]} row{'' if counts[few] == 1 else 's'}"
        raise InputError(
            f"the class {str(classes[few])!r} of y has {rows}, too few for cv={n_splits} folds, which need one of each "
            "class: take a smaller cv, leave that class out, or merge it with another"
        )


def weighted_splits(
    splits: list[FoldSplit], s: np.ndarray | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The folds without rows of weight 0."""
    for train, test in splits:
        if s is None:
            yield train, test
        else:
            yield train[s[train] > 0], test[s[test] > 0]
