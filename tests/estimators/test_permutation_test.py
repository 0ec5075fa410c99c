"""Is it real? Permutation tests and nested scores: of signal, of noise, and beside the same by hand."""

import numpy as np
import pandas
import pytest
from scipy.stats import beta, kstest
from sklearn.base import clone
from sklearn.metrics import log_loss, make_scorer
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from small_tables import FAST, classes, noise, wide

import twolayer as tl
from twolayer import TwoLayerClassifierCV, TwoLayerRegressorCV
from twolayer.estimators.selection import (
    nested_score,
    permutation_test,
    search,
    search_fit,
    shuffles,
)


def test_signal_has_a_small_p_value_and_noise_has_not():
    x, y = classes(n_classes=2)
    model = TwoLayerClassifierCV(4, random_state=0, **FAST)
    real = model.permutation_test(x, y, n=19, random_state=0)
    assert real.p_value == 1 / 20
    assert real.score > real.null_scores.max()
    x, y = noise()
    assert model.permutation_test(x, y, n=19, random_state=0).p_value > 1 / 20


def test_the_score_of_a_permutation_test_is_that_of_the_search():
    x, y = wide(n_inputs=5)
    model = TwoLayerRegressorCV(
        4, alphas=[3, 1], cv=KFold(3), n_networks=1, activation="tanh", max_iter=8, random_state=0
    )
    test = model.set_params(scoring="r2").permutation_test(x, y, n=1, random_state=0)
    assert test.score == pytest.approx(model.fit(x, y).best_score_, rel=1e-6)


def test_the_true_targets_are_scored_as_the_shuffled_ones(monkeypatch):
    """With shuffles that change nothing every score is the true one, also where the model itself would do more."""
    monkeypatch.setattr(shuffles, "shuffled_order", lambda blocks, rng: np.arange(len(blocks)))
    x, y = classes(n_classes=2)
    model = TwoLayerClassifierCV(4, n_networks=3, cv=3, random_state=0)
    test = model.permutation_test(x, y, n=2, random_state=0)
    assert (test.null_scores == test.score).all()
    assert test.p_value == 1


def test_a_permutation_test_looks_inside_a_long_path():
    """A quarter, a half and three quarters of the way from 8 to 0."""
    assert permutation_test.inner_alphas([8.0, 7, 6, 5, 4, 3, 2, 1, 0]) == [6, 4, 2]
    assert permutation_test.inner_alphas([8.0, 3, 0]) == [8, 3, 0]


def test_a_permutation_test_trains_one_network_at_three_alphas(monkeypatch):
    seen = []
    run = search_fit.SearchFit.run

    def watched(fitting, z, y, s, start, alpha):
        seen.append((len(start.w1), alpha))
        return run(fitting, z, y, s, start, alpha)

    monkeypatch.setattr(search_fit.SearchFit, "run", watched)
    x, y = classes(n_classes=2)
    model = TwoLayerClassifierCV(4, n_networks=3, cv=2, random_state=0)
    model.permutation_test(x, y, n=1, random_state=0)
    path = np.logspace(2, -2, 10)
    assert seen == [(1, pytest.approx(path[k])) for k in (2, 4, 7)] * 4  # folds, targets


def patients(seed, n_patients=40, per_patient=2, effect=3.0, told=0.0):
    """Samples of patients that differ among them, and labels of the patients: noise, unless they are told."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_patients), per_patient)
    labels = rng.permutation(np.arange(n_patients) % 2)
    x = rng.standard_normal((len(groups), 30))
    x += effect * rng.standard_normal((n_patients, 30))[groups]
    return x + told * labels[groups][:, None], labels[groups], groups


def p_of_patients(seed, **settings):
    x, y, groups = patients(seed, **settings)
    scoring = make_scorer(
        log_loss, greater_is_better=False, response_method="predict_proba", labels=[0, 1]
    )
    model = TwoLayerClassifierCV(3, alphas=[10, 1], cv=4, n_networks=1, max_iter=20)
    model.set_params(scoring=scoring)
    return model.permutation_test(x, y, n=19, groups=groups, random_state=seed)


def test_patients_with_a_label_each():
    """Noise is not found; labels that are told are."""
    noise_only = p_of_patients(0)
    assert "whole groups" in noise_only.shuffled
    assert noise_only.p_value > 1 / 20
    assert p_of_patients(0, told=4.0).p_value == 1 / 20


@pytest.mark.slow
@pytest.mark.parametrize("settings", [{}, {"n_patients": 12, "per_patient": 3}])
def test_p_values_of_noise_in_patients_are_uniform(settings):
    """Thirty tables: a Kolmogorov-Smirnov test against the uniform distribution, at one in a thousand."""
    found = [p_of_patients(seed, **settings).p_value for seed in range(30)]
    smeared = np.array(found) - np.random.default_rng(0).uniform(0, 1 / 20, 30)
    assert kstest(smeared, "uniform").pvalue > 1e-3
    assert sum(p == 1 / 20 for p in found) <= 6


@pytest.mark.slow
def test_p_values_of_noise_are_uniform():
    """Thirty tables of noise: a Kolmogorov-Smirnov test against the uniform distribution, at one in a thousand."""
    found = []
    for seed in range(30):
        x, y = noise(n_rows=30, n_inputs=40, seed=seed)
        model = TwoLayerClassifierCV(3, alphas=[10, 1], cv=3, n_networks=1, max_iter=20)
        model.set_params(scoring="neg_log_loss")
        found.append(model.permutation_test(x, y, n=19, random_state=seed).p_value)
    smeared = np.array(found) - np.random.default_rng(0).uniform(0, 1 / 20, 30)
    assert kstest(smeared, "uniform").pvalue > 1e-3


def test_plain_estimators_have_the_test_too():
    """The score at one alpha is scikit-learn's cross_val_score, on the same folds."""
    x, y = classes(n_classes=2)
    model = tl.TwoLayerClassifier(4, alpha=1.0, n_networks=1, random_state=0)
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    test = model.permutation_test(x, y, n=9, cv=cv, random_state=0)
    assert test.score == pytest.approx(cross_val_score(model, x, y, cv=cv).mean(), abs=0.1)
    assert test.p_value == 0.1
    chooses = tl.TwoLayerRegressor(4, max_iter=20, random_state=0)
    assert 0 < chooses.permutation_test(*wide(), n=3, cv=3, random_state=0).p_value <= 1


def test_the_interval_of_nested_scores():
    """Nadeau & Bengio's variance by hand: (1/5 + 1/4)·s² with t of 4 degrees of freedom, 2.776445."""
    scores = np.array([0.7, 0.8, 0.75, 0.9, 0.85])
    nested = nested_score.corrected_interval(scores, 0.25, 0.95, [])
    error = np.sqrt(0.45 * 0.00625)
    assert nested.mean == pytest.approx(0.8)
    assert nested.standard_error == pytest.approx(error)
    assert nested.interval == pytest.approx(
        (0.8 - 2.776445 * error, 0.8 + 2.776445 * error), rel=1e-6
    )


def test_nested_scores_are_of_rows_that_no_search_saw():
    """Each equals a search by hand on the outer training part, scored outside it."""
    x, y = wide()
    model = TwoLayerRegressorCV(4, random_state=9, **FAST)
    cv = KFold(3)
    nested = model.nested_score(x, y, cv=cv, random_state=4)
    inner = clone(model).set_params(random_state=search.integer_seed(4))
    expected = [inner.fit(x[a], y[a]).score(x[b], y[b]) for a, b in cv.split(x)]
    assert np.allclose(nested.scores, expected)
    assert len(nested.chosen) == 3
    frame = pandas.DataFrame(x, columns=[f"c{j}" for j in range(60)])
    assert np.allclose(model.nested_score(frame, y, cv=cv, random_state=4).scores, expected)


@pytest.mark.parametrize("n", [10, 40])
@pytest.mark.parametrize(
    ("mean", "width"), [(0.2, 0.4), (0.9, 0.4), (1.0, 0.0), (0.0, 0.0), (0.7, 0.0)]
)
def test_the_interval_of_an_accuracy_is_within_0_and_1_and_never_empty(mean, width, n):
    """No narrower than Clopper and Pearson's for so many rows, or groups, by the beta distribution."""
    nested = nested_score.NestedScore(
        mean, 0.0, (mean - width, mean + width), 0.95, np.full(5, mean), []
    )
    right = mean * n
    low = beta.ppf(0.025, right, n - right + 1) if right else 0
    high = beta.ppf(0.975, right + 1, n - right) if right < n else 1
    expected = max(0, min(low, mean - width)), min(1, max(high, mean + width))
    interval = nested_score.possible_interval(nested, None, n, classifies=True)
    np.testing.assert_allclose(interval, expected, atol=1e-12)
    assert 0 <= interval[0] < interval[1] <= 1
    below = nested_score.possible_interval(nested, None, n, classifies=False)
    assert below == (mean - width, min(1, mean + width))  # R²


def test_equal_scores_of_few_rows_still_have_an_interval():
    x = np.r_[np.zeros(15), np.ones(15)][:, None] + 0.01 * np.arange(30)[:, None]
    y = np.repeat(["a", "b"], 15)
    model = tl.TwoLayerClassifierCV(10, alphas=[0.1], cv=2, n_networks=2, random_state=0)
    nested = model.nested_score(x, y, cv=3, random_state=0)
    assert nested.mean == 1
    np.testing.assert_allclose(nested.interval, (beta.ppf(0.025, 30, 1), 1))
