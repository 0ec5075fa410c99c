"""A loss or an activation of one's own: the same numbers as the package's own, and a wrong pair is found out."""

import re

import numpy as np
import pytest
from agreement import assert_losses_agree, assert_weights_agree
from small_problems import LOSSES_AND_OUTPUTS, small_problem, targets

import twolayer as tl
from twolayer.maths import custom
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES

SQUARED = tl.OwnLoss(
    lambda y_pred, y: 0.5 * (y_pred - y) ** 2, lambda y_pred, y: y_pred - y, name="half"
)
CUBE = tl.OwnActivation(lambda h: h**3, lambda h: 3 * h**2, name="cube")
RECTIFIER = tl.OwnActivation(lambda h: h * (h > 0), lambda h: 1.0 * (h > 0), name="cut")


def own_copy(name):
    """The package's loss of that name, as a user would give it."""
    return tl.OwnLoss(LOSSES[name].elements, LOSSES[name].gradient, is_sum=LOSSES[name].is_sum)


# The same numbers


@pytest.mark.parametrize("engine", ["auto", "numpy", "torch", "torch-autograd"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_loss_of_ones_own_trains_as_the_packages_own(engine, dtype):
    x, y, params, s = small_problem(dtype=dtype, weights=True)
    settings = {"activation": "tanh", "learning_rate": 0.01, "steps": 20, "sample_weight": s}
    run = tl.train(x, y, params, loss=SQUARED, engine=engine, **settings)
    expected = tl.train(x, y, params, loss="squared_error", engine="numpy", **settings)
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    assert_losses_agree(run.losses, expected.losses, first=tolerance)
    assert_weights_agree(run.params, expected.params, tolerance)
    assert run.settings["loss"] == "half"
    if engine == "auto":
        assert run.engine == "numpy"
        assert "as engine 'compiled' has no" in run.why


@pytest.mark.parametrize(("loss", "n_outputs"), LOSSES_AND_OUTPUTS)
def test_every_loss_of_the_package_passes_as_ones_own(loss, n_outputs):
    x, y, params, _ = small_problem(loss, n_outputs)
    value, gradients = tl.loss_and_gradients(x, y, params, loss=own_copy(loss))
    expected, others = tl.loss_and_gradients(x, y, params, loss=loss)
    assert value == pytest.approx(expected, rel=1e-14)
    np.testing.assert_allclose(gradients.w1, others.w1, rtol=1e-13)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_of_the_package_passes_as_ones_own(activation):
    rule = ACTIVATIONS[activation]
    given = tl.OwnActivation(rule.value, lambda h: rule.derivative(h, rule.value(h)))
    x, y, params, _ = small_problem()
    expected = tl.forward(x, params, activation)
    np.testing.assert_array_equal(tl.forward(x, params, given), expected)
    run = tl.train(x, y, params, activation=given, steps=5, learning_rate=1e-3)
    other = tl.train(x, y, params, activation=activation, steps=5, learning_rate=1e-3, engine="numpy")  # fmt: skip
    assert_losses_agree(run.losses, other.losses, first=1e-12)


def test_the_dtype_is_kept_whatever_the_functions_give():
    wide = tl.OwnActivation(lambda h: h.astype("float64"), lambda h: np.ones(h.shape))
    x, y, params, _ = small_problem(dtype="float32")
    _, gradients = tl.loss_and_gradients(x, y, params, activation=wide)
    assert {g.dtype.name for _, g in gradients.items()} == {"float32"}
    assert tl.forward(x, params, wide).dtype == "float32"


def test_many_networks_and_the_trace_take_it_too():
    x, y, many, _ = small_problem(n_networks=3)
    settings = {"loss": SQUARED, "activation": CUBE, "steps": 3, "learning_rate": 1e-4}
    run = tl.train(x, y, many, **settings)
    alone = tl.train(x, y, many.network(1), **settings)
    np.testing.assert_allclose(run.losses[:, 1], alone.losses, rtol=1e-12)
    lines = tl.trace(x, y, many.network(1), loss=SQUARED, activation=CUBE)
    assert next(line.wrote["loss"] for line in lines if "loss" in line.wrote) == pytest.approx(
        alone.losses[0], rel=1e-14
    )


# Where it cannot run


def test_the_compiled_engine_says_that_it_cannot():
    x, y, params, _ = small_problem()
    for settings, said in (
        ({"loss": SQUARED}, "no loss 'half'"),
        ({"activation": CUBE}, "no activation 'cube'"),
    ):
        with pytest.raises(tl.EngineError, match=f"'compiled' has {said}: use engine='numpy'"):
            tl.train(x, y, params, engine="compiled", **settings)


@pytest.mark.parametrize("engine", ["torch", "torch-autograd", "torch-nn"])
def test_functions_that_take_no_tensors_are_told_in_a_sentence(engine):
    strict = tl.OwnActivation(lambda h: h.astype(float), lambda h: np.ones(h.shape), name="strict")
    x, y, params, _ = small_problem()
    said = "activation 'strict' does not take the tensors of torch .*: use engine='numpy'"
    with pytest.raises(tl.EngineError, match=said):
        tl.train(x, y, params, activation=strict, engine=engine, steps=1)


# A wrong pair


def refused(said, **settings):
    x, y, params, _ = small_problem()
    for call in (tl.train, tl.loss_and_gradients, tl.trace):
        with pytest.raises(tl.InputError, match=said) as caught:
            call(x, y, params, **settings)
        assert "\n" not in str(caught.value)


def test_a_wrong_gradient_is_found_with_where_and_by_how_much():
    """2.001 for 2: at the place that is named, the two numbers differ by a thousandth of the smaller's half."""
    wrong = tl.OwnLoss(
        lambda y_pred, y: (y_pred - y) ** 2, lambda y_pred, y: 2.001 * (y_pred - y), name="off"
    )
    x, y, params, _ = small_problem()
    with pytest.raises(tl.InputError, match="loss 'off': its gradient at") as caught:
        tl.train(x, y, params, loss=wrong)
    at, target, given, found, off = map(
        float, re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", str(caught.value))
    )
    assert given == pytest.approx(2.001 * (at - target), rel=1e-4)
    assert found == pytest.approx(2 * (at - target), rel=1e-4)
    assert off == pytest.approx(0.001 * abs(at - target), rel=0.02)


def test_a_wrong_derivative_is_found():
    refused(
        "activation 'own': its derivative at h = .* is .*, but by finite differences of its value it is .*: off by",
        activation=tl.OwnActivation(np.tanh, lambda h: 1 - 0.999 * np.tanh(h) ** 2),
    )


def test_a_class_of_ones_own_is_checked_too():
    class Steep(type(ACTIVATIONS["tanh"])):
        name = "steep"

        def value(self, h, xp=np):
            return xp.tanh(2 * h)

    refused("activation 'steep': its derivative", activation=Steep())


def test_one_wrong_column_is_found():
    """A gradient that forgets one of the outputs."""

    def gradient(y_pred, y):
        return (y_pred - y) * np.array([1.0, 0.0])

    refused("its gradient at .* is 0,", loss=tl.OwnLoss(lambda p, y: 0.5 * (p - y) ** 2, gradient))


def test_functions_that_cannot_be_used():
    half = SQUARED._elements
    nan = tl.OwnLoss(half, lambda y_pred, y: y_pred * np.nan)
    refused("its gradient at .* is nan", loss=nan)
    summed = tl.OwnLoss(lambda y_pred, y: half(y_pred, y).sum(), lambda y_pred, y: y_pred - y)
    refused("its elements must return one number for each entry", loss=summed)
    refused(
        "its gradient does not take arrays .*TypeError", loss=tl.OwnLoss(half, lambda y_pred: 0)
    )
    never = tl.OwnLoss(lambda y_pred, y: y_pred + np.inf, lambda y_pred, y: y_pred)
    refused("is not finite at any of the points", loss=never)
    with pytest.raises(tl.InputError, match="gradient must be a function; got None"):
        tl.OwnLoss(half, None)
    with pytest.raises(tl.InputError, match="value must be a function; got 'tanh'"):
        tl.OwnActivation("tanh", np.cos)


# A right pair is not refused


def test_kinks_steps_and_large_targets_pass():
    """Whatever slope is given at a kink; targets far from 0; and a loss that is not defined everywhere."""
    rng = np.random.default_rng(0)
    custom.check_activation(RECTIFIER)
    for y in (rng.normal(5e4, 1e3, (60, 1)), rng.normal(0, 1e-8, (60, 3)), np.zeros((5, 2))):
        custom.check_loss(SQUARED, y)
        custom.check_loss(own_copy("absolute_error"), y)
        custom.check_loss(own_copy("huber"), y)
    gamma = tl.OwnLoss(lambda p, y: np.log(p) + y / p, lambda p, y: 1 / p - y / p**2)
    custom.check_loss(gamma, rng.gamma(2, 1, (40, 1)))


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
def test_at_a_kink_any_slope_between_the_two_sides_will_do(slope):
    """At the rectifier's kink the slope is 1 on one side and 0 on the other."""
    slopes = (np.full((2, 2), 1.0), np.zeros((2, 2)))
    at = np.zeros((2, 2))
    assert custom.worst_entry(np.full((2, 2), slope), slopes, at, "it") is None
    assert custom.worst_entry(np.full((2, 2), 1.01), slopes, at, "it") is not None
    assert custom.worst_entry(np.full((2, 2), -0.01), slopes, at, "it") is not None


def test_the_estimators_take_and_check_them():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((40, 3))
    y = x[:, 0] * 2
    sine = tl.OwnActivation(np.sin, np.cos, name="sine")
    model = tl.TwoLayerRegressor(activation=sine, random_state=0).fit(x, y)
    assert model.score(x, y) > 0.9
    wrong = tl.OwnActivation(np.sin, np.sin, name="wrong")
    with pytest.raises(tl.InputError, match="activation 'wrong': its derivative"):
        tl.TwoLayerRegressor(activation=wrong).fit(x, y)


@pytest.mark.parametrize("loss", ["poisson", "binary_log_loss"])
def test_the_check_uses_targets_of_the_right_kind(loss):
    """A loss of one's own is tried at the user's targets only, as others may be outside of what it takes."""
    seen = []

    def elements(y_pred, y):
        seen.append(y)
        return LOSSES[loss].elements(y_pred, y)

    y = targets(loss, 2, 30, np.random.default_rng(1))
    custom.check_loss(tl.OwnLoss(elements, LOSSES[loss].gradient), y)
    assert all(np.isin(each, y).all() for each in seen)
