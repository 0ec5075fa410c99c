"""Nearest shrunken centroids (PAM), and diagonal linear discriminant analysis (DLDA), which they are without shrinkage.

Tibshirani, Hastie, Narasimhan & Chu, Diagnosis of multiple cancer types by shrunken centroids of gene expression,
PNAS 99 (2002), with m_k² = 1/n_k − 1/n as in the authors' program. scikit-learn's NearestCentroid shrinks alike, but
classifies by distances that are not divided by s + s₀.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.base import BaseEstimator, ClassifierMixin


class ShrunkenCentroids(ClassifierMixin, BaseEstimator):
    """Classes by the nearest centroid, with the classes' shares as priors.

    Parameters
    ----------
    shrinkage : float
        From 0 to 1: the threshold, as a share of the largest |d_jk|.
    offset : bool
        Whether s₀, the median of the columns' s_j, is added to each.
    """

    def __init__(self, shrinkage: float = 0.0, offset: bool = True) -> None:
        self.shrinkage = shrinkage
        self.offset = offset

    def fit(self, X: Any, y: Any) -> ShrunkenCentroids:  # noqa: N803
        self.classes_, labels = np.unique(y, return_inverse=True)
        sizes = np.bincount(labels)
        n, mean = len(labels), X.mean(axis=0)
        centroids = np.stack([X[labels == k].mean(axis=0) for k in range(len(sizes))])
        s = np.sqrt(((X - centroids[labels]) ** 2).sum(axis=0) / (n - len(sizes)))
        scale = s + np.median(s) if self.offset else s
        # a column without any spread has no say
        self.weights_ = np.divide(1, scale, out=np.zeros_like(scale), where=scale > 0)
        m = np.sqrt(1 / sizes - 1 / n)[:, None]
        d = (centroids - mean) * self.weights_ / m
        size = np.abs(d)
        self.deviations_ = np.sign(d) * (size - self.shrinkage * size.max()).clip(min=0)
        self.centroids_ = mean + m * scale * self.deviations_
        self.priors_ = sizes / n
        return self

    def predict(self, X: Any) -> np.ndarray:  # noqa: N803
        distances = cdist(X * self.weights_, self.centroids_ * self.weights_, "sqeuclidean")
        return self.classes_[(distances - 2 * np.log(self.priors_)).argmin(axis=1)]
