"""What `fit` refuses, in the user's words: settings whether they are used or not, weights, classes, and rows for validation."""

import numpy as np
import polars
import pytest
import scipy.sparse
from sklearn.base import clone

import twolayer as tl
from twolayer import InputError

X = np.random.default_rng(0).normal(size=(30, 3))
Y = X[:, 0] > 0
QUICK = {"n_hidden": 3, "n_networks": 1, "max_iter": 3, "random_state": 0}
CLASSIFIER = tl.TwoLayerClassifier(alpha=1.0, **QUICK)
REGRESSOR = tl.TwoLayerRegressor(alpha=1.0, **QUICK)
SEARCHES = [
    kind(alphas=[1.0], cv=2, **QUICK) for kind in (tl.TwoLayerClassifierCV, tl.TwoLayerRegressorCV)
]

BAD_SETTINGS = [
    ("validation_fraction", 7),
    ("validation_fraction", "x"),
    ("scoring", "nope"),
    ("n_iter_no_change", -3),
    ("n_iter_no_change", 2.5),
    ("verbose", "x"),
    ("verbose", -1),
    ("learning_rate_init", 0),
    ("learning_rate_init", "fast"),
    ("tol", -1),
    ("tol", "x"),
    ("batch_size", 0),
    ("early_stopping", "yes"),
    ("warm_start", 3),
    ("refit", 3),
    ("callback", 3),
    ("max_iter", 0),
    ("max_iter", 1.5),
]


@pytest.mark.parametrize(("name", "value"), BAD_SETTINGS)
@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_settings_are_refused_whether_they_are_used_or_not(name, value, solver, monkeypatch):
    def learn(*_, **__):
        raise AssertionError("something was learned first")

    for place in ("fit", "selection.search_fit", "partial_fit", "selection.alpha_path"):
        monkeypatch.setattr(f"twolayer.estimators.{place}.train", learn)
    for model in (CLASSIFIER, REGRESSOR, *SEARCHES):
        if name not in model.get_params():
            continue
        model = clone(model).set_params(solver=solver, **{name: value})
        for call in ("fit", "preflight", "partial_fit"):
            if hasattr(model, call):
                with pytest.raises(InputError, match=name):
                    getattr(model, call)(X, Y)
                if not isinstance(value, str) and name != "scoring":
                    with pytest.raises(InputError, match=str(value)):
                        getattr(model, call)(X, Y)


@pytest.mark.parametrize("verbose", [True, False, np.True_, np.int64(0)])
def test_settings_that_are_taken(verbose):
    model = clone(REGRESSOR).set_params(verbose=verbose, learning_rate_init=np.float32(0.1))
    with pytest.warns(match="had not converged"):
        model.set_params(early_stopping=np.False_, scoring="r2").fit(X, X[:, 0])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_class_weights_go_by_the_classes_as_python_compares_them():
    """1 is True and 1.0 to Python, as for LogisticRegression; "1" is not."""
    by_name = clone(CLASSIFIER).set_params(class_weight={False: 1, True: 5}).fit(X, Y)
    for names in ({0: 1, 1: 5}, {0.0: 1, np.True_: 5}, {np.int64(1): 5}):
        model = clone(CLASSIFIER).set_params(class_weight=names)
        for y in (Y, Y.astype(int)):
            assert np.array_equal(model.fit(X, y).w1_, by_name.w1_)
    dates = np.array(["2020-01-01", "2020-02-01"], dtype="M8[D]")
    dated = clone(CLASSIFIER).set_params(class_weight={dates[1]: 5}).fit(X, dates[Y.astype(int)])
    assert np.array_equal(dated.w1_, by_name.w1_)
    unknown = clone(CLASSIFIER).set_params(class_weight={"0": 1, "1": 5})
    with pytest.raises(InputError, match="class_weight names '0', which is no class of y: 0, 1"):
        unknown.fit(X, Y.astype(int))


@pytest.mark.parametrize("weight", [2.0, 2, np.float64(2)])
@pytest.mark.parametrize("call", ["fit", "partial_fit"])
def test_one_number_is_no_weights(weight, call):
    with pytest.raises(
        InputError, match=r"sample_weight must hold a number for each of the 30 rows; got .*2"
    ):
        getattr(clone(REGRESSOR), call)(X, X[:, 0], sample_weight=weight)


def test_labels_other_than_0_and_1():
    for y in ([(1, 2)] * 30, [(-1, 1)] * 30, np.where(np.c_[Y, ~Y], 1, 2)):
        with pytest.raises(
            InputError,
            match=r"y has 2 columns, .* (2|-1) too\. .* one class per row give one column",
        ):
            clone(CLASSIFIER).fit(X, y)


@pytest.mark.parametrize("model", [REGRESSOR, SEARCHES[1]], ids=["plain", "search"])
def test_a_sparse_target_of_a_regression(model):
    for y in (scipy.sparse.csr_array(X[:, :1]), scipy.sparse.csc_matrix(X)):
        with pytest.raises(InputError, match=r"y is sparse.*y\.toarray\(\)"):
            clone(model).fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_lazy_frame_is_told_how_to_become_one():
    lazy = polars.LazyFrame(X, schema=["a", "b", "c"])
    for model in (CLASSIFIER, REGRESSOR, *SEARCHES):
        with pytest.raises(InputError, match=r"X is a LazyFrame.*X\.collect\(\)"):
            clone(model).fit(lazy, Y)
        with pytest.raises(InputError, match=r"y is a LazyFrame.*y\.collect\(\)"):
            clone(model).fit(X, lazy.select("a"))
        fitted = clone(model).fit(lazy.collect(), Y)
        with pytest.raises(InputError, match=r"X\.collect\(\)"):
            fitted.predict(lazy)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.full((4, 3), np.nan), [True, False] * 2, "X has values that are NaN"),
        (np.full((4, 3), "a"), [True, False] * 2, "X holds text"),
        (X[:4, :2], [True, False] * 2, "2 features"),
        (X[:4], [True, False], "inconsistent numbers of samples"),
        (X[:4], [True, False, 3, 4], "classes that were not there before"),
        (polars.LazyFrame(X[:4]), [True, False] * 2, "collect"),
    ],
)
def test_faults_in_the_rows_for_validation_are_said_to_be_there(x, y, words):
    with pytest.raises(InputError, match=f"^in the rows for validation, X_val as X,.*{words}"):
        clone(CLASSIFIER).fit(X, Y, X_val=x, y_val=y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_classes_of_a_warm_start_are_printed_plainly():
    model = clone(CLASSIFIER).set_params(warm_start=True).fit(X, np.where(Y, "hi", "lo"))
    with pytest.raises(InputError, match=r"they were \['hi', 'lo'\] and are \[False, True\] now"):
        model.fit(X, Y)


def test_class_weights_that_leave_one_class_are_refused():
    x, y = np.arange(20.0)[:, None], np.arange(20) % 2
    with pytest.raises(InputError, match="y holds one class only, '0'"):
        tl.TwoLayerClassifier(3, class_weight={0: 1, 1: 0}).fit(x, y)
