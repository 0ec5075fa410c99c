"""The type of predictions: that of scikit-learn's MLP."""

import numpy as np
import pandas as pd
import polars
import pytest
import scipy.sparse

import twolayer as tl

X = np.random.default_rng(0).normal(size=(40, 3))
SINGLE = X.astype(np.float32)
QUICK = {"n_networks": 2, "max_iter": 5, "random_state": 0}
TABLES = {
    "float64": (X, np.float64),
    "float32": (SINGLE, np.float32),
    "a sparse table of float32": (scipy.sparse.csr_array(SINGLE), np.float32),
    "integers": (X.astype(int), np.float64),
    "float16": (X.astype(np.float16), np.float64),
    "a list": (X.tolist(), np.float64),
    "pandas, float32": (pd.DataFrame(SINGLE), np.float32),
    "pandas, mixed": (pd.DataFrame(SINGLE).astype({0: float}), np.float64),
    "polars, float32": (polars.DataFrame(SINGLE), np.float32),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.filterwarnings("ignore:X has feature names", "ignore:the width of the intervals")
def test_float32_in_float32_out(name):
    x, dtype = TABLES[name]
    numbers = tl.TwoLayerRegressor(3, alpha=1.0, **QUICK).fit(X, X[:, 0])
    given = [numbers.predict(x), *numbers.predict(x, return_std=True), *numbers.predict_interval(x)]
    for y in (X[:, 0] > 0, np.arange(40) % 3, (X > 0).astype(int)):
        classes = tl.TwoLayerClassifier(3, alpha=1.0, **QUICK).fit(X, y)
        given += [classes.predict_proba(x), classes.decision_function(x)]
        assert np.array_equal(classes.predict(x).dtype, classes.predict(X).dtype)
    assert {one.dtype for one in given} == {np.dtype(dtype)}


@pytest.mark.parametrize("name", ["TwoLayerRegressorCV", "TwoLayerClassifierCV"])
def test_the_cv_forms_too(name):
    model = getattr(tl, name)(3, alphas=[1.0], cv=2, **QUICK).fit(X, X[:, 0] > 0)
    method = model.predict if "Regressor" in name else model.predict_proba
    assert method(SINGLE).dtype == np.float32
    assert np.allclose(method(SINGLE), method(X), atol=1e-5)


def test_computation_stays_in_float64():
    """Differences of large numbers: in float32 they would be lost."""
    x = 1e6 + X
    model = tl.TwoLayerRegressor(3, alpha=1.0, n_networks=1, random_state=0).fit(x, X[:, 0])
    single = x.astype(np.float32)
    assert np.allclose(model.predict(single), model.predict(single.astype(float)), rtol=1e-6)
