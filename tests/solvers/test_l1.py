"""l1: the sum of absolute first-layer weights, made small with weights that are exactly 0."""

import numpy as np
import pytest
from sklearn.linear_model import Lasso
from slow_cases import slow

import twolayer as tl
from twolayer.solvers.contract import Solver, soft_threshold

ENGINES = ("numpy", "torch", "torch-autograd", "torch-function")
SOLVERS = {
    "gd": {"solver": "gd", "learning_rate": 0.1},
    "momentum": {"solver": "gd", "learning_rate": 0.02, "momentum": 0.9},
    "adam": {"solver": "adam", "learning_rate": 0.01},
}


def table(n_rows=60, n_inputs=8):
    """Numbers of which only the first three columns tell anything."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((n_rows, n_inputs))
    return x, 3 * x[:, 0] - 2 * x[:, 1] + 0.4 * x[:, 2] + rng.standard_normal(n_rows)


def linear_model(n_inputs):
    """A network whose hidden layer is put out: all of it 0, where no gradient moves it."""
    return tl.Params(
        w1=np.zeros((n_inputs, 1)),
        b1=None,
        w2=np.zeros((1, 1)),
        b2=np.zeros(1),
        w_skip=np.full((n_inputs, 1), 0.1),
    )


@pytest.mark.slow
@pytest.mark.parametrize("l1", [12.0, *slow(1.0)])
@pytest.mark.parametrize("settings", SOLVERS.values(), ids=SOLVERS)
def test_a_skip_layer_alone_is_scikit_learns_lasso(settings, l1):
    x, y = table()
    run = tl.train(x, y, linear_model(8), loss="squared_error", l1=l1, steps=5000, **settings)
    lasso = Lasso(alpha=l1 / len(x), tol=1e-12, max_iter=100_000).fit(x, y)
    np.testing.assert_allclose(run.params.w_skip[:, 0], lasso.coef_, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(run.params.b2[0], lasso.intercept_, atol=1e-6)
    np.testing.assert_array_equal(run.params.w_skip[:, 0] == 0, lasso.coef_ == 0)
    assert l1 < 10 or (lasso.coef_ == 0).any()


@pytest.mark.parametrize("settings", SOLVERS.values(), ids=SOLVERS)
@pytest.mark.parametrize("loss", ["squared_error", *slow("sum_of_squares")])
def test_the_first_layer_ends_at_a_minimum(loss, settings):
    """There the gradient of the smooth part is −l1·sign(w) where w is not 0, and at most l1 in size where it is."""
    x, y = table()
    l1, alpha, factor = 6.0, 3.0, 6.0 / len(x)
    settings = dict(settings)
    if loss == "sum_of_squares":  # the same objective, times twice the rows
        l1, alpha, factor = 12.0, 6.0, 12.0
        if settings["solver"] == "gd":
            settings["learning_rate"] /= 2 * len(x)
    params = tl.init_params(8, 3, 1, scheme="he", random_state=1)
    objective = {"loss": loss, "activation": "tanh", "alpha": alpha}
    run = tl.train(x, y, params, l1=l1, steps=8000, **objective, **settings)
    _, smooth = tl.loss_and_gradients(x, y, run.params, **objective)
    w1, gradient = run.params.w1, smooth.w1 / factor
    there = w1 != 0
    np.testing.assert_allclose(gradient[there], -np.sign(w1[there]), rtol=1e-3)
    assert (np.abs(gradient[~there]) <= 1).all()
    assert 0 < there.sum() < w1.size
    np.testing.assert_allclose(smooth.w2 / factor, 0, atol=1e-3)  # w2 is free of l1


@pytest.mark.parametrize("batch_size", [None, 20])
@pytest.mark.parametrize("weights", [False, True])
@pytest.mark.parametrize("loss", ["squared_error", "sum_of_squares"])
def test_the_objective_holds_its_share(loss, weights, batch_size):
    x, y = table()
    s = np.linspace(0.5, 2.0, len(x)) if weights else None
    params = tl.init_params(8, 3, 1, skip=True, random_state=2)
    settings = {
        "loss": loss, "steps": 3, "learning_rate": 1e-300, "batch_size": batch_size,
        "sample_weight": s, "random_state": 0,
    }  # fmt: skip
    total = len(x) if s is None else s.sum()
    absolute = np.abs(params.w1).sum() + np.abs(params.w_skip).sum()
    without, with_l1 = (tl.train(x, y, params, l1=l1, **settings) for l1 in (0.0, 7.0))
    more = 7.0 * absolute / (1 if loss == "sum_of_squares" else total)
    np.testing.assert_allclose(with_l1.final_loss - without.final_loss, more, rtol=1e-9)
    parts = with_l1.losses - without.losses
    if loss == "sum_of_squares":  # a pass is three batches, and their shares add up
        parts = parts.sum() if batch_size else parts
    np.testing.assert_allclose(parts, more, rtol=1e-9)


@pytest.mark.parametrize("settings", SOLVERS.values(), ids=SOLVERS)
@pytest.mark.parametrize("n_networks", [None, 2])
def test_engines_agree(settings, n_networks):
    x, y = table()
    params = tl.init_params(8, 5, 1, scheme="he", skip=True, random_state=3, n_networks=n_networks)
    runs = [
        tl.train(
            x, y, params, loss="squared_error", l1=3.0, alpha=0.1, steps=60, batch_size=25,
            random_state=0, engine=engine, **settings,
        )
        for engine in ENGINES
    ]  # fmt: skip
    assert (runs[0].params.w1 == 0).any()
    for run in runs[1:]:
        np.testing.assert_allclose(run.losses, runs[0].losses, rtol=1e-10)
        for (_, w), (_, expected) in zip(run.params.items(), runs[0].params.items(), strict=True):
            np.testing.assert_allclose(w, expected, rtol=1e-8, atol=1e-12)


def test_momentum_is_ipiano_a_number_at_a_time():
    """w ← soft(w − rate·gradient + momentum·(w − the w before), rate·l1), as the paper has it."""
    rate, momentum, l1 = 0.05, 0.8, 0.3
    x, y = np.array([[1.0]]), np.array([[0.7]])
    params = tl.Params(np.zeros((1, 1)), None, np.zeros((1, 1)), None, np.array([[2.0]]))
    w = before = 2.0
    for steps in range(1, 40):
        moved = w - rate * (w - 0.7) + momentum * (w - before)
        w, before = np.sign(moved) * max(abs(moved) - rate * l1, 0.0), w
        run = tl.train(
            x, y, params, loss="squared_error", l1=l1, learning_rate=rate, momentum=momentum,
            steps=steps, engine="numpy",
        )  # fmt: skip
        np.testing.assert_allclose(run.params.w_skip.item(), w, rtol=1e-12, atol=1e-15)


def test_the_soft_threshold_goes_no_further_than_0():
    w = np.array([-3.0, -0.5, 0.0, 0.5, 3.0])
    np.testing.assert_array_equal(soft_threshold(w, 1.0), [-1.0, -0.5, 0.0, 0.5, 1.0])
    np.testing.assert_array_equal(w, [-2.0, 0.0, 0.0, 0.0, 2.0])


def test_sparse_rows_are_the_dense_ones():
    from scipy.sparse import csr_array

    x, y = table()
    x[np.abs(x) < 0.7] = 0
    params = tl.init_params(8, 3, 1, scheme="he", random_state=1)
    settings = {"loss": "squared_error", "l1": 4.0, "solver": "adam", "learning_rate": 0.02}
    dense, sparse = (tl.train(each, y, params, **settings) for each in (x, csr_array(x)))
    np.testing.assert_allclose(sparse.losses, dense.losses, rtol=1e-9)
    assert (sparse.params.w1 == 0).any()


class Slow(Solver):
    """A solver that says nothing of l1."""

    name = "slow"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"solver": "lbfgs"}, "'lbfgs' has no l1.* use solver='gd' or 'adam'"),
        ({"solver": Slow()}, "'slow' has no l1"),
        ({"momentum": 0.9, "nesterov": True}, "with nesterov has no l1"),
        ({"span": True}, "span=True cannot be exact with l1"),
        ({"l1": -1.0}, "l1 must be a finite number, at least 0; got -1"),
        ({"engine": "torch-nn"}, "'torch-nn' has no l1.* use engine='torch'"),
        ({"engine": "compiled"}, "'compiled' has no l1.* use engine='numpy'"),
    ],
)
def test_what_cannot_be(settings, message):
    x, y = table()
    with pytest.raises(tl.TwoLayerError, match=message):
        tl.train(x, y, tl.init_params(8, 3, 1), **{"l1": 1.0, **settings})


def test_auto_takes_an_engine_that_can_and_the_long_way():
    x, y = table(n_rows=6, n_inputs=900)
    run = tl.train(
        x, y, tl.init_params(900, 3, 1, random_state=0), l1=1.0, learning_rate=1e-7, steps=400
    )
    assert not run.span
    assert run.engine == "numpy"
    assert "engine 'compiled' has no l1" in run.why
    assert "l1 leaves the span" in run.why
    assert run.settings["l1"] == 1.0
