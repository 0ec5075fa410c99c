"""The training loop: chunks and callbacks change nothing, and a run ends, is ended, or diverges in one clear way."""

import os
import signal
import threading
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse
from numpy.testing import assert_array_equal
from slow_cases import slow
from small_problems import small_problem
from training_runs import assert_same_weights, numpy_train, ready, ready_or_slow

import twolayer as tl
from twolayer.engines import get_engine
from twolayer.training import loop

# Chunks, callbacks, stopping

KINDS = {
    "gd": {},
    "momentum": {"momentum": 0.9, "alpha": 0.1},
    "adam": {"solver": "adam"},
    "batches": {"batch_size": 3, "random_state": 0, "momentum": 0.5},
}


@pytest.mark.parametrize("engine", ready_or_slow())
@pytest.mark.parametrize("kind", KINDS)
def test_the_size_of_the_chunks_changes_no_number(engine, kind, monkeypatch):
    x, y, params, _ = small_problem()
    settings = {"engine": engine, "steps": 60, "learning_rate": 1e-3, **KINDS[kind]}
    expected = tl.train(x, y, params, callback_every=60, **settings)
    sizes = [1, 7, 50]
    runs = [tl.train(x, y, params, callback_every=size, **settings) for size in sizes]
    for seconds in (0.0, 1e9):
        monkeypatch.setattr(loop, "SECONDS_PER_CHUNK", seconds)
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
    assert loop.TrainingLoop.next_size(given, size, took, beside) == expected
    given.callback_every = 7
    assert loop.TrainingLoop.next_size(given, size, took, beside) == 7


@pytest.mark.parametrize("engine", ready_or_slow())
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
    assert (np.diff([progress.seconds for progress in seen]) >= 0).all()
    for progress in seen:
        assert_array_equal(progress.losses, whole.losses[: progress.step])


@pytest.mark.parametrize("engine", ready_or_slow())
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


@pytest.mark.parametrize("engine", [*ready("numpy", "compiled"), *slow(*ready("torch-nn"))])
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
    monkeypatch.setattr(loop, "SECONDS_PER_CHUNK", 1e9)
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


ENDINGS = {
    "tol reached": {"tol": 0.05, "steps": 400},
    "at most": {"solver": "lbfgs", "alpha": 50.0, "tol": 1e-3},  # gradient or gain
    "all steps taken": {"steps": 23},
    "interrupted": {"steps": 10**6},
    "stopped by the callback": {"steps": 10**6},
}


def ends_by(ending, seen):
    """A callback that notes what it is given, and brings the ending about if that is up to it."""

    def callback(progress):
        seen.append(
            (progress.previous_step, progress.step, progress.params(), len(progress.losses))
        )
        if ending == "interrupted" and progress.step >= 14:
            signal.raise_signal(signal.SIGINT)
        return ending == "stopped by the callback" and progress.step >= 14

    return callback


@pytest.mark.parametrize("engine", ready("numpy", "compiled"))
@pytest.mark.parametrize("n_networks", [None, 3])
@pytest.mark.parametrize("every", [None, 1, 7, 1000])
@pytest.mark.parametrize("ending", ENDINGS)
def test_a_callback_sees_the_last_state_once_whatever_ends_the_training(
    ending, every, n_networks, engine
):
    """L-BFGS trains one network after another: then each of them."""
    x, y, params, _ = small_problem(n_networks=n_networks)
    seen = []
    settings = {"steps": 5000, "learning_rate": 3e-3, "engine": engine, **ENDINGS[ending]}
    run = tl.train(x, y, params, callback=ends_by(ending, seen), callback_every=every, **settings)
    assert ending in run.stopped
    before, steps, weights, lengths = zip(*seen, strict=True)
    assert lengths == steps
    first = [place for place, step in enumerate(before) if step == 0]
    last = [*(place - 1 for place in first[1:]), len(seen) - 1]
    for one, other in zip(first, last, strict=True):
        assert list(before[one + 1 : other + 1]) == list(steps[one:other])
        assert (np.diff([0, *steps[one : other + 1]]) > 0).all()
    assert max(steps[place] for place in last) == len(run.losses)
    if n_networks and ENDINGS[ending].get("solver") == "lbfgs":
        assert len(last) == n_networks
        ends = tl.Params.stack([weights[place] for place in last])
    else:
        (place,) = last
        ends = weights[place]
    assert_same_weights(ends, run.params)


@pytest.mark.parametrize("ending", list(ENDINGS)[:2])
def test_a_callback_that_returns_true_at_the_end_has_not_ended_it(ending):
    x, y, params, _ = small_problem()
    settings = {"steps": 5000, "learning_rate": 3e-3, **ENDINGS[ending]}
    alone = numpy_train(x, y, params, **settings)
    told = numpy_train(x, y, params, callback=lambda p: True, callback_every=5000, **settings)
    assert told.stopped == alone.stopped
    assert ending in told.stopped
    assert_array_equal(told.losses, alone.losses)
    assert_same_weights(told.params, alone.params)
    assert told.final_loss == alone.final_loss


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
    worker = get_engine(engine)
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


@pytest.mark.parametrize("engine", ready_or_slow())
@pytest.mark.parametrize("every", [1, 2, 3, 1000])
@pytest.mark.parametrize("learning_rate", [0.05, *slow(0.015)])
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


@pytest.mark.parametrize("engine", ready_or_slow())
def test_a_loss_that_diverges_with_the_very_last_update(engine):
    x, y, params, _ = small_problem(bias=False, n_rows=20, seed=6)
    losses, weights = plain_run(x, y, params, 0.05)
    settings = {"engine": engine, "learning_rate": 0.05}
    with pytest.raises(tl.DivergedError) as caught:
        tl.train(x, y, params, steps=len(losses), **settings)
    assert_tells_where_it_diverged(caught.value, losses, weights, "loss")
    run = tl.train(x, y, params, steps=len(losses) - 1, **settings)
    assert run.final_loss == pytest.approx(losses[-1], rel=1e-9)


@pytest.mark.parametrize("engine", ready_or_slow())
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


@pytest.mark.parametrize("engine", ready_or_slow())
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
