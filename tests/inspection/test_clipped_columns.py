"""Importances, weights and gradients of networks that see clipped columns, beside predictions and sums by hand."""

import numpy as np
import pytest

import twolayer as tl
from twolayer import InputError
from twolayer.inspection import importances, ranking, weights

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 3)) * [1, 10, 0.1] + [3, -20, 0]
X[:3, 1] += 2000
Y = np.sin(X[:, 0]) + X[:, 2]
SETTINGS = {"n_hidden": 4, "alpha": 0.3, "max_iter": 30, "random_state": 0, "activation": "tanh"}

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture(params=[("auto", 3, False), ("smooth_clip", 1, True), ("auto", 2, True)], ids=str)
def model(request):
    scaling, n_networks, skip = request.param
    return tl.TwoLayerRegressor(scaling=scaling, n_networks=n_networks, skip=skip, **SETTINGS).fit(
        X, Y
    )


def test_shuffled_predictions_are_predictions_of_shuffled_columns(model):
    orders = np.stack([RNG.permutation(60) for _ in range(4)])
    predictions = importances.ShuffledPredictions(model, X, orders)
    np.testing.assert_allclose(predictions.unshuffled()[:, 0], model.predict(X), rtol=1e-9)
    columns = np.array([0, 2])
    (actual,) = predictions.shuffled(columns)
    for order, y_pred in zip(orders, actual, strict=True):
        shuffled = X.copy()
        shuffled[:, columns] = X[order][:, columns]
        np.testing.assert_allclose(y_pred[:, 0], model.predict(shuffled), rtol=1e-9, atol=1e-12)


def test_gradients_by_the_users_columns_take_the_chain_rule_through_the_clip(model):
    """d output / d column = slope of the clip × the network's gradient by its own column."""
    slopes = model.input_clip_.slopes(X)
    pairs = zip(model.networks_, model.network_inputs(X), model.input_clip_.networks, strict=True)
    gradients = []
    for params, seen, clipped in pairs:
        h = np.tanh(seen @ params.w1 + params.b1)
        own = ((1 - h**2) * params.w2[:, 0]) @ params.w1.T
        if params.w_skip is not None:
            own = own + params.w_skip[:, 0]
        gradients.append(own * slopes if clipped else own)
    for j, step in enumerate(1e-5 * model.input_clip_.scale):
        high, low = X.copy(), X.copy()
        high[:, j] += step
        low[:, j] -= step
        difference = (model.network_outputs(high) - model.network_outputs(low))[..., 0] / (2 * step)
        wanted = np.stack(gradients)[..., j]
        np.testing.assert_allclose(difference, wanted, rtol=1e-4, atol=1e-6 * np.abs(wanted).max())


def test_weights_count_in_the_spread_that_each_network_sees(model):
    spreads = weights.network_spreads(model, X)
    seen = [x.std(axis=0) for x in model.network_inputs(X)]
    np.testing.assert_allclose(spreads, seen, rtol=1e-12)
    total = np.zeros(3)
    for params, own in zip(model.networks_, seen, strict=True):
        paths = np.abs(params.w1) @ np.linalg.norm(params.w2, axis=1)
        if params.w_skip is not None:
            paths = paths + np.abs(params.w_skip[:, 0])
        total += own * paths
    share = weights.weight_shares(model.networks_, spreads)
    np.testing.assert_allclose(share, total / total.sum(), rtol=1e-12)
    ranked = ranking.rank_inputs(model, spreads)
    np.testing.assert_array_equal(ranked.share, share)
    products = np.mean(
        [
            own[:, None] * (one.w1 @ one.w2 + (0 if one.w_skip is None else one.w_skip))
            for one, own in zip(model.networks_, seen, strict=True)
        ],
        axis=0,
    )
    np.testing.assert_allclose(ranked.products, products, rtol=1e-12)
    mean = weights.network_mean(weights.olden_products, model, spreads)
    np.testing.assert_allclose(mean, products, rtol=1e-12)


def test_spreads_of_the_columns_as_they_are_are_refused(model):
    with pytest.raises(InputError, match=r"see clipped columns.*network_spreads"):
        ranking.rank_inputs(model, X.std(axis=0))


def test_idle_units_are_counted_on_the_clipped_columns():
    # with the far values as they are, every other row would be the same to a unit
    x = np.c_[np.r_[1e9, RNG.standard_normal(59)], RNG.standard_normal(60)]
    model = tl.TwoLayerRegressor(scaling="smooth_clip", n_networks=2, **SETTINGS).fit(x, x[:, 1])
    clipped = model.input_clip_.columns(x)
    counts = []
    for params in model.networks_:
        h = np.tanh(clipped @ params.w1 + params.b1)
        size = h.std(axis=0) * np.linalg.norm(params.w2, axis=1)
        counts.append(int((size <= 1e-3 * size.max()).sum()))
    assert weights.idle_unit_counts(model, x) == counts


def test_importances_take_names_of_columns(recwarn):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X, columns=["a", "b", "c"])
    model = tl.TwoLayerRegressor(scaling="auto", n_networks=2, **SETTINGS).fit(frame, Y)
    found = importances.permutation_importances(model, X, Y)
    assert found.groups[found.mean.argmax()].tolist() == [0]
    assert not [one for one in recwarn if "feature names" in str(one.message)]
