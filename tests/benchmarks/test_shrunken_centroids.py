"""PAM and DLDA: against a small example by hand, scikit-learn's centroids and normal distributions."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.neighbors import NearestCentroid

from benchmarks.shrunken_centroids import ShrunkenCentroids


def table(seed=0, sizes=(8, 12, 15), columns=6):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.standard_normal((len(y), columns)) * [1, 2, 3, 1, 2, 0.1]
    return x + y[:, None] * [2, 0, 3, 0, 0, 0.01], y


def test_pam_by_hand():
    """One column, classes of 1 and 3 rows around 0 and 6 (mean 4.5): s = √((1 + 0 + 1) / 2) = 1, s₀ = 1, m = √¾ and √(1/12).

    d = −4.5 / (2·0.866) = −2.598 and 1.5 / (2·0.2887) = 2.598; shrunken by a half both centroids come half the way to 4.5:
    2.25 and 5.25. A row at x is of the first class where (x − 2.25)²/4 − 2 ln ¼ < (x − 5.25)²/4 − 2 ln ¾: below 2.285.
    """
    x, y = np.array([[0.0], [5], [6], [7]]), np.array(["a", "b", "b", "b"])
    model = ShrunkenCentroids(shrinkage=0.5).fit(x, y)
    assert model.centroids_.ravel() == pytest.approx([2.25, 5.25])
    border = 3.75 - 4 * np.log(3) / 3
    assert list(model.predict([[border - 0.01], [border + 0.01]])) == ["a", "b"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_centroids_are_those_of_scikit_learn(share):
    x, y = table()
    model = ShrunkenCentroids(share).fit(x, y)
    largest = np.abs(ShrunkenCentroids().fit(x, y).deviations_).max()
    other = NearestCentroid(shrink_threshold=share * largest or None).fit(x, y)
    assert model.deviations_ == pytest.approx(other.deviations_)
    assert model.centroids_ == pytest.approx(other.centroids_)


def test_shrunken_to_nothing_the_largest_class_is_left():
    x, y = table()
    assert set(ShrunkenCentroids(1.0).fit(x, y).predict(x)) == {2}


@pytest.mark.parametrize("sizes", [(8, 12, 15), (10, 10, 10)])
def test_dlda_is_that_of_normal_distributions_with_pooled_variances(sizes):
    x, y = table(1, sizes)
    means = np.stack([x[y == k].mean(axis=0) for k in range(3)])
    std = np.sqrt(((x - means[y]) ** 2).sum(axis=0) / (len(y) - 3))
    logs = [
        norm(m, std).logpdf(x).sum(axis=1) + np.log((y == k).mean()) for k, m in enumerate(means)
    ]
    model = ShrunkenCentroids(offset=False).fit(x, y)
    assert np.array_equal(model.predict(x), np.argmax(logs, axis=0))


def test_a_column_without_spread_has_no_say():
    x, y = table()
    wider = np.column_stack([x, np.full(len(y), 3.0)])
    model = ShrunkenCentroids(offset=False).fit(wider, y)
    wider[:, -1] = 1e6  # another constant in rows to predict
    assert np.array_equal(
        model.predict(wider), ShrunkenCentroids(offset=False).fit(x, y).predict(x)
    )
