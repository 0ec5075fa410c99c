"""PLS-DA: partial least squares on the classes as columns of 0 and 1, and the class whose column is predicted highest."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.cross_decomposition import PLSRegression


class PLSClassifier(ClassifierMixin, BaseEstimator):
    """Classes by scikit-learn's PLSRegression."""

    def __init__(self, n_components: int = 5) -> None:
        self.n_components = n_components

    def fit(self, X: Any, y: Any) -> PLSClassifier:  # noqa: N803
        self.classes_, labels = np.unique(y, return_inverse=True)
        one_hot = np.eye(len(self.classes_))[labels]
        self.pls_ = PLSRegression(self.n_components, scale=False).fit(X, one_hot)
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        return self.classes_[self.pls_.predict(X).argmax(axis=1)]
