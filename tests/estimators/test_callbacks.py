"""What a callback of an estimator is given, and what it can end."""

import threading

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.model_selection import GridSearchCV

import twolayer as tl

X, Y = make_regression(120, 4, noise=5, random_state=0)
X, Y = 7 * X + 3, Y + 1000
FIXED = {"alpha": 1.0, "random_state": 0}


class Recorder:
    """A callback with a lock, which no copy can be made of."""

    def __init__(self, answer=lambda progress: None):
        self.seen, self.lock, self.answer = [], threading.Lock(), answer

    def __call__(self, progress):
        self.seen.append(progress)
        return self.answer(progress)


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "gd"])
@pytest.mark.parametrize("skip", [True, False])
@pytest.mark.parametrize("y", [Y, np.column_stack([Y, -3 * Y])])
def test_weights_are_for_the_users_units(y, skip, solver):
    said = []

    def callback(progress):
        said.append((tl.forward(X, progress.params()), progress.predict(X)))

    model = tl.TwoLayerRegressor(
        5, n_networks=1, skip=skip, solver=solver, callback=callback, max_iter=30, **FIXED
    ).fit(X, y)
    outputs, predicted = said[-1]
    scale = np.abs(y).max()
    assert np.allclose(outputs.reshape(y.shape), model.predict(X), rtol=0, atol=1e-9 * scale)
    assert np.allclose(predicted, model.predict(X), rtol=0, atol=1e-9 * scale)


@pytest.mark.parametrize("batch_size", [None, 20])
def test_a_classifier_predicts_classes(batch_size):
    x, y = load_iris(return_X_y=True)
    names = np.array(["a", "b", "c"])[y]
    said = []
    model = tl.TwoLayerClassifier(
        5,
        n_networks=2,
        solver="adam",
        batch_size=batch_size,
        max_iter=10,
        callback=lambda progress: said.append((progress.network, progress.predict(x))),
        **FIXED,
    ).fit(x, names)
    network, predicted = said[-1]
    assert network is None  # both together
    assert np.array_equal(predicted, model.predict(x))


@pytest.mark.parametrize("sparse", [True, False])
def test_networks_one_after_another_are_numbered(sparse):
    x = scipy.sparse.csr_array(X) if sparse else X
    recorder = Recorder()
    model = tl.TwoLayerRegressor(5, n_networks=3, callback=recorder, **FIXED).fit(x, Y)
    last = {progress.network: progress for progress in recorder.seen}
    assert list(last) == [(0, 3), (1, 3), (2, 3)]
    for k, progress in enumerate(last.values()):
        assert np.allclose(progress.params().w1, model.networks_[k].w1, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("sparse", [True, False])
@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("ends", [0, 1, 2])
def test_true_ends_the_networks_that_follow_too(ends, early_stopping, sparse):
    x = scipy.sparse.csr_array(X) if sparse else X
    recorder = Recorder(lambda progress: progress.network[0] == ends)
    model = tl.TwoLayerRegressor(
        5,
        n_networks=3,
        callback=recorder,
        early_stopping=early_stopping,
        max_iter=40,
        tol=0,  # so that no network converges before it is asked
        **FIXED,
    ).fit(x, Y)
    assert max(progress.network[0] for progress in recorder.seen) == ends
    assert model.n_networks_ == ends + 1
    assert model.w1_.shape == ((4, 5) if ends == 0 else (ends + 1, 4, 5))
    assert "stopped by the callback" in model.stopped_
    assert np.isfinite(model.predict(x)).all()


def test_a_warm_start_goes_on_with_the_networks_that_were_trained():
    model = tl.TwoLayerRegressor(
        5, n_networks=3, warm_start=True, callback=lambda p: p.network[0] == 1, **FIXED
    ).fit(X, Y)
    first = model.loss_
    model.set_params(callback=None).fit(X, Y)
    assert model.n_networks_ == 2
    assert np.allclose(model.network_loss_curves_[0], first, rtol=1e-8)
    with pytest.raises(tl.InputError, match="warm_start goes on with the same network"):
        model.set_params(n_networks=4).fit(X, Y)  # not ended by a callback this time


def test_early_stopping_ends_one_network_only():
    recorder = Recorder()
    model = tl.TwoLayerRegressor(
        5,
        n_networks=2,
        callback=recorder,
        early_stopping=True,
        n_iter_no_change=1,
        scoring=lambda model, x, y: 0.0,
        **FIXED,
    ).fit(X, Y)
    assert {progress.network for progress in recorder.seen} == {(0, 2), (1, 2)}
    assert model.n_networks_ == 2


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_the_validation_score_is_told(solver):
    recorder = Recorder()
    settings = {"n_networks": 2, "solver": solver, "max_iter": 5, "callback": recorder, **FIXED}
    model = tl.TwoLayerRegressor(5, early_stopping=True, **settings).fit(X, Y)
    told = [progress.validation_score for progress in recorder.seen]
    scores = model.validation_scores_
    assert told == (scores.T.ravel() if solver == "lbfgs" else scores.mean(axis=1)).tolist()
    recorder.seen.clear()
    tl.TwoLayerRegressor(5, **settings).fit(X, Y)
    assert {progress.validation_score for progress in recorder.seen} == {None}


def test_train_has_the_same_progress():
    x, y = X - 3, Y - 1000
    said = []
    run = tl.train(
        x,
        y[:, None],
        tl.init_params(4, 3, 1),
        solver="lbfgs",
        callback=lambda progress: said.append((progress.predict(x), progress.network)),
    )
    assert np.array_equal(said[-1][0], tl.forward(x, run.params))
    assert said[-1][1] is None


def test_train_leaves_the_networks_that_follow_at_their_start():
    start = tl.init_params(4, 3, 1, n_networks=3)
    run = tl.train(X, Y[:, None], start, solver="lbfgs", callback=lambda progress: True)
    assert not np.array_equal(run.params.w1[0], start.w1[0])
    assert np.array_equal(run.params.w1[1:], start.w1[1:])
    assert run.stopped == "stopped by the callback"


@pytest.mark.parametrize(
    "name",
    ["TwoLayerRegressor", "TwoLayerClassifier", "TwoLayerRegressorCV", "TwoLayerClassifierCV"],
)
def test_clone_keeps_the_callback(name):
    recorder = Recorder()
    assert clone(getattr(tl, name)(callback=recorder)).callback is recorder
    both = [recorder, print]
    model = getattr(tl, name)(7, callback=both)
    again = clone(model)
    assert again.callback is both
    assert again.n_hidden == 7
    assert not hasattr(again, "w1_")


def test_a_grid_calls_the_users_own_callback():
    recorder = Recorder()
    model = tl.TwoLayerRegressor(3, n_networks=1, callback=recorder, max_iter=5, random_state=0)
    GridSearchCV(model, {"alpha": [1.0, 10.0]}, cv=2).fit(X, Y)
    assert len(recorder.seen) >= 5  # four folds and the fit of all rows
