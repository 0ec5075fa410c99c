"""How well held-out rows were predicted: scikit-learn's scorers, or by default the loss itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.special import log_expit, log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import check_cv

from twolayer import checks
from twolayer.errors import InputError
from twolayer.estimators.averaging import most_likely, probabilities

Split = tuple[np.ndarray, np.ndarray]


class Answers(BaseEstimator):
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


class RegressorAnswers(RegressorMixin, Answers):
    """Of a regressor: numbers."""

    y_pred: np.ndarray

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        return self.known(X, self.y_pred)


class ClassifierAnswers(ClassifierMixin, Answers):
    """Of a classifier: logits, probabilities, classes."""

    classes_: np.ndarray
    logits: np.ndarray

    def decision_function(self, X: Any) -> np.ndarray:  # noqa: N803
        return self.known(X, self.logits[:, 0] if self.logits.shape[1] == 1 else self.logits)

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        return self.known(X, probabilities(self.logits))

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        return self.known(X, self.classes_[most_likely(self.logits)])


def log_likelihood(labels: np.ndarray, logits: np.ndarray, s: np.ndarray | None) -> float:
    """Mean log probability of the class that a row has."""
    if logits.shape[1] == 1:
        each = log_expit(np.where(labels == 1, 1, -1) * logits[:, 0])
    else:
        each = np.take_along_axis(log_softmax(logits, axis=1), labels[:, None], axis=1)[:, 0]
    return float(np.average(each, weights=s))


def minus_squared_error(y: np.ndarray, y_pred: np.ndarray, s: np.ndarray | None) -> float:
    """Minus the mean squared error; over several outputs, their mean."""
    return -float(np.average(np.square(y - y_pred).mean(axis=1), weights=s))


Score = Callable[[Any, np.ndarray, np.ndarray, "np.ndarray | None"], float]


def score_of(estimator: Any, scoring: Any, default: str | None = None) -> Score:
    """`score(x, y, outputs, s)` of held-out rows.

    Parameters
    ----------
    estimator : TwoLayerRegressor or TwoLayerClassifier
        Read for what it predicts; a classifier has its `classes_`.
    scoring : str, callable or None
        As in scikit-learn; None for `default`.
    default : str or None
        None for the loss: the log likelihood of classes, minus the squared error of numbers.

    Returns
    -------
    score : callable
        x, y: the held-out rows as the user gave them (y as class numbers, or (n_rows, n_outputs)); outputs: the
        networks' mean, in the user's units, or its logits; s: row weights or None. Higher is better.
    """
    scoring = default if scoring is None else scoring
    classifies = is_classifier(estimator)
    if scoring is None:
        plain = log_likelihood if classifies else minus_squared_error
        return lambda x, y, outputs, s: plain(y, outputs, s)
    if not isinstance(scoring, str) and not callable(scoring):
        raise InputError(
            f"scoring must be a scorer's name, a callable or None; got {checks.shown(scoring)}"
        )
    scorer = get_scorer(scoring)

    def score(x: Any, y: np.ndarray, outputs: np.ndarray, s: np.ndarray | None) -> float:
        model: Any = ClassifierAnswers(x) if classifies else RegressorAnswers(x)
        if classifies:
            model.classes_, model.logits, y = estimator.classes_, outputs, estimator.classes_[y]
        else:
            model.y_pred = outputs
            if y.shape[1] == 1:
                model.y_pred, y = outputs[:, 0], y[:, 0]
        weights = {} if s is None else {"sample_weight": s}
        return float(scorer(model, x, y, **weights))

    return score


def splits_of(
    estimator: Any, cv: Any, x: Any, y: np.ndarray, groups: Any, seed: int
) -> list[Split]:
    """The rows of training and held-out rows of each fold.

    A whole number means that many folds in random order, of classes in equal parts. Anything else is as in scikit-learn.
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold

    classifies = is_classifier(estimator)
    if isinstance(cv, (int, np.integer)) and not isinstance(cv, bool):
        cv = checks.whole(cv, "cv", at_least=2)
        if classifies:
            refuse_small_classes(estimator.classes_, y, cv)
        kind = StratifiedKFold if classifies else KFold
        cv = GroupKFold(cv) if groups is not None else kind(cv, shuffle=True, random_state=seed)
    splitter = check_cv(cv, y, classifier=classifies)
    return [(np.asarray(a), np.asarray(b)) for a, b in splitter.split(x, y, groups)]


def refuse_small_classes(classes: np.ndarray, labels: np.ndarray, n_splits: int) -> None:
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


def weighted_parts(
    splits: list[Split], s: np.ndarray | None
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The folds without rows of weight 0."""
    for train, test in splits:
        if s is None:
            yield train, test
        else:
            yield train[s[train] > 0], test[s[test] > 0]
