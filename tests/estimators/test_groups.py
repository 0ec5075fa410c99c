"""Rows of one group stay together wherever an estimator leaves rows out by itself."""

import warnings
from functools import wraps

import numpy as np
import pandas
import polars
import pytest
import sklearn
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import twolayer as tl
from twolayer.errors import InputError
from twolayer.estimators.selection import alpha_choice
from twolayer.estimators.training_rows import group_numbers
from twolayer.evaluation import splits
from twolayer.tables import Dataset


def patients(seed=0, n_patients=40, n_columns=60, repeats=2):
    """Noise: rows of one patient are nearly the same, and so is their class, which says nothing about anybody else's."""
    rng = np.random.default_rng(seed)
    who = np.repeat(np.arange(n_patients), repeats)
    of_patient = rng.standard_normal((n_patients, n_columns))
    x = of_patient[who] + 0.2 * rng.standard_normal((len(who), n_columns))
    return x, rng.integers(2, size=n_patients)[who], who


@pytest.mark.parametrize("classes", [True, False])
def test_folds_take_whole_groups(classes):
    _, y, who = patients()
    y = y if classes else y[:, None].astype(float)
    parts = splits.alpha_folds(y, np.random.default_rng(0), who)
    assert len(parts) == 5
    assert sorted(np.concatenate(parts)) == list(range(len(y)))
    for part in parts:
        assert not set(who[part]) & set(np.delete(who, part))
    assert splits.alpha_folds(y, np.random.default_rng(0), np.zeros(len(y))) == []
    assert len(splits.alpha_folds(y, np.random.default_rng(0), who % 3)) == 3


def test_rows_kept_to_stop_by_are_whole_groups():
    _, y, who = patients()
    kept = splits.validation_rows(y, 0.2, np.random.default_rng(0), ("0", "1"), who)
    assert len(set(who[kept])) == 8
    assert not set(who[kept]) & set(who[~kept])
    with pytest.raises(InputError, match="one group only"):
        splits.validation_rows(y, 0.2, np.random.default_rng(0), ("0", "1"), np.zeros(80))


def test_noise_with_a_twin_in_every_row_is_seen_through():
    x, y, who = patients()
    rows = who < 30
    settings = {"n_hidden": 10, "n_networks": 1, "random_state": 0}
    fooled = tl.TwoLayerClassifier(**settings).fit(x[rows], y[rows])
    model = tl.TwoLayerClassifier(**settings).fit(x[rows], y[rows], groups=who[rows])
    assert model.alpha_ >= 10 * fooled.alpha_
    lost = [log_loss(y[~rows], one.predict_proba(x[~rows])) for one in (model, fooled)]
    assert lost[0] < lost[1] - 0.05
    # of twins in other folds a linear model too is sure of what it cannot know
    linear = LogisticRegression(C=10).fit(x[rows], y[rows])
    assert lost[0] < log_loss(y[~rows], linear.predict_proba(x[~rows]))


@pytest.mark.parametrize("weights", ["rows", "classes", "both"])
def test_groups_follow_their_rows(monkeypatch, weights):
    """Rows of weight 0 fall out, and the others are put in order: each must keep its group."""
    x, y, who = patients()
    y = np.where(who % 7 == 0, 2, y)  # a class of no weight
    s = None if weights == "classes" else (who % 5 > 0).astype(float)
    seen = []

    def spied(rows, task, rng, candidates, **views):
        seen.append((rows.x, rows.groups))
        return alpha_choice.choose_alpha(rows, task, rng, (1.0,), **views)

    monkeypatch.setattr("twolayer.estimators.fit.choose_alpha", spied)
    class_weight = None if weights == "rows" else {0: 1, 1: 1, 2: 0}
    model = tl.TwoLayerClassifier(2, n_networks=1, max_iter=3, class_weight=class_weight)
    model.fit(x, y, sample_weight=s, groups=[f"patient {k}" for k in who])
    ((rows, groups),) = seen
    names = sorted({f"patient {k}" for k in who})
    for row, group in zip(rows, groups, strict=True):
        (place,) = np.flatnonzero((x == row).all(axis=1))
        assert names[group] == f"patient {who[place]}"


def test_early_stopping_and_given_alpha_take_groups_too(monkeypatch):
    x, y, who = patients()
    given = []
    choose = alpha_choice.choose_alpha

    def spied(rows, *arguments, **views):
        given.append(rows.groups)
        return choose(rows, *arguments, **views)

    monkeypatch.setattr("twolayer.estimators.fit.choose_alpha", spied)
    model = tl.TwoLayerClassifier(2, alpha=1.0, n_networks=1, max_iter=3, calibrate=True)
    model.fit(x, y, groups=who)
    assert len(set(given[0])) == 40
    held = []
    keep = splits.validation_rows

    def seen(*arguments):
        held.append((arguments[4], keep(*arguments)))
        return held[-1][1]

    monkeypatch.setattr("twolayer.estimators.base.validation_rows", seen)
    model = tl.TwoLayerClassifier(2, alpha=1.0, n_networks=1, max_iter=3, early_stopping=True)
    model.fit(x, y, groups=who)
    ((groups, kept),) = held
    assert not set(groups[kept]) & set(groups[~kept])


def test_what_is_no_list_of_groups_is_told():
    x, y = load_breast_cancer(return_X_y=True)
    model = tl.TwoLayerClassifier(2, max_iter=2)
    with pytest.raises(InputError, match=r"one group for each of 569 rows; its shape is \(3,\)"):
        model.fit(x, y, groups=[1, 2, 3])
    with pytest.raises(InputError, match="numbers or text, and of one kind"):
        model.fit(x, y, groups=np.array([1, "a"] * 284 + [2], dtype=object))


NO_VALUE = {
    "None": [None] * 3 + list("abcabcabc"),
    "NaN": [np.nan] * 3 + [0, 1, 2] * 3,
    "NaN among texts": [np.nan] * 3 + list("abcabcabc"),
    "NaN in an array": np.array([np.nan] * 3 + [0, 1, 2] * 3),
    "NaT": np.array(["NaT"] * 3 + ["2024-01-01", "2024-01-02", "2024-01-03"] * 3, dtype="M8[D]"),
    "pandas.NA": pandas.Series([None] * 3 + [0, 1, 2] * 3, dtype="Int64"),
    "pandas text": pandas.Series([None] * 3 + list("abcabcabc"), dtype="string"),
    "pandas categories": pandas.Series([None] * 3 + list("abcabcabc")).astype("category"),
    "polars": polars.Series([None] * 3 + list("abcabcabc")),
    "polars numbers": polars.Series([None] * 3 + [0, 1, 2] * 3),
    "masked": np.ma.masked_less(np.arange(12), 3),
}
NAMELESS = r"groups has no value in rows 0, 1, 2 \(counted from 0\).*Name the group of every row"


@pytest.mark.parametrize("who", NO_VALUE.values(), ids=NO_VALUE)
def test_rows_without_a_group_are_not_one_group(who):
    with pytest.raises(InputError, match=NAMELESS):
        group_numbers(who, 12)
    with pytest.raises(InputError, match=NAMELESS):
        splits.fold_splits(3, np.zeros((12, 1)), np.zeros(12), who, 0)


def test_every_method_that_takes_groups_refuses_rows_without_one():
    x, y = np.arange(24.0).reshape(12, 2) % 7, np.arange(12.0) % 5
    who = NO_VALUE["NaN"]
    model = tl.TwoLayerRegressor(2, alpha=1.0, n_networks=1, max_iter=5).fit(x, y)
    search = tl.TwoLayerRegressorCV(2, alphas=[1.0], n_networks=1, max_iter=5, cv=3)
    for call in (
        model.fit,
        model.influence,
        model.left_out_predict,
        model.keep_rows,
        model.permutation_test,
        search.fit,
        search.nested_score,
        search.permutation_test,
    ):
        with pytest.raises(InputError, match=NAMELESS):
            call(x, y, groups=who)


def test_fit_hands_groups_on(here, twolayer):
    x, y, who = patients()
    table = polars.DataFrame({"patient": who, "state": y} | {f"g{k}": g for k, g in enumerate(x.T)})
    table.write_csv("t.csv")
    alphas = []
    for option in ("--groups", "--drop"):
        code, _, err = twolayer(
            "fit", "t.csv", "--target", "state", option, "patient", "--n-hidden", 10, "-q"
        )
        assert code == 0, err
        alphas.append(tl.load("t.twolayer.safetensors").alpha_)
    assert alphas[0] > 3 * alphas[1]


def test_rows_in_time_stay_together_by_fifths():
    data = Dataset(None, None, None, order=np.array([30, 10, 10, 20, 50, 40, 0, 60, 70, 80, 90]))
    everyone = np.arange(11)
    fifths = data.fold_groups(everyone)
    # ten different times: two of them to each fifth
    assert fifths.tolist() == [1, 0, 0, 1, 2, 2, 0, 3, 3, 4, 4]
    assert Dataset(None, None, None).fold_groups(everyone) is None


@pytest.mark.parametrize("wanted", [None, True], ids=["by default", "asked for"])
@pytest.mark.parametrize(
    "model",
    [
        tl.TwoLayerClassifier(3, alpha=1.0, n_networks=1, max_iter=3, random_state=0),
        tl.TwoLayerRegressor(3, alpha=1.0, n_networks=1, max_iter=3, random_state=0),
        tl.TwoLayerClassifierCV(3, alphas=[1.0], cv=2, n_networks=1, max_iter=3, random_state=0),
        tl.TwoLayerRegressorCV(3, alphas=[1.0], cv=2, n_networks=1, max_iter=3, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_groups_of_a_splitter_with_metadata_routing(model, wanted, monkeypatch):
    """By default the splitter alone has them, as without routing; MLPClassifier, whose fit has no groups, does the same."""
    x = np.random.default_rng(0).normal(size=(60, 3))
    y, groups, seen = x[:, 0] > 0, np.arange(60) // 10, []
    fit = type(model).fit

    def noted(self, X, y, **arguments):  # noqa: N803
        seen.append(arguments.get("groups") is not None)
        return fit(self, X, y, **arguments)

    monkeypatch.setattr(type(model), "fit", wraps(fit)(noted))
    with sklearn.config_context(enable_metadata_routing=True), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if wanted:
            model = clone(model).set_fit_request(groups=True)
        given = {"cv": GroupKFold(3), "params": {"groups": groups}}
        assert cross_validate(model, x, y, **given)["test_score"].shape == (3,)
        pipeline = make_pipeline(StandardScaler(), model)
        cross_validate(pipeline, x, y, **given)
        GridSearchCV(model, {"n_hidden": [2]}, cv=GroupKFold(3)).fit(x, y, groups=groups)
    assert set(seen[:6]) == {bool(wanted)}
