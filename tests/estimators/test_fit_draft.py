"""A fit replaces all that a model has learned, or nothing; two at the same time are refused."""

import signal
import threading

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import twolayer as tl
from twolayer.estimators.selection.alpha_path import AlphaPath

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


# ---- a fit that does not get to its end leaves the model as it was


def named(first):
    return pd.DataFrame(X, columns=[f"{first}{j}" for j in range(3)])


def fail(*_):
    raise ZeroDivisionError("of a callback")


def press(*_):
    signal.raise_signal(signal.SIGINT)


CLASSES, OTHERS = np.where(Y, "b", "a"), np.where(Y, "y", "x")
PLAIN = [tl.TwoLayerClassifier(3, alpha=1.0, **QUICK), tl.TwoLayerRegressor(3, alpha=1.0, **QUICK)]
SEARCHES = [
    tl.TwoLayerClassifierCV(3, alphas=[1.0], cv=2, **QUICK),
    tl.TwoLayerRegressorCV(3, alphas=[1.0], cv=2, **QUICK),
]


def learned(model):
    return {name: value for name, value in vars(model).items() if name.strip("_") != name}


def targets(model, other=False):
    if tl.TwoLayerClassifier in type(model).__mro__:
        return OTHERS if other else CLASSES
    return np.column_stack([X[:, 0], X[:, 1]]) if other else X[:, 0]


def assert_unchanged(model, error, **settings):
    """After a fit of other columns and other targets that ends in this error, with these settings or arguments."""
    arguments = settings.pop("arguments", {})
    call = settings.pop("call", "fit")
    first = {name: model.get_params()[name] for name in settings}
    before = learned(model)
    with pytest.raises(error):
        getattr(model.set_params(**settings), call)(named("b"), targets(model, True), **arguments)
    after = learned(model)
    assert after.keys() == before.keys()
    assert all(after[name] is before[name] for name in before)
    model.set_params(**first)


WAYS_TO_FAIL = {
    "solver": (ValueError, {"solver": "nix"}),
    "callback": (ZeroDivisionError, {"callback": fail}),
    "diverged": (tl.DivergedError, {"solver": "gd", "learning_rate_init": 1e300, "max_iter": 50}),
    "hidden": (ValueError, {"n_hidden": 0}),
    "weights": (ValueError, {"arguments": {"sample_weight": np.full(40, np.nan)}}),
}
OF_PLAIN = {
    "incomplete": (ValueError, {"arguments": {"X_val": X}}),
    "validation": (ValueError, {"arguments": {"X_val": named("b"), "y_val": ["?"] * 40}}),
    "warm": (ValueError, {"warm_start": True}),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("way", [*WAYS_TO_FAIL, *OF_PLAIN])
@pytest.mark.parametrize("model", [*PLAIN, *SEARCHES], ids=lambda model: type(model).__name__)
def test_a_fit_that_fails_leaves_the_model_as_it_was(model, way):
    if model in SEARCHES and way in OF_PLAIN:
        pytest.skip("a setting of the plain estimators")
    error, settings = (WAYS_TO_FAIL | OF_PLAIN)[way]
    model = clone(model)
    model.fit(named("a"), targets(model))
    assert_unchanged(model, error, **settings)
    assert model.predict(named("a")).shape == (40,)


@pytest.mark.parametrize("model", SEARCHES, ids=lambda model: type(model).__name__)
def test_ctrl_c_in_a_search_leaves_the_model_as_it_was(model):
    model = clone(model).fit(named("a"), targets(model))
    assert_unchanged(model, KeyboardInterrupt, callback=press)


@pytest.mark.parametrize("model", PLAIN, ids=lambda model: type(model).__name__)
def test_ctrl_c_in_the_search_for_alpha_leaves_the_model_as_it_was(model, monkeypatch):
    model = clone(model).fit(named("a"), targets(model))
    monkeypatch.setattr(AlphaPath, "train", press)
    assert_unchanged(model, KeyboardInterrupt, alpha="auto")


@pytest.mark.parametrize("model", [*PLAIN, *SEARCHES], ids=lambda model: type(model).__name__)
def test_after_a_first_fit_that_failed_a_model_is_not_fitted(model):
    calls = ["fit"] if model in SEARCHES else ["fit", "partial_fit"]
    for call in calls:
        model = clone(model).set_params(callback=fail)
        with pytest.raises(ZeroDivisionError):
            getattr(model, call)(X, targets(model))
        assert not learned(model)
        with pytest.raises(NotFittedError):
            model.predict(X)


@pytest.mark.parametrize("model", [*PLAIN, *SEARCHES], ids=lambda model: type(model).__name__)
def test_in_its_own_callback_a_model_is_what_it_was_before(model):
    seen = []

    def look(*_):
        try:
            seen.append(model.predict(X).tolist())
        except NotFittedError:
            seen.append(None)

    model = clone(model).set_params(callback=look)
    model.fit(X, targets(model))
    assert set(map(str, seen)) == {"None"}
    before = model.predict(X).tolist()
    model.fit(-X, targets(model, True))
    assert seen[-1] == before


def test_what_a_callback_sets_on_its_model_stays():
    def note(progress):
        model.note_ = progress.step

    model = tl.TwoLayerRegressor(3, alpha=1.0, callback=note, **QUICK)
    assert model.fit(X, X[:, 0]).note_ == model.n_iter_


def test_a_search_without_refit_has_no_networks_of_a_fit_before():
    model = clone(SEARCHES[0]).fit(X, CLASSES)
    model.set_params(refit=False).fit(X, OTHERS)
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_a_subclass_that_is_pickled_without_its_callback_is_fitted_with_it():
    class Lean(tl.TwoLayerRegressor):
        def __getstate__(self):
            return {**super().__getstate__(), "callback": None}

        def __init__(self, n_hidden=50, *, alpha="auto", callback=None):
            super().__init__(n_hidden, alpha=alpha, callback=callback, n_networks=1)

    steps = []
    Lean(3, alpha=1.0, callback=lambda progress: steps.append(progress.step)).fit(X, X[:, 0])
    assert steps
