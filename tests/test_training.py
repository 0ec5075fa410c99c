"""The training loop: what it gives, when it stops, and that looking at it changes nothing."""

import os
import signal
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse
import torch
from independent_torch import leaves, objective
from numpy.testing import assert_array_equal
from sklearn.neural_network import MLPRegressor
from small_problems import LOSSES_AND_OUTPUTS, small_problem

import twolayer as tl
from twolayer import checks, loop
from twolayer.engines import NAMES, get
from twolayer.loop import Batches
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.losses import LOSSES


def numpy_train(x, y, params, **settings):
    return tl.train(
        x, y, params, engine="numpy", **{"learning_rate": 1e-3, "steps": 20, **settings}
    )


def ready(*names):
    return [name for name in names or NAMES if get(name).missing() is None]


def assert_same_weights(one, other):
    for (name, w), (_, v) in zip(one.items(), other.items(), strict=True):
        assert_array_equal(w, v, err_msg=name)


# What a run gives


@pytest.mark.parametrize("engine", ready())
def test_losses_stand_before_each_update_and_the_final_loss_after_the_last(engine):
    x, y, params, _ = small_problem()
    run = tl.train(x, y, params, engine=engine, steps=5, learning_rate=1e-3)
    assert run.losses.shape == (5,)
    assert run.losses.dtype == "float64"
    assert run.losses[0] == pytest.approx(tl.loss_and_gradients(x, y, params)[0], rel=1e-12)
    assert isinstance(run.final_loss, float)
    assert run.final_loss == pytest.approx(tl.loss_and_gradients(x, y, run.params)[0], rel=1e-12)
    longer = tl.train(x, y, params, engine=engine, steps=6, learning_rate=1e-3)
    assert longer.losses[5] == pytest.approx(run.final_loss, rel=1e-12)


def test_a_run_says_what_it_did():
    x, y, params, _ = small_problem()
    run = numpy_train(
        x, y, params, alpha=0.5, batch_size=2, activation="tanh", loss="squared_error", momentum=0.3
    )
    assert (run.engine, run.device, run.span, run.stopped) == (
        "numpy",
        "cpu",
        False,
        "all steps taken",
    )
    assert "numpy" in run.why
    assert run.seconds > 0
    assert run.settings["loss"] == "squared_error"
    assert run.settings["activation"] == "tanh"
    assert {k: run.settings[k] for k in ("alpha", "batch_size", "momentum", "steps", "learning_rate")} == {
        "alpha": 0.5, "batch_size": 2, "momentum": 0.3, "steps": 20, "learning_rate": 1e-3,
    }  # fmt: skip


@pytest.mark.parametrize("engine", ready())
@pytest.mark.parametrize("n_networks", [None, 1, 3])
@pytest.mark.parametrize("steps", [0, 1, 4])
def test_the_shapes_of_the_losses(engine, n_networks, steps):
    if engine == "torch-nn" and n_networks:
        pytest.skip("engine 'torch-nn' trains one network at a time")
    x, y, params, _ = small_problem(n_networks=n_networks)
    run = tl.train(x, y, params, engine=engine, steps=steps, learning_rate=1e-3)
    assert run.losses.shape == ((steps,) if n_networks is None else (steps, n_networks))
    assert np.shape(run.final_loss) == (() if n_networks is None else (n_networks,))
    if steps == 0:
        assert_same_weights(run.params, params)


@pytest.mark.parametrize("engine", ready())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arguments_are_never_changed(engine, dtype):
    x, y, params, s = small_problem(weights=True, skip=True, dtype=dtype)
    given = [x, y, s, *(w for _, w in params.items())]
    before = [array.copy() for array in given]
    for array in given:
        array.flags.writeable = False
    for settings in ({}, {"momentum": 0.9, "alpha": 0.1}, {"solver": "adam", "batch_size": 2}):
        run = tl.train(
            x, y, params, sample_weight=s, engine=engine, steps=3, learning_rate=1e-2, **settings
        )
        for name, w in run.params.items():
            assert not np.array_equal(w, getattr(params, name))
            assert w.flags.writeable
            assert not any(np.shares_memory(w, array) for array in given)
    for array, old in zip(given, before, strict=True):
        assert_array_equal(array, old)


def test_whole_numbers_are_taken_as_float64():
    rng = np.random.default_rng(0)
    x, y = rng.integers(-3, 4, (6, 3)), rng.integers(0, 2, (6, 2))
    whole = tl.Params(rng.integers(-2, 3, (3, 4)), None, rng.integers(-2, 3, (4, 2)), None)
    run = numpy_train(x, y, whole)
    assert run.params.w1.dtype == "float64"
    expected = numpy_train(x.astype(float), y.astype(float), whole.map(lambda w: w.astype(float)))
    assert_array_equal(run.losses, expected.losses)
    assert_array_equal(numpy_train(x.tolist(), y.tolist(), whole).losses, expected.losses)
    assert_array_equal(
        numpy_train(x > 0, y > 0, whole).losses, numpy_train((x > 0) * 1.0, y, whole).losses
    )


def test_one_column_of_y_may_be_flat():
    x, y, params, _ = small_problem(n_outputs=1)
    assert_array_equal(numpy_train(x, y[:, 0], params).losses, numpy_train(x, y, params).losses)


def test_class_numbers_are_one_hot_rows():
    x, y, params, _ = small_problem("log_loss", 3)
    expected = numpy_train(x, y, params, loss="log_loss").losses
    for labels in (
        y.argmax(1),
        y.argmax(1)[:, None],
        y.argmax(1).astype("float32"),
        y.argmax(1).tolist(),
    ):
        assert_array_equal(numpy_train(x, labels, params, loss="log_loss").losses, expected)


# The solvers, against torch.optim's own loop

OPTIMISERS = {
    "gd": ({}, torch.optim.SGD, {}),
    "momentum": ({"momentum": 0.9}, torch.optim.SGD, {"momentum": 0.9}),
    "nesterov": (
        {"momentum": 0.9, "nesterov": True},
        torch.optim.SGD,
        {"momentum": 0.9, "nesterov": True},
    ),
    "adam": ({"solver": "adam"}, torch.optim.Adam, {}),
}


def torchs_own_losses(x, y, params, s, loss, settings, make, options, decay):
    """The usual torch program: torch's modules' functions, autograd, and an optimiser with weight decay on the weights."""
    tensors = leaves(params)
    weights = [t for name, t in tensors.items() if name.startswith("w")]
    biases = [t for name, t in tensors.items() if name.startswith("b")]
    optimizer = make(
        [{"params": weights, "weight_decay": decay}, {"params": biases}],
        lr=settings["learning_rate"],
        **options,
    )
    given = torch.tensor(x), torch.tensor(y), tensors, loss, "tanh"
    losses = []
    for _ in range(settings["steps"]):
        losses.append(objective(*given, settings["alpha"], torch.tensor(s)).item())
        optimizer.zero_grad()
        objective(*given, 0.0, torch.tensor(s)).backward()
        optimizer.step()
    return losses, tensors


@pytest.mark.parametrize(("loss", "n_outputs"), LOSSES_AND_OUTPUTS)
@pytest.mark.parametrize("alpha", [0.0, 0.8])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_training_is_torch_optims(name, alpha, loss, n_outputs):
    """With weight decay alpha for a loss that is a sum, alpha / S for a mean."""
    ours, make, options = OPTIMISERS[name]
    x, y, params, s = small_problem(loss, n_outputs, skip=True, weights=True)
    settings = {"learning_rate": 3e-3, "steps": 30, "alpha": alpha}
    decay = alpha if loss == "sum_of_squares" else alpha / s.sum()
    expected, tensors = torchs_own_losses(x, y, params, s, loss, settings, make, options, decay)
    run = numpy_train(
        x, y, params, loss=loss, activation="tanh", sample_weight=s, **settings, **ours
    )
    np.testing.assert_allclose(run.losses, expected, rtol=1e-11)
    for name, w in run.params.items():
        np.testing.assert_allclose(w, tensors[name].detach().numpy(), rtol=1e-9, atol=1e-12)


def scikit_learns_step(x, y, alpha, hidden, learning_rate):
    """Weights before, objective, and weights after one full-batch step of MLPRegressor."""
    model = MLPRegressor(
        hidden_layer_sizes=(hidden,), activation="tanh", solver="sgd", alpha=alpha, batch_size=len(x), learning_rate_init=learning_rate,
        momentum=0.0, random_state=0,
    )  # fmt: skip
    model.partial_fit(x, y)
    before = [
        w.copy()
        for w in (model.coefs_[0], model.intercepts_[0], model.coefs_[1], model.intercepts_[1])
    ]
    model.partial_fit(x, y)
    after = [model.coefs_[0], model.intercepts_[0], model.coefs_[1], model.intercepts_[1]]
    return before, model.loss_curve_[-1], after


@pytest.mark.parametrize("alpha", [0.0, 3.0])
def test_alpha_means_what_it_means_in_scikit_learn(alpha):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((9, 3)), rng.standard_normal(9)
    before, loss, after = scikit_learns_step(x, y, alpha, hidden=4, learning_rate=0.1)
    run = numpy_train(
        x,
        y,
        tl.Params(*before),
        loss="squared_error",
        activation="tanh",
        alpha=alpha,
        learning_rate=0.1,
        steps=1,
    )
    assert run.losses[0] == pytest.approx(loss, rel=1e-12)
    for (_, w), expected in zip(run.params.items(), after, strict=True):
        np.testing.assert_allclose(w, expected, rtol=1e-10)


@pytest.mark.parametrize(("loss", "n_outputs"), LOSSES_AND_OUTPUTS)
def test_a_batch_has_the_same_objective_on_average_as_all_rows(loss, n_outputs):
    """A pass without a move: the batches' losses, weighted as the loss weighs rows, add up to that of all rows."""
    x, y, params, s = small_problem(loss, n_outputs, weights=True, n_rows=11)
    settings = {"loss": loss, "alpha": 2.0, "sample_weight": s, "learning_rate": 1e-300}
    everything = numpy_train(x, y, params, steps=0, **settings).final_loss
    run = numpy_train(x, y, params, steps=4, batch_size=3, random_state=0, **settings)
    if loss == "sum_of_squares":
        assert run.losses.sum() == pytest.approx(everything, rel=1e-12)
        return
    order = np.random.default_rng(0).permutation(11)
    shares = [s[order[k : k + 3]].sum() / s.sum() for k in range(0, 11, 3)]
    assert run.losses @ shares == pytest.approx(everything, rel=1e-12)


def test_every_loss_and_activation_is_named_where_users_look():
    for name in (*LOSSES, *ACTIVATIONS):
        assert f'"{name}"' in tl.train.__doc__, name


@pytest.mark.parametrize(
    ("loss", "said"),
    [
        ("huber", "huber(delta=1)"),
        (tl.Huber(2.5), "huber(delta=2.5)"),
        (tl.Quantile(0.9), "quantile(level=0.9)"),
        ("poisson", "poisson"),
    ],
    ids=str,
)
def test_a_run_says_its_loss_with_its_number(loss, said):
    x, y, params, _ = small_problem("poisson")
    assert tl.train(x, y, params, loss=loss, steps=1).settings["loss"] == said


# Row weights


@pytest.mark.parametrize("engine", ready("numpy", "compiled", "torch-nn"))
@pytest.mark.parametrize(("loss", "n_outputs"), LOSSES_AND_OUTPUTS)
def test_a_row_of_weight_2_is_two_rows_and_of_weight_0_none(engine, loss, n_outputs):
    x, y, params, _ = small_problem(loss, n_outputs)
    s = np.array([2, 1, 0, 1, 0, 2, 1])
    again = np.repeat(np.arange(7), s)
    settings = {"loss": loss, "alpha": 0.5, "engine": engine, "steps": 20, "learning_rate": 1e-3}
    run = tl.train(x, y, params, sample_weight=s, **settings)
    expected = tl.train(x[again], y[again], params, **settings)
    np.testing.assert_allclose(run.losses, expected.losses, rtol=1e-11)
    np.testing.assert_allclose(run.params.w1, expected.params.w1, rtol=1e-10)
    assert run.final_loss == pytest.approx(expected.final_loss, rel=1e-11)


@pytest.mark.parametrize("engine", ready())
@pytest.mark.parametrize("loss", ["sum_of_squares", "squared_error"])
def test_a_batch_of_rows_of_no_weight_moves_nothing_but_what_decays(engine, loss):
    """With a sum over rows, a batch takes its share of the decay, so one without weight takes none; with a mean, all."""
    x, y, params, _ = small_problem(loss)
    s = np.array([0.0, 0, 0, 0, 1, 1, 1])
    order = np.random.default_rng(3).permutation(7)
    settings = {
        "loss": loss,
        "sample_weight": s,
        "batch_size": 1,
        "random_state": 3,
        "engine": engine,
    }
    run = tl.train(x, y, params, steps=7, learning_rate=1e-300, **settings)
    assert_array_equal(run.losses == 0, s[order] == 0)
    decayed = tl.train(x, y, params, steps=7, learning_rate=1e-300, alpha=2.0, **settings)
    norm = (params.w1**2).sum() + (params.w2**2).sum()
    share = s[order] / 3 if loss == "sum_of_squares" else np.full(7, 1 / 3)
    np.testing.assert_allclose(decayed.losses - run.losses, norm * share, rtol=1e-10, atol=1e-12)


# Mini-batches


def batches_of(n_rows, batch_size, chunks, random_state=0, s=None):
    """The rows of each batch, taken in chunks of these sizes."""
    x, y = np.zeros((n_rows, 1)), np.zeros((n_rows, 1))
    params = tl.init_params(1, 1, 1)
    problem = checks.problem(x, y, params, checks.objective("squared_error", "relu", 0.0), s)
    batches = Batches(problem, batch_size, random_state)
    return [batch for steps in chunks for batch in batches.take(steps)]


def test_a_pass_takes_each_row_once_in_a_new_order():
    batches = batches_of(10, 4, [9])
    assert [len(batch.rows) for batch in batches] == [4, 4, 2] * 3
    assert [batch.total for batch in batches] == [4, 4, 2] * 3
    passes = [np.concatenate([b.rows for b in batches[k : k + 3]]) for k in (0, 3, 6)]
    for rows in passes:
        assert_array_equal(np.sort(rows), np.arange(10))
    assert len({tuple(rows) for rows in passes}) == 3
    for chunks in ([1] * 9, [2, 3, 4], [4, 5]):
        again = batches_of(10, 4, chunks)
        assert_array_equal(np.concatenate([b.rows for b in again]), np.concatenate(passes))


def test_the_total_weight_of_a_batch_is_that_of_its_rows():
    s = np.arange(1.0, 11)
    for batch in batches_of(10, 4, [6], s=s):
        assert batch.total == s[batch.rows].sum()


@pytest.mark.parametrize("engine", ready())
def test_each_row_gives_its_own_loss_once_a_pass(engine):
    """With no move to speak of, the losses of a pass over single rows are the rows' own, each once."""
    x, y, params, _ = small_problem()
    own = np.sort(((tl.forward(x, params) - y) ** 2).sum(1))
    run = tl.train(
        x, y, params, engine=engine, batch_size=1, steps=14, learning_rate=1e-300, random_state=1
    )
    for losses in (run.losses[:7], run.losses[7:]):
        np.testing.assert_allclose(np.sort(losses), own, rtol=1e-12)
    assert not np.array_equal(run.losses[:7], run.losses[7:])


def test_the_seed_decides_the_order():
    x, y, params, _ = small_problem()
    settings = {"batch_size": 2, "steps": 8}
    one = numpy_train(x, y, params, random_state=1, **settings).losses
    assert_array_equal(numpy_train(x, y, params, random_state=1, **settings).losses, one)
    assert_array_equal(
        numpy_train(x, y, params, random_state=np.random.default_rng(1), **settings).losses, one
    )
    assert not np.array_equal(numpy_train(x, y, params, random_state=2, **settings).losses, one)
    assert not np.array_equal(
        numpy_train(x, y, params, **settings).losses, numpy_train(x, y, params, **settings).losses
    )


@pytest.mark.parametrize("batch_size", [7, 8, 10**9])
def test_a_batch_of_all_rows_is_no_batch(batch_size):
    x, y, params, _ = small_problem()
    run = numpy_train(x, y, params, batch_size=batch_size)
    assert_array_equal(run.losses, numpy_train(x, y, params).losses)


# Chunks, callbacks, stopping

KINDS = {
    "gd": {},
    "momentum": {"momentum": 0.9, "alpha": 0.1},
    "adam": {"solver": "adam"},
    "batches": {"batch_size": 3, "random_state": 0, "momentum": 0.5},
}


@pytest.mark.parametrize("engine", ready())
@pytest.mark.parametrize("kind", KINDS)
def test_the_size_of_the_chunks_changes_no_number(engine, kind, monkeypatch):
    x, y, params, _ = small_problem()
    settings = {"engine": engine, "steps": 150, "learning_rate": 1e-3, **KINDS[kind]}
    expected = tl.train(x, y, params, callback_every=150, **settings)
    sizes = [1, 7, 100]
    runs = [tl.train(x, y, params, callback_every=size, **settings) for size in sizes]
    for seconds in (0.0, 1e9):
        monkeypatch.setattr(loop, "SECONDS_A_CHUNK", seconds)
        runs.append(tl.train(x, y, params, **settings))
    for run in runs:
        assert_array_equal(run.losses, expected.losses)
        assert_same_weights(run.params, expected.params)
        assert run.final_loss == expected.final_loss


@pytest.mark.parametrize(
    ("size", "took", "beside", "expected"),
    [
        (50, 0.2, 0.0, 25),  # a tenth of a second
        (50, 1e-6, 0.0, 500),  # not more than ten times longer at once
        (1, 7.0, 0.0, 1),  # never less than one
        (10, 0.2, 0.1, 50),  # copies between chunks that take 0.1 s: one second of steps
        (10, 0.2, 60.0, 100),  # but two seconds at most
    ],
)
def test_chunks_take_a_tenth_of_a_second_or_ten_times_what_is_spent_beside_them(
    size, took, beside, expected
):
    given = SimpleNamespace(callback_every=None)
    assert loop.Loop.next_size(given, size, took, beside) == expected
    given.callback_every = 7
    assert loop.Loop.next_size(given, size, took, beside) == 7


@pytest.mark.parametrize("engine", ready())
@pytest.mark.parametrize(
    ("every", "steps", "expected"), [(5, 23, [5, 10, 15, 20, 23]), (1, 3, [1, 2, 3]), (50, 7, [7])]
)
def test_a_callback_comes_exactly_so_often(engine, every, steps, expected):
    x, y, params, _ = small_problem()
    seen = []
    settings = {"engine": engine, "learning_rate": 1e-3}
    whole = tl.train(
        x, y, params, steps=steps, callback=seen.append, callback_every=every, **settings
    )
    assert [progress.step for progress in seen] == expected
    assert all(progress.steps == steps for progress in seen)
    assert (np.diff([progress.seconds for progress in seen]) > 0).all()
    for progress in seen:
        assert_array_equal(progress.losses, whole.losses[: progress.step])


@pytest.mark.parametrize("engine", ready())
def test_a_callback_may_copy_the_weights(engine):
    x, y, params, _ = small_problem()
    settings = {"engine": engine, "learning_rate": 1e-3}
    copies = {}

    def keep(progress):
        copies[progress.step] = progress.params()

    tl.train(x, y, params, steps=9, callback=keep, callback_every=3, **settings)
    for steps, weights in copies.items():
        assert_same_weights(weights, tl.train(x, y, params, steps=steps, **settings).params)


def test_without_a_cadence_callbacks_come_now_and_then_and_at_the_end():
    x, y, params, _ = small_problem()
    seen = []
    numpy_train(x, y, params, steps=3000, callback=lambda progress: seen.append(progress.step))
    assert seen[-1] == 3000
    assert 1 < len(seen) < 3000


def test_a_callback_cannot_spoil_the_history():
    x, y, params, _ = small_problem()

    def meddle(progress):
        progress.params().w1[:] = 0
        with pytest.raises(ValueError, match="read-only"):
            progress.losses[0] = -1

    run = numpy_train(x, y, params, callback=meddle, callback_every=3)
    assert_array_equal(run.losses, numpy_train(x, y, params).losses)
    run.losses[0] = 0  # the caller's own


@pytest.mark.parametrize("answer", [True, np.True_, np.bool_(1)])
def test_a_callback_that_returns_true_stops(answer):
    x, y, params, _ = small_problem()
    run = numpy_train(
        x, y, params, callback=lambda p: answer if p.step >= 6 else None, callback_every=3
    )
    assert run.stopped == "stopped by the callback"
    expected = numpy_train(x, y, params, steps=6)
    assert_array_equal(run.losses, expected.losses)
    assert_same_weights(run.params, expected.params)
    assert run.final_loss == expected.final_loss


@pytest.mark.parametrize("answer", [None, False, np.False_, 0])
def test_a_callback_that_returns_anything_false_goes_on(answer):
    x, y, params, _ = small_problem()
    run = numpy_train(x, y, params, callback=lambda p: answer, callback_every=3)
    assert (len(run.losses), run.stopped) == (20, "all steps taken")


def test_an_error_in_a_callback_comes_out_as_it_is():
    x, y, params, _ = small_problem()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError):
        numpy_train(x, y, params, callback=lambda p: 1 / 0)
    assert signal.getsignal(signal.SIGINT) is before


def flat_after(losses, tol, window=10, a_pass=1):
    """The docstring's rule: the mean of the last `window` losses less than `tol` below that of as many before."""
    for t in range(2 * window, len(losses) + 1, a_pass):
        before, last = np.mean(losses[t - 2 * window : t - window]), np.mean(losses[t - window : t])
        if before - last <= tol * abs(before):
            return t
    return None


@pytest.mark.parametrize("engine", ready("numpy", "compiled", "torch-nn"))
@pytest.mark.parametrize(
    "settings", [{}, {"solver": "adam", "learning_rate": 0.1}, {"batch_size": 3, "random_state": 0}]
)
def test_tol_stops_at_a_step_that_does_not_depend_on_the_chunks(engine, settings, monkeypatch):
    x, y, params, _ = small_problem()
    settings = {"engine": engine, "learning_rate": 3e-3, **settings}
    a_pass, window = (3, 12) if "batch_size" in settings else (1, 10)
    step = flat_after(tl.train(x, y, params, steps=400, **settings).losses, 0.05, window, a_pass)
    assert 2 * window < step < 400
    expected = tl.train(x, y, params, steps=step, **settings)
    runs = [
        tl.train(x, y, params, steps=400, tol=0.05, callback_every=size, **settings)
        for size in (1, 7, step, 400)
    ]
    monkeypatch.setattr(loop, "SECONDS_A_CHUNK", 1e9)
    runs.append(tl.train(x, y, params, steps=400, tol=0.05, **settings))
    for run in runs:
        assert run.stopped == "tol reached"
        assert_array_equal(run.losses, expected.losses)
        assert_same_weights(run.params, expected.params)
        assert run.final_loss == expected.final_loss


@pytest.mark.parametrize("batch_size", [1, 4, 13])
def test_with_batches_tol_compares_whole_passes(batch_size):
    """Batches differ more from each other than one pass does from the next: this one falls by a thousandth a pass."""
    x, y, params, _ = small_problem(n_rows=30)
    settings = {"batch_size": batch_size, "random_state": 0, "learning_rate": 1e-5, "steps": 600}
    a_pass = -(-30 // batch_size)
    run = numpy_train(x, y, params, tol=1e-4, **settings)
    assert run.stopped == "all steps taken"
    assert (
        flat_after(run.losses, 1e-4) is not None
    )  # steps, instead of passes, would have stopped it
    passes = run.losses.reshape(-1, a_pass).sum(1)
    assert (np.diff(passes) < 0).all()


def test_many_networks_stop_when_the_last_is_flat():
    x, y, params, _ = small_problem(n_networks=3)
    run = numpy_train(x, y, params, steps=5000, tol=0.02)
    alone = [
        len(numpy_train(x, y, params.map(lambda w, k=k: w[k]), steps=5000, tol=0.02).losses)
        for k in range(3)
    ]
    assert run.stopped == "tol reached"
    assert max(alone) <= len(run.losses) < 5000
    assert run.losses.shape[1] == 3


def test_no_tol_never_stops_early():
    x, y, params, _ = small_problem()
    run = numpy_train(x, y, params, learning_rate=1e-300, steps=200)
    assert (len(run.losses), run.stopped) == (200, "all steps taken")


# Ctrl-C


def test_ctrl_c_gives_the_run_so_far():
    x, y, params, _ = small_problem()
    before = signal.getsignal(signal.SIGINT)

    def press(progress):
        if progress.step == 6:
            os.kill(os.getpid(), signal.SIGINT)

    run = numpy_train(x, y, params, steps=30, callback=press, callback_every=3)
    assert run.stopped == "interrupted"
    expected = numpy_train(x, y, params, steps=6)
    assert_array_equal(run.losses, expected.losses)
    assert_same_weights(run.params, expected.params)
    assert run.final_loss == expected.final_loss
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize("engine", ready("numpy", "compiled"))
def test_ctrl_c_is_heard_soon_on_a_tiny_table_too(engine):
    """Pressed before the first step, it ends the run after one small chunk, of 100 steps at most."""
    x, y, params, _ = small_problem()
    worker = get(engine)
    original, pressed = type(worker).advance, []

    def press_once(self, state, plan):
        if not pressed:
            pressed.append(plan.steps)
            signal.raise_signal(signal.SIGINT)
        return original(self, state, plan)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(worker), "advance", press_once)
        run = tl.train(x, y, params, engine=engine, steps=10**8, learning_rate=1e-6)
    assert run.stopped == "interrupted"
    assert len(run.losses) == pressed[0] <= 100


def test_a_second_ctrl_c_raises():
    x, y, params, _ = small_problem()
    before = signal.getsignal(signal.SIGINT)

    def press_twice(progress):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        numpy_train(x, y, params, callback=press_twice)
    assert signal.getsignal(signal.SIGINT) is before


def test_training_works_in_another_thread_where_signals_cannot_be_set():
    x, y, params, _ = small_problem()
    runs = []
    thread = threading.Thread(target=lambda: runs.append(numpy_train(x, y, params)))
    thread.start()
    thread.join()
    assert_array_equal(runs[0].losses, numpy_train(x, y, params).losses)


# Divergence


def plain_run(x, y, params, learning_rate, order=None, steps=400):
    """An independent loop of the rectified network without bias: each step's loss, and the weights before it.

    It ends with the first step whose loss or weights are not finite.
    """
    w1, w2 = params.w1.copy(), params.w2.copy()
    losses, weights = [], []
    with np.errstate(all="ignore"):
        for step in range(steps):
            rows = slice(None) if order is None else order[step : step + 1]
            h = x[rows] @ w1
            y_pred = np.maximum(h, 0) @ w2
            loss = ((y_pred - y[rows]) ** 2).sum()
            if not (np.isfinite(loss) and np.isfinite(w1).all() and np.isfinite(w2).all()):
                return losses, weights
            losses.append(loss)
            weights.append((w1.copy(), w2.copy()))
            grad = 2 * (y_pred - y[rows])
            grad_h = grad @ w2.T * (h >= 0)
            w1, w2 = (
                w1 - learning_rate * x[rows].T @ grad_h,
                w2 - learning_rate * np.maximum(h, 0).T @ grad,
            )
    raise AssertionError("it did not diverge")


def assert_tells_where_it_diverged(error, losses, weights, what):
    step = len(losses)
    assert error.step == step
    assert str(error).startswith(
        f"training diverged: the {what} stopped being finite at step {step};"
    )
    assert error.losses.shape == (step,)
    np.testing.assert_allclose(error.losses, losses, rtol=1e-9)
    assert error.last_finite_loss == error.losses[-1]
    assert f"the last finite loss was {losses[-1]:.6g}" in str(error)
    np.testing.assert_allclose(error.params.w1, weights[-1][0], rtol=1e-9)
    np.testing.assert_allclose(error.params.w2, weights[-1][1], rtol=1e-9)


@pytest.mark.parametrize("engine", ready())
@pytest.mark.parametrize("every", [1, 2, 3, 1000])
@pytest.mark.parametrize("learning_rate", [0.05, 0.015])
def test_a_loss_that_diverges(engine, every, learning_rate):
    x, y, params, _ = small_problem(bias=False, n_rows=20, seed=6)
    losses, weights = plain_run(x, y, params, learning_rate)
    with pytest.raises(tl.DivergedError) as caught:
        tl.train(
            x,
            y,
            params,
            engine=engine,
            learning_rate=learning_rate,
            steps=1000,
            callback_every=every,
        )
    assert_tells_where_it_diverged(caught.value, losses, weights, "loss")
    assert f"Try a smaller learning rate (it was {learning_rate:g})" in str(caught.value)
    assert isinstance(caught.value, (ArithmeticError, tl.TwoLayerError))


@pytest.mark.parametrize("engine", ready())
def test_a_loss_that_diverges_with_the_very_last_update(engine):
    x, y, params, _ = small_problem(bias=False, n_rows=20, seed=6)
    losses, weights = plain_run(x, y, params, 0.05)
    settings = {"engine": engine, "learning_rate": 0.05}
    with pytest.raises(tl.DivergedError) as caught:
        tl.train(x, y, params, steps=len(losses), **settings)
    assert_tells_where_it_diverged(caught.value, losses, weights, "loss")
    run = tl.train(x, y, params, steps=len(losses) - 1, **settings)
    assert run.final_loss == pytest.approx(losses[-1], rel=1e-9)


@pytest.mark.parametrize("engine", ready())
def test_a_loss_that_is_not_finite_from_the_start(engine):
    x, y, params, _ = small_problem(bias=False)
    for steps in (0, 5):
        with pytest.raises(
            tl.DivergedError, match=r"at step 0; there was no finite loss before\. Rescale"
        ) as caught:
            tl.train(x * 1e200, y, params, engine=engine, steps=steps)
        assert caught.value.step == 0
        assert caught.value.last_finite_loss is None
        assert caught.value.losses.shape == (0,)
        assert_same_weights(caught.value.params, params)


def one_explosive_row(sign_of_the_others):
    """One input, one hidden unit; the row in front makes an update overflow while every loss stays finite.

    Its gradient is 2·1e150·1e10, times the learning rate of 1e155: w1 becomes -inf, h = -inf on rows above 0 and h_relu
    = 0, so that their losses stay finite; on a row below 0 h = +inf, and the loss follows.
    """
    x = np.array([[1.0], [1e-100], [1e-100 * sign_of_the_others]])
    y = np.array([[-1e150], [0.0], [0.0]])
    params = tl.Params(np.array([[1e-100]]), None, np.array([[1e10]]), None)
    return x, y, params, 1e155


def order_starting_with(rows, seed=0):
    """A seed whose first pass over three rows takes them in this order."""
    while not np.array_equal(np.random.default_rng(seed).permutation(3), rows):
        seed += 1
    return seed


@pytest.mark.parametrize("engine", ready())
@pytest.mark.parametrize("every", [1, 2, 3, 50])
@pytest.mark.parametrize("sign", [1, -1])
def test_weights_that_diverge_while_the_loss_is_still_finite(engine, every, sign):
    """The step is where the weights were lost, however late a loss shows it, and the weights handed back are finite."""
    x, y, params, learning_rate = one_explosive_row(sign)
    rows = np.array([1, 0, 2])
    losses, weights = plain_run(x, y, params, learning_rate, order=np.tile(rows, 5))
    assert len(losses) == 2
    with pytest.raises(tl.DivergedError) as caught:
        tl.train(
            x, y, params, engine=engine, learning_rate=learning_rate, batch_size=1, steps=50, callback_every=every,
            random_state=order_starting_with(rows),
        )  # fmt: skip
    assert_tells_where_it_diverged(caught.value, losses, weights, "weights")


@pytest.mark.parametrize("engine", [name for name in ready() if name != "torch-nn"])
def test_one_network_of_several_that_diverges(engine):
    x, y, params, _ = small_problem(bias=False, n_rows=20, n_networks=3)
    params.w1[1] *= 20
    settings = {"learning_rate": 1e-3, "steps": 1000}
    losses, weights = plain_run(x, y, params.map(lambda w: w[1]), 1e-3)
    with pytest.raises(tl.DivergedError) as caught:
        tl.train(x, y, params, engine=engine, **settings)
    error = caught.value
    assert error.step == len(losses)
    assert error.losses.shape == (len(losses), 3)
    assert error.last_finite_loss == pytest.approx(losses[-1], rel=1e-6)
    np.testing.assert_allclose(error.params.w1[1], weights[-1][0], rtol=1e-6)
    assert all(np.isfinite(w).all() for _, w in error.params.items())


@pytest.mark.parametrize(
    "settings", [{"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {"alpha": 1.0}], ids=str
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_run_that_diverges_warns_of_nothing_else(settings, dtype):
    """Warnings are errors in these tests: an overflow in the update itself would show."""
    x, y, params, _ = small_problem(dtype=dtype)
    with pytest.raises(tl.DivergedError):
        numpy_train(x, y, params, learning_rate=1e30, steps=100, **settings)


def test_a_sparse_run_that_diverges():
    x, y, params, _ = small_problem(bias=False, n_rows=20, seed=6)
    losses, weights = plain_run(x, y, params, 0.05)
    with pytest.raises(tl.DivergedError) as caught:
        numpy_train(scipy.sparse.csr_array(x), y, params, learning_rate=0.05, steps=1000)
    assert_tells_where_it_diverged(caught.value, losses, weights, "loss")
