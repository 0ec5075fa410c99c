"""Every engine gives the numbers of the NumPy program, which `test_numpy_program.py` holds to the tutorial's own."""

from functools import cache

import numpy as np
import pytest
import scipy.sparse
from agreement import assert_losses_agree, assert_weights_agree, run_with
from finite_differences import assert_close
from ladder_programs import SINGLE, program
from slow_cases import slow
from small_problems import LOSSES_AND_OUTPUTS, small_problem

import twolayer as tl
from twolayer.engines import ENGINE_NAMES
from twolayer.maths.activations import ACTIVATIONS

OTHERS = [name for name in ENGINE_NAMES if name != "numpy"]
each_other_engine = pytest.mark.parametrize("engine", OTHERS)


@cache
def reference(name):
    x, y, params, settings = program(name)
    return tl.train(x, y, params, engine="numpy", **settings)


@each_other_engine
@pytest.mark.parametrize(
    "name",
    ["P1 no bias", *slow("P2 slow", "P3 bias", "P4 quadrants", "P4 quadrants, rectified")],
)
def test_the_programs_in_float64(engine, name):
    x, y, params, settings = program(name)
    run = run_with(engine, x, y, params, **settings)
    expected = reference(name)
    assert_losses_agree(run.losses, expected.losses, first=1e-9, rest=1e-6)
    assert_weights_agree(run.params, expected.params, 1e-8)
    assert run.final_loss == pytest.approx(expected.final_loss, rel=1e-6)


@each_other_engine
@pytest.mark.parametrize("name", SINGLE)
def test_the_programs_in_float32(engine, name):
    """Only the first 100 steps: later the order of summation alone makes float32 runs drift apart."""
    x, y, params, settings = program(name)
    settings = {**settings, "steps": 100}
    run = run_with(engine, x, y, params, **settings)
    expected = tl.train(x, y, params, engine="numpy", **settings)
    assert run.params.w1.dtype == "float32"
    assert_losses_agree(run.losses, expected.losses, first=1e-4)


def test_float32_is_float64_rounded_for_100_steps():
    x, y, params, settings = program("P5 float32")
    run = tl.train(x, y, params, engine="numpy", **{**settings, "steps": 100})
    wide = params.map(lambda w: w.astype("float64"))
    expected = tl.train(
        x.astype("float64"), y.astype("float64"), wide, engine="numpy", **{**settings, "steps": 100}
    )
    assert_losses_agree(run.losses, expected.losses, first=1e-4)
    assert not np.array_equal(run.losses, expected.losses)


WAYS = {
    "gd": {"learning_rate": 0.002},
    "momentum": {"learning_rate": 0.002, "momentum": 0.9},
    "nesterov": {"learning_rate": 0.002, "momentum": 0.9, "nesterov": True},
    "adam": {"learning_rate": 0.05, "solver": "adam"},
    "batches": {"learning_rate": 0.002, "batch_size": 3},
    "batches, decay, momentum": {
        "learning_rate": 0.002,
        "batch_size": 3,
        "alpha": 0.5,
        "momentum": 0.5,
    },
    "adam, batches, decay": {
        "learning_rate": 0.05,
        "batch_size": 3,
        "alpha": 0.5,
        "solver": "adam",
    },
    "decay": {"learning_rate": 0.002, "alpha": 0.5},
}
# momentum and decay alone are left to the many networks: with batches and Nesterov they are in the others
SOME_WAYS = ["nesterov", "adam", "batches", "batches, decay, momentum"]
PARTS = {
    "plain": {"bias": False},
    "bias, weights": {"weights": True},
    "skip": {"bias": False, "skip": True},
    "all": {"skip": True, "weights": True},
}
TOLERANCE = {"float64": 1e-10, "float32": 1e-4}


def small_run(engine, way, part, *, loss, n_outputs, activation, dtype, **more):
    x, y, params, s = small_problem(
        loss=loss, n_outputs=n_outputs, dtype=dtype, **PARTS[part], **more
    )
    settings = {
        "loss": loss,
        "activation": activation,
        "steps": 12,
        "random_state": 4,
        "sample_weight": s,
        **WAYS[way],
    }
    return run_with(engine, x, y, params, **settings)


@cache
def small_reference(way, part, **case):
    run = small_run("numpy", way, part, **case)
    assert np.isfinite(run.losses).all()
    assert len(np.unique(run.losses)) == len(run.losses)
    return run


@each_other_engine
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("loss", "n_outputs"), LOSSES_AND_OUTPUTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("way", ["gd", *slow("adam, batches, decay")])
def test_every_activation_loss_and_dtype(engine, way, activation, loss, n_outputs, dtype):
    small_runs_agree(engine, way, activation, loss, n_outputs, dtype)


@each_other_engine
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("loss", "n_outputs"), LOSSES_AND_OUTPUTS)
@pytest.mark.parametrize("activation", ["relu", *slow("tanh")])
@pytest.mark.parametrize("way", SOME_WAYS)
def test_every_loss_dtype_and_solver(engine, way, activation, loss, n_outputs, dtype):
    small_runs_agree(engine, way, activation, loss, n_outputs, dtype)


def small_runs_agree(engine, way, activation, loss, n_outputs, dtype):
    case = {"loss": loss, "n_outputs": n_outputs, "activation": activation, "dtype": dtype}
    run, expected = (
        small_run(engine, way, "bias, weights", **case),
        small_reference(way, "bias, weights", **case),
    )
    assert_losses_agree(run.losses, expected.losses, first=TOLERANCE[dtype])
    assert_weights_agree(run.params, expected.params, TOLERANCE[dtype])
    assert run.final_loss == pytest.approx(expected.final_loss, rel=TOLERANCE[dtype])


@each_other_engine
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize(
    "way", ["adam, batches, decay", *slow("nesterov", "batches, decay, momentum")]
)
@pytest.mark.parametrize(("loss", "n_outputs"), LOSSES_AND_OUTPUTS)
def test_every_part_of_the_network(engine, way, part, loss, n_outputs):
    case = {"loss": loss, "n_outputs": n_outputs, "activation": "tanh", "dtype": "float64"}
    run, expected = small_run(engine, way, part, **case), small_reference(way, part, **case)
    assert_losses_agree(run.losses, expected.losses, first=1e-10)
    assert_weights_agree(run.params, expected.params, 1e-10)


@pytest.mark.parametrize("engine", ENGINE_NAMES)
@pytest.mark.parametrize("way", WAYS)
def test_many_networks_at_once_are_one_at_a_time(engine, way):
    case = {"loss": "log_loss", "n_outputs": 3, "activation": "relu", "dtype": "float64"}
    many = small_run(engine, way, "all", n_networks=3, **case)
    assert many.losses.shape == (12, 3)
    assert many.final_loss.shape == (3,)
    x, y, params, s = small_problem("log_loss", 3, n_networks=3, **PARTS["all"])
    for k in range(3):
        alone = tl.train(
            x, y, params.map(lambda w, k=k: w[k]), engine="numpy", loss="log_loss", steps=12, random_state=4,
            sample_weight=s, **WAYS[way],
        )  # fmt: skip
        assert_losses_agree(many.losses[:, k], alone.losses, first=1e-10)
        assert_weights_agree(many.params.map(lambda w, k=k: w[k]), alone.params, 1e-10)
        assert many.final_loss[k] == pytest.approx(alone.final_loss, rel=1e-10)


def whole_numbers(bias):
    """A table of whole numbers on which many entries of h are exactly 0, so that the rule there decides the gradient."""
    rng = np.random.default_rng(2)
    x, y = rng.integers(-1, 2, (12, 4)), rng.integers(-3, 4, (12, 2))
    x[0] = 0
    b = (rng.integers(-1, 2, 5), rng.integers(-1, 2, 2)) if bias else (None, None)
    return x, y, tl.Params(rng.integers(-1, 2, (4, 5)), b[0], rng.integers(-2, 3, (5, 2)), b[1])


def gradient_of_w1(x, y, params, slope_at_0):
    """By the tutorial's lines, with any slope at 0: all numbers are whole, so the arithmetic is exact."""
    h = x @ params.w1 + (0 if params.b1 is None else params.b1)
    y_pred = np.maximum(h, 0) @ params.w2 + (0 if params.b2 is None else params.b2)
    slope = np.where(h == 0, slope_at_0, h > 0)
    assert (h == 0).mean() > 0.1
    return x.T @ ((2 * (y_pred - y)) @ params.w2.T * slope)


@pytest.mark.parametrize("engine", ENGINE_NAMES)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_at_exactly_0_the_rectifiers_slope_is_1(engine, bias, dtype):
    x, y, params = whole_numbers(bias)
    expected = gradient_of_w1(x, y, params, slope_at_0=1)
    for other in (0, 0.5):  # nn.ReLU's rule, and maximum's
        assert not np.array_equal(gradient_of_w1(x, y, params, other), expected)
    params = params.map(lambda w: w.astype(dtype))
    _, gradients = tl.loss_and_gradients(x, y, params, engine=engine)
    np.testing.assert_array_equal(gradients.w1, expected)
    # one step of gradient descent with a learning rate of 1/1024 is exact too
    run = run_with(engine, x, y, params, steps=1, learning_rate=2.0**-10)
    np.testing.assert_array_equal(run.params.w1, params.w1 - expected / 1024)


@pytest.mark.parametrize("engine", ENGINE_NAMES)
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_extreme_logits_neither_overflow_nor_vanish(engine, n_outputs):
    """x of ±1e150 on weights of 1e150: the classes are certain, the loss 0 or as large as the logit."""
    x = np.array([[1e150], [-1e150]])
    w2 = np.array([[1e150]]) if n_outputs == 1 else np.array([[1e150, 0, -1e150]])
    params = tl.Params(np.ones((1, 1)), None, w2, None)
    for labels, expected in (
        ([1, 0] if n_outputs == 1 else [0, 2], 0.0),
        ([0, 1] if n_outputs == 1 else [2, 0], None),
    ):
        value, gradients = tl.loss_and_gradients(
            x, labels, params, loss="log_loss", activation="identity", engine=engine
        )
        if expected is None:
            expected = 1e300 if n_outputs == 1 else 2e300
            assert np.abs(gradients.w2).max() == pytest.approx(1e150)
        else:
            assert not gradients.w2.any()
        assert value == pytest.approx(expected)


@pytest.mark.parametrize("engine", ENGINE_NAMES)
@pytest.mark.parametrize(("loss", "n_outputs"), LOSSES_AND_OUTPUTS)
def test_loss_and_gradients_of_every_engine(engine, loss, n_outputs):
    x, y, params, s = small_problem(loss, n_outputs, skip=True, weights=True)
    options = {"loss": loss, "activation": "logistic", "alpha": 0.4, "sample_weight": s}
    value, gradients = tl.loss_and_gradients(x, y, params, engine=engine, **options)
    expected, by_hand = tl.loss_and_gradients(x, y, params, **options)
    assert isinstance(value, float)
    assert value == pytest.approx(expected, rel=1e-12)
    for (name, gradient), (_, other) in zip(gradients.items(), by_hand.items(), strict=True):
        assert isinstance(gradient, np.ndarray)
        assert_close(gradient, other, 1e-12, name)


@pytest.mark.parametrize("engine", OTHERS)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(
    "loss", [tl.Huber(0.4), tl.Huber(3), tl.Quantile(0.9), tl.Quantile(0.2)], ids=repr
)
def test_losses_with_a_number_of_their_own(engine, dtype, loss):
    case = {"loss": "huber", "n_outputs": 2, "activation": "tanh", "dtype": dtype}
    runs = []
    for name in (engine, "numpy"):
        x, y, params, s = small_problem(dtype=dtype, weights=True)
        settings = {"loss": loss, "activation": "tanh", "learning_rate": 0.05, "steps": 20}
        runs.append(run_with(name, x, y, params, sample_weight=s, **settings))
    assert_losses_agree(runs[0].losses, runs[1].losses, first=TOLERANCE[dtype])
    assert_weights_agree(runs[0].params, runs[1].params, TOLERANCE[dtype])
    default = small_reference("gd", "bias, weights", **case)
    assert not np.isclose(runs[0].losses[0], default.losses[0], rtol=1e-3)


@pytest.mark.parametrize("engine", ENGINE_NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu"])
@pytest.mark.parametrize("loss", ["absolute_error", "quantile", tl.Quantile(0.75)], ids=str)
def test_at_exactly_0_losses_have_slope_0_and_rectifiers_1(engine, dtype, activation, loss):
    """Row 0 is predicted exactly, so it pulls at nothing; in row 1 h is 0, and passes the whole gradient."""
    x, y = np.array([[1.0], [0.0]]), np.array([[2.0], [-1.0]])
    one = np.ones((1, 1), dtype)
    params = tl.Params(one, np.zeros(1, dtype), 2 * one, np.zeros(1, dtype))
    loss_at_row_1, gradients = tl.loss_and_gradients(
        x, y, params, loss=loss, activation=activation, engine=engine
    )
    # its prediction of 0 is 1 too high: the loss and the slope are 1, or 1 − level, over 2 rows
    slope = {"absolute_error": 1.0, "quantile": 0.5}.get(loss, 0.25) / 2
    assert loss_at_row_1 == slope
    assert (gradients.b2[0], gradients.b1[0]) == (slope, 2 * slope)
    assert gradients.w1[0, 0] == gradients.w2[0, 0] == 0


@pytest.mark.parametrize("engine", ENGINE_NAMES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["binary_log_loss", "huber", "absolute_error", "quantile"])
def test_large_numbers_neither_overflow_nor_vanish(engine, dtype, activation, loss):
    """h of ±1e15, y_pred of 1e30 and more: every loss is finite, and so is every gradient."""
    x, y = np.array([[1e15], [-1e15], [0.0]]), np.array([[1.0], [0.0], [0.0]])
    params = tl.Params(np.ones((1, 2), dtype), None, np.array([[1e15], [-1.0]], dtype), None)
    value, gradients = tl.loss_and_gradients(
        x, y, params, loss=loss, activation=activation, engine=engine
    )
    assert np.isfinite(value)
    assert gradients.w1.dtype == dtype
    assert np.isfinite(gradients.w1).all()
    assert np.isfinite(gradients.w2).all()


SPARSE = (
    scipy.sparse.csr_array,
    scipy.sparse.csc_array,
    scipy.sparse.coo_array,
    scipy.sparse.csr_matrix,
)


@pytest.mark.parametrize("kind", SPARSE)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_sparse_table_gives_the_dense_tables_numbers(kind, way, dtype):
    x, y, params, s = small_problem(
        "log_loss", 3, dtype=dtype, n_rows=20, n_inputs=30, **PARTS["all"]
    )
    x[np.random.default_rng(0).random(x.shape) < 0.8] = 0
    settings = {"loss": "log_loss", "steps": 12, "random_state": 4, "sample_weight": s, **WAYS[way]}
    dense = tl.train(x, y, params, engine="numpy", **settings)
    run = tl.train(kind(x), y, params, engine="numpy", **settings)
    assert_losses_agree(run.losses, dense.losses, first=TOLERANCE[dtype])
    assert_weights_agree(run.params, dense.params, TOLERANCE[dtype])
    np.testing.assert_allclose(
        tl.forward(kind(x), params), tl.forward(x, params), rtol=1e-3, atol=1e-5
    )


def test_the_dense_engines_say_that_they_take_no_sparse_table():
    x, y, params, _ = small_problem()
    for engine in OTHERS:
        if engine.startswith("torch"):
            with pytest.raises(tl.EngineError, match=f"'{engine}'.*sparse.*engine='numpy'"):
                tl.train(scipy.sparse.csr_array(x), y, params, engine=engine)
