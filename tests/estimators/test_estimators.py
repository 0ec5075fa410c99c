"""The estimators: scikit-learn's conventions, the user's own units, and what they promise beside."""

import warnings

import numpy as np
import pandas
import polars
import pytest
import scipy.sparse
from scipy.special import expit, softmax
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning, NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks
from slow_cases import slow

import twolayer as tl
from twolayer import InputError, TwoLayerClassifier, TwoLayerRegressor, TwoLayerRegressorCV
from twolayer.estimators.standardise import standardise
from twolayer.estimators.training_rows import TrainingRows

BOTH = [TwoLayerRegressor, TwoLayerClassifier]
ONE = {"alpha": 1.0, "n_networks": 1}  # one network of known decay


@parametrize_with_checks(
    [TwoLayerRegressor(alpha=1.0, n_networks=2), TwoLayerClassifier(n_networks=1)]
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@parametrize_with_checks(
    [
        TwoLayerRegressor(),
        TwoLayerClassifier(),
        *(kind(solver=solver) for kind in BOTH for solver in ("adam", "gd")),
        TwoLayerRegressor(5, dropout=0.2, max_iter=60, **ONE),
        TwoLayerClassifier(5, l1=0.1, calibrate=True, max_iter=60, **ONE),
    ]
)
def test_scikit_learns_own_checks_with_other_solvers(estimator, check):
    check(estimator)


def regression(n_rows=40, n_inputs=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_rows, n_inputs)) * [1, 20, 0.3][:n_inputs] + [0, 500, -7][:n_inputs]
    return x, np.sin(x[:, 0]) + 0.1 * x[:, 1]


def wide(n_rows=12, n_inputs=40, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n_rows, n_inputs)) * rng.uniform(0.1, 10, n_inputs) + 3
    return x, x[:, 0] + rng.standard_normal(n_rows)


# ---- the user's own units


def test_regression_weights_act_on_the_users_units():
    """The same network must come out of columns and targets that were standardised before, by scikit-learn."""
    x, y = regression()
    x_new = regression(seed=1)[0]
    own = TwoLayerRegressor(5, activation="tanh", random_state=0, max_iter=30, **ONE).fit(x, y)
    scaler, y_scaler = StandardScaler().fit(x), StandardScaler().fit(y[:, None])
    inner = TwoLayerRegressor(5, activation="tanh", random_state=0, max_iter=30, **ONE)
    inner.fit(scaler.transform(x), y_scaler.transform(y[:, None])[:, 0])
    expected = y_scaler.inverse_transform(inner.predict(scaler.transform(x_new))[:, None])[:, 0]
    assert np.allclose(own.predict(x_new), expected, rtol=1e-7)
    assert np.array_equal(
        own.predict(x_new), tl.forward(x_new, own.params_, activation="tanh")[:, 0]
    )


def test_classification_weights_act_on_the_users_units():
    x, y = load_iris(return_X_y=True)
    own = TwoLayerClassifier(5, activation="tanh", random_state=0, max_iter=30, **ONE).fit(x, y)
    scaler = StandardScaler().fit(x)
    inner = TwoLayerClassifier(5, activation="tanh", random_state=0, max_iter=30, **ONE)
    inner.fit(scaler.transform(x), y)
    expected = inner.predict_proba(scaler.transform(x))
    assert np.allclose(own.predict_proba(x), expected, atol=1e-9)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_the_objective(weighted):
    """log_loss is scikit-learn's; the decay is ½·alpha/n·(‖w1‖² + ‖w2‖²) of the weights for standardised columns."""
    x, y = load_iris(return_X_y=True)
    s = np.random.default_rng(0).uniform(0.5, 2, len(x)) if weighted else None
    model = TwoLayerClassifier(4, alpha=3.0, n_networks=1, random_state=0, max_iter=20).fit(
        x, y, sample_weight=s
    )
    mean = np.average(x, axis=0, weights=s)
    spread = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=s))
    decay = ((model.w1_ * spread[:, None]) ** 2).sum() + (model.w2_**2).sum()
    expected = log_loss(y, model.predict_proba(x), sample_weight=s) + 0.5 * 3.0 / len(x) * decay
    assert model.loss_ == pytest.approx(expected, rel=1e-9)


def test_a_linear_network_without_decay_is_least_squares():
    x, y = load_diabetes(return_X_y=True)
    model = TwoLayerRegressor(
        12,
        scaling="standard",
        activation="identity",
        alpha=0,
        tol=1e-9,
        max_iter=5000,
        random_state=0,
    )
    expected = LinearRegression().fit(x, y).predict(x)
    assert np.allclose(model.fit(x, y).predict(x), expected, atol=1e-3 * y.std())


def test_a_target_far_from_zero():
    """scikit-learn's MLPRegressor reaches R² = −2957 here with its defaults."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 5))
    y = 5e4 + 1e3 * (x[:, 0] + 0.3 * x[:, 1])
    assert TwoLayerRegressor(random_state=0).fit(x, y).score(x, y) > 0.9


def test_columns_far_from_zero_lose_little():
    x, y = regression()
    settings = {"alpha": 1.0, "max_iter": 20, "random_state": 0}
    near = TwoLayerRegressor(5, **settings).fit(x, y)
    far = TwoLayerRegressor(5, **settings).fit(x + 1e6, y)
    assert np.allclose(near.predict(x), far.predict(x + 1e6), rtol=1e-5)


@pytest.mark.parametrize("n_rows", [40, 2])
def test_a_constant_column_says_nothing_now_or_later(n_rows):
    x, y = regression(n_rows)
    x = np.column_stack([x, np.full(n_rows, 0.1)])  # 0.1 has a mean that is not quite 0.1
    model = TwoLayerRegressor(5, random_state=0, max_iter=20).fit(x, y)
    assert np.array_equal(model.w1_[:, 3], np.zeros((5, 5)))
    moved = x.copy()
    moved[:, 3] = 99
    assert np.array_equal(model.predict(moved), model.predict(x))


def test_a_constant_target_is_predicted():
    x, _ = regression()
    model = TwoLayerRegressor(3, random_state=0).fit(x, np.full(40, 7.5))
    assert np.allclose(model.predict(x), 7.5, atol=2e-3)  # as near as tol asks


@pytest.mark.parametrize("factor", [1e200, 1e-50])
def test_columns_of_extreme_size(factor):
    x, y = regression()
    settings = {"alpha": 1.0, "max_iter": 10, "random_state": 0}
    one = TwoLayerRegressor(5, **settings).fit(x, y)
    other = TwoLayerRegressor(5, **settings).fit(x * factor, y)
    assert np.allclose(one.predict(x), other.predict(x * factor), rtol=1e-6)


def test_too_large_to_be_standardised():
    x = np.array([[1.5e308, 1], [1.7e308, 2], [-1.7e308, 3]])
    with pytest.raises(InputError, match=r"X has values too large to be standardised in column 0"):
        TwoLayerRegressor(2).fit(x, [1, 2, 3])


@pytest.mark.parametrize(
    ("factors", "said"),
    [((1e-200, 1), "X has values too small"), ((1, 1e200), "y has values too large")],
)
@pytest.mark.parametrize("kind", [TwoLayerRegressor, tl.TwoLayerRegressorCV])
def test_what_could_not_be_saved_is_refused_before_training(kind, factors, said):
    x, y = regression()
    with pytest.raises(InputError, match=f"{said} to be standardised in column 0"):
        kind(2).fit(x * factors[0], y * factors[1])


@pytest.mark.parametrize("factors", [(1e-59, 1), (1e200, 1), (1, 1e58), (1, 1e-200), (1e-59, 1e58)])
def test_values_of_any_other_size_can_be_saved(tmp_path, factors):
    x, y = regression()
    model = TwoLayerRegressor(3, random_state=0, alpha=1.0).fit(x * factors[0], y * factors[1])
    tl.save(model, tmp_path / "m.safetensors")
    assert np.array_equal(
        tl.load(tmp_path / "m.safetensors").predict(x * factors[0]), model.predict(x * factors[0])
    )


def test_standardised_as_scikit_learn_does_it():
    x, _ = regression()
    z, scaling = standardise(x, None, "X")
    scaler = StandardScaler().fit(x)
    assert np.allclose(z, scaler.transform(x), atol=1e-12)
    assert np.allclose(scaling.mean, scaler.mean_)
    assert np.allclose(scaling.scale, scaler.scale_)
    s = np.random.default_rng(0).uniform(0, 2, 40)
    z, scaling = standardise(x, s, "X")
    assert np.allclose(z, StandardScaler().fit(x, sample_weight=s).transform(x), atol=1e-12)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize(
    "make", [scipy.sparse.csr_array, scipy.sparse.coo_array, scipy.sparse.csc_matrix]
)
def test_a_sparse_table_is_scaled_without_centring(kind, make):
    """Beside a network trained on columns divided by their root mean square, then not centred."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((30, 6)) * (rng.random((30, 6)) < 0.4) * 50
    x[:, 5] = 0
    y = (x[:, 0] > 0) if kind is TwoLayerClassifier else x[:, 0] + x[:, 1]
    model = kind(4, random_state=0, max_iter=25, engine="numpy", **ONE).fit(make(x), y)
    assert np.allclose(model.predict(make(x)), model.predict(x))
    scale = np.sqrt((x**2).mean(0))
    scale[5] = 1
    again = kind(4, random_state=0, max_iter=25, engine="numpy", **ONE).fit(make(x / scale), y)
    assert np.allclose(again.w1_ / scale[:, None], model.w1_, rtol=1e-6, atol=1e-12)
    scores = "decision_function" if kind is TwoLayerClassifier else "predict"
    # zeros stay zeros: the output for an empty row needs the biases alone
    empty = getattr(model, scores)(np.zeros((1, 6)))
    assert np.allclose(empty, np.maximum(model.b1_, 0) @ model.w2_ + model.b2_)


# ---- where training starts


@pytest.mark.parametrize("kind", BOTH)
def test_what_is_outside_the_training_rows_changes_no_prediction(kind):
    x, y = wide()
    y = y > y.mean() if kind is TwoLayerClassifier else y
    model = kind(5, random_state=0, max_iter=15, **ONE).fit(x, y)
    centred = (x - x.mean(0)) / x.std(0)
    outside = np.linalg.svd(centred)[2][11:]  # 12 centred rows span 11 dimensions
    assert outside.shape == (29, 40)
    learned = model.w1_ * x.std(0)[:, None]
    assert np.abs(outside @ learned).max() < 1e-10 * np.abs(learned).max()


# ---- rows, their order and their weight


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("make", [np.asarray, *slow(scipy.sparse.csr_array)])
def test_weights_are_repeats_and_order_does_not_matter_to_the_last_bit(kind, make):
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((20, 4)), rng.integers(0, 3, 20)
    x[rng.random((20, 4)) < 0.3] = 0
    s = rng.integers(0, 4, 20)
    order = rng.permutation(s.sum())
    options = {"n_hidden": 6, "n_networks": 2, "random_state": 0, "max_iter": 300}
    weighted = kind(**options).fit(make(x), y, sample_weight=s)
    repeated = kind(**options).fit(make(x.repeat(s, 0)[order]), y.repeat(s)[order])
    assert weighted.w1_.tobytes() == repeated.w1_.tobytes()
    assert weighted.b2_.tobytes() == repeated.b2_.tobytes()
    assert weighted.loss_curve_.tobytes() == repeated.loss_curve_.tobytes()
    unweighted = kind(**options).fit(make(x), y)
    assert weighted.w1_.tobytes() != unweighted.w1_.tobytes()


def test_rows_of_the_same_inputs_but_other_targets_are_not_merged():
    x, y = np.array([[1.0], [1.0], [1.0]]), np.array([2.0, 3.0, 2.0])
    kept = TrainingRows(x, y).distinct()
    assert sorted(zip(kept.x[:, 0], kept.y, strict=True)) == [(1, 2), (1, 2), (1, 3)]
    assert TrainingRows(x[:2], y[:2]).distinct().s is None


def test_sparse_rows_with_the_same_numbers_elsewhere_are_not_merged():
    x = scipy.sparse.csr_array(np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]))
    merged = TrainingRows(x, np.zeros(3)).distinct()
    assert merged.x.shape == (2, 2)
    assert sorted(merged.s) == [1, 2]


@pytest.mark.parametrize("kind", BOTH)
def test_the_seed_decides(kind):
    x, y = load_iris(return_X_y=True)

    def w1(seed, alpha=1.0):
        settings = {"alpha": alpha, "max_iter": 3, "n_networks": 2, "random_state": seed}
        return kind(3, **settings).fit(x[::3], y[::3]).w1_

    assert np.array_equal(w1(5, "auto"), w1(5, "auto"))
    five = w1(5)
    assert np.array_equal(five, w1(5))
    assert not np.array_equal(five, w1(6))
    assert np.array_equal(w1(np.random.RandomState(5)), w1(np.random.RandomState(5)))
    assert np.array_equal(w1(np.random.default_rng(5)), w1(np.random.default_rng(5)))
    assert not np.array_equal(w1(None), w1(None))


# ---- classes


@pytest.mark.parametrize("names", [["b", "a"], [True, False], [3, -1], [2.0, 1.0]])
def test_two_classes_have_one_logit(names):
    x, y = load_breast_cancer(return_X_y=True)
    y = np.array(names)[y]
    model = TwoLayerClassifier(4, max_iter=20, random_state=0, **ONE).fit(x, y)
    assert model.classes_.tolist() == sorted(names)
    assert model.w2_.shape == (4, 1)
    logits = model.decision_function(x)
    assert np.allclose(model.predict_proba(x)[:, 1], expit(logits), atol=1e-12)
    assert np.allclose(model.predict_proba(x).sum(1), 1)
    assert np.array_equal(model.predict(x), model.classes_[(logits > 0).astype(int)])
    assert model.score(x, y) > 0.95


def test_three_classes_have_three_logits():
    x, y = load_iris(return_X_y=True)
    y = np.array(["z", "y", "x"], dtype=object)[y]
    model = TwoLayerClassifier(4, max_iter=50, random_state=0, **ONE).fit(x, y)
    assert model.classes_.tolist() == ["x", "y", "z"]
    assert model.w2_.shape == (4, 3)
    assert np.allclose(model.predict_proba(x), softmax(model.decision_function(x), axis=1))
    assert model.score(x, y) > 0.95


def test_several_targets_each_in_its_own_units():
    x, y = regression()
    both = np.column_stack([y, 1e6 * y + 3])
    model = TwoLayerRegressor(20, alpha=0.01, random_state=0).fit(x, both)
    assert model.n_outputs_ == 2
    assert model.predict(x).shape == (40, 2)
    assert model.score(x, both) > 0.99


@pytest.mark.parametrize("kind", [TwoLayerRegressor, TwoLayerRegressorCV, MLPRegressor])
def test_one_target_in_a_column_is_one_target(kind):
    x, y = regression()
    for column in (y[:, None], pandas.DataFrame({"y": y})):
        with (
            pytest.warns(DataConversionWarning, match="column-vector"),
            warnings.catch_warnings(action="ignore", category=ConvergenceWarning),
        ):
            model = kind(max_iter=2, random_state=0).fit(x, column)
        assert model.predict(x).shape == (40,)
        with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
            flat = kind(max_iter=2, random_state=0).fit(x, y)
        assert np.array_equal(model.predict(x), flat.predict(x))


# ---- what people bring


@pytest.mark.parametrize("frame", [pandas.DataFrame, polars.DataFrame])
def test_frames_are_taken_and_their_names_held_to(frame):
    x, y = regression()
    columns = dict(zip("abc", x.T, strict=True))
    model = TwoLayerRegressor(3, max_iter=5, random_state=0).fit(frame(columns), y)
    assert model.feature_names_in_.tolist() == ["a", "b", "c"]
    bare = TwoLayerRegressor(3, max_iter=5, random_state=0).fit(x, y)
    assert np.array_equal(model.predict(frame(columns)), bare.predict(x))
    turned = frame({name: columns[name] for name in "cba"})
    with pytest.raises(ValueError, match="X has the columns of fit in another order: give it as"):
        model.predict(turned)


def test_in_a_pipeline_and_a_grid():
    x, y = load_iris(return_X_y=True)
    pipe = make_pipeline(MaxAbsScaler(), TwoLayerClassifier(5, max_iter=20, random_state=0))
    grid = GridSearchCV(pipe, {"twolayerclassifier__alpha": [0.1, 1e4]}, cv=3).fit(x, y)
    assert grid.best_params_ == {"twolayerclassifier__alpha": 0.1}
    assert cross_val_score(TwoLayerRegressor(5, max_iter=20), *regression(), cv=3).shape == (3,)


def test_what_is_kept_of_the_training():
    x, y = regression()
    model = TwoLayerRegressor(3, max_iter=7, tol=0, solver="adam", random_state=0, **ONE).fit(x, y)
    assert (model.n_iter_, model.loss_curve_.shape) == (7, (7,))
    assert model.loss_ < model.loss_curve_[0]
    assert model.stopped_ == "all steps taken"


def test_verbose_tells_the_loss(capsys):
    TwoLayerRegressor(3, max_iter=5, verbose=1).fit(*regression())
    assert "of 5: loss 0." in capsys.readouterr().out
    TwoLayerRegressor(3, max_iter=5).fit(*regression())
    assert capsys.readouterr().out == ""


# ---- bad input


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_hidden": 0}, "n_hidden must be a whole number, at least 1; got 0"),
        ({"n_hidden": 2.5}, "n_hidden must be a whole number"),
        ({"n_hidden": 10**13}, "10000000000000 hidden units for 3 inputs.*more memory"),
        ({"n_hidden": 10**19}, "more memory than there is"),
        ({"alpha": -1}, "alpha must be a finite number, at least 0; got -1"),
        ({"activation": "rleu"}, "no activation 'rleu'.*did you mean 'relu'"),
        ({"solver": "lbgfs"}, "no solver 'lbgfs'.*did you mean 'lbfgs'"),
        ({"max_iter": 0}, "max_iter must be a whole number"),
        ({"tol": -1}, "tol must be"),
        ({"engine": "nmupy"}, "no engine 'nmupy'"),
        (
            {"solver": "adam", "learning_rate_init": 0},
            "learning_rate_init must be a finite number above 0",
        ),
    ],
)
@pytest.mark.parametrize("kind", BOTH)
def test_settings_that_cannot_be(kind, settings, message):
    x, y = regression()
    with pytest.raises(tl.TwoLayerError, match=message):
        kind(**settings).fit(x, y > y.mean())


def test_missing_values_are_named():
    x, y = regression()
    x[3, 1], x[5, 1], x[5, 2] = np.nan, np.inf, np.nan
    with pytest.raises(
        InputError, match=r"NaN or infinite: 3 of them, in columns 1, 2\. Fill them in"
    ):
        TwoLayerRegressor().fit(x, y)
    with pytest.raises(InputError, match=r"3 of them, in columns 'b', 'c'"):
        TwoLayerRegressor().fit(pandas.DataFrame(x, columns=list("abc")), y)
    with pytest.raises(InputError, match=r"1 of them, in column 0"):
        TwoLayerRegressor().fit(scipy.sparse.csr_array([[np.nan, 1.0], [1.0, 2.0]]), [0, 1])
    model = TwoLayerRegressor(2, max_iter=2).fit(regression()[0], y)
    with pytest.raises(InputError, match=r"3 of them, in columns 1, 2"):
        model.predict(x)
    many = np.full((3, 9), np.nan)
    with pytest.raises(InputError, match=r"27 of them, in columns 0, 1, 2, 3, 4 and 4 more"):
        TwoLayerRegressor().fit(many, [0, 1, 2])


def test_one_class_only():
    x, y = regression()
    with pytest.raises(InputError, match="one class only, 'a'"):
        TwoLayerClassifier().fit(x, ["a"] * 40)
    s = np.ones(40)
    s[y > y.mean()] = 0
    with pytest.raises(InputError, match="one class only, 'False'"):
        TwoLayerClassifier().fit(x, y > y.mean(), sample_weight=s)


@pytest.mark.parametrize(
    ("s", "message"),
    [
        (np.zeros(40), "sample_weight is zero in every row"),
        (-np.ones(40), "sample_weight must not be negative; row 0"),
        (np.full(40, np.nan), "sample_weight has 40 values"),
        (np.ones(39), r"shape \(40,\)"),
    ],
)
def test_weights_that_cannot_be(s, message):
    with pytest.raises(InputError, match=message):
        TwoLayerRegressor().fit(*regression(), sample_weight=s)


@pytest.mark.parametrize("kind", BOTH)
def test_before_fit_and_with_other_columns(kind):
    x, y = regression()
    with pytest.raises(NotFittedError):
        kind().predict(x)
    with pytest.raises(NotFittedError):
        _ = kind().params_
    model = kind(2, max_iter=2).fit(x, y > y.mean())
    with pytest.raises(ValueError, match=r"X has 2 features, but .* is expecting 3"):
        model.predict(x[:, :2])


def test_a_learning_rate_that_diverges_is_told():
    x, y = regression()
    warned = pytest.warns(
        tl.TwoLayerWarning, match=r"learning_rate_init=1e\+06: trying once more with 500000"
    )
    with warned, pytest.raises(tl.DivergedError, match=r"smaller learning rate.*it was 500000"):
        TwoLayerRegressor(solver="gd", learning_rate_init=1e6).fit(x, y)
