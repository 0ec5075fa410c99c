"""The alpha that "auto" chooses: small tables, rows far from all others, noise, and weights in any unit."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes

from twolayer import TwoLayerClassifier, TwoLayerRegressor, TwoLayerRegressorCV
from twolayer.errors import TwoLayerWarning
from twolayer.estimators.selection.alpha_choice import decreasing_alphas, has_turned
from twolayer.estimators.training_rows import relative_weights


def two_classes(n_rows, seed):
    """A column in which the classes are two standard deviations apart, and two of noise."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n_rows) % 2)
    x = rng.standard_normal((n_rows, 3))
    x[:, 1] += 2 * y
    return x, y


@pytest.mark.parametrize("n_rows", [16, 30, 60])
def test_a_small_table_is_learned(n_rows):
    """The best any rule does on new rows is 0.84: the normal distribution up to 1."""
    x_new, y_new = two_classes(4000, 99)
    scores = [
        TwoLayerClassifier(random_state=0).fit(*two_classes(n_rows, seed)).score(x_new, y_new)
        for seed in range(3)
    ]
    assert np.mean(scores) > 0.7


def test_a_straight_line_through_twelve_rows():
    x = np.random.default_rng(0).standard_normal((12, 2))
    model = TwoLayerRegressor(random_state=0).fit(x, 2 * x[:, 0] + x[:, 1])
    assert model.score(-x, -2 * x[:, 0] - x[:, 1]) > 0.9
    assert len(model.alphas_tried_) >= 6


def test_one_far_entry_does_not_choose_alpha():
    rng = np.random.default_rng(0)
    x = rng.uniform(size=(250, 3))
    y = np.sin(6 * x[:, 0]) + x[:, 1]
    x_new = rng.uniform(size=(2000, 3))
    x[0, 0] = 100.0
    model = TwoLayerRegressor(random_state=0).fit(x, y)
    assert model.score(x_new, np.sin(6 * x_new[:, 0]) + x_new[:, 1]) > 0.7


def test_noise_is_called_noise():
    x = np.random.default_rng(2).standard_normal((60, 20))
    y = np.arange(60) % 2
    with pytest.warns(
        TwoLayerWarning, match=r"no network was better than a constant .* 6 values of alpha"
    ):
        TwoLayerClassifier(random_state=0).fit(x, y)


@pytest.mark.parametrize("factor", [1e-3, 7.0, 1e5])
@pytest.mark.parametrize("weights", ["the same", "counts", "any"])
@pytest.mark.parametrize("kind", [TwoLayerRegressor, TwoLayerRegressorCV])
def test_only_the_ratios_of_weights_matter(factor, weights, kind):
    x, y = load_diabetes(return_X_y=True)
    x, y = x[:60], y[:60]
    rng = np.random.default_rng(0)
    s = {
        "the same": np.ones(60),
        "counts": rng.integers(1, 6, 60).astype(float),
        "any": rng.uniform(0.1, 3, 60),
    }[weights]
    settings = {"alphas": [1.0], "cv": 3} if kind is TwoLayerRegressorCV else {"alpha": 1.0}
    settings |= {"tol": 1e-6, "max_iter": 5000}  # down to where rounding matters no more
    model = kind(4, activation="tanh", n_networks=1, random_state=0, **settings)
    expected = model.fit(x, y, sample_weight=s).predict(x)
    assert np.allclose(model.fit(x, y, sample_weight=factor * s).predict(x), expected, rtol=1e-3)


@pytest.mark.parametrize(
    ("first", "start"), [(0.5, 1.0), (1.0, 1.0), (1.01, 3.0), (2.9, 3.0), (301.0, 1000.0)]
)
def test_the_path_begins_at_the_next_round_alpha(first, start):
    alphas = list(decreasing_alphas(first))
    assert alphas[:3] == pytest.approx([start, start / 3.2, start / 10], rel=0.1)
    assert list(decreasing_alphas(0.0)) == list(decreasing_alphas(np.inf)) == [1.0]


def test_the_same_loss_is_no_worse():
    assert not has_turned([0.7, 0.7, 0.7, 0.7], constant=0.7)
    assert not has_turned([0.5, 0.52, 0.5], constant=0.6)
    assert has_turned([0.7, 0.5, 0.54, 0.53], constant=0.7)


def test_one_loss_that_is_clearly_worse_ends_the_path():
    assert has_turned([0.7, 0.5, 0.6], constant=0.7)
    assert not has_turned([0.7, 0.5, 0.51], constant=0.7)
    assert has_turned([-0.1, -0.5, -0.4], constant=-0.1)  # of counts
    assert not has_turned([-0.1, -0.4, -0.5], constant=-0.1)


def test_a_single_alpha_is_not_told_as_several():
    """Of constant columns nothing can be learned: no alpha changes anything."""
    y = np.random.default_rng(0).normal(size=40)
    with pytest.warns(TwoLayerWarning, match="alpha .*, the only one tried, gave"):
        model = TwoLayerRegressor(5, random_state=0).fit(np.ones((40, 3)), y)
    assert len(model.alphas_tried_) == 1


def test_a_path_that_gains_nothing_more_ends_far_below_the_constant_only():
    assert has_turned([0.7, 0.2, 0.1999, 0.1998], constant=0.7)
    assert not has_turned([0.7, 0.2, 0.1999, 0.19], constant=0.7)
    assert not has_turned([0.7, 0.699, 0.6989, 0.6988], constant=0.7)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([0.01, 0.01], [1, 1]),
        ([6, 9, 0], [0.8, 1.2, 0]),
        ([1 / 3, 1, 5 / 3], [1, 3, 5]),
        ([1, np.pi], [2 / (1 + np.pi), 2 * np.pi / (1 + np.pi)]),
        ([1, 5000], [2 / 5001, 10000 / 5001]),
        ([1e-300, 3e-300], [1, 3]),
    ],
)
def test_multiples_of_the_least_weight_count_rows_and_others_have_the_mean_1(given, expected):
    assert relative_weights(np.array(given, dtype=float)) == pytest.approx(expected, rel=1e-12)
