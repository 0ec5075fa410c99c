"""Where training starts: the bends of the units, and what becomes of curves that have many."""

import numpy as np
import pytest

import twolayer as tl
from twolayer.estimators.initial_weights import initial_params, spread_biases


def test_bends_lie_among_the_rows():
    x = np.random.default_rng(0).standard_normal((500, 4))
    none = np.zeros(4, dtype=bool)
    params = initial_params(x, none, 200, 1, np.random.default_rng(1), n_networks=3)
    h = x @ params.w1 + params.b1[:, None, :]
    share = (h > 0).mean(axis=1)  # of the rows on one side of each unit's bend
    assert params.b1.shape == (3, 200)
    assert share.min() < 0.1
    assert share.max() > 0.9
    assert ((share > 0.02) & (share < 0.98)).mean() > 0.95


def test_biases_have_the_spread_of_what_the_units_take_in():
    w1 = np.array([[3.0, 0.0], [4.0, 0.0]])
    drawn = np.array([spread_biases(w1, np.random.default_rng(k)) for k in range(4000)])
    assert drawn[:, 0].std() == pytest.approx(5, rel=0.05)  # of 3·a + 4·b, a and b of spread 1
    assert (drawn[:, 1] == 0).all()


def test_those_of_a_wide_table_start_at_0():
    x = np.random.default_rng(0).standard_normal((10, 30))
    none = np.zeros(30, dtype=bool)
    assert (initial_params(x, none, 5, 1, np.random.default_rng(1)).b1 == 0).all()
    axes = np.random.default_rng(0).standard_normal((10, 9))
    drawn = initial_params(axes, none[:9], 5, 1, np.random.default_rng(1), n_columns=30)
    assert (drawn.b1 == 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_waves_of_one_column_are_learned(seed):
    """Scikit-learn's MLP has R² .98 here; from biases of 0 it was between 0 and .93, by the seed."""
    rng = np.random.default_rng(seed)
    x, new = rng.uniform(-1, 1, (80, 1)), np.linspace(-0.95, 0.95, 200)[:, None]
    y = np.sin(10 * x[:, 0])
    numbers = tl.TwoLayerRegressor(random_state=seed).fit(x, y + 0.1 * rng.standard_normal(80))
    assert numbers.score(new, np.sin(10 * new[:, 0])) > 0.9
    classes = tl.TwoLayerClassifier(random_state=seed).fit(x, y > 0)
    assert classes.score(new, np.sin(10 * new[:, 0]) > 0) > 0.85


def test_a_stream_starts_so_too():
    x = np.random.default_rng(0).standard_normal((300, 2))
    model = tl.TwoLayerRegressor(random_state=0).partial_fit(x, x[:, 0])
    share = (x @ model.w1_ + model.b1_[:, None, :] > 0).mean(axis=1)
    assert share.min() < 0.2
    assert share.max() > 0.8
