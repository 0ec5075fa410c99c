"""Prediction intervals of each kind: against their published formulas, other libraries, and real fits without the rows."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.datasets import make_friedman1
from sklearn.model_selection import KFold, LeaveOneOut
from slow_cases import slow

import twolayer as tl
from twolayer.errors import InputError, TwoLayerWarning
from twolayer.estimators.uncertainty.fitted_tangents import fitted_tangents
from twolayer.estimators.uncertainty.leave_out import rows_of_training
from twolayer.estimators.uncertainty.left_out_intervals import upper_quantile

SETTINGS = {"n_hidden": 10, "alpha": 0.3, "n_networks": 2, "random_state": 0}


def table(n=24, seed=0, n_inputs=2):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (n, n_inputs)) * 10 + 3
    return x, 5 * np.abs(x[:, 0] - 3) + 2 * rng.standard_normal(n) + 100


def fitted(n=24, *, x=None, y=None, **settings):
    x, y = table(n) if x is None else (x, y)
    return tl.TwoLayerRegressor(**{**SETTINGS, **settings}).fit(x, y).keep_rows(x, y), x, y


NEW = table(9, seed=1)[0]


def plus_interval(model, x, y, splits, new, level):
    """Barber et al. 2021, equations (1.2) and (1.6), with fits without each part; by counting in sorted lists."""
    low, high = [], []
    for train, test in splits:
        own = tl.TwoLayerRegressor(**model.get_params()).fit(x[train], y[train])
        for i in test:
            off = abs(y[i] - own.predict(x[[i]])[0])
            low.append(own.predict(new) - off)
            high.append(own.predict(new) + off)
    n, alpha = len(y), 1 - level
    first, last = int(np.floor(alpha * (n + 1))), int(np.ceil((1 - alpha) * (n + 1)))
    return np.sort(low, axis=0)[first - 1], np.sort(high, axis=0)[last - 1]


@pytest.mark.parametrize("kind", ["jackknife+", "cv+"])
def test_with_refit_they_are_those_of_the_formula(kind):
    model, x, y = fitted(12)
    cv = KFold(4)
    splits = list((LeaveOneOut() if kind == "jackknife+" else cv).split(x))
    more = {} if kind == "jackknife+" else {"cv": cv}
    found = model.predict_interval(NEW, 0.8, kind=kind, refit=True, **more)
    expected = plus_interval(model, x, y, splits, NEW, 0.8)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("kind", ["jackknife+", "cv+"])
def test_with_refit_they_are_those_of_mapie(kind):
    pytest.importorskip("mapie", reason="mapie is not installed")
    from mapie.regression import CrossConformalRegressor

    model, x, y = fitted(12)
    cv = KFold(4) if kind == "cv+" else LeaveOneOut()
    plain = tl.TwoLayerRegressor(**model.get_params())
    theirs = CrossConformalRegressor(plain, confidence_level=0.8, method="plus", cv=cv)
    _, intervals = theirs.fit_conformalize(x, y).predict_interval(NEW)
    more = {"cv": cv} if kind == "cv+" else {}
    low, high = model.predict_interval(NEW, 0.8, kind=kind, refit=True, **more)
    np.testing.assert_allclose(np.stack([low, high], axis=1), intervals[:, :, 0], rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "n_inputs"), [("jackknife+", 2), ("cv+", 60), *slow(("jackknife+", 60), ("cv+", 2))]
)
def test_in_closed_form_they_are_near_those_of_fits_without_the_rows(kind, n_inputs):
    x, y = table(40, n_inputs=n_inputs)
    own = {"alpha": 3.0 if n_inputs == 2 else 20.0, "n_networks": 4, "scaling": "standard"}
    model = tl.TwoLayerRegressor(**{**SETTINGS, **own}).fit(x, y).keep_rows(x, y)
    new = table(30, seed=1, n_inputs=n_inputs)[0]
    found, truth = (
        np.array(model.predict_interval(new, 0.9, kind=kind, refit=refit))
        for refit in (False, True)
    )
    width = (truth[1] - truth[0]).mean()
    assert np.abs(found - truth).mean() < 0.1 * width
    assert (found[1] - found[0]).mean() == pytest.approx(width, rel=0.2)


def test_the_closed_form_holds_both_views_and_several_targets():
    x, y = table(40)
    both = np.column_stack([y, -1000 * y])
    model = tl.TwoLayerRegressor(**{**SETTINGS, "n_networks": 5}).fit(x, both).keep_rows(x, both)
    assert model.input_clip_ is not None
    for kind in ("jackknife+", "cv+"):
        low, high = model.predict_interval(NEW, kind=kind)
        assert low.shape == high.shape == (9, 2)
        np.testing.assert_allclose(low[:, 1], -1000 * high[:, 0], rtol=0.02)


def test_of_the_rows_of_training_left_out_alone_the_center_is_what_left_out_predict_says():
    """With residuals of one row far above the others and a level that takes the next, by hand."""
    model, x, y = fitted(24)
    without = model.left_out_predict()
    low, high = model.predict_interval(x, 0.5, kind="jackknife+")
    off = np.abs(y - without)
    assert ((low <= without + off.max()) & (without - off.max() <= high)).all()
    np.testing.assert_allclose(without, model.left_out_predict(x, y))


def test_the_normal_kind_is_as_wide_as_the_standard_deviation_says():
    model, _, _ = fitted(40)
    y_pred, y_std = model.predict(NEW, return_std=True)
    low, high = model.predict_interval(NEW, 0.95, kind="normal")
    np.testing.assert_allclose(
        [low, high], [y_pred - 1.959964 * y_std, y_pred + 1.959964 * y_std], rtol=1e-6
    )
    assert np.array_equal(
        model.predict_interval(NEW), model.predict_interval(NEW, kind="studentised")
    )


def test_the_quantile_of_n_numbers_is_that_of_split_conformal():
    """⌈level (n + 1)⌉-th of n; a weight of 2 is a row twice, and none of too few rows."""
    values = np.arange(1.0, 10)[::-1, None]
    assert [upper_quantile(values, None, level)[0] for level in (0.9, 0.8, 0.75, 0.05)] == [
        9,
        8,
        8,
        1,
    ]
    assert upper_quantile(values, None, 0.91)[0] == np.inf
    s = np.array([2.0, 1, 1, 1, 1, 1, 1, 1, 1])  # 9 twice: of ten numbers
    twice = np.concatenate([values, [[9.0]]])
    for level in (0.05, 0.5, 0.8, 0.85, 0.9, 0.95):
        assert upper_quantile(values, s, level) == upper_quantile(twice, None, level)


def test_counts_have_intervals_from_rows_left_out():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (80, 2))
    y = rng.poisson(np.exp(1 + x[:, 0]))
    model = (
        tl.TwoLayerRegressor(**{**SETTINGS, "alpha": 3.0}, loss="poisson").fit(x, y).keep_rows(x, y)
    )
    new = rng.uniform(-1, 1, (400, 2))
    y_new = rng.poisson(np.exp(1 + new[:, 0]))
    low, high = model.predict_interval(new, kind="jackknife+")
    assert low.min() == 0
    assert 0.85 < np.mean((low <= y_new) & (y_new <= high)) < 0.98
    with pytest.raises(InputError, match=r"use kind='jackknife\+'"):
        model.predict_interval(new)


def test_sparse_rows_weights_and_rows_of_no_weight():
    x, y = table(30)
    s = np.ones(30)
    s[4] = 0
    y[4] = 1e4  # not learned from, and not counted
    dense = tl.TwoLayerRegressor(**SETTINGS).fit(x, y, s).keep_rows(x, y, s)
    low, high = dense.predict_interval(NEW, kind="jackknife+")
    kept = np.delete(np.arange(30), 4)
    plain = tl.TwoLayerRegressor(**SETTINGS).fit(x[kept], y[kept]).keep_rows(x[kept], y[kept])
    np.testing.assert_allclose(
        [low, high], plain.predict_interval(NEW, kind="jackknife+"), rtol=1e-6
    )
    own = {**SETTINGS, "scaling": "standard"}
    rows = sp.csr_array(x[kept])
    sparse = tl.TwoLayerRegressor(**own).fit(rows, y[kept]).keep_rows(rows, y[kept])
    again = sparse.predict_interval(sp.csr_array(NEW), kind="cv+")
    np.testing.assert_allclose(again, sparse.predict_interval(NEW, kind="cv+"), rtol=1e-9)


def test_groups_are_left_out_whole():
    """Rows of a group share an offset, which the others of the group tell: without the whole group it is not known."""
    rng = np.random.default_rng(0)
    groups = np.repeat(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"], 4)
    place = np.unique(groups, return_inverse=True)[1]
    x = rng.standard_normal((12, 3))[place] + 1e-3 * rng.standard_normal((48, 3))
    y = rng.standard_normal(12)[place] + 0.01 * rng.standard_normal(48)
    model = tl.TwoLayerRegressor(**{**SETTINGS, "alpha": 1.0}).fit(x, y, groups=groups)
    widths = [
        np.diff(
            model.keep_rows(x, y, groups=one).predict_interval(x, 0.8, kind=kind), axis=0
        ).mean()
        for one in (None, groups)
        for kind in ("jackknife+", "cv+")
    ]
    assert min(widths[2:]) > 1.2 * widths[0]


def test_where_the_closed_form_does_not_hold_networks_are_trained_without_the_rows():
    x, y = table(24)
    own = {**SETTINGS, "loss": "absolute_error", "max_iter": 50, "tol": 0.1}
    model = tl.TwoLayerRegressor(**own).fit(x, y).keep_rows(x, y)
    with pytest.warns(
        TwoLayerWarning, match="10 times networks are trained without some rows, because"
    ):
        low, high = model.predict_interval(NEW, kind="jackknife+")
    assert (low < high).all()


def test_networks_that_repeat_their_rows_are_trained_without_them():
    """In closed form 40 rows of Friedman's table with nearly no decay have intervals of a hundred times the width."""
    x, y = make_friedman1(40, n_features=6, noise=1.0, random_state=17)
    model = tl.TwoLayerRegressor(alpha=0.01, n_networks=2, random_state=0).fit(x, y).keep_rows(x, y)
    with pytest.warns(TwoLayerWarning, match="the networks follow their rows too closely"):
        low, high = model.predict_interval(x, kind="jackknife+")
    assert (high - low).mean() < 4 * np.quantile(np.abs(y - y.mean()), 0.9)


def test_fits_without_the_rows_are_made_once(monkeypatch):
    model, x, y = fitted(12)
    low, high = model.predict_interval(NEW, 0.8, kind="cv+", cv=3, refit=True)
    fits = []
    plain = tl.TwoLayerRegressor.fit
    monkeypatch.setattr(
        tl.TwoLayerRegressor, "fit", lambda *given, **more: fits.append(1) or plain(*given, **more)
    )
    again = model.predict_interval(NEW[:4], 0.8, kind="cv+", cv=3, refit=True)
    assert np.array_equal(again, [low[:4], high[:4]])
    assert not fits
    model.predict_interval(NEW, 0.8, kind="cv+", cv=4, refit=True)
    assert len(fits) == 4
    model.keep_rows(x, y, groups=np.repeat(np.arange(4), 3))
    model.predict_interval(NEW, 0.8, kind="jackknife+", refit=True)
    assert len(fits) == 8


def test_a_search_is_refitted_at_its_alpha():
    x, y = table(24)
    model = tl.TwoLayerRegressorCV(5, alphas=[1.0, 0.1], cv=3, n_networks=1, random_state=0)
    model.fit(x, y).keep_rows(x, y)
    with pytest.warns(TwoLayerWarning, match="a search by cross-validation"):
        low, high = model.predict_interval(NEW, kind="cv+", cv=3)
    assert (low < high).all()


def test_a_row_of_leverage_1_is_refitted():
    """A column that is 0 but in one row, nearly no decay: in closed form nothing follows from the others."""
    x, y = table(30)
    x = np.column_stack([x, 1e6 * np.eye(30)[3]])
    own = {**SETTINGS, "n_networks": 1, "skip": True, "alpha": 1e-9, "activation": "identity"}
    model = tl.TwoLayerRegressor(**{**own, "n_hidden": 1, "tol": 1e-7}).fit(x, y).keep_rows(x, y)
    (tangent,) = fitted_tangents(model, rows_of_training(model, x, y, None, None))
    assert np.isnan(tangent.left_out()[3]).all()
    low, high = model.predict_interval(np.column_stack([NEW, np.zeros(9)]), kind="jackknife+")
    assert np.isfinite([low, high]).all()
    assert (low < high).all()


def test_too_few_rows_for_a_level_have_no_bounds_and_a_warning():
    model, _, _ = fitted(12)
    with pytest.warns(
        TwoLayerWarning, match=r"12 rows of training tell intervals up to a level of 0.923"
    ):
        low, high = model.predict_interval(NEW, 0.95, kind="jackknife+")
    assert (low == -np.inf).all()
    assert (high == np.inf).all()


REFUSED = {
    "there is no kind 'jackknife': choose one of studentised, normal": {"kind": "jackknife"},
    "level is a share of the targets, between 0 and 1, such as 0.9; got 1.5": {"level": 1.5},
    r"cv is for kind='cv\+'": {"kind": "jackknife+", "cv": 5},
    "refit is for kind": {"refit": True},
    "cv=40 folds need a row each at least": {"kind": "cv+", "cv": 40},
    "cv must leave out each row once": {"kind": "cv+", "cv": [([0, 1, 2], [3, 4])]},
    "cv must be a whole number, at least 2; got 1": {"kind": "cv+", "cv": 1},
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_told_is_refused(words):
    model, _, _ = fitted(24)
    with pytest.raises(InputError, match=words):
        model.predict_interval(NEW, **REFUSED[words])


def test_rows_have_to_be_kept_and_be_those_of_training():
    x, y = table(24)
    model = tl.TwoLayerRegressor(**SETTINGS).fit(x, y)
    for call in (
        lambda: model.predict_interval(NEW, kind="cv+"),
        model.left_out_predict,
        model.influence,
    ):
        with pytest.raises(
            InputError, match=r"this model keeps none: call model.keep_rows\(X, y\)"
        ):
            call()
    with pytest.raises(InputError, match="these are not the rows that the model was fitted to"):
        model.keep_rows(x, y[::-1])
    assert model.rows_ is None
    with pytest.raises(InputError, match="give X and y of training together, or neither"):
        model.left_out_predict(x)
    with pytest.raises(InputError, match="groups has one group only"):
        model.keep_rows(x, y, groups=np.zeros(24)).predict_interval(NEW, kind="cv+")


def test_another_fit_forgets_the_rows_and_a_clone_has_none():
    from sklearn.base import clone

    model, x, y = fitted(24)
    assert clone(model).rows_ is None
    assert model.fit(x, y).rows_ is None
    model.keep_rows(x, y)
    first = model.rows_.X
    first_value = first[0, 0]
    x[0, 0] = 1e6  # the model's rows are its own
    assert first[0, 0] == first_value
    model.partial_fit(x, y)
    assert model.rows_ is None


def test_influence_and_predictions_of_rows_kept_are_those_of_rows_given():
    import pandas as pd

    x, y = table(24)
    frame = pd.DataFrame(x, columns=["a", "b"])
    groups = np.repeat(["p", "q", "r", "s"], 6)
    model = tl.TwoLayerRegressor(**SETTINGS).fit(frame, y)
    given = (
        model.influence(frame, y, groups=groups),
        model.left_out_predict(frame, y, groups=groups),
    )
    model.keep_rows(frame, y, groups=groups)
    kept = model.influence(), model.left_out_predict()
    assert kept[0].labels.tolist() == ["p", "q", "r", "s"]
    np.testing.assert_allclose(given[0].change_of_own, kept[0].change_of_own)
    np.testing.assert_allclose(given[1], kept[1])
    model.predict_interval(frame, kind="cv+")
    classes = tl.TwoLayerClassifier(**SETTINGS).fit(frame, y > y.mean())
    before = classes.left_out_predict(frame, y > y.mean(), method="predict_proba")
    classes.keep_rows(frame, y > y.mean())
    again = classes.left_out_predict(method="predict_proba")
    np.testing.assert_allclose(before, again, rtol=0.1)  # of trainings by another path of rounding
