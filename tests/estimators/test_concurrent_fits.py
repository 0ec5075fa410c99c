"""Two fits of one object at the same time."""

import threading

import numpy as np
import pytest

import twolayer as tl

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X[:, 0] > 0
QUICK = {"n_networks": 1, "max_iter": 3, "random_state": 0}


@pytest.mark.parametrize("name", ["TwoLayerRegressor", "TwoLayerClassifier"])
def test_a_second_thread_is_told_in_one_sentence(name):
    inside, go_on, errors = threading.Event(), threading.Event(), []

    def wait(progress):
        inside.set()
        assert go_on.wait(60)

    model = getattr(tl, name)(3, alpha=1.0, callback=wait, **QUICK)

    def second():
        try:
            model.fit(X, Y)
        except tl.ConcurrentFitError as error:
            errors.append(error)
        finally:
            go_on.set()

    thread = threading.Thread(target=lambda: (inside.wait(60), second()))
    thread.start()
    model.fit(X, Y)
    thread.join()
    (error,) = errors
    assert isinstance(error, RuntimeError)
    assert f"this {name} is being fitted already" in str(error)
    assert np.isfinite(model.w1_).all()
    model.set_params(callback=None).fit(X, Y)  # the block is gone


@pytest.mark.parametrize("name", ["TwoLayerRegressorCV", "TwoLayerClassifierCV"])
def test_a_fit_inside_its_own_callback(name):
    model = getattr(tl, name)(3, alphas=[1.0], cv=2, callback=lambda *_: model.fit(X, Y), **QUICK)
    with pytest.raises(tl.ConcurrentFitError, match="is being fitted already"):
        model.fit(X, Y)


def test_a_fit_that_failed_leaves_no_block():
    model = tl.TwoLayerRegressor(3, alpha=-1.0, **QUICK)
    for _ in range(2):
        with pytest.raises(tl.InputError, match="alpha"):
            model.fit(X, Y)
    model.set_params(alpha=1.0).fit(X, Y)
