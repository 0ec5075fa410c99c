"""The span gives the long way's numbers: every solver, loss, activation, part of the network, engine and layout.

The long way is the NumPy engine on the table itself, which other tests hold to the tutorial's program.
"""

from functools import cache

import numpy as np
import pytest
import scipy.sparse
from agreement import assert_losses_agree, assert_weights_agree
from ladder_programs import program
from slow_cases import slow
from small_problems import EACH_ONCE, small_problem

import twolayer as tl
from twolayer.engines.compiled.engine import CompiledEngine
from twolayer.engines.numpy_engine import NumpyEngine
from twolayer.maths import span
from twolayer.maths.problem import checked_objective, checked_problem
from twolayer.solvers.adam import Adam
from twolayer.solvers.gd import GradientDescent
from twolayer.solvers.lbfgs import LBFGS
from twolayer.training import engine_choice

RATE = 5e-4
WAYS = {
    "gd": {"learning_rate": RATE},
    "decay": {"learning_rate": RATE, "alpha": 0.5},
    "momentum": {"learning_rate": RATE, "momentum": 0.9},
    "nesterov": {"learning_rate": RATE, "momentum": 0.9, "nesterov": True},
    "momentum, decay": {"learning_rate": RATE, "momentum": 0.9, "alpha": 5.0},
    "nesterov, decay": {"learning_rate": RATE, "momentum": 0.9, "nesterov": True, "alpha": 5.0},
    "batches": {"learning_rate": RATE, "batch_size": 3},
    "batches, momentum, decay": {
        "learning_rate": RATE,
        "batch_size": 3,
        "momentum": 0.5,
        "alpha": 0.5,
    },
    "lbfgs": {"solver": "lbfgs"},
    "lbfgs, decay": {"solver": "lbfgs", "alpha": 0.5},
}
PARTS = {
    "plain": {"bias": False},
    "bias, weights": {"weights": True},
    "skip": {"bias": False, "skip": True},
    "all": {"skip": True, "weights": True},
}
# every activation once and every loss once, with one or several outputs where that makes a difference
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}
FORMS = ("compiled", "numpy")  # the form Gram where it can be had, and the rotated one
each_form = pytest.mark.parametrize("engine", FORMS)
each_way = pytest.mark.parametrize("way", WAYS)


def trained(engine, spanned, way, loss="sum_of_squares", activation="tanh", steps=12, **kind):
    x, y, params, s = small_problem(loss=loss, **{"n_rows": 9, "n_inputs": 31, **kind})
    return tl.train(
        x, y, params, engine=engine, span=spanned, loss=loss, activation=activation, steps=steps,
        random_state=4, sample_weight=s, **WAYS[way],
    )  # fmt: skip


@cache
def long_way(way, **kind):
    run = trained("numpy", False, way, **kind)
    assert not run.span
    assert len(np.unique(run.losses, axis=0)) == len(run.losses)
    return run


def check(engine, way, tolerance=1e-10, **kind):
    run, expected = trained(engine, True, way, **kind), long_way(way, **kind)
    assert run.span
    assert run.engine == engine
    assert_losses_agree(run.losses, expected.losses, first=tolerance)
    assert_weights_agree(run.params, expected.params, tolerance)
    assert run.final_loss == pytest.approx(expected.final_loss, rel=tolerance)


# The same numbers


@pytest.mark.parametrize(("activation", "loss", "n_outputs"), EACH_ONCE)
@each_way
@each_form
def test_every_activation_loss_and_solver(engine, way, activation, loss, n_outputs):
    kind = {"loss": loss, "n_outputs": n_outputs, "activation": activation}
    check(engine, way, 1e-9, weights=True, **kind)


SOME_LOSSES = [("sum_of_squares", 2), ("log_loss", 3)]


@pytest.mark.parametrize(("loss", "n_outputs"), SOME_LOSSES)
@pytest.mark.parametrize("part", ["plain", "all"])
@each_way
@each_form
def test_float32(engine, way, part, loss, n_outputs):
    """Few steps, as rounding makes L-BFGS's paths part."""
    kind = {"loss": loss, "n_outputs": n_outputs, "dtype": "float32", **PARTS[part]}
    check(engine, way, 1e-4, steps=6, **kind)


@pytest.mark.parametrize(("loss", "n_outputs"), SOME_LOSSES)
@pytest.mark.parametrize("part", ["all", *slow("plain", "bias, weights", "skip")])
@each_way
@each_form
def test_every_part_of_the_network(engine, way, part, loss, n_outputs):
    check(engine, way, 1e-9, loss=loss, n_outputs=n_outputs, **PARTS[part])


@pytest.mark.parametrize("engine", ["torch", *slow("torch-autograd", "torch-function")])
@each_way
def test_every_other_engine(engine, way):
    check(engine, way, 1e-9, loss="log_loss", n_outputs=3, **PARTS["all"])


@pytest.mark.parametrize("way", [way for way in WAYS if "lbfgs" not in way])
def test_torchs_own_parts_too(way):
    check("torch-nn", way, 1e-9, loss="log_loss", n_outputs=3)


@pytest.mark.parametrize("engine", [*FORMS, "torch"])
def test_the_tutorials_program_in_full(engine):
    x, y, params, settings = program("P1 no bias")
    run = tl.train(x, y, params, engine=engine, span=True, **settings)
    expected = tl.train(x, y, params, engine="numpy", **settings)
    np.testing.assert_allclose(run.losses, expected.losses, rtol=1e-8)
    for (name, w), (_, other) in zip(run.params.items(), expected.params.items(), strict=True):
        np.testing.assert_allclose(w, other, rtol=0, atol=1e-9, err_msg=name)


@each_form
def test_the_tutorials_program_with_bias(engine):
    x, y, params, settings = program("P3 bias")
    run = tl.train(x, y, params, engine=engine, span=True, **settings)
    expected = tl.train(x, y, params, engine="numpy", **settings)
    np.testing.assert_allclose(run.losses, expected.losses, rtol=1e-8)
    assert_weights_agree(run.params, expected.params, 1e-9)


MANY = {"n_networks": 3, "loss": "log_loss", "n_outputs": 3}


@pytest.mark.parametrize("part", ["bias, weights", "all"])
@pytest.mark.parametrize("way", [way for way in WAYS if "lbfgs" not in way])
@pytest.mark.parametrize("engine", [*FORMS, "torch"])
def test_many_networks_at_once(engine, way, part):
    kind = {**MANY, **PARTS[part]}
    run, expected = trained(engine, True, way, **kind), long_way(way, **kind)
    assert run.losses.shape == (12, 3)
    assert_losses_agree(run.losses, expected.losses, first=1e-10)
    assert_weights_agree(run.params, expected.params, 1e-10)
    assert run.final_loss == pytest.approx(expected.final_loss, rel=1e-10)


SPARSE = [
    getattr(scipy.sparse, f"{form}_{kind}")
    for form in ("csr", "csc", "coo")
    for kind in ("array", "matrix")
]


@pytest.mark.parametrize("make", SPARSE)
@pytest.mark.parametrize("way", ["gd", "momentum, decay", "batches", "lbfgs, decay"])
@pytest.mark.parametrize("dtype", TOLERANCE)
@each_form
def test_a_sparse_table(engine, way, make, dtype):
    x, y, params, s = small_problem(dtype=dtype, n_rows=9, n_inputs=60, weights=True)
    x[np.random.default_rng(0).random(x.shape) < 0.8] = 0
    settings = {"activation": "tanh", "steps": 6, "random_state": 4, "sample_weight": s}
    expected = tl.train(x, y, params, engine="numpy", **settings, **WAYS[way])
    run = tl.train(make(x), y, params, engine=engine, span=True, **settings, **WAYS[way])
    assert run.params.w1.dtype == dtype
    assert_losses_agree(run.losses, expected.losses, first=10 * TOLERANCE[dtype])
    assert_weights_agree(run.params, expected.params, 10 * TOLERANCE[dtype])


@pytest.mark.parametrize("engine", [*FORMS, "torch"])
def test_many_networks_on_a_sparse_table(engine):
    x, y, params, _ = small_problem(n_rows=9, n_inputs=60, n_networks=2, skip=True)
    x[np.random.default_rng(0).random(x.shape) < 0.8] = 0
    settings = {"steps": 6, **WAYS["momentum, decay"]}
    expected = tl.train(x, y, params, engine="numpy", **settings)
    run = tl.train(scipy.sparse.csr_array(x), y, params, engine=engine, span=True, **settings)
    assert_weights_agree(run.params, expected.params, 1e-10)


@pytest.mark.parametrize("layout", ["F", "every other column", "reversed"])
@each_form
def test_any_layout_of_the_table(engine, layout):
    x, y, params, _ = small_problem(n_rows=9, n_inputs=31)
    given = {
        "F": np.asfortranarray(x),
        "every other column": np.repeat(x, 2, axis=1)[:, ::2],
        "reversed": x[:, ::-1].copy()[:, ::-1],
    }[layout]
    assert not given.flags.c_contiguous
    run = tl.train(given, y, params, engine=engine, span=True, steps=9, **WAYS["momentum, decay"])
    expected = tl.train(x, y, params, engine="numpy", steps=9, **WAYS["momentum, decay"])
    assert_weights_agree(run.params, expected.params, 1e-12)


# Which form, and when it is refused


@pytest.mark.parametrize(
    ("engine", "solver", "kind", "batch_size", "form"),
    [
        (CompiledEngine, GradientDescent(1), {}, None, span.GramSpan),
        (CompiledEngine, GradientDescent(1, 0.9, True), {"n_networks": 2}, None, span.GramSpan),
        (CompiledEngine, GradientDescent(1), {}, 3, span.RotatedSpan),
        (CompiledEngine, GradientDescent(1), {"skip": True}, None, span.RotatedSpan),
        (CompiledEngine, LBFGS(), {}, None, span.RotatedSpan),
        (NumpyEngine, GradientDescent(1), {}, None, span.RotatedSpan),
    ],
)
def test_the_form(engine, solver, kind, batch_size, form):
    """So that the tests above are known to have met both."""
    x, y, params, _ = small_problem(n_rows=9, n_inputs=31, **kind)
    problem = checked_problem(x, y, params, checked_objective("sum_of_squares", "relu", 0.0))
    choice = engine_choice.choose_engine(
        problem, params, solver, engine=engine.name, device="cpu", span=True, batch_size=batch_size
    )
    assert choice.span is form


@pytest.mark.parametrize("engine", ["auto", "numpy", "compiled", "torch"])
def test_adam_leaves_the_span(engine):
    x, y, params, _ = small_problem(n_rows=9, n_inputs=31)
    for solver in ("adam", Adam()):
        with pytest.raises(tl.InputError, match=r"span=True.*'adam': it scales every weight.*'gd'"):
            tl.train(x, y, params, solver=solver, engine=engine, span=True)


@pytest.mark.parametrize("value", ["yes", "True", "", 1, 0, None, 1.0, [], np.ones(2)])
def test_span_of_a_wrong_kind(value):
    x, y, params, _ = small_problem(n_rows=9, n_inputs=31)
    with pytest.raises(tl.InputError, match="span must be True, False or 'auto'; got"):
        tl.train(x, y, params, span=value)


@pytest.mark.parametrize("value", [True, False])
def test_numpys_true_and_false_are_meant_as_they_are(value):
    x, y, params, _ = small_problem(n_rows=9, n_inputs=31)
    run = tl.train(x, y, params, engine="numpy", span=np.bool_(value), steps=1)
    assert run.span is value


# Starts inside the span and outside


def starts(dtype="float64"):
    """One table, and parameters whose w1 lies inside the span of its rows, outside it, or nearly inside."""
    x, y, params, _ = small_problem(n_rows=9, n_inputs=31, dtype=dtype)
    q, _ = np.linalg.qr(x.T.astype("float64"))
    w1 = params.w1.astype("float64")
    inside = q @ (q.T @ w1)
    outside = w1 - inside
    return x, y, params, {
        "inside": inside,
        "outside": outside,
        "nearly inside": inside + 1e-4 * outside,
        "zero": 0 * w1,
    }  # fmt: skip


@pytest.mark.parametrize("start", ["inside", "outside", "nearly inside", "zero"])
@pytest.mark.parametrize("dtype", TOLERANCE)
@each_way
@each_form
def test_wherever_the_start_lies(engine, way, start, dtype):
    x, y, params, w1 = starts(dtype)
    params = tl.Params(w1[start].astype(dtype), params.b1, params.w2, params.b2)
    settings = {"activation": "tanh", "steps": 12, "random_state": 4, **WAYS[way]}
    run = tl.train(x, y, params, engine=engine, span=True, **settings)
    expected = tl.train(x, y, params, engine="numpy", **settings)
    assert_losses_agree(run.losses, expected.losses, first=10 * TOLERANCE[dtype])
    assert_weights_agree(run.params, expected.params, 10 * TOLERANCE[dtype])


@pytest.mark.parametrize("length", [1e-2, 1e-4, 1e-6])
@pytest.mark.parametrize("dtype", TOLERANCE)
@each_form
def test_what_lies_outside_decays_however_short_it_is(engine, length, dtype):
    """It decays by (1 − rate·alpha) a step and is moved by nothing else."""
    x, y, params, w1 = starts(dtype)
    outside = length * w1["outside"] / np.linalg.norm(w1["outside"])
    inside = w1["inside"] / np.linalg.norm(w1["inside"])
    params = tl.Params((inside + outside).astype(dtype), params.b1, params.w2, params.b2)
    given = params.w1.astype("float64")  # rounding moved it outside a little, too
    q, _ = np.linalg.qr(x.T.astype("float64"))
    settings = {"learning_rate": 1e-3, "alpha": 200.0, "steps": 10}
    run = tl.train(x, y, params, engine=engine, span=True, **settings)
    left = run.params.w1 - q @ (q.T @ run.params.w1)
    expected = (1 - 1e-3 * 200) ** 10 * (given - q @ (q.T @ given))
    noise = 20 * np.finfo(dtype).eps
    np.testing.assert_allclose(left, expected, rtol=1e-3, atol=noise)
    assert noise < 0.01 * np.abs(outside).max() or dtype == "float32"


# What happens on the way


@pytest.mark.parametrize("way", ["gd", "nesterov, decay", "lbfgs, decay"])
@each_form
def test_a_callback_sees_the_weights_of_the_table(engine, way):
    x, y, params, _ = small_problem(n_rows=9, n_inputs=31)
    settings = {"activation": "tanh", "steps": 8, "callback_every": 1, **WAYS[way]}

    def seen(**more):
        weights = []
        tl.train(x, y, params, callback=lambda p: weights.append(p.params()), **settings, **more)
        return weights

    pairs = list(zip(seen(engine=engine, span=True), seen(engine="numpy", span=False), strict=True))
    assert len(pairs) == 8
    for found, expected in pairs:
        assert_weights_agree(found, expected, 1e-9)


@pytest.mark.parametrize("every", [1, 7, 50])
@pytest.mark.parametrize("way", ["gd", "nesterov, decay", "batches, momentum, decay"])
@each_form
def test_the_size_of_the_chunks_changes_no_number(engine, way, every):
    x, y, params, _ = small_problem(n_rows=9, n_inputs=31)
    settings = {"engine": engine, "span": True, "steps": 50, "random_state": 4, **WAYS[way]}
    run = tl.train(x, y, params, callback=lambda p: None, callback_every=every, **settings)
    expected = tl.train(x, y, params, **settings)
    np.testing.assert_array_equal(run.losses, expected.losses)
    np.testing.assert_array_equal(run.params.w1, expected.params.w1)


@pytest.mark.parametrize("way", ["decay", "nesterov, decay"])
@each_form
def test_tol_goes_back_to_the_same_step(engine, way):
    x, y, params, _ = small_problem(n_rows=9, n_inputs=31)
    settings = {"activation": "tanh", "steps": 5000, "tol": 1e-2, **WAYS[way]}
    run = tl.train(x, y, params, engine=engine, span=True, **settings)
    expected = tl.train(x, y, params, engine="numpy", **settings)
    assert run.stopped == expected.stopped == "tol reached"
    assert 20 < len(run.losses) == len(expected.losses)
    assert_weights_agree(run.params, expected.params, 1e-9)


@each_form
def test_a_run_that_diverges_carries_the_weights_of_the_table(engine):
    x, y, params, _ = small_problem(n_rows=9, n_inputs=31)
    settings = {"learning_rate": 1.0, "steps": 500, "alpha": 0.1}
    caught = []
    for more in ({"engine": engine, "span": True}, {"engine": "numpy", "span": False}):
        with pytest.raises(tl.DivergedError) as error:
            tl.train(x, y, params, **settings, **more)
        caught.append(error.value)
    found, expected = caught
    assert found.step == expected.step
    assert found.last_finite_loss == pytest.approx(expected.last_finite_loss, rel=1e-9)
    assert_weights_agree(found.params, expected.params, 1e-9)


@each_form
@pytest.mark.parametrize("way", ["nesterov, decay", "lbfgs, decay", "batches, momentum, decay"])
def test_nothing_that_was_given_is_changed(engine, way):
    x, y, params, s = small_problem(n_rows=9, n_inputs=31, skip=True, weights=True)
    given = (x.copy(), y.copy(), s.copy(), params.copy())
    tl.train(x, y, params, engine=engine, span=True, sample_weight=s, steps=5, **WAYS[way])
    for array, before in zip((x, y, s), given, strict=False):
        np.testing.assert_array_equal(array, before)
    for (name, w), (_, before) in zip(params.items(), given[3].items(), strict=True):
        np.testing.assert_array_equal(w, before, err_msg=name)


@each_form
@pytest.mark.parametrize("way", ["gd", "lbfgs, decay"])
def test_no_steps_give_the_weights_back(engine, way):
    x, y, params, _ = small_problem(n_rows=9, n_inputs=31, skip=True)
    run = tl.train(x, y, params, engine=engine, span=True, steps=0, **WAYS[way])
    assert len(run.losses) == 0
    assert_weights_agree(run.params, params, 1e-13)
    alpha = WAYS[way].get("alpha", 0.0)
    expected, _ = tl.loss_and_gradients(x, y, params, alpha=alpha)
    assert run.final_loss == pytest.approx(expected, rel=1e-12)
