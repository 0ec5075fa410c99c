"""L-BFGS: on functions whose minimum is known, against the dense formula, and on networks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import Polynomial
from small_problems import SMOOTH_LOSSES_AND_OUTPUTS, small_problem

import twolayer as tl
from twolayer.engines import ENGINE_NAMES
from twolayer.solvers import line_search
from twolayer.solvers.lbfgs import LBFGS


def as_params(theta):
    """A vector as Params: some of it in w1, the rest in w2."""
    return tl.Params(theta[:2].reshape(1, 2).copy(), None, theta[2:].reshape(2, -1).copy(), None)


def as_vector(params):
    return np.concatenate([w.ravel() for _, w in params.items()])


def minimise(function, start, steps=200, **settings):
    """Steps of L-BFGS on `function(theta) -> (value, gradient)`: the values before each, the last point, its memory."""
    solver, params, values, looks = LBFGS(**settings), as_params(start), [], []

    def evaluate(p):
        value, gradient = function(as_vector(p))
        looks.append(value)
        return value, as_params(gradient)

    memory = solver.start(params)
    while len(values) < steps and not solver.finished(memory):
        values.append(float(solver.step(evaluate, params, memory)))
    return np.array(values), as_vector(params), memory, len(looks)


def quadratic(n=8, condition=1e3, seed=0):
    """½·wᵀAw − bᵀw with eigenvalues from 1 to `condition`; its minimum by numpy.linalg."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.standard_normal((n, n)))
    a, b = q * np.geomspace(1, condition, n) @ q.T, rng.standard_normal(n)
    return (
        lambda w: (0.5 * w @ a @ w - b @ w, a @ w - b),
        np.linalg.solve(a, b),
        rng.standard_normal(n),
    )


def rosenbrock(w):
    """Σ over two pairs of 100·(v − u²)² + (1 − u)²: minimum 0 at (1, 1, 1, 1), along a bent valley."""
    u, v = w[::2], w[1::2]
    gradient = np.empty(4)
    gradient[::2] = -400 * u * (v - u * u) - 2 * (1 - u)
    gradient[1::2] = 200 * (v - u * u)
    return (100 * (v - u * u) ** 2 + (1 - u) ** 2).sum(), gradient


def test_a_quadratic_is_minimised():
    function, minimum, start = quadratic()
    values, point, memory, looks = minimise(function, start, gradient_tol=1e-5)
    np.testing.assert_allclose(point, minimum, atol=1e-5)
    assert (np.diff(values) < 0).all()
    assert len(values) < 60
    assert looks < 1.5 * len(values)
    assert "gradient" in memory["finished"]
    assert np.linalg.norm(function(point)[1]) <= 1e-5


def test_with_room_for_all_moves_a_quadratic_of_8_takes_hardly_more_than_8_steps():
    """With an exact line search L-BFGS is conjugate gradients, which end after n steps; this search is not exact."""
    function, minimum, start = quadratic(condition=10)
    values, point, *_ = minimise(function, start, gradient_tol=1e-6)
    np.testing.assert_allclose(point, minimum, atol=1e-6)
    assert len(values) <= 24


def test_a_bent_valley_is_followed_to_its_end():
    values, point, *_ = minimise(rosenbrock, np.array([-1.2, 1.0, -0.5, 2.0]), gradient_tol=1e-10)
    np.testing.assert_allclose(point, 1, atol=1e-8)
    assert (np.diff(values) < 0).all()
    assert len(values) < 100


def test_the_direction_is_that_of_the_dense_bfgs_matrix():
    """Nocedal & Wright, equations 7.19 and 7.20: H grows from γI by the remembered pairs, and d = −H·gradient."""
    _, _, memory, _ = minimise(rosenbrock, np.array([-1.2, 1.0, -0.5, 2.0]), steps=7, memory_size=4)
    *remembered, gradient = np.array(memory["basis"])
    pairs = [(remembered[p], remembered[4 + p]) for p in memory["pairs"]]
    assert len(pairs) == 4
    s, y = pairs[-1]
    dense = (s @ y) / (y @ y) * np.eye(4)
    for s, y in pairs:
        left = np.eye(4) - np.outer(s, y) / (y @ s)
        dense = left @ dense @ left.T + np.outer(s, s) / (y @ s)
        np.testing.assert_allclose(dense @ y, s, rtol=1e-9)  # the secant equation
    found, slope = LBFGS(memory_size=4).direction(memory)
    np.testing.assert_allclose(found, -dense @ gradient, rtol=1e-9)
    np.testing.assert_allclose(slope, gradient @ found, rtol=1e-9)


@settings(deadline=None)
@given(
    curvature=st.floats(0.01, 100), bend=st.floats(-3, 3), slope=st.floats(-50, -0.01), length=st.floats(1e-4, 1e3)
)  # fmt: skip
def test_the_line_search_ends_at_a_point_of_the_strong_wolfe_conditions(
    curvature, bend, slope, length
):
    """On a smooth function that grows at last: slope·t + ½·curvature·t² + bend·(1 − cos t)."""
    looked = []

    def at(t):
        looked.append(t)
        value = slope * t + 0.5 * curvature * t * t + bend * (1 - math.cos(t))
        return value, slope + curvature * t + bend * math.sin(t)

    step = line_search.wolfe_step(at, 0.0, slope, length)
    assert step is not None
    t, value = step
    assert t == looked[-1]  # the gradient at hand is the one of this point
    assert value == at(t)[0] <= line_search.ARMIJO * t * slope
    assert abs(at(t)[1]) <= line_search.CURVATURE * abs(slope) * (1 + 1e-9)


def test_the_line_search_steps_back_from_where_nothing_is_finite():
    """−log(1 − t) − 2t: infinite from t = 1 on, lowest at ½."""

    def at(t):
        return (math.inf, math.nan) if t >= 1 else (-math.log(1 - t) - 2 * t, 1 / (1 - t) - 2)

    t, value = line_search.wolfe_step(at, 0.0, -1.0, 100.0)
    assert 0 < t < 1
    assert value < 0


def test_the_line_search_gives_up_uphill():
    assert line_search.wolfe_step(lambda t: (t, 1.0), 0.0, -1.0, 1.0) is None


@settings(deadline=None)
@given(
    roots=st.tuples(st.floats(-5, 5), st.floats(0.1, 5)), a=st.floats(-3, 3), gap=st.floats(0.5, 5)
)
def test_the_minimum_of_a_cubic(roots, a, gap):
    """A cubic whose derivative is (t − low)(t − high) has its minimum at the upper root."""
    low, high = roots[0], roots[0] + roots[1]
    derivative = Polynomial.fromroots([low, high])
    cubic = derivative.integ()
    points = [(t, float(cubic(t)), float(derivative(t))) for t in (a, a + gap)]
    assert line_search.cubic_minimum(*points[0], *points[1], math.nan) == pytest.approx(
        high, rel=1e-5, abs=1e-5
    )


@pytest.mark.parametrize(("loss", "n_outputs"), SMOOTH_LOSSES_AND_OUTPUTS)
@pytest.mark.parametrize("activation", ["tanh", "logistic", "identity"])
def test_a_network_is_brought_to_where_its_gradient_vanishes(loss, n_outputs, activation):
    x, y, params, s = small_problem(loss, n_outputs, weights=True, skip=True)
    options = {"loss": loss, "activation": activation, "alpha": 0.5, "sample_weight": s}
    run = tl.train(x, y, params, solver="lbfgs", engine="numpy", steps=2000, tol=1e-8, **options)
    assert run.stopped != "all steps taken"
    assert (np.diff(run.losses) <= 0).all()
    value, gradients = tl.loss_and_gradients(x, y, run.params, **options)
    assert run.final_loss == pytest.approx(value, rel=1e-12)
    assert np.linalg.norm(as_vector(gradients)) < 1e-4


def test_ridge_regression_by_a_skip_layer_alone():
    """Without hidden weights that matter the objective is ridge regression's, whose minimum is a linear system."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 5)), rng.standard_normal((20, 1))
    params = tl.Params(np.zeros((5, 1)), None, np.zeros((1, 1)), None, np.zeros((5, 1)))
    run = tl.train(
        x,
        y,
        params,
        solver="lbfgs",
        engine="numpy",
        activation="identity",
        alpha=3.0,
        steps=500,
        tol=1e-10,
    )
    expected = np.linalg.solve(2 * x.T @ x + 3 * np.eye(5), 2 * x.T @ y)
    np.testing.assert_allclose(run.params.w_skip, expected, rtol=1e-7)
    assert not run.params.w1.any()


@pytest.mark.parametrize("engine", ENGINE_NAMES)
def test_every_engine_takes_the_same_path(engine):
    if engine == "torch-nn":
        pytest.skip("engine 'torch-nn' has only torch's own optimisers")
    x, y, params, s = small_problem("log_loss", 3, weights=True, skip=True)
    settings = {
        "loss": "log_loss",
        "activation": "tanh",
        "alpha": 0.5,
        "sample_weight": s,
        "solver": "lbfgs",
        "steps": 15,
    }
    run = tl.train(x, y, params, engine=engine, **settings)
    expected = tl.train(x, y, params, engine="numpy", **settings)
    np.testing.assert_allclose(run.losses, expected.losses, rtol=1e-8)
    for (name, w), (_, other) in zip(run.params.items(), expected.params.items(), strict=True):
        np.testing.assert_allclose(w, other, rtol=1e-5, atol=1e-7, err_msg=name)


@pytest.mark.parametrize("every", [1, 3, 50])
def test_the_size_of_the_chunks_changes_no_number(every):
    x, y, params, _ = small_problem()
    settings = {"solver": "lbfgs", "engine": "numpy", "steps": 40, "activation": "tanh"}
    run = tl.train(x, y, params, callback=lambda p: None, callback_every=every, **settings)
    expected = tl.train(x, y, params, **settings)
    np.testing.assert_array_equal(run.losses, expected.losses)
    np.testing.assert_array_equal(run.params.w1, expected.params.w1)
    seen = []
    tl.train(x, y, params, callback=lambda p: seen.append(p.params()), callback_every=1, **settings)
    for step in (
        0,
        5,
        len(seen) - 1,
    ):  # what a callback is shown is the point reached, not one that was only tried
        value, _ = tl.loss_and_gradients(x, y, seen[step], activation="tanh")
        after = [*expected.losses[1:], expected.final_loss][step]
        assert value == pytest.approx(after, rel=1e-12)


def test_a_rectified_network_never_goes_up():
    """Its gradient jumps where a unit switches: a search that fails forgets the past moves and goes on."""
    for seed in range(10):
        x, y, params, _ = small_problem(n_rows=30, n_hidden=8, seed=seed)
        run = tl.train(x, y, params, solver="lbfgs", engine="numpy", steps=300)
        assert (np.diff(run.losses) <= 0).all()
        assert run.final_loss < 0.5 * run.losses[0]


def test_a_start_that_is_not_finite_is_told():
    x, y, params, _ = small_problem()
    with pytest.raises(tl.DivergedError, match="at step 0"):
        tl.train(x * 1e200, y, params, solver="lbfgs", engine="numpy")


def test_it_takes_all_rows():
    x, y, params, _ = small_problem()
    with pytest.raises(tl.InputError, match="all rows at once"):
        tl.train(x, y, params, solver="lbfgs", batch_size=2)


@pytest.mark.parametrize("engine", ["numpy", "compiled", "torch", "torch-autograd"])
@pytest.mark.parametrize("span", [False, True])
def test_many_networks_are_trained_one_after_another(engine, span):
    x, y, many, _ = small_problem(n_networks=3)
    settings = {
        "solver": "lbfgs",
        "alpha": 0.1,
        "steps": 40,
        "engine": engine,
        "span": span,
        "tol": 0.5,
    }
    together = tl.train(x, y, many, **settings)
    alone = [tl.train(x, y, many.network(k), **settings) for k in range(3)]
    longest = max(len(run.losses) for run in alone)
    assert together.losses.shape == (longest, 3)
    for k, run in enumerate(alone):
        steps = len(run.losses)
        np.testing.assert_allclose(together.losses[:steps, k], run.losses, rtol=1e-9)
        np.testing.assert_allclose(together.losses[steps:, k], run.final_loss, rtol=1e-9)
        np.testing.assert_allclose(together.params.w1[k], run.params.w1, atol=1e-7)
    np.testing.assert_allclose(together.final_loss, [run.final_loss for run in alone], rtol=1e-9)


def test_a_callback_sees_each_network_on_its_way():
    x, y, many, _ = small_problem(n_networks=2)
    seen = []
    tl.train(
        x, y, many, solver="lbfgs", steps=4, span=True, callback_every=2,
        callback=lambda progress: seen.append((progress.step, progress.params())),
    )  # fmt: skip
    assert [step for step, _ in seen] == [2, 4, 2, 4]
    for k, (_, params) in enumerate([seen[1], seen[3]]):
        run = tl.train(x, y, many.network(k), solver="lbfgs", steps=4, span=True)
        np.testing.assert_allclose(params.w1, run.params.w1, atol=1e-9)
