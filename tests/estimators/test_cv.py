"""The estimators that choose alpha by cross-validation: their scores, and what they see."""

import dataclasses

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.metrics import log_loss
from sklearn.model_selection import GroupKFold, KFold, StratifiedKFold, cross_val_score
from sklearn.utils.estimator_checks import parametrize_with_checks
from small_tables import FAST, classes, noise, wide

import twolayer as tl
from twolayer import InputError, TwoLayerClassifierCV, TwoLayerRegressorCV, TwoLayerWarning
from twolayer.estimators import ensemble
from twolayer.estimators.selection import dead_units, search
from twolayer.estimators.selection.row_axes import row_axes
from twolayer.estimators.selection.search_fit import SearchFit
from twolayer.estimators.standardise import standardise
from twolayer.estimators.training_rows import TrainingRows
from twolayer.estimators.uncertainty import spread

BARE = {"label_smoothing": 0}  # and with it no temperature: probabilities are those of the networks


@parametrize_with_checks([TwoLayerRegressorCV(5, **FAST), TwoLayerClassifierCV(5, **FAST)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


# ---- the scores


def plain_loop(x, y, train, test, alphas, settings):
    """Squared errors at each alpha by `tl.train` on the whole table, in its own columns: no axes are turned.

    Each network starts where the search's start is in these columns, and at each alpha where it ended at the one before.
    """
    rows = TrainingRows(x[train], y[train, None]).distinct()
    x_train, targets = rows.x, rows.y
    fitting = SearchFit.from_estimator(TwoLayerRegressorCV(**settings), x.shape)
    axes = row_axes(x_train, None, invariant=True)
    seed = search.integer_seed(settings["random_state"])
    starts = fitting.start(axes, 4, 1, np.random.default_rng([seed, 4]))
    w_skip = None if starts.w_skip is None else axes.back(starts.w_skip)
    here = tl.Params(axes.back(starts.w1), starts.b1, starts.w2, starts.b2, w_skip)
    mean, spread = x[train].mean(0), x[train].std(0)
    y_mean, y_spread = y[train].mean(), y[train].std()
    scores = []
    for alpha in alphas:
        networks = [
            tl.train(
                (x_train - mean) / spread, (targets - y_mean) / y_spread, here.network(k),
                loss="squared_error", activation="tanh", solver="lbfgs", alpha=alpha, steps=8,
                tol=1e-3, engine="numpy",
            ).params
            for k in range(2)
        ]  # fmt: skip
        z_test = (x[test] - mean) / spread
        outputs = [tl.forward(z_test, each, activation="tanh")[:, 0] for each in networks]
        answers = np.mean(outputs, axis=0) * y_spread + y_mean
        scores.append(-np.mean((answers - y[test]) ** 2))
        here = tl.Params.stack(networks)
    return scores


@pytest.mark.parametrize("n_inputs", [60, 5])
def test_scores_are_those_of_a_plain_loop(monkeypatch, n_inputs):
    """The reference walks the path on the full table, fold by fold; few steps, as rounding grows with each."""
    monkeypatch.setattr(dead_units, "DEAD_SHARE", 0.0)  # the restart of units has a test of its own
    x, y = wide(n_inputs=n_inputs)
    alphas = [3.0, 1.0, 0.3]
    settings = {"n_networks": 2, "max_iter": 8, "activation": "tanh", "random_state": 5}
    part = np.arange(24) % 3
    splits = [(np.flatnonzero(part != k), np.flatnonzero(part == k)) for k in range(3)]
    model = TwoLayerRegressorCV(4, alphas=alphas, cv=splits, **settings).fit(x, y)
    found = [model.cv_results_[f"split{k}_test_score"] for k in range(3)]
    expected = [plain_loop(x, y, *split, alphas, settings) for split in splits]
    assert np.allclose(found, expected, rtol=1e-6)
    assert np.ptp(found, axis=1).min() > 1e-3  # alpha does matter here


def test_the_results_are_complete_and_the_best_is_theirs():
    x, y = wide()
    model = TwoLayerRegressorCV([2, 6], alphas=[0.1, 10, 1], cv=3, n_networks=1, random_state=0)
    results = model.fit(x, y).cv_results_
    assert results["param_alpha"].tolist() == [10, 1, 0.1] * 2
    assert results["param_n_hidden"].tolist() == [2, 2, 2, 6, 6, 6]
    split = np.array([results[f"split{k}_test_score"] for k in range(3)])
    assert np.allclose(results["mean_test_score"], split.mean(0))
    assert np.allclose(results["std_test_score"], split.std(0))
    best = results["mean_test_score"].argmax()
    assert results["rank_test_score"][best] == 1
    assert sorted(results["rank_test_score"]) == [1, 2, 3, 4, 5, 6]
    assert (model.alpha_, model.n_hidden_) == (
        results["param_alpha"][best],
        results["param_n_hidden"][best],
    )
    assert model.best_score_ == results["mean_test_score"][best]
    assert model.n_splits_ == 3
    assert model.w1_.shape == (60, model.n_hidden_)


def test_the_networks_of_the_last_fit_are_averaged():
    """In the user's units each network is one of `tl.forward`; probabilities, not logits, are averaged."""
    x, y = wide()
    model = TwoLayerRegressorCV(4, alphas=[1.0], cv=2, n_networks=3, random_state=0).fit(x, y)
    each = [tl.forward(x, model.params_.network(k))[:, 0] for k in range(3)]
    assert np.allclose(model.predict(x), np.mean(each, axis=0))
    assert np.ptp(each, axis=0).max() > 1e-3
    x, y = classes()
    model = TwoLayerClassifierCV(4, **BARE, alphas=[1.0], cv=2, n_networks=3, random_state=0).fit(
        x, y
    )
    each = [tl.forward(x, model.params_.network(k)) for k in range(3)]
    each = [np.exp(z) / np.exp(z).sum(1, keepdims=True) for z in each]
    assert np.allclose(model.predict_proba(x), np.mean(each, axis=0))


def test_two_classes_average_probabilities():
    x, y = noise()
    model = TwoLayerClassifierCV(4, **BARE, alphas=[0.1], cv=2, n_networks=3, random_state=0).fit(
        x, y
    )
    each = [1 / (1 + np.exp(-tl.forward(x, model.params_.network(k))[:, 0])) for k in range(3)]
    assert np.allclose(model.predict_proba(x)[:, 1], np.mean(each, axis=0))


@pytest.mark.parametrize("skip", [False, True])
def test_the_fit_of_all_rows_is_at_a_minimum_of_its_objective(skip):
    """The gradient is that of `tl.loss_and_gradients` on the whole standardised table, at the weights taken back there."""
    x, y = wide()
    model = TwoLayerRegressorCV(
        4,
        alphas=[1.0],
        cv=2,
        n_networks=1,
        tol=1e-7,
        max_iter=3000,
        activation="tanh",
        skip=skip,
        random_state=0,
    ).fit(x, y)
    z, scaling = standardise(x, None, "x")
    t, target = standardise(y[:, None], None, "y")
    own = tl.Params(
        model.w1_ * scaling.scale[:, None],
        model.b1_ + scaling.mean @ model.w1_,
        model.w2_ / target.scale,
        (model.b2_ - target.mean) / target.scale,
    )
    if skip:
        b2 = own.b2 + scaling.mean @ model.w_skip_ / target.scale
        w_skip = model.w_skip_ * scaling.scale[:, None] / target.scale
        own = dataclasses.replace(own, b2=b2, w_skip=w_skip)
    loss, gradients = tl.loss_and_gradients(
        z, t, own, loss="squared_error", activation="tanh", alpha=1.0
    )
    assert loss == pytest.approx(model.loss_, rel=1e-9)
    assert max(np.abs(g).max() for _, g in gradients.items()) < 1e-5


@pytest.mark.parametrize("n_inputs", [40, 4])
def test_axes_of_sparse_and_dense_tables_are_the_same(n_inputs):
    """Without centring: the dense table has means of 0 by construction. Lengths and angles are those of the table."""
    rng = np.random.default_rng(0)
    half = rng.standard_normal((15, n_inputs)) * (rng.random((15, n_inputs)) < 0.5)
    x = np.concatenate([half, -half])
    new = rng.standard_normal((7, n_inputs))
    spread = np.where(x.std(0) > 0, x.std(0), np.inf)
    for table, more in ((x, new), (scipy.sparse.csr_array(x), scipy.sparse.csr_array(new))):
        axes = row_axes(table, None, invariant=True)
        z, z_new = axes.z, axes.new(more)
        assert z.shape[1] <= min(30, n_inputs)
        if scipy.sparse.issparse(z):
            z, z_new = z.toarray(), z_new.toarray()
        assert np.allclose(z @ z.T, (x / spread) @ (x / spread).T)
        assert np.allclose(z_new @ z.T, (new / spread) @ (x / spread).T)
        v = rng.standard_normal((z.shape[1], 3))
        assert np.allclose(z @ v, (x / spread) @ axes.back(v))


def test_a_sparse_table_is_learned():
    x, _ = wide()
    x = np.where(np.random.default_rng(0).random(x.shape) < 0.5, 0, x)
    for table in (x, x[:, :5]):
        model = TwoLayerRegressorCV(4, random_state=0, **FAST)
        sparse = clone(model).fit(scipy.sparse.csr_array(table), x[:, 0])
        assert sparse.score(scipy.sparse.csr_array(table), x[:, 0]) > 0.5
        assert np.allclose(sparse.predict(table), sparse.predict(scipy.sparse.csr_array(table)))


def test_sleeping_units_are_woken_for_weaker_decay():
    """From strong decay, which takes all units out, the path comes to where a fit at the weak one alone comes, nearly."""
    x = np.linspace(-1, 1, 40)[:, None]
    y = np.abs(x[:, 0])
    settings = {"cv": 2, "n_networks": 1, "random_state": 0}
    path = TwoLayerRegressorCV(20, alphas=[1000.0, 0.01], **settings).fit(x, y)
    assert path.alpha_ == 0.01
    assert path.score(x, y) > 0.99


# ---- scorers


@pytest.mark.parametrize("scoring", ["r2", "neg_mean_absolute_error"])
def test_scorers_of_numbers(scoring):
    """The expected scores are scikit-learn's own, of models fitted fold by fold at that one alpha."""
    x, y = wide()
    cv = KFold(3, shuffle=True, random_state=0)
    model = TwoLayerRegressorCV(4, alphas=[1.0], cv=2, n_networks=2, random_state=0)
    expected = cross_val_score(model, x, y, cv=cv, scoring=scoring)
    model.set_params(cv=cv, scoring=scoring).fit(x, y)
    found = [model.cv_results_[f"split{k}_test_score"][0] for k in range(3)]
    assert np.allclose(found, expected, rtol=1e-4)


@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc_ovr", "neg_log_loss", None])
def test_scorers_of_classes(scoring):
    x, y = classes()
    cv = StratifiedKFold(3, shuffle=True, random_state=0)
    model = TwoLayerClassifierCV(4, **BARE, alphas=[1.0], cv=2, n_networks=2, random_state=0)
    expected = cross_val_score(model, x, y, cv=cv, scoring=scoring or "neg_log_loss")
    model.set_params(cv=cv, scoring=scoring).fit(x, y)
    found = [model.cv_results_[f"split{k}_test_score"][0] for k in range(3)]
    assert np.allclose(found, expected, rtol=1e-4)


def test_a_scorer_may_ask_for_its_rows_only():
    def greedy(model, x, y):
        return np.mean(model.predict(x[:1]) == y[:1])

    x, y = classes()
    with pytest.raises(InputError, match="only for the rows that it is given"):
        TwoLayerClassifierCV(4, scoring=greedy, **FAST).fit(x, y)


def test_weights_count_in_the_scores():
    """scikit-learn's log_loss, of the held-out rows with their weights."""
    x, y = classes()
    s = np.random.default_rng(0).uniform(0.1, 3, 30)
    train, test = np.arange(20), np.arange(20, 30)
    model = TwoLayerClassifierCV(
        4, **BARE, alphas=[1.0], cv=[(train, test)], n_networks=1, random_state=0, tol=1e-8
    )
    model.fit(x, y, sample_weight=s)
    same_decay = [s.mean() / s[train].mean()]  # the weights have the mean 1 in each table
    inner = clone(model).set_params(cv=2, alphas=same_decay)
    inner.fit(x[train], y[train], sample_weight=s[train])
    expected = -log_loss(y[test], inner.predict_proba(x[test]), sample_weight=s[test])
    assert model.best_score_ == pytest.approx(expected, rel=1e-4)


def test_groups_stay_together():
    x, y = wide()
    groups = np.arange(24) // 4
    model = TwoLayerRegressorCV(3, random_state=0, **{**FAST, "cv": 3}).fit(x, y, groups=groups)
    other = clone(model).set_params(cv=GroupKFold(3)).fit(x, y, groups=groups)
    assert model.best_score_ == other.best_score_


# ---- what may not be seen


@pytest.mark.parametrize("kind", [TwoLayerRegressorCV, TwoLayerClassifierCV])
def test_held_out_rows_do_not_move_the_fit_of_a_fold(kind):
    """One held-out row a million times larger: the scores of the other held-out rows, in their own fold, stay."""
    x, y = wide(), None
    x, y = x[0], np.arange(24) % 2 if kind is TwoLayerClassifierCV else x[1]
    kept = np.arange(16)
    one = [(kept, np.arange(16, 20)), (kept, np.arange(20, 24))]
    model = kind(4, random_state=0, **{**FAST, "cv": one})
    before = model.fit(x, y).cv_results_["split0_test_score"]
    x = x.copy()
    x[20:] *= 1e6
    after = clone(model).fit(x, y).cv_results_["split0_test_score"]
    assert np.array_equal(before, after)


def test_noise_scores_at_chance():
    """Rows that have nothing to do with the classes: any look at held-out rows would show as a score above one half."""
    found = []
    for seed in range(12):  # each a table of its own
        x, y = noise(seed=seed)
        model = TwoLayerClassifierCV(
            5, alphas=[1.0], cv=5, n_networks=1, max_iter=20, scoring="accuracy", random_state=seed
        )
        found.append(model.set_params(refit=False).fit(x, y).best_score_)
    assert abs(np.mean(found) - 0.5) < 3 * 0.5 / np.sqrt(12 * 40)


def test_noise_is_noise_to_the_nested_score():
    """The best of the search's scores may lie above chance; the nested one may not."""
    found = []
    for seed in range(4):
        x, y = noise(seed=seed)
        model = TwoLayerClassifierCV(
            5, max_iter=20, alphas=[10, 1], cv=3, n_networks=1, scoring="accuracy"
        )
        found.append(model.nested_score(x, y, cv=5, random_state=seed).mean)
    assert abs(np.mean(found) - 0.5) < 3 * 0.5 / np.sqrt(4 * 40)


# ---- the predictive standard deviation


def test_the_spread_is_the_most_likely_one():
    """Errors drawn with variance 4 + 9·v are told apart."""
    rng = np.random.default_rng(0)
    between = rng.exponential(1.0, (20_000, 1))
    residuals = rng.standard_normal((20_000, 1)) * np.sqrt(4 + 9 * between)
    noise_std, factor = spread.fit_spread(residuals, between, None)
    assert noise_std[0] == pytest.approx(2, rel=0.1)
    assert factor[0] == pytest.approx(3, rel=0.1)
    alone, none = spread.fit_spread(residuals, 0 * between, None)
    assert alone[0] == pytest.approx(residuals.std(), rel=1e-3)
    assert none[0] == 0


def test_the_standard_deviation_holds_on_new_rows():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((600, 3))
    y = np.sin(x[:, 0]) + 0.3 * rng.standard_normal(600)
    model = TwoLayerRegressorCV(8, alphas=[10, 1], cv=3, n_networks=3, random_state=0)
    mean, std = model.fit(x[:300], y[:300]).predict(x[300:], return_std=True)
    inside = np.abs(y[300:] - mean) < 1.96 * std
    assert 0.9 < inside.mean() < 0.99
    assert std.min() > 0.2


# ---- what cannot be used


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"alphas": []}, "alphas is empty"),
        ({"alphas": [1, -1]}, "each of alphas must be"),
        ({"n_hidden": []}, "n_hidden is empty"),
        ({"n_hidden": [3, 2.5]}, "each of n_hidden must be a whole number"),
        ({"cv": 1}, "cv must be a whole number, at least 2"),
        ({"cv": 31}, "cv=31 folds need a row each at least"),
        ({"n_networks": 0}, "n_networks must be a whole number, at least 1"),
        ({"scoring": 3}, "there is no score 3 for scoring"),
    ],
)
def test_settings_that_cannot_be(settings, words):
    with pytest.raises((InputError, ValueError), match=words):
        TwoLayerClassifierCV(**{**FAST, "n_hidden": 3, **settings}).fit(*classes())


@pytest.mark.parametrize(
    ("counts", "n_splits", "words"),
    [
        ((20, 20, 4), 5, r"class 'c' of y has 4 rows, fewer than cv=5: 5 folds are made"),
        ((20, 20, 2), 5, r"class 'c' of y has 2 rows"),
        ((20, 20, 1), 5, r"has 1 row, .* is not trained on in one of them"),
        ((4, 4, 3), 4, r"class 'c' of y has 3 rows, fewer than cv=5: 4 folds are made"),
        ((3, 3, 3), 3, r"3 folds are made, and there are fewer folds"),
    ],
)
@pytest.mark.parametrize("class_weight", [None, "balanced"])
def test_small_classes_are_spread_over_the_folds(counts, n_splits, words, class_weight):
    y = np.repeat(["a", "b", "c"], counts)
    x = (
        np.random.default_rng(0).normal(size=(len(y), 2))
        + 3 * np.eye(3)[np.repeat(range(3), counts), :2]
    )
    model = TwoLayerClassifierCV(
        3, alphas=[1.0], n_networks=1, class_weight=class_weight, random_state=0
    )
    with pytest.warns(TwoLayerWarning, match=words) as heard:
        model.fit(x, y)
    assert len(heard) == 1
    assert heard[0].filename == __file__
    assert model.n_splits_ == n_splits
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert np.isfinite(model.cv_results_["mean_test_score"]).all()


def test_classes_of_one_row_each_are_refused():
    x = np.random.default_rng(0).normal(size=(5, 2))
    with pytest.raises(InputError, match=r"every class of y has one row only, such as 'a'"):
        TwoLayerClassifierCV(3).fit(x, list("abcde"))


def test_one_class_is_refused():
    x, _ = classes()
    with pytest.raises(InputError, match="one class only"):
        TwoLayerClassifierCV().fit(x, ["a"] * 30)


def test_without_refit_there_are_scores_only():
    x, y = wide()
    model = TwoLayerRegressorCV(3, refit=False, **FAST).fit(x, y)
    assert np.isfinite(model.best_score_)
    with pytest.raises(NotFittedError):
        model.predict(x)


@pytest.mark.parametrize("name", ["partial_fit", "preflight"])
def test_what_belongs_to_one_fit_is_not_there(name):
    assert not hasattr(TwoLayerRegressorCV(solver="adam"), name)


def test_real_tables():
    x, y = load_diabetes(return_X_y=True)
    model = TwoLayerRegressorCV(10, alphas=[100, 10, 1], cv=3, n_networks=2, random_state=0)
    assert model.nested_score(x, y, cv=3, random_state=0).mean > 0.4
    x, y = load_iris(return_X_y=True)
    model = TwoLayerClassifierCV(10, alphas=[10, 1, 0.1], cv=3, n_networks=2, random_state=0)
    assert model.fit(x, y).score(x, y) > 0.95
    assert (
        ensemble.most_likely_class(model.decision_function(x)).tolist() == model.predict(x).tolist()
    )
