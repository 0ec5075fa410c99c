"""Ctrl-C in the estimators: a search that was not done is no fit; a training that was not done is what it has learned."""

import inspect
import signal

import numpy as np
import pytest
import scipy.sparse
from sklearn.model_selection import cross_validate

import twolayer as tl
from twolayer.engines import get_engine

pytestmark = pytest.mark.skipif(
    signal.getsignal(signal.SIGINT) is not signal.default_int_handler,
    reason="someone else listens to Ctrl-C here",
)

X = np.random.default_rng(0).standard_normal((30, 4))
Y = X[:, 0] ** 2
QUICK = {"n_hidden": 3, "engine": "numpy", "max_iter": 3, "random_state": 0}
CHOOSING = {**QUICK, "alphas": [1.0, 0.1], "cv": 2, "n_networks": 1}


@pytest.fixture
def press(monkeypatch):
    """Press Ctrl-C in the chunk of steps of that number, the last of a training or not; counts the chunks of all trainings."""
    chunks = []

    def pressed_in(number):
        chunks.clear()
        for name in ("numpy", "compiled"):
            worker = type(get_engine(name))

            def advance(self, state, plan, original=worker.advance):
                chunks.append(plan.steps)
                if len(chunks) == number:
                    signal.raise_signal(signal.SIGINT)
                return original(self, state, plan)

            monkeypatch.setattr(worker, "advance", advance)
        return chunks

    return pressed_in


@pytest.mark.parametrize("number", [1, 7])
def test_a_search_for_alpha_ends_at_once(press, number):
    chunks = press(number)
    model = tl.TwoLayerRegressor(**QUICK)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert len(chunks) == number
    assert not hasattr(model, "w1_")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("number", [1, 3, 5])  # in the first fold, in the second, in the last fit
def test_so_does_cross_validation(press, number):
    chunks = press(number)
    model = tl.TwoLayerRegressorCV(**CHOOSING)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    assert len(chunks) == number
    assert not hasattr(model, "w1_")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("number", [1, 9])
@pytest.mark.parametrize("test", ["permutation_test", "nested_score"])
def test_so_do_tests_of_many_trainings(press, number, test):
    chunks = press(number)
    with pytest.raises(KeyboardInterrupt):
        getattr(tl.TwoLayerRegressorCV(**CHOOSING), test)(X, Y, cv=3)
    assert len(chunks) == number


def test_networks_one_after_another_are_all_there_or_none_is(press):
    chunks = press(2)
    with pytest.raises(KeyboardInterrupt):
        tl.TwoLayerRegressor(**QUICK, alpha=1.0, n_networks=3).fit(scipy.sparse.csr_array(X), Y)
    assert len(chunks) == 2


@pytest.mark.parametrize("n_networks", [1, 2])
def test_a_training_keeps_what_it_has_learned(press, n_networks):
    settings = {**QUICK, "alpha": 1.0, "n_networks": n_networks, "solver": "gd", "tol": 0.0}
    press(1)
    model = tl.TwoLayerRegressor(**{**settings, "max_iter": 10**6})
    with pytest.warns(tl.TwoLayerWarning, match=r"interrupted by the user \(Ctrl-C\) in pass "):
        model.fit(X, Y)
    assert model.stopped_ == "interrupted"
    again = tl.TwoLayerRegressor(**{**settings, "max_iter": model.n_iter_}).fit(X, Y)
    assert np.array_equal(model.w1_, again.w1_)


def test_a_handler_of_ones_own_is_handed_the_press_and_stays(press):
    heard = []

    def mine(number, frame):
        heard.append(number)

    before = signal.signal(signal.SIGINT, mine)
    try:
        press(1)
        model = tl.TwoLayerRegressorCV(**CHOOSING).fit(X, Y)  # who listens may let it go on
        assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]
    assert model.alpha_ in (1.0, 0.1)


def test_what_is_wrapped_keeps_its_name_and_parameters():
    fit = tl.TwoLayerRegressorCV.fit
    assert fit.__name__ == "fit"
    assert list(inspect.signature(fit).parameters) == ["self", "X", "y", "sample_weight", "groups"]


def test_a_pass_of_partial_fit_that_was_interrupted_says_so(press):
    press(1)
    settings = {**QUICK, "alpha": 1.0, "solver": "adam", "batch_size": 5}
    with pytest.warns(tl.TwoLayerWarning, match="not all of these rows"):
        tl.TwoLayerRegressor(**settings).partial_fit(X, Y)


def test_an_interrupt_that_cross_validation_swallows_shows(press):
    press(2)
    model = tl.TwoLayerRegressor(**QUICK, alpha=1.0, n_networks=1, solver="gd", tol=0.0)
    with pytest.warns(tl.TwoLayerWarning, match="interrupted by the user"):
        cross_validate(model.set_params(max_iter=2000), X, Y, cv=2)
