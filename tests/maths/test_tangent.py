"""The closed form of leaving rows out: the truth is another training without them."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

import twolayer as tl
from twolayer.maths import network, span
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES, Quantile
from twolayer.maths.network import Params
from twolayer.maths.tangent import Tangent, left_out_constant, solved


def standardised(x):
    return (x - x.mean(0)) / x.std(0)


def diabetes():
    x, y = load_diabetes(return_X_y=True)
    return standardised(x[:80]), standardised(y[:80, None])


def cancer():
    x, y = load_breast_cancer(return_X_y=True)
    return standardised(x[:80]), y[:80, None].astype(float)


def imbalanced():
    x, y = load_breast_cancer(return_X_y=True)
    rows = np.r_[np.flatnonzero(y == 0)[:8], np.flatnonzero(y == 1)[:72]]
    return standardised(x[rows]), (y[rows] == 0)[:, None].astype(float)


def wine():
    x, y = load_wine(return_X_y=True)
    return standardised(x[::2]), np.eye(3)[y[::2]]


def wide_numbers():
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((50, 5))  # a spectrum of five substances
    x = standardised(factors @ rng.standard_normal((5, 600)) + 0.5 * rng.standard_normal((50, 600)))
    y = factors[:, :1] + np.abs(factors[:, 1:2]) + 0.3 * rng.standard_normal((50, 1))
    return span.row_coordinates(x).z, standardised(y)


def wide_classes():
    rng = np.random.default_rng(1)
    y = np.arange(48) % 3
    x = rng.standard_normal((48, 500))
    x[:, :30] += np.repeat(rng.standard_normal((3, 10)), 3, axis=1)[y]
    return span.row_coordinates(x).z, 0.9 * np.eye(3)[y] + 0.1 / 3


def counts():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((80, 4))
    return x, rng.poisson(np.exp(0.5 * x[:, :1] + 1)).astype(float)


def two_outputs():
    rng = np.random.default_rng(3)
    x = rng.standard_normal((70, 5))
    return x, np.c_[np.abs(x[:, 0]), x[:, 1] + 0.3 * rng.standard_normal(70)]


def labels():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((80, 4))
    return x, (x[:, :2] + rng.standard_normal((80, 2)) > 0).astype(float)


CASES = [
    (diabetes, "squared_error", "relu", 20.0, False),
    (diabetes, "sum_of_squares", "tanh", 40.0, False),
    (diabetes, "huber", "softplus", 20.0, False),
    (cancer, "log_loss", "relu", 3.0, False),
    (imbalanced, "log_loss", "tanh", 1.0, False),
    (wine, "log_loss", "relu", 3.0, True),
    (wide_numbers, "squared_error", "gelu", 30.0, False),  # no kink, where trainings end apart
    (wide_classes, "log_loss", "relu", 10.0, True),
    (counts, "poisson", "tanh", 10.0, False),
    (two_outputs, "squared_error", "relu", 10.0, False),
    (labels, "binary_log_loss", "gelu", 10.0, True),
]


def trained(x, y, loss, activation, alpha, skip, s=None, start=None):
    if start is None:
        start = tl.init_params(
            x.shape[1], 12, y.shape[1], scheme="glorot", random_state=0, skip=skip
        )
    settings = {"solver": "lbfgs", "alpha": alpha, "steps": 3000, "tol": 1e-8}
    run = tl.train(x, y, start, loss=loss, activation=activation, sample_weight=s, **settings)
    return run.params


def correlation(a, b):
    return np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]


@pytest.mark.parametrize(
    ("table", "loss", "activation", "alpha", "skip"),
    CASES,
    ids=lambda value: getattr(value, "__name__", str(value)),
)
@pytest.mark.parametrize("how", ["rows", "weighted", "blocks"])
def test_left_out_outputs_are_those_of_another_training(table, loss, activation, alpha, skip, how):
    x, y = table()
    rng = np.random.default_rng(5)
    s = rng.uniform(0.5, 2, len(y)) if how == "weighted" else None
    blocks = None if how != "blocks" else np.array_split(rng.permutation(len(y)), 10)
    params = trained(x, y, loss, activation, alpha, skip, s)
    rule, act = LOSSES[loss], ACTIVATIONS[activation]
    tangent = Tangent(x, y, s, params, rule, act, alpha)
    found = tangent.left_out(blocks)
    rows = np.arange(0, len(y), 4) if blocks is None else np.concatenate(blocks[:4])
    truth = np.empty((len(rows), y.shape[1]))
    for block in blocks[:4] if blocks else rows[:, None]:
        kept = np.delete(np.arange(len(y)), block)
        own = None if s is None else s[kept]
        again = trained(x[kept], y[kept], loss, activation, alpha, skip, own, params)
        truth[np.isin(rows, block)] = network.forward(x[rows[np.isin(rows, block)]], again, act)
    fitted = tangent.outputs[rows]
    moved, moved_truly = found[rows] - fitted, truth - fitted
    if loss == "log_loss" and y.shape[1] > 1:  # a common shift of the logits says nothing
        moved -= moved.mean(1, keepdims=True)
        moved_truly -= moved_truly.mean(1, keepdims=True)
    assert correlation(fitted + moved, fitted + moved_truly) > 0.99
    assert correlation(moved, moved_truly) > 0.9
    own = rule.elements(found[rows], y[rows]).sum(1).mean()
    assert abs(own - rule.elements(truth, y[rows]).sum(1).mean()) < 0.02 * max(1, own)


@pytest.mark.parametrize(
    ("table", "loss", "activation", "alpha", "skip"),
    [one for one in CASES if one[0] in (diabetes, wine, wide_numbers, wide_classes, labels)],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
@pytest.mark.parametrize("size", [1, 5])
def test_changes_of_all_outputs_are_those_of_another_training(
    table, loss, activation, alpha, skip, size
):
    x, y = table()
    params = trained(x, y, loss, activation, alpha, skip)
    act = ACTIVATIONS[activation]
    tangent = Tangent(x, y, None, params, LOSSES[loss], act, alpha)
    blocks = [np.arange(i, i + size) for i in range(0, len(y) - size + 1, 8)]
    found = tangent.changes(blocks)
    truth = np.empty_like(found)
    for k, block in enumerate(blocks):
        kept = np.delete(np.arange(len(y)), block)
        again = trained(x[kept], y[kept], loss, activation, alpha, skip, None, params)
        truth[k] = network.forward(x, again, act) - tangent.outputs
    if loss == "log_loss" and y.shape[1] > 1:  # a common shift of the logits says nothing
        found, truth = (one - one.mean(axis=2, keepdims=True) for one in (found, truth))
    assert correlation(found, truth) > 0.9
    for settled in (False, True):
        changes = tangent.changes(blocks, settled)
        for k, block in enumerate(blocks):
            rest = tangent.unsettled[block] if settled else 0
            own = tangent.left_out([block], settled)[block] - tangent.outputs[block] + rest
            np.testing.assert_allclose(changes[k, block], own, atol=1e-9)


@pytest.mark.parametrize("n_inputs", [3, 60])
def test_ridge_regression_of_the_features_is_met_to_rounding(n_inputs):
    """With the step to the linear minimum it is the minimum without the rows, of the problem that is linear in the weights."""
    rng = np.random.default_rng(0)
    x, y, alpha = rng.standard_normal((40, n_inputs)), rng.standard_normal((40, 2)), 2.0
    params = trained(x, y, "squared_error", "tanh", alpha, True)
    tangent = Tangent(x, y, None, params, LOSSES["squared_error"], ACTIVATIONS["tanh"], alpha)
    assert tangent.in_rows == (n_inputs == 60)
    j = numerical_features(x, params)  # (rows, outputs, weights and b2)
    penalty = np.r_[np.full(j.shape[-1] - 2, alpha), 0, 0]
    weights = np.r_[params.w1.ravel(), params.w2.ravel(), params.w_skip.ravel(), params.b2]
    block = np.array([3, 8, 21])
    kept = np.delete(np.arange(40), block)
    a = j[kept].reshape(-1, j.shape[-1])
    target = (y - tangent.outputs)[kept].ravel()
    step = np.linalg.solve(a.T @ a + np.diag(penalty), a.T @ target - penalty * weights)
    expected = tangent.outputs[block] + j[block] @ step
    found = tangent.left_out([block], settled=True)[block]  # wherever training ended
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    changes = tangent.changes([block], settled=True)[0]  # counted from the linear minimum
    np.testing.assert_allclose(changes, j @ step + tangent.unsettled, rtol=1e-5, atol=1e-6)
    h = np.linalg.inv(j.reshape(80, -1).T @ j.reshape(80, -1) + np.diag(penalty))
    leverage = np.einsum("iap,pq,iaq->i", j, h, j)
    np.testing.assert_allclose(tangent.leverage, leverage, atol=1e-4)
    new = rng.standard_normal((7, n_inputs))
    j_new = numerical_features(new, params)
    variance = np.einsum("iap,pq,iaq->ia", j_new, h, j_new)
    found = tangent.variance(new, params, ACTIVATIONS["tanh"])
    np.testing.assert_allclose(found, variance, rtol=1e-4, atol=1e-6)


def numerical_features(x, params):
    """Derivatives of the outputs by w1, w2, w_skip and b2, from differences."""
    names = ("w1", "w2", "w_skip", "b2")
    columns = []
    for name in names:
        for place in np.ndindex(getattr(params, name).shape):
            moved = {other: np.array(getattr(params, other)) for other in (*names, "b1")}
            moved[name][place] += 1e-6
            up = network.forward(x, Params(**moved), ACTIVATIONS["tanh"])
            moved[name][place] -= 2e-6
            down = network.forward(x, Params(**moved), ACTIVATIONS["tanh"])
            columns.append((up - down) / 2e-6)
    return np.stack(columns, axis=-1)


def test_a_row_of_no_weight_keeps_its_outputs_and_sparse_rows_give_the_same():
    x, y = diabetes()
    s = np.ones(80)
    s[5] = 0
    params = trained(x, y, "squared_error", "relu", 20.0, False, s)
    settings = (params, LOSSES["squared_error"], ACTIVATIONS["relu"], 20.0)
    tangent = Tangent(x, y, s, *settings)
    assert tangent.left_out()[5] == tangent.outputs[5]
    sparse = Tangent(sp.csr_array(x), y, s, *settings)
    np.testing.assert_allclose(sparse.left_out(), tangent.left_out(), rtol=1e-9)


def test_all_rows_left_out_together_have_no_answer():
    x, y = diabetes()
    params = trained(x, y, "squared_error", "relu", 20.0, False)
    tangent = Tangent(x, y, None, params, LOSSES["squared_error"], ACTIVATIONS["relu"], 20.0)
    assert np.isnan(tangent.left_out([np.arange(80)])).all()
    changes = tangent.changes([np.arange(80), np.arange(2)])
    assert np.isnan(changes[0]).all()
    assert np.isfinite(changes[1]).all()


@pytest.mark.parametrize("size", [1, 2, 40])
@pytest.mark.parametrize("rounding", [0.0, 1e-12, -1e-12])
def test_a_matrix_that_is_singular_but_for_rounding_has_no_solution(size, rounding):
    """Whatever the sign that rounding leaves, and however many other eigenvalues there are."""
    q = np.linalg.qr(np.random.default_rng(0).standard_normal((size, size)))[0]
    eigenvalues = np.linspace(0.2, 1, size)
    eigenvalues[0] = rounding
    matrix = (q * eigenvalues) @ q.T
    assert np.isnan(solved(matrix, np.ones((size, 1)))).all()
    eigenvalues[0] = 1e-3
    matrix = (q * eigenvalues) @ q.T
    assert matrix @ solved(matrix, np.ones((size, 1))) == pytest.approx(np.ones((size, 1)))


def test_the_constant_without_a_row_is_the_mean_of_the_others():
    y = np.array([1.0, 2.0, 6.0, 11.0])[:, None]
    found = left_out_constant(y.mean(0), y, None, LOSSES["squared_error"])
    np.testing.assert_allclose(found[:, 0], [19 / 3, 6.0, 14 / 3, 3.0])


@pytest.mark.parametrize("loss", [loss for loss in LOSSES.values() if loss.smooth], ids=str)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_curvature_is_the_derivative_of_the_gradient(loss, n_outputs):
    rng = np.random.default_rng(0)
    y_pred = rng.standard_normal((20, n_outputs))
    y = np.eye(3)[rng.integers(0, 3, 20)][:, :n_outputs]
    found = loss.curvature(y_pred, y)
    from_differences = super(type(loss), loss).curvature(y_pred, y)
    np.testing.assert_allclose(found, from_differences, atol=1e-8)


def test_a_loss_whose_gradient_jumps_says_so():
    assert not LOSSES["absolute_error"].smooth
    assert not Quantile(0.9).smooth


def test_a_training_cut_short_is_settled_in_the_linear_view():
    """On a wide table the network is nearly linear in its weights, so the settled outputs are those of a full training."""
    x, y = wide_classes()
    rule, act = LOSSES["log_loss"], ACTIVATIONS["tanh"]
    full = trained(x, y, "log_loss", "tanh", 1.0, False)
    rng = np.random.default_rng(0)
    short = full.map(lambda w: w + 0.02 * rng.standard_normal(w.shape))
    truth = Tangent(x, y, None, full, rule, act, 1.0).left_out()
    tangent = Tangent(x, y, None, short, rule, act, 1.0)
    off = [np.abs(tangent.left_out(settled=settled) - truth).mean() for settled in (False, True)]
    assert off[1] < 0.5 * off[0]


@pytest.mark.parametrize("n_inputs", [3, 60])
@pytest.mark.parametrize("settled", [False, True])
def test_changes_of_other_rows(n_inputs, settled):
    """Of the rows of training they are those that `left_out` makes; of new ones, of the problem linear in the weights."""
    rng = np.random.default_rng(0)
    x, y, alpha = rng.standard_normal((40, n_inputs)), rng.standard_normal((40, 2)), 2.0
    params = trained(x, y, "squared_error", "tanh", alpha, True)
    act = ACTIVATIONS["tanh"]
    tangent = Tangent(x, y, None, params, LOSSES["squared_error"], act, alpha)
    blocks = [np.array([0, 5]), np.array([7]), np.arange(10, 20)]
    own = tangent.changes_of(x, params, act, blocks, settled)
    without = tangent.left_out(blocks, settled) - tangent.outputs
    for changes, block in zip(own, blocks, strict=True):
        np.testing.assert_allclose(changes[block], without[block], atol=1e-9)
    j = numerical_features(x, params)
    penalty = np.r_[np.full(j.shape[-1] - 2, alpha), 0, 0]
    weights = np.r_[params.w1.ravel(), params.w2.ravel(), params.w_skip.ravel(), params.b2]
    kept = np.setdiff1d(np.arange(40), blocks[2])
    a = j[kept].reshape(-1, j.shape[-1])
    target = (y - tangent.outputs)[kept].ravel()
    step = np.linalg.solve(a.T @ a + np.diag(penalty), a.T @ target - penalty * weights)
    new = 2 * rng.standard_normal((7, n_inputs))
    found = tangent.changes_of(new, params, act, blocks, settled)[2]
    rough = {} if settled else {"rtol": 0.02}  # how far training is from the minimum
    np.testing.assert_allclose(
        found, numerical_features(new, params) @ step, **{"rtol": 1e-5, "atol": 2e-4, **rough}
    )
