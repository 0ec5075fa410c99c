"""The sign of an input's effect, where the hidden layer and the skip layer pull the same way or not."""

import numpy as np
import pytest

import twolayer as tl
from twolayer.inspection.ranking import rank_inputs


@pytest.mark.parametrize(
    ("hidden", "skip", "sign"),
    [
        (2.0, 1.0, "+"),
        (-1.0, 2.0, "+"),  # the skip layer prevails however many units are on
        (-2.0, 1.0, "~"),  # at fewer than half of the units on it is +, at more -
        (2.0, -1.0, "~"),
        (-2.0, 0.01, "-"),  # a skip layer of next to nothing
        (-2.0, 0.0, "-"),
    ],
)
def test_a_sign_is_told_where_it_does_not_depend_on_how_many_units_are_on(hidden, skip, sign):
    x = np.random.default_rng(0).standard_normal((30, 1))
    model = tl.TwoLayerRegressor(2, alpha=1.0, n_networks=1, skip=True, random_state=0)
    model.fit(x, x[:, 0])
    w1, w2 = np.array([[1.0, 1.0]]), np.array([[hidden / 2], [hidden / 2]])
    params = tl.Params(w1, np.array([1.0, -1.0]), w2, np.zeros(1), np.array([[skip]]))
    model.set_fitted_state({"params_": params})
    assert rank_inputs(model, np.ones(1)).sign(0) == sign
    if sign != "~":  # and it is that of the network's own slopes
        slopes = np.diff(model.predict(np.linspace(-3, 3, 50)[:, None]))
        assert (np.sign(np.mean(slopes)) > 0) == (sign == "+")
