"""The regressor with loss "poisson": counts, whose mean is the exponential of the output."""

import warnings

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.linear_model import PoissonRegressor
from sklearn.metrics import mean_poisson_deviance

import twolayer as tl


def mean_of(x):
    return np.exp(0.5 + 0.6 * np.abs(x[:, 0]) - 0.5 * x[:, 1])


def counts(n_rows=300, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_rows, 4)) * [1.0, 1.0, 50.0, 0.01]
    return x, rng.poisson(mean_of(x)).astype(float)


@pytest.mark.parametrize("weighted", [False, True])
def test_a_linear_network_without_decay_is_scikit_learns(weighted):
    x, y = counts()
    s = np.random.default_rng(1).uniform(0.5, 2, len(y)) if weighted else None
    model = tl.TwoLayerRegressor(
        2, loss="poisson", activation="identity", alpha=0.0, n_networks=1, tol=1e-9, random_state=0
    ).fit(x, y, s)
    other = PoissonRegressor(alpha=0, tol=1e-10, max_iter=10_000)
    spread = x.std(axis=0)
    other.fit(x / spread, y, s)
    np.testing.assert_allclose(model.predict(x), other.predict(x / spread), rtol=1e-5)


def test_it_beats_the_linear_model_where_the_truth_is_bent():
    x, y = counts()
    x_new, y_new = counts(3000, seed=1)
    model = tl.TwoLayerRegressor(loss="poisson", random_state=0).fit(x, y)
    spread = x.std(axis=0)
    linear = min(
        mean_poisson_deviance(
            y_new, PoissonRegressor(alpha=alpha).fit(x / spread, y).predict(x_new / spread)
        )
        for alpha in (0.001, 0.01, 0.1)
    )
    ours = mean_poisson_deviance(y_new, model.predict(x_new))
    best = mean_poisson_deviance(y_new, mean_of(x_new))
    assert ours - best < 0.4 * (linear - best)
    assert (model.predict(x_new) > 0).all()


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_the_start_is_the_mean(solver):
    """The first loss is that of a network near the constant mean, whatever the size of the counts."""
    x, y = counts()
    y = 1000 * y
    model = tl.TwoLayerRegressor(
        loss="poisson", alpha=1.0, solver=solver, max_iter=1, n_networks=1, random_state=0
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(x, y)
    constant = y.mean() - np.mean(y) * np.log(y.mean())
    of_one = 1.0  # what an output of 0 would lose: exp(0) − y·0
    assert abs(model.loss_curve_[0] - constant) < 0.5 * abs(of_one - constant)


def test_the_unit_of_the_counts_changes_little():
    """Thousands of thousands: the same predictions, times a thousand, as penalties count in the mean."""
    x, y = counts()
    settings = {"loss": "poisson", "alpha": 3.0, "n_networks": 1, "random_state": 0, "tol": 1e-6}
    y = y + 1 / y.mean()  # a mean above 1 in both
    one = tl.TwoLayerRegressor(**settings).fit(x, y).predict(x)
    thousand = tl.TwoLayerRegressor(**settings).fit(x, 1000 * y).predict(x)
    # L-BFGS stops at other points of a flat valley: 0.021 was seen for one row of 300
    np.testing.assert_allclose(thousand / 1000, one, rtol=0.05)


def test_several_counts_and_the_attributes():
    x, y = counts()
    both = np.column_stack([y, 100 * y])
    settings = {"loss": "poisson", "scaling": "standard", "alpha": 1.0, "random_state": 0}
    model = tl.TwoLayerRegressor(**settings).fit(x, both)
    assert model.predict(x).shape == both.shape
    assert not hasattr(model, "noise_std_")
    outputs = [tl.forward(x, model.params_.network(k)) for k in range(5)]
    np.testing.assert_allclose(model.predict(x), np.mean(np.exp(outputs), axis=0), rtol=1e-10)


def test_the_standard_deviation_is_the_root_of_the_mean_and_of_the_disagreement():
    x, y = counts()
    settings = {"loss": "poisson", "scaling": "standard", "alpha": 1.0, "random_state": 0}
    model = tl.TwoLayerRegressor(**settings).fit(x, y)
    mean, std = model.predict(x, return_std=True)
    each = np.exp([tl.forward(x, model.params_.network(k))[:, 0] for k in range(5)])
    np.testing.assert_allclose(std**2, mean + each.var(axis=0, ddof=1), rtol=1e-9)
    with pytest.raises(tl.InputError, match="does not fit counts"):
        model.predict_interval(x)
    model.set_params(loss="squared_error").fit(x, y)
    assert model.noise_std_.shape == (1,)
    model.set_params(loss="poisson").fit(x, y)
    assert not hasattr(model, "noise_std_")


def test_early_stopping_partial_fit_and_sparse_rows():
    x, y = counts()
    model = tl.TwoLayerRegressor(
        loss="poisson", alpha=1.0, early_stopping=True, scoring="neg_mean_poisson_deviance",
        random_state=0,
    ).fit(x, y)  # fmt: skip
    assert model.validation_scores_.shape[1] == 5
    more = tl.TwoLayerRegressor(loss="poisson", alpha=1.0, random_state=0)
    for _ in range(30):
        more.partial_fit(x, y)
    constant = mean_poisson_deviance(y, np.full(len(y), y.mean()))
    assert mean_poisson_deviance(y, more.predict(x)) < 0.6 * constant
    sparse = tl.TwoLayerRegressor(loss="poisson", alpha=1.0, n_networks=2, random_state=0)
    sparse.fit(csr_array(x), y)
    assert mean_poisson_deviance(y, sparse.predict(csr_array(x))) < 0.6 * constant


def test_counts_that_are_all_0():
    x, _ = counts(40)
    model = tl.TwoLayerRegressor(loss="poisson", random_state=0).fit(x, np.zeros(40))
    assert (model.predict(x) < 0.02).all()


@pytest.mark.parametrize(
    ("y", "message"),
    [
        ([1.0, -2.0, 3.0, -0.5, 0.0, 1.0], "must not be negative: 2 of its values are, the lowest -2"),
        ([1.0, -2.0, 3.0, 0.5, 0.0, 1.0], "must not be negative: 1 of its values is"),
    ],
)  # fmt: skip
def test_negative_targets_are_refused(y, message):
    x, good = counts(6)
    model = tl.TwoLayerRegressor(loss="poisson", random_state=0)
    with pytest.raises(tl.InputError, match=message):
        model.fit(x, y)
    with pytest.raises(tl.InputError, match=message):
        model.preflight(x, y)
    with pytest.raises(tl.InputError, match=message):
        model.fit(x, good, X_val=x, y_val=y)


def test_it_comes_back_from_a_file(tmp_path):
    x, y = counts()
    model = tl.TwoLayerRegressor(loss="poisson", alpha=1.0, random_state=0).fit(x, y)
    tl.save(model, tmp_path / "counts.safetensors")
    again = tl.load(tmp_path / "counts.safetensors")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_a_forecast_counts_the_classes():
    """The second layer and the softmax of 500 classes cost more than the table: no measured times, only their ratio."""
    x = np.random.default_rng(0).normal(size=(2000, 20))
    seconds = [
        tl.TwoLayerClassifier(20, alpha=1.0, n_networks=1, max_iter=20)
        .preflight(x, np.arange(2000) % classes)
        .seconds
        for classes in (2, 500)
    ]
    assert seconds[1] > 5 * seconds[0]
