"""The estimators' l1 and dropout."""

import numpy as np
import pytest
from sklearn.datasets import load_iris
from slow_cases import slow

import twolayer as tl

KINDS = (tl.TwoLayerRegressor, tl.TwoLayerClassifier)


def table(kind, n_rows=120, n_inputs=10):
    """Numbers, of which the first two columns alone tell anything."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n_rows, n_inputs))
    y = 2 * x[:, 0] - np.abs(x[:, 1]) + 0.3 * rng.standard_normal(n_rows)
    return x, y > 0 if kind is tl.TwoLayerClassifier else y


@pytest.mark.parametrize("solver", ["auto", *slow("gd", "adam")])
@pytest.mark.parametrize("kind", KINDS)
def test_l1_puts_out_the_inputs_that_say_nothing(kind, solver):
    x, y = table(kind)
    x = x * np.logspace(-3, 3, 10)  # the user's units change nothing
    rate = 0.1 if solver == "gd" else 0.01
    model = kind(
        10, l1=15.0, alpha=1.0, solver=solver, learning_rate_init=rate, n_networks=2, tol=1e-5,
        max_iter=4000, random_state=0,
    ).fit(x, y)  # fmt: skip
    left = model.w1_.any(axis=-1)  # (n_networks, n_inputs)
    assert left[:, 0].all()
    assert left[:, 2:].mean() < 0.4
    plain = kind(10, alpha=1.0, n_networks=2, random_state=0).fit(x, y)
    assert plain.w1_.any(axis=-1).all()
    assert model.score(x, y) > 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_the_loss_is_the_objective_with_l1(kind):
    x, y = table(kind)
    model = kind(5, l1=2.0, alpha=0.5, skip=True, n_networks=1, random_state=0).fit(x, y)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    # weights for standardised columns, and targets if they are standardised
    spread = 1.0 if kind is tl.TwoLayerClassifier else y.std()
    w1, w2 = model.w1_ * x.std(axis=0)[:, None], model.w2_ / spread
    w_skip = model.w_skip_ * x.std(axis=0)[:, None] / spread
    target = y if kind is tl.TwoLayerClassifier else (y - y.mean()) / spread
    output = (model.network_outputs(x)[0, :, 0] - (0 if spread == 1 else y.mean())) / spread
    loss = (
        np.logaddexp(0, np.where(target, -output, output)).mean()
        if kind is tl.TwoLayerClassifier
        else 0.5 * np.square(output - target).mean()
    )
    assert z.shape == x.shape
    loss += 0.25 / len(y) * sum(np.square(w).sum() for w in (w1, w2, w_skip))
    loss += 2.0 / len(y) * (np.abs(w1).sum() + np.abs(w_skip).sum())
    np.testing.assert_allclose(model.loss_, loss, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_dropout_trains_and_predicts_with_all_units(kind):
    x, y = table(kind)
    settings = {"alpha": 0.3, "dropout": 0.4, "n_networks": 2, "max_iter": 300, "random_state": 0}
    model = kind(20, **settings).fit(x, y)
    assert model.solver_ == "adam"
    assert (
        model.n_iter_ == 300
    )  # a loss that jumps from step to step is not asked whether it still falls
    again = kind(20, **settings).fit(x, y)
    np.testing.assert_array_equal(again.w1_, model.w1_)
    plain = kind(20, **{**settings, "dropout": 0.0}, solver="adam", tol=0.0).fit(x, y)
    assert (plain.w1_ != model.w1_).any()
    # all units: the predictions are those of the weights, and the same when asked again
    answer = model.predict(x) if kind is tl.TwoLayerRegressor else model.predict_proba(x)[:, 1]
    outputs = np.stack([tl.forward(x, model.params_.network(k))[:, 0] for k in range(2)])
    if kind is tl.TwoLayerClassifier:
        outputs = 1 / (1 + np.exp(-outputs))
    np.testing.assert_allclose(answer, outputs.mean(axis=0), rtol=1e-9)
    assert model.score(x, y) > 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_partial_fit_has_both(kind):
    x, y = table(kind)
    model = kind(10, l1=30.0, dropout=0.3, alpha=0.3, n_networks=1, random_state=0)
    for _ in range(100):
        model.partial_fit(x, y)
    assert (model.w1_ == 0).mean() > 0.3
    thick = kind(10, alpha=0.3, n_networks=1, random_state=0)
    thick.partial_fit(x, y)
    assert thick.loss_curve_[0] != model.loss_curve_[0]


def test_both_come_back_from_a_file(tmp_path):
    x, y = load_iris(return_X_y=True)
    model = tl.TwoLayerClassifier(10, l1=1.0, dropout=0.2, alpha=1.0, random_state=0).fit(x, y)
    tl.save(model, tmp_path / "iris.safetensors")
    again = tl.load(tmp_path / "iris.safetensors")
    assert (again.l1, again.dropout) == (1.0, 0.2)
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))


@pytest.mark.parametrize(("l1", "span"), [(0.0, True), (1.0, False)])
def test_preflight_takes_the_long_way_with_l1(l1, span):
    x, y = table(tl.TwoLayerRegressor, n_rows=40, n_inputs=4000)
    model = tl.TwoLayerRegressor(l1=l1, alpha=1.0, solver="gd", early_stopping=False)
    assert model.preflight(x, y).span is span


@pytest.mark.parametrize("settings", [{"l1": 1e6}, {"dropout": 0.95}], ids=["l1", "dropout"])
def test_a_permutation_test_has_both(settings):
    """So strong that little is left to learn."""
    x, y = table(tl.TwoLayerRegressor)
    plain = tl.TwoLayerRegressor(5, alpha=1.0, max_iter=200, random_state=0)
    weak = tl.TwoLayerRegressor(5, alpha=1.0, max_iter=200, random_state=0, **settings)
    asked = {"n": 2, "cv": 3, "random_state": 0}
    assert plain.permutation_test(x, y, **asked).score > 0.7
    assert weak.permutation_test(x, y, **asked).score < 0.4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"l1": 1.0, "solver": "lbfgs"}, "'lbfgs' has no l1.* use solver='gd' or 'adam'"),
        ({"dropout": 0.5, "solver": "lbfgs"}, "'lbfgs' compares .* use solver='gd' or 'adam'"),
        ({"l1": -1.0}, "l1 must be a finite number, at least 0; got -1"),
        ({"l1": "auto"}, "l1 must be a finite number"),
        ({"dropout": 1.5}, "from 0 to below 1, such as 0.2; got 1.5"),
    ],
)
@pytest.mark.parametrize("kind", KINDS)
def test_settings_that_cannot_be(kind, settings, message):
    x, y = table(kind)
    with pytest.raises(tl.InputError, match=message):
        kind(**settings).fit(x, y)
    with pytest.raises(tl.InputError, match=message):
        kind(**settings).preflight(x, y)
