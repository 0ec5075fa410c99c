"""The linear baseline for classes: logistic regression whose penalty is chosen on the rows of training, as the network's is.

An L2 penalty keeps the weights in the span of the rows (Kimeldorf and Wahba, 1971): the solution depends on the rows only
through their inner products. With more columns than rows everything is computed in axes of the rows, without loss.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression

from twolayer.evaluation.scores import log_loss_per_row
from twolayer.evaluation.splits import class_folds
from twolayer.maths.span import RowCoordinates, row_coordinates

C_GRID = np.logspace(-4, 2, 7)  # C, from the strongest penalty to the weakest
LOGISTIC_FOLDS = 5
MAX_ROTATED_ROWS = 1000  # with more rows, the change of axes costs more than it saves
MAX_SEARCH_ROWS = 1000  # for the choice of C; of a larger table, so many rows are drawn at random


class TunedLogistic(ClassifierMixin, BaseEstimator):
    """Logistic regression, its C chosen by the log loss on rows left out of training.

    Attributes
    ----------
    C_ : float
        The inverse strength of the penalty.
    model_ : LogisticRegression
        Fitted to all rows, with a weight for each column.
    classes_ : ndarray, shape (n_classes,)
    """

    def fit(
        self,
        x: Any,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> TunedLogistic:
        """Learn from columns of about the same scale.

        Parameters
        ----------
        x : array or sparse matrix, shape (n_rows, n_columns)
        y : ndarray, shape (n_rows,)
            Classes, two at least.
        sample_weight : ndarray, shape (n_rows,), or None
        groups : ndarray, shape (n_rows,), or None
            Rows of one group are left out together.
        """
        s = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, dtype=float)
        axes = coordinates_if_wide(x)
        z = x if axes is None else axes.z
        self.C_ = _best_c(z, y, s, groups)
        self.model_ = LogisticRegression(C=self.C_, max_iter=1000).fit(z, y, s)
        if axes is not None:
            self.model_.coef_ = axes.back(self.model_.coef_.T).T
            self.model_.n_features_in_ = x.shape[1]
        self.classes_ = self.model_.classes_
        return self

    def predict(self, x: Any) -> np.ndarray:
        """Return the most likely class of each row."""
        return self.model_.predict(x)

    def predict_proba(self, x: Any) -> np.ndarray:
        """Return probabilities, shape (n_rows, n_classes)."""
        return self.model_.predict_proba(x)


class LabelwiseLogistic(ClassifierMixin, BaseEstimator):
    """A TunedLogistic for each of several labels per row.

    Attributes
    ----------
    models_ : list of TunedLogistic
    classes_ : ndarray, shape (n_labels,)
        The places of the labels.
    """

    def fit(
        self,
        x: Any,
        y: np.ndarray,
        sample_weight: np.ndarray | None = None,
        groups: np.ndarray | None = None,
    ) -> LabelwiseLogistic:
        """Learn each label, a column of 0 and 1 in y, shape (n_rows, n_labels)."""
        self.models_ = [TunedLogistic().fit(x, label, sample_weight, groups) for label in y.T]
        self.classes_ = np.arange(y.shape[1])
        return self

    def predict(self, x: Any) -> np.ndarray:
        """Return 1 where a row probably has a label, shape (n_rows, n_labels)."""
        return np.stack([model.predict(x) for model in self.models_], axis=1)

    def predict_proba(self, x: Any) -> np.ndarray:
        """Return the probability of each label, shape (n_rows, n_labels)."""
        return np.stack([model.predict_proba(x)[:, 1] for model in self.models_], axis=1)


def coordinates_if_wide(x: Any) -> RowCoordinates | None:
    """Return axes for the rows of `x`, in which they have the same inner products; None where nothing is gained."""
    n_rows, n_columns = x.shape
    return None if n_columns <= n_rows or n_rows > MAX_ROTATED_ROWS else row_coordinates(x)


def _best_c(x: Any, y: np.ndarray, s: np.ndarray, groups: np.ndarray | None) -> float:
    """Return the C of the least log loss on rows left out; 1 where none can be left out."""
    rows = np.flatnonzero(s > 0)
    if len(rows) > MAX_SEARCH_ROWS:
        rows = np.sort(np.random.default_rng(0).choice(rows, MAX_SEARCH_ROWS, replace=False))
    if len(rows) < len(y):
        x, y, s, groups = x[rows], y[rows], s[rows], None if groups is None else groups[rows]
        axes = coordinates_if_wide(x)
        x = x if axes is None else axes.z
    losses = np.zeros(len(C_GRID))
    for train, test in class_folds(y, LOGISTIC_FOLDS, groups):
        losses += _held_out_losses(x, y, s, train, test)
    return float(C_GRID[losses.argmin()]) if losses.any() else 1.0


def _held_out_losses(
    x: Any, y: np.ndarray, s: np.ndarray, train: np.ndarray, test: np.ndarray
) -> np.ndarray:
    """Return for each C the sum of log losses on the rows left out whose class is in the training rows."""
    classes = np.unique(y[train])
    test = test[np.isin(y[test], classes)]
    if len(classes) < 2 or not len(test):
        return np.zeros(len(C_GRID))
    places = np.arange(len(test)), np.searchsorted(classes, y[test])
    model = LogisticRegression(max_iter=200, tol=1e-3, warm_start=True)
    losses = []
    for c in C_GRID:
        model.set_params(C=c).fit(x[train], y[train], s[train])
        losses.append(log_loss_per_row(model.predict_proba(x[test])[places]) @ s[test])
    return np.array(losses)
