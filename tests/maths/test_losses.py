"""Losses: against torch's own, plain loops, central differences and scikit-learn."""

import math

import independent_torch
import numpy as np
import pytest
import torch
from finite_differences import assert_close, numeric_gradient
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from small_problems import LOSSES_AND_OUTPUTS, targets

import twolayer as tl
from twolayer.maths.losses import LOSSES

each = pytest.mark.parametrize(("name", "n_outputs"), LOSSES_AND_OUTPUTS)
weighted = pytest.mark.parametrize("weighted", [False, True], ids=["unweighted", "weighted"])


def predictions(name, n_outputs, weighted=False, n_rows=6, seed=3):
    rng = np.random.default_rng(seed)
    y_pred = 2 * rng.standard_normal((n_rows, n_outputs))
    y = targets(name, n_outputs, n_rows, rng)
    s = rng.uniform(0.5, 2, n_rows) if weighted else None
    return y_pred, y, s, float(n_rows if s is None else s.sum())


def test_every_loss_is_compared_with_one_of_torchs():
    assert independent_torch.LOSSES.keys() == LOSSES.keys()
    for name, loss in LOSSES.items():
        assert loss.name == name
        assert loss.is_sum == independent_torch.LOSSES[name][1]


@each
@weighted
def test_value_and_gradient_are_torchs(name, n_outputs, weighted):
    y_pred, y, s, total = predictions(name, n_outputs, weighted)
    rows, is_sum = independent_torch.LOSSES[name]
    z = torch.tensor(y_pred, requires_grad=True)
    expected = (torch.tensor(np.ones(len(y)) if s is None else s) * rows(z, torch.tensor(y))).sum()
    expected = expected if is_sum else expected / total
    expected.backward()
    assert LOSSES[name].value(y_pred, y, s, total) == pytest.approx(expected.item(), rel=1e-13)
    assert_close(LOSSES[name].grad_y_pred(y_pred, y, s, total), z.grad.numpy(), 1e-13)


@each
@weighted
def test_gradient_is_the_central_difference(name, n_outputs, weighted):
    y_pred, y, s, total = predictions(name, n_outputs, weighted)
    expected = numeric_gradient(lambda moved: LOSSES[name].value(moved, y, s, total), y_pred)
    assert_close(LOSSES[name].grad_y_pred(y_pred, y, s, total), expected, 1e-8)


@each
def test_autograd_of_the_elements_is_the_gradient(name, n_outputs):
    y_pred, y, *_ = predictions(name, n_outputs)
    z = torch.tensor(y_pred, requires_grad=True)
    LOSSES[name].elements(z, torch.tensor(y), torch).sum().backward()
    assert_close(z.grad.numpy(), LOSSES[name].gradient(y_pred, y), 1e-14)


# what must not overflow: squares, and an exponential whose value really is too large
LARGEST = {"sum_of_squares": 1e150, "squared_error": 1e150, "poisson": 700.0, "gaussian_nll": 350.0}

logits = st.one_of(
    st.floats(-30, 30), st.floats(-1e300, 1e300), st.sampled_from([0.0, 1e3, -1e3, 1e300, -1e300])
)


@each
@settings(deadline=None)
@given(data=st.data())
def test_one_row_in_plain_python_and_arrays_say_the_same(name, n_outputs, data):
    largest = LARGEST.get(name, 1e300)
    z = data.draw(st.lists(logits, min_size=n_outputs, max_size=n_outputs).map(np.array))
    z = np.clip(z, -largest, largest)
    y = predictions(name, n_outputs)[1][0]
    grad = np.full(n_outputs, np.nan)
    value = LOSSES[name].row(z, y, grad, LOSSES[name].parameter)
    elements = LOSSES[name].elements(z[None], y[None])
    assert math.isfinite(value)
    assert value == pytest.approx(
        elements.sum(), rel=1e-13, abs=1e-15 * max(1, np.abs(elements).max(), np.abs(z).max())
    )
    np.testing.assert_allclose(
        grad, LOSSES[name].gradient(z[None], y[None])[0], rtol=1e-13, atol=1e-15
    )


@pytest.mark.parametrize("large", [1e3, 1e300])
def test_extreme_logits_give_the_limits_of_the_log_loss(large):
    """A logit of -z for the true class costs z; one of +z costs nothing (limits of log(1 + exp(-z)))."""
    loss = LOSSES["log_loss"]
    z, y = np.array([[large], [large], [-large], [-large]]), np.array([[1.0], [0.0], [1.0], [0.0]])
    np.testing.assert_array_equal(loss.elements(z, y)[:, 0], [0, large, large, 0])
    np.testing.assert_array_equal(loss.gradient(z, y)[:, 0], [0, 1, -1, 0])
    z, y = np.array([[large, -large, 0.0]] * 2), np.array([[1.0, 0, 0], [0, 1.0, 0]])
    np.testing.assert_array_equal(loss.elements(z, y).sum(1), [0, 2 * large])
    np.testing.assert_array_equal(loss.gradient(z, y), [[0, 0, 0], [1, -1, 0]])


@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("large", [1e3, 1e300])
def test_extreme_logits_through_autograd(n_outputs, large):
    z = torch.tensor([[large, -large, 0.0][:n_outputs]], dtype=torch.float64, requires_grad=True)
    y = torch.eye(3, dtype=torch.float64)[:1, :n_outputs] * (n_outputs > 1)
    value = LOSSES["log_loss"].elements(z, y, torch).sum()
    value.backward()
    assert value.item() == (large if n_outputs == 1 else 0)
    assert z.grad[0].tolist() == [1.0, 0, 0][:n_outputs] if n_outputs == 1 else not z.grad.any()


@each
def test_float32_stays_float32(name, n_outputs):
    y_pred, y, s, total = predictions(name, n_outputs, weighted=True)
    y_pred, y, s = (a.astype("float32") for a in (y_pred, y, s))
    loss = LOSSES[name]
    assert loss.value(y_pred, y, s, total).dtype == "float32"
    assert loss.grad_y_pred(y_pred, y, s, total).dtype == "float32"
    assert loss.grad_y_pred(y_pred, y, None, total).dtype == "float32"


@each
@weighted
def test_many_networks_at_once_are_one_at_a_time(name, n_outputs, weighted):
    y_pred, y, s, total = predictions(name, n_outputs, weighted)
    many = np.stack([y_pred, 2 * y_pred, -y_pred])
    loss = LOSSES[name]
    values, grads = loss.value(many, y, s, total), loss.grad_y_pred(many, y, s, total)
    assert values.shape == (3,)
    for k in range(3):
        assert values[k] == pytest.approx(loss.value(many[k], y, s, total), rel=1e-14)
        np.testing.assert_allclose(grads[k], loss.grad_y_pred(many[k], y, s, total), rtol=1e-14)


@each
def test_a_row_of_weight_2_counts_as_two_rows_and_of_weight_0_as_none(name, n_outputs):
    y_pred, y, *_ = predictions(name, n_outputs)
    s = np.array([2.0, 1, 0, 1, 0, 2])
    again = np.repeat(np.arange(6), s.astype(int))
    expected = LOSSES[name].value(y_pred[again], y[again], None, float(len(again)))
    assert LOSSES[name].value(y_pred, y, s, s.sum()) == pytest.approx(expected, rel=1e-14)


def test_log_loss_is_scikit_learns():
    y_pred, y, *_ = predictions("log_loss", 3)
    p = np.exp(y_pred) / np.exp(y_pred).sum(1, keepdims=True)
    expected = metrics.log_loss(y.argmax(1), p, labels=[0, 1, 2])
    assert LOSSES["log_loss"].value(y_pred, y, None, 6.0) == pytest.approx(expected, rel=1e-13)


def test_the_sum_and_the_half_mean_by_loops():
    """The formulas, a number at a time: Σ (y_pred − y)², and ½ Σ s (y_pred − y)² / Σ s."""
    y_pred, y, s, total = predictions("sum_of_squares", 2, weighted=True)
    squares = [[(y_pred[i, j] - y[i, j]) ** 2 for j in range(2)] for i in range(6)]
    summed = sum(s[i] * sum(squares[i]) for i in range(6))
    assert LOSSES["sum_of_squares"].value(y_pred, y, s, total) == pytest.approx(summed, rel=1e-14)
    mean = 0.5 * summed / sum(s)
    assert LOSSES["squared_error"].value(y_pred, y, s, total) == pytest.approx(mean, rel=1e-14)


# The losses with a number of their own, and those with a kink


@pytest.mark.parametrize("delta", [0.3, 1.0, 2.5])
def test_huber_is_torchs_at_any_delta(delta):
    y_pred, y, *_ = predictions("huber", 2)
    z = torch.tensor(y_pred, requires_grad=True)
    expected = torch.nn.functional.huber_loss(z, torch.tensor(y), reduction="sum", delta=delta)
    expected.backward()
    loss = tl.Huber(delta)
    assert loss.elements(y_pred, y).sum() == pytest.approx(expected.item(), rel=1e-13)
    assert_close(loss.gradient(y_pred, y), z.grad.numpy(), 1e-14)
    inside = np.abs(y_pred - y) <= delta
    assert inside.any()
    assert not inside.all()


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
@weighted
def test_quantile_is_scikit_learns_pinball_loss(level, weighted):
    y_pred, y, s, total = predictions("quantile", 1, weighted, n_rows=20)
    expected = metrics.mean_pinball_loss(y, y_pred, sample_weight=s, alpha=level)
    assert tl.Quantile(level).value(y_pred, y, s, total) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("level", [0.1, 0.5, 0.9])
def test_the_best_constant_is_the_quantile(level):
    """Of all constants the loss is least at the value that a share `level` of y stays below."""
    y = np.random.default_rng(0).standard_normal((1001, 1))
    constants = np.linspace(-3, 3, 6001)
    losses = [tl.Quantile(level).elements(np.full_like(y, c), y).sum() for c in constants]
    assert constants[np.argmin(losses)] == pytest.approx(np.quantile(y, level), abs=2e-3)


def test_poisson_is_scikit_learns_deviance():
    """Half the deviance is the loss less its least value, y − y·log y."""
    y_pred, y, *_ = predictions("poisson", 1)
    least = np.where(y > 0, y - y * np.log(np.maximum(y, 1)), 0).mean()
    expected = metrics.mean_poisson_deviance(y, np.exp(y_pred)) / 2 + least
    assert LOSSES["poisson"].value(y_pred, y, None, 6.0) == pytest.approx(expected, rel=1e-13)


def test_binary_log_loss_is_the_log_loss_of_every_label_alone():
    y_pred, y, s, total = predictions("binary_log_loss", 3, weighted=True)
    alone = [LOSSES["log_loss"].value(y_pred[:, [k]], y[:, [k]], s, total) for k in range(3)]
    assert LOSSES["binary_log_loss"].value(y_pred, y, s, total) == pytest.approx(sum(alone))


@pytest.mark.parametrize("loss", [tl.Quantile(0.5), tl.Quantile(0.9), LOSSES["absolute_error"]])
def test_where_the_prediction_is_exact_the_slope_is_0(loss):
    y = np.array([[1.5, -2.0, 0.0]])
    assert not loss.gradient(y.copy(), y).any()
    grad = np.full(3, np.nan)
    assert loss.row(y[0].copy(), y[0], grad, loss.parameter) == 0
    assert not grad.any()
    z = torch.tensor(y, requires_grad=True)
    loss.elements(z, torch.tensor(y), torch).sum().backward()
    assert not z.grad.any()


@pytest.mark.parametrize("large", [1e3, 1e300])
def test_extreme_differences_give_straight_lines(large):
    """Far out, each of these losses is a straight line, of slopes ±1, ±delta, and 1 − level or −level."""
    z, y = np.array([[large, -large]]), np.zeros((1, 2))
    for loss, slopes in (
        (LOSSES["absolute_error"], [1, -1]),
        (tl.Huber(2.0), [2, -2]),
        (tl.Quantile(0.75), [0.25, -0.75]),
    ):
        expected = np.abs(slopes) * large - (2 if loss.name == "huber" else 0)
        np.testing.assert_allclose(loss.elements(z, y)[0], expected, rtol=1e-15)
        np.testing.assert_array_equal(loss.gradient(z, y)[0], slopes)


@pytest.mark.parametrize("make", [tl.Huber, tl.Quantile])
@pytest.mark.parametrize("value", [0, -1, np.nan, np.inf, "1", None, True, 10**400])
def test_numbers_that_cannot_be(make, value):
    with pytest.raises(tl.InputError, match=r"must be a (finite )?number (above|between) 0"):
        make(value)


def test_the_losses_with_a_number_say_it():
    assert repr(tl.Huber(2)) == "Huber(delta=2.0)"
    assert repr(tl.Quantile(np.float32(0.25))) == "Quantile(level=0.25)"
    with pytest.raises(tl.InputError, match="level must be a number between 0 and 1; got 1"):
        tl.Quantile(1)
