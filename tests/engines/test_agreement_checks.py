"""The judges judged: each check of the other tests catches an error that is planted for it."""

from importlib import import_module

import numpy as np
import pytest
import test_engines_agree
from agreement import assert_losses_agree, assert_weights_agree
from finite_differences import assert_close, check_gradients, numeric_gradient
from small_problems import small_problem

import twolayer as tl

losses = import_module("twolayer.maths.losses")
activations = import_module("twolayer.maths.activations")


def value_and_gradients(**options):
    x, y, params, _ = small_problem(skip=True)
    value = lambda moved: tl.loss_and_gradients(x, y, moved, **options)[0]  # noqa: E731
    return value, tl.loss_and_gradients(x, y, params, **options)[1], params


def test_the_right_gradient_passes():
    check_gradients(*value_and_gradients())


def test_central_differences_are_right_on_a_known_function():
    """d/dw Σ sin(w) = cos(w)."""
    w = np.linspace(-2, 2, 7)
    assert_close(numeric_gradient(lambda v: np.sin(v).sum(), w), np.cos(w), 1e-9)


def test_a_factor_of_2_001_for_2_is_caught(monkeypatch):
    monkeypatch.setattr(
        losses.SumOfSquares, "gradient", lambda self, y_pred, y, xp=np: 2.001 * (y_pred - y)
    )
    with pytest.raises(AssertionError, match="gradient of w1: off by"):
        check_gradients(*value_and_gradients())


def test_a_factor_of_a_hundred_thousandth_is_caught(monkeypatch):
    monkeypatch.setattr(
        losses.SumOfSquares, "gradient", lambda self, y_pred, y, xp=np: 2.00002 * (y_pred - y)
    )
    with pytest.raises(AssertionError):
        check_gradients(*value_and_gradients())


def test_a_wrong_derivative_of_an_activation_is_caught(monkeypatch):
    monkeypatch.setattr(activations.Tanh, "derivative", lambda self, h, a, xp=np: 1 - 0.999 * a * a)
    with pytest.raises(AssertionError, match="gradient of w1"):
        check_gradients(*value_and_gradients(activation="tanh"))


@pytest.mark.parametrize("name", ["w1", "b1", "w2", "b2", "w_skip"])
def test_one_wrong_entry_of_any_gradient_is_caught(name):
    value, gradients, params = value_and_gradients()
    array = getattr(gradients, name)
    array.flat[-1] += 1e-5 * np.abs(array).max()
    with pytest.raises(AssertionError, match=f"gradient of {name}"):
        check_gradients(value, gradients, params)


def test_a_gradient_that_is_not_a_number_or_is_missing_is_caught():
    value, gradients, params = value_and_gradients()
    gradients.w2[0, 0] = np.nan
    with pytest.raises(AssertionError):
        check_gradients(value, gradients, params)
    with pytest.raises(AssertionError):
        check_gradients(value, tl.Params(gradients.w1, None, gradients.w2, None), params)


def test_a_wrong_rule_at_exactly_0_is_caught(monkeypatch):
    judge = test_engines_agree.test_at_exactly_0_the_rectifiers_slope_is_1
    judge("numpy", False, "float64")
    judge("torch-nn", False, "float64")
    monkeypatch.setattr(activations.Relu, "derivative", lambda self, h, a, xp=np: h > 0)
    with pytest.raises(AssertionError):
        judge("numpy", False, "float64")
    # torch's own rectifier, whose slope at 0 is 0
    monkeypatch.setattr(
        activations.Relu, "value", lambda self, h, xp=np: xp.relu(h) if xp is not np else h.clip(0)
    )
    with pytest.raises(AssertionError):
        judge("torch-nn", False, "float64")
    with pytest.raises(AssertionError):
        judge("torch-autograd", False, "float64")


@pytest.mark.parametrize(
    ("step", "by", "caught"),
    [
        (0, 2e-9, True),
        (99, 2e-9, True),
        (99, 5e-10, False),
        (100, 2e-9, False),
        (100, 2e-6, True),
        (149, np.nan, True),
    ],
)
def test_one_loss_that_is_off_is_caught(step, by, caught):
    expected = np.geomspace(1e7, 1e-6, 150)
    found = expected.copy()
    found[step] *= 1 + by
    if not caught:
        assert_losses_agree(found, expected, first=1e-9, rest=1e-6)
        return
    with pytest.raises(AssertionError):
        assert_losses_agree(found, expected, first=1e-9, rest=1e-6)


def test_too_few_losses_are_caught():
    with pytest.raises(AssertionError):
        assert_losses_agree(np.ones(9), np.ones(10), first=1)


def test_one_weight_that_is_off_is_caught():
    params = tl.init_params(4, 3, 2)
    for name, array in params.items():
        other = params.copy()
        assert_weights_agree(other, params, 1e-8)
        getattr(other, name).flat[0] += 2e-8 * np.abs(array).max()
        with pytest.raises(AssertionError, match=name):
            assert_weights_agree(other, params, 1e-8)
    with pytest.raises(AssertionError):
        assert_weights_agree(params.map(lambda w: w.astype("float32")), params, 1e-3)
