"""What a fitted model would have said of rows left out: the truth is a fit without them."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit

import twolayer as tl
from twolayer.errors import InputError, TwoLayerWarning


def diabetes():
    x, y = load_diabetes(return_X_y=True)
    return x[:100], y[:100], tl.TwoLayerRegressor, 20.0


def two_targets():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((70, 4))
    y = np.c_[x[:, 0] + 0.3 * rng.standard_normal(70), 100 * np.abs(x[:, 1])]
    return x, y, tl.TwoLayerRegressor, 3.0


def spectra():
    rng = np.random.default_rng(1)
    factors = rng.standard_normal((60, 4))
    x = factors @ rng.standard_normal((4, 300)) + 0.3 * rng.standard_normal((60, 300))
    return x, factors[:, 0] + 0.3 * rng.standard_normal(60), tl.TwoLayerRegressor, 30.0


def cancer():
    x, y = load_breast_cancer(return_X_y=True)
    return x[:100], np.where(y[:100], "benign", "malignant"), tl.TwoLayerClassifier, 10.0


def wine():
    x, y = load_wine(return_X_y=True)
    return x[::2], y[::2], tl.TwoLayerClassifier, 3.0


def genes():
    rng = np.random.default_rng(2)
    y = np.arange(60) % 2
    x = rng.standard_normal((60, 800))
    x[:, :40] += 0.8 * y[:, None]
    return x, y, tl.TwoLayerClassifier, 30.0


TABLES = [diabetes, two_targets, spectra, cancer, wine, genes]


def fitted(kind, alpha, x, y, **settings):
    settings = {"n_hidden": 20, "n_networks": 2, "random_state": 0, "scaling": "auto"} | settings
    return kind(alpha=alpha, **settings).fit(x, y)


def said(model, x):
    return model.predict(x) if hasattr(model, "noise_std_") else model.decision_function(x)


def correlation(a, b):
    return np.corrcoef(np.ravel(a), np.ravel(b))[0, 1]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
@pytest.mark.parametrize("n_folds", [None, 5])
def test_left_out_predictions_are_those_of_fits_without_the_rows(table, n_folds):
    x, y, kind, alpha = table()
    model = fitted(kind, alpha, x, y)
    method = "predict" if kind is tl.TwoLayerRegressor else "decision_function"
    cv = None if n_folds is None else KFold(n_folds, shuffle=True, random_state=0)
    found = model.left_out_predict(x, y, cv=cv, method=method)
    parts = (
        [np.array([i]) for i in range(0, len(y), 4)]
        if cv is None
        else [test for _, test in cv.split(x)]
    )
    truth = np.full(found.shape, np.nan)
    for part in parts:
        kept = np.delete(np.arange(len(y)), part)
        truth[part] = said(fitted(kind, alpha, x[kept], y[kept]), x[part])
    rows = np.concatenate(parts)
    scale = found[rows].std(axis=0)
    fit = said(model, x)[rows] / scale
    assert correlation(found[rows] / scale, truth[rows] / scale) > 0.98
    moved = correlation(found[rows] / scale - fit, truth[rows] / scale - fit)
    assert moved > (0.9 if cv is None else 0.8)


def test_refit_chooses_everything_without_the_rows():
    x, y, kind, _ = diabetes()
    model = fitted(kind, "auto", x, y, n_hidden=4)
    found = model.left_out_predict(x, y, cv=KFold(2), refit=True)
    expected = np.r_[
        fitted(kind, "auto", x[50:], y[50:], n_hidden=4).predict(x[:50]),
        fitted(kind, "auto", x[:50], y[:50], n_hidden=4).predict(x[50:]),
    ]
    np.testing.assert_array_equal(found, expected)


def test_groups_are_left_out_whole():
    x, y, kind, alpha = wine()
    who = np.arange(len(y)) // 3
    model = fitted(kind, alpha, x, y)
    whole = model.left_out_predict(x, y, groups=who, method="predict_proba")
    splits = [(np.flatnonzero(who != k), np.flatnonzero(who == k)) for k in np.unique(who)]
    same = model.left_out_predict(x, y, cv=splits, method="predict_proba")
    np.testing.assert_allclose(whole, same)
    np.testing.assert_allclose(whole.sum(axis=1), 1)
    folds = model.left_out_predict(x, y, cv=GroupKFold(4), groups=who, method="predict_proba")
    assert np.abs(folds - whole).max() > 1e-6


def test_repeats_and_weights_are_the_same_thing():
    x, y, kind, alpha = diabetes()
    twice = np.r_[np.arange(100), np.arange(10)]
    model = fitted(kind, alpha, x[twice], y[twice])
    s = np.ones(100)
    s[:10] = 2
    by_row = model.left_out_predict(x, y, sample_weight=s)
    together = model.left_out_predict(x[twice], y[twice], groups=twice)
    np.testing.assert_allclose(by_row, together[:100], rtol=1e-6)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"loss": "absolute_error"}, "no second derivative"),
        ({"l1": 0.1}, "l1 and dropout"),
        ({"dropout": 0.1}, "l1 and dropout"),
        ({"early_stopping": True}, "early stopping"),
        ({"solver": "adam"}, "does not end at a minimum"),
    ],
)
def test_where_the_closed_form_does_not_hold_networks_are_trained_without_the_rows(
    settings, reason
):
    x, y, kind, _ = diabetes()
    settings = {"n_hidden": 3, "n_networks": 1, "max_iter": 5} | settings
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = fitted(kind, 1.0, x, y, **settings)
        parts = list(KFold(3).split(x))
        expected = np.concatenate(
            [fitted(kind, 1.0, x[a], y[a], **settings).predict(x[b]) for a, b in parts]
        )
    with pytest.warns(TwoLayerWarning, match=rf"3 times networks are trained.*{reason}"):
        found = model.left_out_predict(x, y, cv=KFold(3))
    np.testing.assert_array_equal(found, expected)


def test_a_splitter_in_time_is_refused_or_refitted():
    x, y, kind, alpha = diabetes()
    model = fitted(kind, alpha, x, y, n_hidden=3)
    with pytest.raises(InputError, match=r"leave out each row once; row 0 .* 0 times"):
        model.left_out_predict(x, y, cv=TimeSeriesSplit(3))
    half = [(np.arange(40), np.arange(50, 100)), (np.arange(60, 100), np.arange(50))]
    with pytest.warns(TwoLayerWarning, match="leaves out other rows than it tests"):
        model.left_out_predict(x, y, cv=half)


def test_other_rows_than_those_of_training_are_refused():
    x, y, kind, alpha = diabetes()
    model = fitted(kind, alpha, x, y)
    for other in ((x[:-1], y[:-1]), (x, y + 1e-2 * np.arange(100)), (x[::-1], y)):
        with pytest.raises(InputError, match="not the rows that the model was fitted to"):
            model.left_out_predict(*other)
    assert model.left_out_predict(x[::-1], y[::-1]) == pytest.approx(
        model.left_out_predict(x, y)[::-1], rel=1e-6
    )
    with pytest.raises(InputError, match="method"):
        model.left_out_predict(x, y, method="predict_proba")
    with pytest.raises(InputError, match="one group only"):
        model.left_out_predict(x, y, groups=np.zeros(100))


def test_a_class_that_is_left_out_whole_has_no_probability_in_a_refit():
    x, y, kind, alpha = wine()
    model = fitted(kind, alpha, x, y, n_hidden=3)
    found = model.left_out_predict(x, y, groups=y, method="predict_proba", refit=True)
    assert (found[np.arange(len(y)), y] == 0).all()
    with pytest.raises(InputError, match="left out together"):
        model.left_out_predict(x, y, groups=y, method="decision_function", refit=True)


def test_networks_that_follow_their_rows_closely_are_trained_without_some():
    x, y, kind, _ = diabetes()
    model = fitted(kind, 0.01, x, y, max_iter=2000)
    with pytest.warns(
        TwoLayerWarning,
        match="10 times networks are trained without some rows, because (what the closed form|training was cut short)",
    ):
        model.left_out_predict(x, y)


def test_a_loaded_model_leaves_out_too(tmp_path):
    x, y, kind, alpha = genes()
    model = fitted(kind, alpha, x, y)
    tl.save(model, tmp_path / "m.safetensors")
    again = tl.load(tmp_path / "m.safetensors")
    np.testing.assert_allclose(
        again.left_out_predict(x, y, method="predict_proba"),
        model.left_out_predict(x, y, method="predict_proba"),
        rtol=1e-9,
    )


def test_where_the_path_of_alpha_leaves_the_minimum_folds_are_trained():
    """Classes that a weak decay separates without a mistake: the search networks come to no minimum."""
    x, y = load_breast_cancer(return_X_y=True)
    rows = np.r_[np.flatnonzero(y == 0)[:10], np.flatnonzero(y == 1)[:92]]
    model = tl.TwoLayerClassifier(n_networks=1, random_state=0).fit(x[rows], y[rows])
    assert model.alpha_search_ == "5 folds, each trained without"


@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("table", [diabetes, wine], ids=lambda table: table.__name__)
def test_a_search_is_made_anew_without_the_rows_at_its_alpha(table, refit):
    x, y, kind, alpha = table()
    make = getattr(tl, f"{kind.__name__}CV")
    search = {"alphas": [alpha, 3 * alpha], "n_hidden": [3, 4], "n_networks": 1, "cv": 2}
    model = make(**search, random_state=0).fit(x, y)
    folds = list(KFold(2, shuffle=True, random_state=0).split(x))
    if not refit:
        search |= {"alphas": [model.alpha_], "n_hidden": model.n_hidden_}
    expected = np.empty(len(y))
    for own, left_out in folds:
        again = make(**search, random_state=0).fit(x[own], y[own])
        expected[left_out] = again.predict(x[left_out])
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", TwoLayerWarning)
        found = model.left_out_predict(x, y, cv=folds, refit=refit)
    np.testing.assert_array_equal(found, expected)
    assert refit or "is a search by cross-validation, for which" in str(told[0].message)
    with pytest.raises(InputError, match="CV is a search by cross-validation"):
        model.influence(x, y)


def weighed():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    x = rng.standard_normal((60, 400))
    x[:, :3] += 3 * y[:, None]
    settings = {"n_hidden": 4, "n_networks": 2, "random_state": 0}
    return x, y, tl.TwoLayerClassifier(**settings).fit(x, y), settings


def test_a_weighing_is_chosen_anew_without_the_rows():
    x, y, model, settings = weighed()
    assert model.column_weighing_ != "none"
    parts = list(KFold(2, shuffle=True, random_state=0).split(x))
    with pytest.warns(TwoLayerWarning, match="weighed by the targets of all rows"):
        found = model.left_out_predict(x, y, cv=parts, method="predict_proba")
    for train, test in parts:
        own = tl.TwoLayerClassifier(**settings).fit(x[train], y[train])
        assert own.column_weighing_ != "none"
        np.testing.assert_array_equal(found[test], own.predict_proba(x[test]))


def test_networks_without_the_rows_see_the_columns_as_those_of_the_fit():
    x, y, _, _ = diabetes()
    settings = {"n_hidden": 3, "n_networks": 2, "random_state": 0, "loss": "absolute_error"}
    for scaling in ("standard", "smooth_clip"):
        model = tl.TwoLayerRegressor(alpha=3.0, scaling=scaling, **settings).fit(x, y)
        model.set_params(scaling="auto")  # as where the choice took one view alone
        expected = np.r_[
            tl.TwoLayerRegressor(alpha=3.0, scaling=scaling, **settings)
            .fit(x[50:], y[50:])
            .predict(x[:50]),
            tl.TwoLayerRegressor(alpha=3.0, scaling=scaling, **settings)
            .fit(x[:50], y[:50])
            .predict(x[50:]),
        ]
        with pytest.warns(TwoLayerWarning, match="no second derivative"):
            found = model.left_out_predict(x, y, cv=KFold(2))
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 1, 1: 2, 2: 0}])
def test_rows_that_class_weights_leave_without_weight_have_their_place(class_weight):
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 4))
    y, s = np.arange(60) % 3, np.repeat([0.0, 1.0], [10, 50])
    model = tl.TwoLayerClassifier(6, alpha=1.0, random_state=0, class_weight=class_weight)
    model.fit(x, y, sample_weight=s)
    told = model.left_out_predict(x, y, sample_weight=s, method="predict_proba")
    assert told.shape == (60, 3)
    assert len(model.influence(x, y, sample_weight=s).change_of_own) == 60
    kept = model.keep_rows(x, y, s).left_out_predict(method="predict_proba")
    np.testing.assert_allclose(kept, told, atol=1e-12)
