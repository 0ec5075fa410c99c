"""The two halves of the program as users call them: `forward`, and `loss_and_gradients`."""

import numpy as np
import pytest
import scipy.sparse
from small_problems import small_problem

import twolayer as tl
from twolayer.engines import ENGINE_NAMES
from twolayer.maths.activations import Activation
from twolayer.maths.losses import Loss


class Softplus(Activation):
    """log(1 + exp(h)): one that the package does not have."""

    name = "softplus"

    def value(self, h, xp=np):
        return xp.logaddexp(h, xp.zeros_like(h))

    def derivative(self, h, a, xp=np):
        return 0.5 * (1 + xp.tanh(0.5 * h))


class Quartic(Loss):
    """Σ (y_pred − y)⁴: one that the package does not have."""

    name = "quartic"
    is_sum = True

    def elements(self, y_pred, y, xp=np):
        return (y_pred - y) ** 4

    def gradient(self, y_pred, y, xp=np):
        return 4 * (y_pred - y) ** 3


def test_every_public_name_is_there():
    assert all(getattr(tl, name) is not None for name in tl.__all__)


def test_forward_of_one_row():
    """h = (2·1 + 1·3, 2·(−1) + 1·0) = (5, −2), h_relu = (5, 0), y_pred = 5·2 + 0·7 + 0.5, plus 2·10 + 1·100 by the skip."""
    params = tl.Params(
        np.array([[1.0, -1.0], [3.0, 0.0]]),
        None,
        np.array([[2.0], [7.0]]),
        np.array([0.5]),
        np.array([[10.0], [100.0]]),
    )
    np.testing.assert_array_equal(tl.forward([[2, 1]], params), [[130.5]])
    np.testing.assert_array_equal(tl.forward([[2, 1]], params, "identity"), [[116.5]])


def test_forward_of_a_sparse_table():
    x, _, params, _ = small_problem(skip=True)
    y_pred = tl.forward(scipy.sparse.csc_array(x), params)
    assert isinstance(y_pred, np.ndarray)
    np.testing.assert_allclose(y_pred, tl.forward(x, params), rtol=1e-13)


@pytest.mark.parametrize(
    "engine", ["numpy", "torch", "torch-autograd", "torch-function", "torch-nn"]
)
def test_an_activation_and_a_loss_of_ones_own(engine):
    """Expected values: log1p(exp(h)) and the fourth power, with their derivatives by the chain rule in plain NumPy."""
    x, y, params, _ = small_problem(bias=False)
    h = x @ params.w1
    softplus, slope = np.log1p(np.exp(h)), 1 / (1 + np.exp(-h))
    difference = softplus @ params.w2 - y
    grad_h = 4 * difference**3 @ params.w2.T * slope
    value, gradients = tl.loss_and_gradients(
        x, y, params, loss=Quartic(), activation=Softplus(), engine=engine
    )
    assert value == pytest.approx((difference**4).sum(), rel=1e-12)
    np.testing.assert_allclose(gradients.w1, x.T @ grad_h, rtol=1e-10)
    np.testing.assert_allclose(gradients.w2, softplus.T @ (4 * difference**3), rtol=1e-10)
    run = tl.train(
        x,
        y,
        params,
        loss=Quartic(),
        activation=Softplus(),
        engine=engine,
        learning_rate=1e-7,
        steps=3,
    )
    assert run.settings["loss"] == "quartic"
    assert (np.diff(run.losses) < 0).all()


def test_the_compiled_engine_says_that_it_has_only_its_own():
    x, y, params, _ = small_problem()
    with pytest.raises(
        tl.EngineError, match="'compiled' has no activation 'softplus': use engine='numpy'"
    ):
        tl.train(x, y, params, activation=Softplus(), engine="compiled")
    with pytest.raises(
        tl.EngineError, match="'compiled' has no loss 'quartic': use engine='numpy'"
    ):
        tl.train(x, y, params, loss=Quartic(), engine="compiled")
    assert tl.train(x, y, params, activation=Softplus(), steps=1).engine == "numpy"


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_gradients_are_arrays_of_their_own(engine):
    x, y, params, _ = small_problem(skip=True)
    before = params.copy()
    _, gradients = tl.loss_and_gradients(x, y, params, engine=engine)
    for name, gradient in gradients.items():
        assert not np.shares_memory(gradient, getattr(params, name))
        gradient += 1
        np.testing.assert_array_equal(getattr(params, name), getattr(before, name))


def test_the_engine_may_be_left_to_the_package():
    x, y, params, _ = small_problem()
    value, gradients = tl.loss_and_gradients(x, y, params, engine="auto")
    expected, by_hand = tl.loss_and_gradients(x, y, params)
    assert value == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(gradients.w1, by_hand.w1, rtol=1e-12)


def test_a_gradient_step_is_a_step_of_training():
    x, y, params, s = small_problem("squared_error", weights=True)
    options = {"loss": "squared_error", "alpha": 0.3, "sample_weight": s}
    _, gradients = tl.loss_and_gradients(x, y, params, **options)
    run = tl.train(x, y, params, engine="numpy", learning_rate=0.1, steps=1, **options)
    for name, w in run.params.items():
        np.testing.assert_allclose(
            w, getattr(params, name) - 0.1 * getattr(gradients, name), rtol=1e-14
        )
