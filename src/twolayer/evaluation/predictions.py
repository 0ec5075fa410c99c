"""The predictions of one model for some rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

NO_LABEL, YES_LABEL = "no", "yes"  # the two values of one label


@dataclass(frozen=True, eq=False)
class Predictions:
    """The predictions of one model for some rows.

    Attributes
    ----------
    y_pred : ndarray, shape (n_rows,) or (n_rows, n_outputs)
    probabilities : ndarray, shape (n_rows, n_classes), or None for numbers
        With several labels per row: (n_rows, n_labels), the probability of each label.
    """

    y_pred: np.ndarray
    probabilities: np.ndarray | None = None

    @classmethod
    def of(cls, model: Any, x: Any, classifies: bool) -> Predictions:
        """Return a model's predictions."""
        p = np.asarray(model.predict_proba(x)) if classifies else None
        return cls(np.asarray(model.predict(x)), p)

    def rows(self, rows: np.ndarray) -> Predictions:
        """Return the predictions for some of the rows."""
        p = self.probabilities
        return Predictions(self.y_pred[rows], None if p is None else p[rows])

    def output(self, output: int) -> Predictions:
        """Return the predictions of one of several targets: a number, or no and yes."""
        y_pred, p = self.y_pred[:, output], self.probabilities
        if p is None:
            return Predictions(y_pred)
        return Predictions(label_words(y_pred), np.stack([1 - p[:, output], p[:, output]], axis=1))


def label_words(labels: np.ndarray) -> np.ndarray:
    """Return no and yes for labels of 0 and 1."""
    return np.array([NO_LABEL, YES_LABEL])[labels.astype(int)]
