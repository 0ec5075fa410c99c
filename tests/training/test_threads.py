"""BLAS threads: one around small products, as many as before around large ones, and what was before is restored."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest
import scipy.linalg  # noqa: F401 - its BLAS is another pool than NumPy's
from slow_cases import slow
from threadpoolctl import threadpool_info, threadpool_limits

import twolayer as tl
from twolayer.maths import span
from twolayer.training import threads
from twolayer.training.threads import SMALL_MULTIPLICATIONS, limited_threads


def counts():
    """How many threads each BLAS uses now."""
    return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]


@pytest.fixture(autouse=True)
def three_threads():
    """So that there is something to limit, whatever the machine has."""
    with threadpool_limits(3, user_api="blas"):
        assert set(counts()) == {3}
        yield
        assert set(counts()) == {3}


def test_one_thread_within_and_what_was_before_after():
    assert len(counts()) >= 2 or sys.platform == "darwin"
    with limited_threads(SMALL_MULTIPLICATIONS):
        assert set(counts()) == {1}
    assert set(counts()) == {3}


def test_large_products_are_left_alone():
    with limited_threads(SMALL_MULTIPLICATIONS + 1):
        assert set(counts()) == {3}


def fails():
    with limited_threads(1):
        assert set(counts()) == {1}
        raise KeyError


def test_an_error_passes_through_and_the_threads_come_back():
    with pytest.raises(KeyError):
        fails()
    assert set(counts()) == {3}


def test_one_inside_another():
    with limited_threads(1):
        with limited_threads(1):
            assert set(counts()) == {1}
        assert set(counts()) == {1}
        with limited_threads(SMALL_MULTIPLICATIONS + 1):
            assert set(counts()) == {1}
    assert set(counts()) == {3}
    with limited_threads(SMALL_MULTIPLICATIONS + 1):
        with limited_threads(1):
            assert set(counts()) == {1}
        assert set(counts()) == {3}


def test_runs_that_overlap_restore_what_was_before_the_first():
    """The second comes while the first has limited, and stays longer; the first still lives then."""
    first_in, second_in, first_out, second_out = (threading.Event() for _ in range(4))
    seen = []

    def first():
        with limited_threads(1):
            first_in.set()
            second_in.wait()
        seen.append(set(counts()))
        first_out.set()
        second_out.wait()

    def second():
        first_in.wait()
        with limited_threads(1):
            second_in.set()
            first_out.wait()
            seen.append(set(counts()))
        second_out.set()

    both = [threading.Thread(target=each) for each in (first, second)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert seen == [{1}, {1}]
    assert set(counts()) == {3}
    with limited_threads(1):
        assert set(counts()) == {1}


# Training


def trained(n_rows, n_inputs, n_hidden, **settings):
    """The threads that a callback sees during the steps."""
    seen = []
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((n_rows, n_inputs)), rng.standard_normal((n_rows, 2))
    params = tl.init_params(n_inputs, n_hidden, 2, scheme="glorot")
    tl.train(
        x, y, params, steps=2, callback_every=1, callback=lambda _: seen.extend(counts()),
        **{"learning_rate": 1e-6, **settings},
    )  # fmt: skip
    return set(seen)


SMALL_SHAPE, WIDE_SHAPE, LARGE_SHAPE = (20, 50, 10), (60, 20_000, 20), (600, 700, 60)


@pytest.mark.parametrize("engine", ["numpy", "compiled", "torch"])
@pytest.mark.parametrize("solver", ["gd", "lbfgs"])
def test_the_steps_of_a_small_table_take_one(engine, solver):
    assert trained(*SMALL_SHAPE, engine=engine, solver=solver) == {1}
    assert set(counts()) == {3}


@pytest.mark.parametrize(
    ("engine", "solver"),
    [("numpy", "gd"), ("compiled", "lbfgs"), *slow(("numpy", "lbfgs"), ("compiled", "gd"))],
)
def test_the_steps_in_the_span_are_as_small_as_it_is(engine, solver):
    """A table whose own products are large, and whose steps in the span are not."""
    assert np.prod(WIDE_SHAPE) > SMALL_MULTIPLICATIONS
    assert trained(*WIDE_SHAPE, engine=engine, solver=solver, span=False) == {3}
    assert trained(*WIDE_SHAPE, engine=engine, solver=solver, span=True) == {1}


def test_a_batch_is_as_small_as_it_is():
    assert np.prod(LARGE_SHAPE) > SMALL_MULTIPLICATIONS
    assert trained(*LARGE_SHAPE, engine="numpy") == {3}
    assert trained(*LARGE_SHAPE, engine="numpy", batch_size=10) == {1}


def test_the_pass_over_a_large_table_takes_all(monkeypatch):
    seen, real = [], span.gram_and_products
    monkeypatch.setattr(
        span, "gram_and_products", lambda *given: (seen.append(set(counts())), real(*given))[1]
    )
    trained(*WIDE_SHAPE, engine="numpy", span=True)
    trained(*SMALL_SHAPE, engine="numpy", span=True)
    assert seen == [{3}, {1}]


@pytest.mark.parametrize("error", [KeyError, KeyboardInterrupt])
def test_a_run_that_ends_in_an_error_restores_them(error):
    x, y = np.ones((4, 3)), np.ones((4, 1))

    def stop(_):
        raise error

    with pytest.raises(error):
        tl.train(x, y, tl.init_params(3, 2, 1), engine="numpy", callback=stop, callback_every=1)
    assert set(counts()) == {3}
    with pytest.raises(tl.DivergedError):
        tl.train(x, y, tl.init_params(3, 2, 1), engine="numpy", learning_rate=1e9)
    assert set(counts()) == {3}


FRESH = """
import numpy as np
import twolayer as tl
from threadpoolctl import threadpool_info
seen = []
look = lambda _: seen.extend(each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas")
x = np.random.default_rng(0).standard_normal((20, 50))
params = tl.init_params(50, 8, 2, scheme="glorot")
tl.train(x, x[:, :2], params, engine={engine!r}, span={span}, solver="lbfgs", steps=2, callback=look, callback_every=1)
look(None)
print(seen)
"""


@pytest.mark.parametrize(("engine", "span"), [("compiled", False), ("numpy", True)])
def test_the_first_run_of_a_process_limits_what_it_loads(engine, span):
    """Numba's products and the span's factors run in SciPy's BLAS, which nobody has loaded before."""
    env = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", FRESH.format(engine=engine, span=span)], env={**env, "OPENBLAS_NUM_THREADS": "2"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    *during, one, other = eval(done.stdout)
    assert len(during) >= 4
    assert set(during) == {1}
    assert one == other == 2 or os.cpu_count() == 1


def test_finding_the_libraries_is_done_once(monkeypatch):
    made, real = [], threads._threadpool_controller
    real.cache_clear()
    monkeypatch.setattr(
        "threadpoolctl.ThreadpoolController.__init__",
        (lambda init: lambda self: (made.append(1), init(self))[1])(
            __import__("threadpoolctl").ThreadpoolController.__init__
        ),
    )
    for _ in range(5):
        with limited_threads(1):
            pass
    assert len(made) == 1
