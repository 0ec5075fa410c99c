"""Activations: against SciPy's and Python's own functions, central differences, and torch's automatic differentiation."""

import math

import numpy as np
import pytest
import torch
from finite_differences import numeric_gradient
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, log_expit

from twolayer.maths.activations import ACTIVATIONS

# the same functions from elsewhere: Python's max, NumPy's tanh, SciPy's expit
ELSEWHERE = {
    "relu": lambda h: np.array([max(v, 0.0) for v in h]),
    "identity": lambda h: h.copy(),
    "tanh": np.tanh,
    "logistic": expit,
    "leaky_relu": lambda h: np.array([max(v, 0.01 * v) for v in h]),
    "softplus": lambda h: -log_expit(-h),
    "gelu": lambda h: np.array([v * math.erfc(-v / math.sqrt(2)) / 2 for v in h]),
}
AT_ZERO = {
    "relu": 1.0,  # the tutorial's rule
    "identity": 1.0,
    "tanh": 1.0,
    "logistic": 0.25,
    "leaky_relu": 1.0,  # the same rule
    "softplus": 0.5,
    "gelu": 0.5,
}
each = pytest.mark.parametrize("name", ACTIVATIONS)
ordinary = st.floats(-50, 50)
any_finite = st.floats(allow_nan=False, allow_infinity=False)


def test_every_activation_is_compared_with_one_from_elsewhere():
    assert ELSEWHERE.keys() == ACTIVATIONS.keys() == AT_ZERO.keys()
    assert all(rule.name == name for name, rule in ACTIVATIONS.items())


@each
@settings(deadline=None)
@given(h=st.lists(ordinary, min_size=1, max_size=20).map(np.array))
def test_value_is_the_function_known_elsewhere(name, h):
    np.testing.assert_allclose(
        ACTIVATIONS[name].value(h), ELSEWHERE[name](h), rtol=1e-13, atol=1e-16
    )


@each
@settings(deadline=None)
@given(h=st.floats(-8, 8).filter(lambda v: abs(v) > 1e-3))
def test_derivative_is_the_central_difference(name, h):
    rule = ACTIVATIONS[name]
    at = np.array([h])
    expected = numeric_gradient(lambda v: rule.value(v)[0], at)
    np.testing.assert_allclose(rule.derivative(at, rule.value(at)), expected, rtol=1e-6, atol=1e-9)


@each
@settings(deadline=None)
@given(h=any_finite)
def test_one_number_and_an_array_say_the_same(name, h):
    rule = ACTIVATIONS[name]
    at = np.array([h])
    value = rule.value(at)
    # Python's tanh, expm1 and erfc differ from NumPy's and SciPy's in the last bits
    assert rule.scalar_value(h) == pytest.approx(value[0], rel=1e-15, abs=4e-16)
    by_hand = float(rule.derivative(at, value)[0])
    assert rule.scalar_derivative(h, float(value[0])) == pytest.approx(
        by_hand, rel=1e-15, abs=4e-16
    )


@each
@settings(deadline=None)
@given(h=any_finite)
def test_no_number_overflows_or_is_lost(name, h):
    rule = ACTIVATIONS[name]
    at = np.array([h, 0.0, 1e3, -1e3, 1e300, -1e300])
    value = rule.value(at)
    assert np.isfinite(value).all()
    assert np.isfinite(rule.derivative(at, value)).all()


@each
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_at_exactly_0_by_hand_by_scalar_and_by_autograd(name, zero):
    rule = ACTIVATIONS[name]
    at = np.array([zero, 0.3, -0.3])
    assert float(rule.derivative(at, rule.value(at))[0]) == AT_ZERO[name]
    assert rule.scalar_derivative(zero, rule.scalar_value(zero)) == AT_ZERO[name]
    h = torch.tensor(at, requires_grad=True)
    rule.value(h, torch).sum().backward()
    assert h.grad[0].item() == AT_ZERO[name]


@each
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_torch_gives_numpys_values_and_derivatives_in_the_same_dtype(name, dtype):
    rule = ACTIVATIONS[name]
    at = np.linspace(-4, 4, 81).astype(dtype)
    h = torch.tensor(at, requires_grad=True)
    value = rule.value(h, torch)
    value.sum().backward()
    assert value.dtype == h.dtype
    assert rule.value(at).dtype == dtype
    rtol = 1e-6 if dtype == "float32" else 1e-14
    np.testing.assert_allclose(value.detach().numpy(), rule.value(at), rtol=rtol, atol=rtol)
    by_hand = rule.derivative(at, rule.value(at))
    np.testing.assert_allclose(h.grad.numpy(), by_hand, rtol=rtol, atol=rtol)
    tensor = torch.tensor(at)
    by_hand_in_torch = rule.derivative(tensor, rule.value(tensor, torch), torch)
    np.testing.assert_allclose(by_hand_in_torch.double().numpy(), by_hand, rtol=rtol, atol=rtol)


@each
def test_a_value_that_is_not_a_number_stays_one(name):
    """Training finds a run that diverged by its NaN: no activation may hide it."""
    with np.errstate(invalid="ignore"):  # as training has it
        assert math.isnan(ACTIVATIONS[name].value(np.array([np.nan]))[0])
