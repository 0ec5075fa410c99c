"""A warning names the line of the user's program that led to it, whatever lies between."""

import dask.array as da
import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import twolayer as tl
from twolayer.errors import TwoLayerWarning

RNG = np.random.default_rng(0)
X = RNG.standard_normal((30, 3))
Y = X[:, 0] + np.abs(X[:, 1])
SHORT = {"alpha": 1.0, "n_networks": 1, "max_iter": 2, "random_state": 0}
BLOCKS = da.from_array(X, chunks=(10, 3))
NOISE = RNG.standard_normal(30)


def regressor(**settings):
    return tl.TwoLayerRegressor(3, **settings)


CASES = {
    "steps ran out": (ConvergenceWarning, lambda: regressor(**SHORT).fit(X, Y)),
    "no better than a constant": (
        TwoLayerWarning,
        lambda: regressor(n_networks=1, random_state=0).fit(X[:, :1] * 0 + NOISE[:, None], Y),
    ),
    "of a search": (
        ConvergenceWarning,
        lambda: tl.TwoLayerRegressorCV(
            3, alphas=[1.0], cv=2, **{k: v for k, v in SHORT.items() if k != "alpha"}
        ).fit(X, Y),
    ),
    "a loss without a second derivative": (
        TwoLayerWarning,
        lambda: (
            regressor(alpha=1.0, n_networks=1, loss="absolute_error", random_state=0)
            .fit(X, Y)
            .left_out_predict(X, Y, cv=2)
        ),
    ),
    "of blocks of rows": (ConvergenceWarning, lambda: regressor(**SHORT).fit(BLOCKS, Y)),
    "a class of one row": (
        TwoLayerWarning,
        lambda: tl.TwoLayerClassifierCV(3, alphas=[1.0], cv=3).fit(X, np.arange(30) % 14),
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_line_is_the_users(case):
    kind, call = CASES[case]
    with pytest.warns(kind) as told:
        call()
    own = [one for one in told if issubclass(one.category, kind)]
    assert own
    assert {one.filename for one in own} == {__file__}
