"""What the estimators add to one plain fit: many networks, their spread, the decay they find, the skip layer."""

import pickle

import numpy as np
import pytest
import scipy.sparse
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import twolayer as tl
from twolayer import InputError, TwoLayerClassifier, TwoLayerRegressor
from twolayer.estimators.selection import dead_units
from twolayer.estimators.uncertainty import noise
from twolayer.evaluation.splits import alpha_folds
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.network import Params

FIXED = {"alpha": 1.0, "random_state": 0}
BOTH = [TwoLayerRegressor, TwoLayerClassifier]


def waves(n_rows=200, seed=0, noise=0.3):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (n_rows, 2))
    return x, np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] + noise * rng.standard_normal(n_rows)


# ---- many networks


def test_numbers_are_averaged():
    x, y = waves(60)
    model = TwoLayerRegressor(5, n_networks=3, scaling="standard", max_iter=20, **FIXED).fit(x, y)
    assert model.w1_.shape == (3, 2, 5)
    assert model.n_networks_ == 3
    each = [tl.forward(x, model.params_.network(k))[:, 0] for k in range(3)]
    assert not np.allclose(each[0], each[1])
    assert np.allclose(model.predict(x), np.mean(each, axis=0))
    assert model.network_loss_curves_.shape[1] == model.loss_.shape[0] == 3


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_are_averaged(n_classes):
    x, y = load_iris(return_X_y=True)
    x, y = x[y < n_classes], y[y < n_classes]
    model = TwoLayerClassifier(3, n_networks=4, scaling="standard", max_iter=4, **FIXED).fit(x, y)
    each = [tl.forward(x, model.params_.network(k)) for k in range(4)]
    if n_classes == 2:
        each = [np.column_stack([0 * one, one]) for one in each]
    expected = np.mean([softmax(one, axis=1) for one in each], axis=0)
    assert np.allclose(model.predict_proba(x), expected)
    assert np.array_equal(model.predict(x), expected.argmax(axis=1))


@pytest.mark.parametrize("kind", BOTH)
def test_each_network_is_one_that_was_trained_alone(kind):
    """On a sparse table they are trained one by one, on a dense one in one call."""
    x, y = waves(30)
    y = y if kind is TwoLayerRegressor else y > 0
    x = np.where(np.abs(x) < 0.5, 0, x)
    settings = {"n_networks": 2, "max_iter": 10, "solver": "adam", **FIXED}
    sparse = kind(4, **settings).fit(scipy.sparse.csr_array(x), y)
    assert sparse.w1_.shape == (2, 2, 4)
    assert np.allclose(sparse.predict(scipy.sparse.csr_array(x)), sparse.predict(x))
    assert sparse.network_loss_curves_.shape == (10, 2)


@pytest.mark.parametrize("kind", BOTH)
def test_pickle_and_clone(kind):
    x, y = waves(40)
    y = y if kind is TwoLayerRegressor else y > 0
    model = kind(4, max_iter=5, **FIXED).fit(x, y)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(x), model.predict(x))
    assert np.array_equal(clone(model).fit(x, y).w1_, model.w1_)


# ---- how far to trust a prediction


def test_the_intervals_hold_what_they_promise():
    """Rows that were not seen, noise of known size."""
    x, y = waves(300)
    x_new, y_new = waves(2000, seed=1)
    for alpha in ("auto", 1.0):
        model = TwoLayerRegressor(alpha=alpha, random_state=0).fit(x, y)
        y_pred, y_std = model.predict(x_new, return_std=True)
        assert y_std.shape == y_pred.shape
        assert np.abs(np.median(y_std) / 0.3 - 1) < 0.25
        low, high = model.predict_interval(x_new, level=0.9)
        assert 0.86 < np.mean((low <= y_new) & (y_new <= high)) < 0.96
    far = model.predict(10 + x_new[:5], return_std=True)[1]
    assert far.min() > y_std.max()  # where no row was, the networks disagree


def test_standard_deviations_in_the_units_of_each_target():
    x, y = waves(80)
    both = np.column_stack([y, 1000 * y])
    model = TwoLayerRegressor(5, max_iter=50, **FIXED).fit(x, both)
    _, std = model.predict(x, return_std=True)
    assert std.shape == (80, 2)
    assert np.allclose(1000 * model.noise_std_[0], model.noise_std_[1], rtol=0.3)


@pytest.mark.parametrize("skip", [False, True])
def test_the_share_of_a_residual_that_is_left(skip):
    """1 − H_ii of the Jacobian written out, by finite differences."""
    rng = np.random.default_rng(0)
    x, s = rng.standard_normal((7, 3)), rng.uniform(0.5, 2, 7)
    params = tl.init_params(3, 4, 1, skip=skip, random_state=1)
    tanh = ACTIVATIONS["tanh"]
    columns = []
    for name, w in params.items():
        for place in np.ndindex(w.shape):
            moved = {key: array.copy() for key, array in params.items()}
            moved[name][place] += 1e-6
            up = tl.forward(x, Params(**{"w_skip": None, **moved}), activation="tanh")
            columns.append((up - tl.forward(x, params, activation="tanh"))[:, 0] / 1e-6)
    jacobian = np.sqrt(s)[:, None] * np.column_stack(columns)
    k = jacobian @ jacobian.T
    expected = 1 - np.diag(k @ np.linalg.inv(k + 0.7 * np.eye(7)))
    assert np.allclose(noise.residual_share(x, s, params, tanh, 0.7)[:, 0], expected, rtol=1e-4)


@pytest.mark.parametrize("level", [0, 1, 1.5, "wide"])
def test_levels_that_cannot_be(level):
    model = TwoLayerRegressor(2, max_iter=2, **FIXED).fit(*waves(20))
    with pytest.raises(InputError, match=r"level"):
        model.predict_interval(waves(20)[0], level=level)


# ---- the decay that is found


def test_diabetes_is_not_learned_by_heart():
    """alpha=1 gives R² about 0; a linear model is the bar."""
    x, y = load_diabetes(return_X_y=True)
    ours = cross_val_score(TwoLayerRegressor(random_state=0, n_networks=2), x, y, cv=3).mean()
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 5, 17)))
    assert ours > cross_val_score(ridge, x, y, cv=3).mean() - 0.03


def test_the_decay_follows_the_table():
    x, y = waves(200, noise=0.0)
    clean = TwoLayerRegressor(20, n_networks=1, random_state=0).fit(x, y)
    random = np.random.default_rng(0).standard_normal(200)
    nothing = TwoLayerRegressor(20, n_networks=1, random_state=0).fit(x, random)
    assert clean.alpha_ <= 0.3
    assert nothing.alpha_ >= 30
    assert nothing.predict(x).std() < 0.3
    alphas, losses = clean.alphas_tried_.T
    assert clean.alpha_ == alphas[np.argmin(losses)]


def test_folds_hold_every_row_once_and_every_class_alike():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [50, 10, 5])
    parts = alpha_folds(y, rng)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(65))
    assert [np.bincount(y[part]).tolist() for part in parts] == [[10, 2, 1]] * 5
    assert alpha_folds(y[:5], rng) == []


def test_revived_units_change_nothing_until_they_learn():
    params = tl.init_params(3, 4, 2, random_state=0)
    params.w1[:, 1], params.b1[1], params.w2[1] = 0, 0, 0
    fresh = tl.init_params(3, 4, 2, random_state=1)
    alive = dead_units.restart_without_output(params, fresh)
    x = np.random.default_rng(0).standard_normal((5, 3))
    assert np.allclose(tl.forward(x, alive), tl.forward(x, params))
    assert np.array_equal(alive.w1[:, 1], fresh.w1[:, 1])
    assert np.array_equal(alive.w1[:, 0], params.w1[:, 0])


# ---- the skip layer


def test_a_skip_layer_with_strong_decay_of_the_units_is_ridge():
    """With the units out, ½/S·Σ(y − x·w)² + ½·alpha/S·‖w‖² is ridge's objective over 2·S."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 3))
    y = x @ [3.0, -2.0, 1.0] + 0.1 * rng.standard_normal(300)
    model = TwoLayerRegressor(5, skip=True, alpha=250.0, n_networks=1, tol=1e-8, random_state=0)
    model.fit(x, y)
    z = StandardScaler().fit_transform(x)
    expected = np.linalg.solve(z.T @ z + 250 * np.eye(3), z.T @ (y - y.mean()))
    assert np.abs(model.w1_).max() < 1e-3
    assert np.allclose(model.w_skip_[:, 0] * x.std(0), expected, rtol=1e-3)
    assert np.allclose(model.predict(x), z @ expected + y.mean(), atol=1e-2)


@pytest.mark.parametrize("kind", BOTH)
def test_a_skip_layer_comes_back_from_a_file(kind, tmp_path):
    x, y = waves(40)
    y = y if kind is TwoLayerRegressor else y > 0
    model = kind(3, skip=True, max_iter=5, **FIXED).fit(x, y)
    tl.save(model, tmp_path / "model")
    assert np.array_equal(tl.load(tmp_path / "model").predict(x), model.predict(x))
