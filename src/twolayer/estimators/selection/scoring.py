"""How well held-out rows are predicted: scikit-learn's scorers, or by default the loss itself."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import log_expit, log_softmax
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, is_classifier
from sklearn.metrics import get_scorer

from twolayer.checks import short_repr
from twolayer.errors import InputError
from twolayer.estimators.ensemble import class_probabilities, most_likely_class
from twolayer.maths.losses import SquaredError, SumOfSquares


def scorer_of(scoring: Any) -> Callable[..., Any]:
    """Return scikit-learn's scorer of that name, or the user's own function of (model, X, y)."""
    if callable(scoring):
        return scoring
    try:
        return get_scorer(scoring)
    except (ValueError, TypeError):
        raise InputError(
            f"there is no score {short_repr(scoring)} for scoring: see sklearn.metrics.get_scorer_names(), "
            "or give a function of (model, X, y)"
        ) from None


def takes_weights(scorer: Callable[..., Any]) -> bool:
    """Return whether a scorer takes row weights."""
    function = getattr(scorer, "_score_func", scorer)  # scikit-learn passes on what it is given
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == "sample_weight" or p.kind is p.VAR_KEYWORD for p in parameters)


class HeldOutModel(BaseEstimator):
    """A stand-in for a model, with fixed predictions for the held-out rows `x`, for a scorer to call."""

    def __init__(self, x: Any = None) -> None:
        self.x = x

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def for_rows(self, x: Any, prediction: np.ndarray) -> np.ndarray:
        """Return the prediction if `x` is the held-out rows themselves; else raise InputError."""
        if x is not self.x:
            raise InputError("scoring may ask only for the rows that it is given, all of them")
        return prediction


class HeldOutRegressor(RegressorMixin, HeldOutModel):
    """A stand-in for a regressor: numbers."""

    y_pred: np.ndarray

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        return self.for_rows(X, self.y_pred)


class HeldOutClassifier(ClassifierMixin, HeldOutModel):
    """A stand-in for a classifier: logits, probabilities, classes."""

    classes_: np.ndarray
    logits: np.ndarray
    several_labels: bool

    def decision_function(self, X: Any) -> np.ndarray:  # noqa: N803
        alone = self.logits.shape[1] == 1 and not self.several_labels
        return self.for_rows(X, self.logits[:, 0] if alone else self.logits)

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: N803
        return self.for_rows(X, class_probabilities(self.logits, self.several_labels))

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        best = most_likely_class(self.logits, self.several_labels)
        return self.for_rows(X, best if self.several_labels else self.classes_[best])


def log_likelihood(labels: np.ndarray, logits: np.ndarray, s: np.ndarray | None) -> float:
    """Return the mean log probability of the class that a row has, or of all its labels together."""
    if labels.ndim > 1:
        each = log_expit(np.where(labels == 1, 1, -1) * logits).sum(axis=1)
    elif logits.shape[1] == 1:
        each = log_expit(np.where(labels == 1, 1, -1) * logits[:, 0])
    else:
        each = np.take_along_axis(log_softmax(logits, axis=1), labels[:, None], axis=1)[:, 0]
    return float(np.average(each, weights=s))


def negative_squared_error(y: np.ndarray, y_pred: np.ndarray, s: np.ndarray | None) -> float:
    """Return minus the mean squared error; over several outputs, their mean."""
    return -float(np.average(np.square(y - y_pred).mean(axis=1), weights=s))


ScoreFunction = Callable[[Any, np.ndarray, np.ndarray, "np.ndarray | None"], float]


def score_function(
    estimator: Any, scoring: Any, default: str | None = None
) -> ScoreFunction | None:
    """Return `score(x, y, outputs, s)` for held-out rows: higher is better.

    Parameters
    ----------
    estimator : TwoLayerRegressor or TwoLayerClassifier
        For its kind; a classifier has its `classes_`.
    scoring : str, callable or None
        As in scikit-learn; None for `default`.
    default : str or None
        None for the loss: the log likelihood of classes or labels, minus the squared error of numbers.

    Returns
    -------
    score : callable, or None for minus another loss of numbers
        x, y: the held-out rows as the user gave them (y as class numbers, or (n_rows, n_outputs)); outputs: the networks'
        mean in the user's units, or its logits; s: row weights or None (not for a scorer that takes none).
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
            y = estimator._original_targets(y)
        else:
            model.y_pred = outputs
            if y.shape[1] == 1:
                model.y_pred, y = outputs[:, 0], y[:, 0]
        weights = {} if s is None or not takes_weights(scorer) else {"sample_weight": s}
        return float(scorer(model, x, y, **weights))

    return score
