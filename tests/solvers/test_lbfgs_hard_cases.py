"""L-BFGS where it is hard: kinks, bad scales, concave stretches, nothing left to gain; and what it says when it stops."""

import math
from itertools import pairwise

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import minimize
from small_problems import SMOOTH_LOSSES_AND_OUTPUTS, small_problem
from test_lbfgs import as_params, as_vector, minimise, quadratic

import twolayer as tl
from twolayer.solvers import lbfgs, line_search
from twolayer.solvers.lbfgs import LBFGS

NO_LOWER = "no lower point found along the gradient"


# The answer


def test_a_linear_network_with_decay_reaches_the_minimum_in_closed_form():
    """With activation identity and xᵀx = 1, the objective's minimum over w1·w2 = w is that of ‖x·w − y‖² + alpha·‖w‖_*
    (the nuclear norm; Srebro, Rennie & Jaakkola 2004), which soft-thresholds the singular values of xᵀy by alpha / 2."""
    rng = np.random.default_rng(0)
    x, _ = np.linalg.qr(rng.standard_normal((30, 8)))
    y, alpha = 3 * rng.standard_normal((30, 5)), 8.0
    u, sizes, v = np.linalg.svd(x.T @ y, full_matrices=False)
    kept = np.maximum(sizes - alpha / 2, 0)
    assert 0 < (kept == 0).sum() < 5
    lowest = ((x @ (u * kept @ v) - y) ** 2).sum() + alpha * kept.sum()
    for spanned in (False, True):
        run = tl.train(
            x, y, tl.init_params(8, 6, 5, bias=False, scheme="glorot"), solver="lbfgs", alpha=alpha, steps=2000,
            activation="identity", engine="numpy", span=spanned,
        )  # fmt: skip
        assert run.final_loss == pytest.approx(lowest, rel=1e-8)
        assert_allclose(run.params.w1 @ run.params.w2, u * kept @ v, atol=1e-3)


@pytest.mark.parametrize(("loss", "n_outputs"), SMOOTH_LOSSES_AND_OUTPUTS)
@pytest.mark.parametrize("activation", ["tanh", "identity"])
def test_no_higher_than_scipys(loss, n_outputs, activation):
    """Strong decay leaves one minimum, which both must find."""
    x, y, params, s = small_problem(loss, n_outputs, weights=True, n_rows=30)
    options = {"loss": loss, "activation": activation, "alpha": 30.0, "sample_weight": s}
    layout = [(name, w.shape) for name, w in params.items()]

    def unpacked(theta):
        arrays, start = {}, 0
        for name, shape in layout:
            arrays[name] = theta[start : start + math.prod(shape)].reshape(shape)
            start += math.prod(shape)
        return tl.Params(**arrays)

    def objective(theta):
        value, gradients = tl.loss_and_gradients(x, y, unpacked(theta), **options)
        return value, as_vector(gradients)

    peer = minimize(
        objective, as_vector(params), jac=True, method="L-BFGS-B", options={"maxiter": 5000, "ftol": 1e-15, "gtol": 1e-10}
    )  # fmt: skip
    run = tl.train(x, y, params, solver="lbfgs", engine="numpy", steps=5000, **options)
    assert run.final_loss == pytest.approx(peer.fun, rel=1e-8)


@pytest.mark.parametrize("scale", [1e-12, 1e-6, 1e6, 1e12])
def test_the_scale_of_the_objective_does_not_matter(scale):
    function, minimum, start = quadratic()

    def scaled(w):
        value, gradient = function(w)
        return scale * value, scale * gradient

    plain, point, *_ = minimise(function, start, gradient_tol=1e-8)
    values, other, *_ = minimise(scaled, start, gradient_tol=1e-8 * scale)
    assert_allclose(other, minimum, atol=1e-7)
    assert_allclose(point, minimum, atol=1e-7)
    assert len(values) < len(plain) + 15  # only the length of the first move is another


# The path


def seen_searches(monkeypatch):
    """Every line search of the run: (loss, slope, points looked at as (t, value, slope), what it returned)."""
    searches, real = [], line_search.wolfe_step

    def spied(at, loss, slope, length):
        looked = []

        def look(t):
            value, rise = at(t)
            looked.append((t, value, rise))
            return value, rise

        step = real(look, loss, slope, length)
        searches.append((loss, slope, looked, step))
        return step

    monkeypatch.setattr(lbfgs, "wolfe_step", spied)
    return searches


@pytest.mark.parametrize("engine", ["numpy", "torch"])  # the compiled one has no search to watch
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_every_step_of_a_smooth_network_meets_the_strong_wolfe_conditions(
    activation, engine, monkeypatch
):
    searches = seen_searches(monkeypatch)
    x, y, params, _ = small_problem(n_rows=30, n_hidden=8)
    run = tl.train(
        x, y, params, solver="lbfgs", engine=engine, activation=activation, alpha=0.1, steps=80
    )
    assert len(searches) == len(run.losses) == 80
    for k, (loss, slope, looked, (t, value)) in enumerate(searches):
        assert loss == run.losses[k]
        assert looked[-1][:2] == (t, value)
        assert value <= loss + line_search.ARMIJO * t * slope
        assert abs(looked[-1][2]) <= line_search.CURVATURE * abs(slope)
    assert sum(len(looked) for _, _, looked, _ in searches) < 1.5 * len(searches)


ENGINES = ("compiled", "torch", "torch-autograd", "torch-function")


@pytest.mark.parametrize("spanned", [False, True])
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_every_engine_takes_the_same_first_20_steps(engine, activation, spanned):
    x, y, params, _ = small_problem("log_loss", 3, n_rows=20, n_inputs=30, n_hidden=6)
    settings = {"loss": "log_loss", "solver": "lbfgs", "alpha": 0.5, "steps": 20, "span": spanned}
    expected = tl.train(x, y, params, engine="numpy", activation=activation, **settings)
    run = tl.train(x, y, params, engine=engine, activation=activation, **settings)
    assert len(expected.losses) == 20
    assert_allclose(run.losses, expected.losses, rtol=1e-9)


# The line search


def test_the_search_goes_on_outwards_where_the_slope_still_falls():
    """−t − t² until t = 50, then up: the cubic through two concave points has its minimum behind them."""

    def at(t):
        if t < 50:
            return -t - t * t, -1 - 2 * t
        return -2550 + 50 * (t - 50) ** 2 - 101 * (t - 50), 100 * (t - 50) - 101

    for length in (1e-3, 0.1, 1.0, 30.0):
        looked = []
        t, _ = line_search.wolfe_step(
            lambda t, looked=looked: looked.append(t) or at(t), 0.0, -1.0, length
        )
        assert min(looked) > 0
        assert 50 < t < 53  # the only points flat enough: |100·(t − 50) − 101| ≤ 0.9
        assert abs(at(t)[1]) <= 0.9
        assert len(looked) <= 25


@pytest.mark.parametrize("power", [3, 4, 5])
def test_each_point_further_out_is_further_out(power):
    """t − the search length, and falling ever faster: nowhere flat enough, so it only walks outwards."""
    looked = []

    def at(t):
        looked.append(t)
        return -t - t**power, -1 - power * t ** (power - 1)

    step = line_search.wolfe_step(at, 0.0, -1.0, 0.01)
    assert step is not None
    walked = looked[:-1]  # the last look is back at the best
    assert (np.diff(walked) > 0).all()
    assert max(b / a for a, b in pairwise(walked)) <= 10 * (1 + 1e-12)


# Kinks, stalls, and what is said


def corner(w):
    """Σ |w|, whose slope jumps at 0 (rule there: +1)."""
    return np.abs(w).sum(), np.where(w >= 0, 1.0, -1.0)


def test_a_corner_is_where_it_ends_and_says_so():
    start = np.array([0.3, -0.7, 0.2, 0.9])
    values, point, memory, _ = minimise(corner, start, steps=500)
    assert memory["finished"] == NO_LOWER
    assert (np.diff(values) <= 0).all()
    assert corner(point)[0] <= values[-1]
    assert_array_equal(memory["theta"], point)  # back at the best point, not at the last one tried


def test_a_search_that_fails_forgets_the_past_and_goes_on():
    function, minimum, start = quadratic()
    solver, params = LBFGS(gradient_tol=1e-9), as_params(start)

    def evaluate(p):
        value, gradient = function(as_vector(p))
        return value, as_params(gradient)

    memory = solver.start(params)
    for _ in range(6):
        solver.step(evaluate, params, memory)
    assert len(memory["pairs"]) == 6
    memory["moves_changes"] *= -1  # planted: with the wrong sign the direction leads uphill
    direction, slope = solver.direction(memory)
    assert memory["basis"][-1] @ direction == pytest.approx(slope)
    assert slope > 0
    before = memory["loss"]
    solver.step(evaluate, params, memory)
    assert memory["loss"] < before
    assert memory["finished"] is None
    assert len(memory["pairs"]) == 1  # only what this step has taught
    while not solver.finished(memory):
        solver.step(evaluate, params, memory)
    assert_allclose(as_vector(params), minimum, atol=1e-9)


def test_rectified_networks_restart_and_end_with_a_reason(monkeypatch):
    """Without decay a small rectified network stalls on its kinks sooner or later."""
    searches, restarts = seen_searches(monkeypatch), 0
    for seed in range(4):
        searches.clear()
        x, y, params, _ = small_problem(n_rows=40, n_hidden=6, seed=seed)
        run = tl.train(x, y, params, solver="lbfgs", engine="numpy", steps=3000)
        assert (np.diff(run.losses) <= 0).all()
        assert run.stopped == NO_LOWER
        gained = [step is not None and step[1] < loss for loss, _, _, step in searches]
        restarts += sum(after and not before for before, after in pairwise(gained))
        value, _ = tl.loss_and_gradients(x, y, run.params)
        assert run.final_loss == pytest.approx(value, rel=1e-12)
    assert restarts > 0


def test_a_move_without_curvature_is_not_remembered():
    """Along a straight slope the gradient does not change."""
    values, _, memory, _ = minimise(lambda w: (w.sum(), np.ones(4)), np.zeros(4), steps=5)
    assert memory["pairs"] == []
    assert (np.diff(values) < 0).all()


def test_a_memory_of_nothing_is_steepest_descent():
    function, minimum, start = quadratic(condition=3)
    values, point, *_ = minimise(function, start, steps=300, memory_size=0, gradient_tol=1e-7)
    assert_allclose(point, minimum, atol=1e-6)
    assert (np.diff(values) < 0).all()


def test_no_more_is_remembered_than_was_asked():
    *_, memory, _ = minimise(quadratic()[0], quadratic()[2], steps=9, memory_size=3)
    assert len(memory["pairs"]) == 3 == len(set(memory["pairs"]))
    assert memory["basis"].shape == (2 * 3 + 1, 8)


# tol


def test_tol_is_the_length_of_the_gradient_or_a_ten_thousandth_of_the_decrease():
    x, y, params, _ = small_problem(n_rows=30, n_hidden=8)
    options = {"activation": "tanh", "alpha": 0.5}
    said = set()
    for tol in (1e-1, 1e-3, 1e-5, 1e-7):
        run = tl.train(x, y, params, solver="lbfgs", engine="numpy", tol=tol, steps=5000, **options)
        said.add(run.stopped)
        _, gradients = tl.loss_and_gradients(x, y, run.params, **options)
        length = np.linalg.norm(as_vector(gradients))
        after = [*run.losses[1:], run.final_loss]
        gains = (run.losses - after) / run.losses
        if run.stopped == f"the gradient's length is at most {tol:g}":
            assert length <= tol
            assert (gains[:-1] > 1e-4 * tol).all()
        else:
            assert (
                run.stopped
                == f"converged: the last step lowered the objective by at most {1e-4 * tol:g} of it"
            )
            assert gains[-1] <= 1e-4 * tol < gains[:-1].min()
            assert length > tol
        assert len(run.losses) < 5000


def test_at_the_minimum_already():
    x, y, _, _ = small_problem()
    zero = tl.Params(np.zeros((3, 4)), None, np.zeros((4, 2)), None)
    run = tl.train(x, y, zero, solver="lbfgs", engine="numpy", activation="tanh", steps=10)
    assert run.stopped == "the gradient's length is at most 0"
    assert run.losses.tolist() == [run.final_loss]
    assert not run.params.w1.any()


def test_all_steps_taken_is_said_too():
    x, y, params, _ = small_problem()
    run = tl.train(x, y, params, solver="lbfgs", engine="numpy", activation="tanh", steps=3)
    assert (run.stopped, len(run.losses)) == ("all steps taken", 3)


def test_a_gradient_too_large_for_its_square_is_said():
    x, y, params, _ = small_problem(dtype="float32")
    run = tl.train(1e12 * x, y, params, solver="lbfgs", engine="numpy", steps=10)
    assert run.stopped == "the gradient is too large: rescale x and y"
    for (name, w), (_, before) in zip(run.params.items(), params.items(), strict=True):
        assert_array_equal(w, before, err_msg=name)
