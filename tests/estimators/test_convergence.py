"""What a fit says where its steps ran out, and why it ended."""

import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn.exceptions import ConvergenceWarning

import twolayer as tl

ROWS = np.random.default_rng(0).normal(size=(60, 4))
NUMBERS = np.abs(ROWS[:, 0]) + 0.1 * ROWS[:, 1]
FIXED = {"random_state": 0, "max_iter": 3}
FITS = {
    "TwoLayerRegressor": {"alpha": 0.01},
    "TwoLayerClassifier": {"alpha": 0.01},
    "TwoLayerRegressorCV": {"alphas": [0.01], "cv": 2, "n_networks": 2},
    "TwoLayerClassifierCV": {"alphas": [0.01], "cv": 2, "n_networks": 1},
}


def warned(model, *rows, **more):
    """Fit, and return the ConvergenceWarnings."""
    y = (NUMBERS > 0.5) if "Classifier" in type(model).__name__ else NUMBERS
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        model.fit(*(rows or (ROWS, y)), **more)
    return [one for one in heard if issubclass(one.category, ConvergenceWarning)]


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "gd"])
@pytest.mark.parametrize("name", FITS)
def test_steps_that_ran_out_are_told_once(name, solver):
    """By scikit-learn's class, as its MLP does, at the line of the user's call; folds are silent."""
    (heard,) = warned(getattr(tl, name)(solver=solver, **FITS[name], **FIXED))
    assert "max_iter=3 passes" in str(heard.message)
    assert heard.filename == __file__


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "gd"])
def test_no_warning_where_training_converged(solver):
    settings = {"alpha": 300.0, "max_iter": 5000, "learning_rate_init": 0.1, "tol": 0.01}
    model = tl.TwoLayerRegressor(5, solver=solver, random_state=0, **settings)
    assert not warned(model)
    assert "all steps taken" not in model.stopped_


@pytest.mark.parametrize(
    "settings",
    [
        {"early_stopping": True},
        {"callback": lambda progress: True},
        {"solver": "adam", "dropout": 0.3},  # nothing else could end it
        {"solver": "adam", "tol": 0},  # the user asked for exactly these steps
    ],
)
def test_no_warning_where_something_else_decides(settings):
    assert not warned(tl.TwoLayerRegressor(5, alpha=0.01, **settings, **FIXED))


def test_the_search_for_alpha_is_silent():
    model = tl.TwoLayerRegressor(5, n_networks=1, max_iter=2000, tol=0.01, random_state=0)
    assert not warned(model)


def test_networks_on_a_sparse_table_and_batches_tell_it_too():
    sparse = scipy.sparse.csr_array(ROWS)
    model = tl.TwoLayerRegressor(5, alpha=0.01, n_networks=2, **FIXED)
    assert len(warned(model, sparse, NUMBERS)) == 1
    assert len(warned(tl.TwoLayerRegressor(5, alpha=0.01, batch_size=7, **FIXED))) == 1


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "gd"])
def test_early_stopping_is_named(solver):
    model = tl.TwoLayerRegressor(
        5,
        solver=solver,
        alpha=0.0,
        n_networks=2,
        early_stopping=True,
        n_iter_no_change=1,
        max_iter=5000,
        learning_rate_init=0.3,
        tol=0,
        scoring=lambda model, x, y: 0.0,  # no score is better than the first
        random_state=0,
    )
    model.fit(ROWS, NUMBERS)
    assert model.stopped_ == "early stopping: 1 score in succession brought no better one"
