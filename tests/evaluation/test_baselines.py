"""The baselines beside scikit-learn; how the penalty of the logistic one is chosen: test_logistic.py."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.preprocessing import StandardScaler

from twolayer.evaluation.baselines import best_constant, fit_linear_model
from twolayer.evaluation.splits import TrainTestSplit, train_test_rows


@pytest.mark.parametrize("classifies", [False, True])
def test_the_linear_model_learns_from_the_weighted_rows_of_training_only(classifies):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 3))
    y = x[:, 0] + 0.5 * rng.standard_normal(60)
    values = np.where(y > 0.3, "u", "v") if classifies else y
    weights = rng.uniform(0, 3, 60)
    train, test = np.arange(40), np.arange(40, 60)
    parts = TrainTestSplit(train, test)
    found = fit_linear_model(x, values, parts, classifies=classifies, weights=weights)
    scaled = StandardScaler().fit(x[train]).transform(x)
    linear = RidgeCV(10.0 ** np.arange(-3, 5.5, 0.5))
    if classifies:
        linear = LogisticRegression(C=found[-1].C_, max_iter=1000)
    linear.fit(scaled[train], values[train], sample_weight=weights[train])
    answer = "predict_proba" if classifies else "predict"
    ours = getattr(found, answer)(x[test])
    np.testing.assert_allclose(ours, getattr(linear, answer)(scaled[test]), rtol=1e-6)
    without_weights = clone(found).fit(x[train], values[train])
    assert np.abs(ours - getattr(without_weights, answer)(x[test])).max() > 0.02


def test_rows_of_a_group_stay_together_where_the_linear_model_is_tuned():
    """Rows written down five times, of targets that are chance: nothing can be learned for whole groups left out."""
    rng = np.random.default_rng(0)
    x, values = np.repeat(rng.standard_normal((60, 30)), 5, axis=0), np.repeat(["u", "v"], 150)
    groups = np.repeat(np.arange(60), 5)
    together = train_test_rows(values, 0.25, 0, classifies=True, groups=groups)
    apart = TrainTestSplit(together.train, together.test)
    strengths = [
        fit_linear_model(x, values, parts, classifies=True)[-1].C_ for parts in (together, apart)
    ]
    assert strengths[0] < 0.01 * strengths[1]


def test_no_constant_is_better_than_the_best_one():
    rng = np.random.default_rng(0)
    s = rng.uniform(0.5, 2, 40)
    y = rng.standard_normal(40)
    found = best_constant(y, None, s)
    errors = [np.average((y - c) ** 2, weights=s) for c in np.linspace(-1, 1, 2001)]
    assert np.average((y - found.y_pred) ** 2, weights=s) <= min(errors) + 1e-12
    labels = rng.choice(["a", "b", "c"], 40, p=[0.2, 0.5, 0.3])
    found = best_constant(labels, np.array(["a", "b", "c"]), None)
    names, counts = np.unique(labels, return_counts=True)
    assert set(found.y_pred) == {names[counts.argmax()]}
    np.testing.assert_allclose(found.probabilities[0], [np.mean(labels == k) for k in "abc"])
    several = best_constant((rng.random((40, 2)) < [0.3, 0.8]).astype(int), np.arange(2), None)
    np.testing.assert_array_equal(several.y_pred[0], [0, 1])
