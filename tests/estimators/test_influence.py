"""What leaving a row out does to all predictions: the truth is a training without it."""

import copy
import warnings
from functools import cache

import numpy as np
import pytest
from slow_cases import slow
from test_leave_out import correlation, diabetes, fitted, genes, said, spectra, two_targets, wine

import twolayer as tl
from twolayer.errors import InputError
from twolayer.estimators.uncertainty import influence as influence_module
from twolayer.estimators.uncertainty.fitted_tangents import fitted_tangents
from twolayer.estimators.uncertainty.leave_out import rows_of_training

TABLES = [diabetes, two_targets, spectra, wine, genes]
REPEATED = [diabetes, two_targets, wine, genes]  # trainings of `spectra` end at other kinks


@cache
def model_of(table):
    """A model at its minimum: beside what one row does, even a small rest of the way to it is long."""
    x, y, kind, alpha = table()
    return fitted(kind, alpha, x, y, tol=1e-8, max_iter=3000), x, y


@cache
def true_changes(table, size):
    """Blocks of rows, and what trainings that go on without each change of the predictions for all rows."""
    model, x, y = model_of(table)
    blocks = [np.arange(i, i + size) for i in range(0, len(y) - size + 1, 8)]
    again = [copy.deepcopy(model).set_params(warm_start=True) for _ in blocks]
    for one, block in zip(again, blocks, strict=True):
        one.fit(np.delete(x, block, 0), np.delete(y, block, 0))
    return blocks, np.array([said(one, x) for one in again]) - said(model, x)


def per_output(values, scale):
    """Outputs in units of the spread of the true changes, so that each counts."""
    return values.reshape(*values.shape[:2], -1) / scale.reshape(
        scale.shape[0] * scale.shape[1], -1
    ).std(axis=0)


@pytest.mark.parametrize("table", REPEATED, ids=lambda table: table.__name__)
@pytest.mark.parametrize("size", [4, *slow(1)])  # single rows: also in the next test
def test_changes_of_all_predictions_are_those_of_trainings_without_the_rows(table, size):
    model, x, y = model_of(table)
    blocks, truth = true_changes(table, size)
    tangents = fitted_tangents(model, rows_of_training(model, x, y, None, None))
    found = influence_module.mean_changes(tangents, blocks, False, model.loss_function_)
    if hasattr(model, "noise_std_"):
        found = found * y.std(axis=0)
    assert correlation(per_output(found, truth), per_output(truth, truth)) > 0.9
    assert (
        0.6
        < np.linalg.norm(per_output(found, truth)) / np.linalg.norm(per_output(truth, truth))
        < 1.6
    )


@pytest.mark.parametrize("table", REPEATED, ids=lambda table: table.__name__)
def test_the_size_of_the_change_is_in_the_units_of_predictions(table):
    model, x, y = model_of(table)
    blocks, truth = true_changes(table, 1)
    rows = np.concatenate(blocks)
    found = model.influence(x, y)
    assert (found.labels == np.arange(len(y))).all()
    assert (found.parts == found.labels).all()
    expected = np.sqrt(np.square(truth).mean(axis=1))
    shown = found.change_of_predictions[rows]
    assert shown.shape == expected.shape
    assert correlation(shown / expected.std(axis=0), expected / expected.std(axis=0)) > 0.9
    ratio = shown.sum(axis=0) / expected.sum(axis=0)
    assert ((ratio > 0.6) & (ratio < 1.6)).all()
    if shown.ndim == 1:
        assert (np.diff(found.change_of_predictions[found.order]) <= 0).all()


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.__name__)
@pytest.mark.parametrize("grouped", [False, True])
def test_the_own_change_is_that_of_left_out_predict(table, grouped):
    model, x, y = model_of(table)
    groups = np.array([f"p{i // 3:02}" for i in range(len(y))]) if grouped else None
    found = model.influence(x, y, groups=groups)
    method = "predict" if hasattr(model, "noise_std_") else "decision_function"
    expected = model.left_out_predict(x, y, groups=groups, method=method) - said(model, x)
    np.testing.assert_allclose(found.change_of_own, expected, atol=1e-8 * np.abs(expected).max())
    if grouped:
        assert (found.labels[found.parts] == groups).all()
    assert (found.leverage > 0).all()
    if not hasattr(model, "noise_std_"):
        place = np.searchsorted(model.classes_, y)
        for loss, p in (
            (found.fitted_loss, model.predict_proba(x)),
            (
                found.left_out_loss,
                model.left_out_predict(x, y, groups=groups, method="predict_proba"),
            ),
        ):
            np.testing.assert_allclose(loss, -np.log(p[np.arange(len(y)), place]), rtol=1e-6)
    else:
        off = (said(model, x) - y) / y.std(axis=0)
        squares = 0.5 * np.square(off).reshape(len(y), -1).sum(axis=1)
        np.testing.assert_allclose(found.fitted_loss, squares, rtol=1e-6)
        assert found.left_out_loss.mean() > found.fitted_loss.mean()


def test_chunks_are_the_same_as_all_at_once(monkeypatch):
    model, x, y = model_of(two_targets)
    expected = model.influence(x, y)
    monkeypatch.setattr(influence_module, "CHUNK_CHANGES", 1500)
    found = model.influence(x, y)
    for name in ("change_of_predictions", "change_of_own", "parts", "order"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-9)


def test_a_row_of_weight_two_is_two_rows():
    x, y, kind, alpha = diabetes()
    twice = np.r_[np.arange(100), np.arange(10)]
    model = fitted(kind, alpha, x[twice], y[twice])
    s = np.ones(100)
    s[:10] = 2
    by_row = model.influence(x, y, sample_weight=s)
    together = model.influence(x[twice], y[twice], groups=twice)
    for name in ("change_of_predictions", "order"):
        np.testing.assert_allclose(getattr(by_row, name), getattr(together, name), rtol=1e-6)
    np.testing.assert_allclose(by_row.change_of_own, together.change_of_own[:100], rtol=1e-6)
    s = np.r_[np.ones(99), 0]
    model = fitted(kind, alpha, x[:99], y[:99])
    nothing = model.influence(x, y, sample_weight=s)
    assert (
        nothing.change_of_predictions[99] == nothing.change_of_own[99] == nothing.leverage[99] == 0
    )
    assert nothing.order[-1] == 99


def test_counts_and_labels():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 3))
    y = rng.poisson(np.exp(1 + 0.5 * x[:, 0]))
    settings = {"n_hidden": 4, "alpha": 3.0, "random_state": 0}
    found = tl.TwoLayerRegressor(loss="poisson", **settings).fit(x, y).influence(x, y)
    assert found.change_of_own.shape == (60,)
    labels = (x[:, :2] > 0).astype(int)
    found = tl.TwoLayerClassifier(**settings).fit(x, labels).influence(x, labels)
    assert found.change_of_own.shape == (60, 2)
    assert found.change_of_predictions.shape == (60, 2)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"loss": "absolute_error"}, "no second derivative"),
        ({"dropout": 0.1}, "l1 and dropout"),
        ({"early_stopping": True}, "early stopping"),
        ({"solver": "adam"}, "does not end at a minimum"),
    ],
)
def test_where_there_is_no_closed_form_it_says_why(settings, reason):
    x, y, kind, _ = diabetes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = fitted(kind, 1.0, x, y, **{"n_hidden": 3, "max_iter": 5} | settings)
    with pytest.raises(InputError, match=rf"cannot be told, because .*{reason}.*left_out_predict"):
        model.influence(x, y)


def test_too_many_parts_and_other_rows_are_refused(monkeypatch):
    model, x, y = model_of(diabetes)
    with pytest.raises(InputError, match="not the rows that the model was fitted to"):
        model.influence(x, y + np.arange(100))
    with pytest.raises(InputError, match="one group only"):
        model.influence(x, y, groups=np.zeros(100))
    monkeypatch.setattr(influence_module, "LARGEST_CHANGES", 9_999)
    with pytest.raises(
        InputError, match="100 parts times 100 rows are too many: give fewer groups"
    ):
        model.influence(x, y)
    assert len(model.influence(x, y, groups=np.arange(100) // 2).labels) == 50
