"""The estimators that choose alpha, with every setting that the plain ones have.

The expected scores are those of a loop by hand: one plain estimator a fold, with the same first weights, and scikit-learn's
metrics of what it answers for the rows held out. The tables are taller than wide, so that no axes are turned.
"""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import accuracy_score, f1_score, log_loss, mean_pinball_loss, r2_score
from sklearn.metrics import mean_absolute_error as absolute
from sklearn.metrics import mean_squared_error as squared
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)  # fmt: skip
from sklearn.utils.class_weight import compute_sample_weight

import twolayer as tl
from twolayer import InputError, TwoLayerClassifierCV, TwoLayerRegressorCV
from twolayer.estimators.selection import dead_units
from twolayer.estimators.selection.row_axes import row_axes
from twolayer.estimators.selection.search import AlphaSearch, integer_seed
from twolayer.estimators.selection.search_fit import SearchFit

SHARED = {"n_networks": 2, "activation": "tanh", "max_iter": 15, "tol": 1e-3}
SEED, WIDTH, ALPHA = 5, 4, 0.5


def numbers():
    x, y = load_diabetes(return_X_y=True)
    return x[:90], y[:90]


def counts():
    x, y = numbers()
    return x, np.round(y / 20)


def labels():
    """Two labels a row, which the rows do say something of."""
    x, y = numbers()
    return x, np.column_stack([y > 150, x[:, 0] > 0]).astype(int)


def alone(kind, alpha=ALPHA, **settings):
    """A plain estimator that starts from the first weights of the search."""
    rng = np.random.default_rng([integer_seed(SEED), WIDTH])
    settings = {
        "solver": "lbfgs",
        "scaling": "standard",
        **SHARED,
        **settings,
    }  # as the search has it
    return kind(WIDTH, alpha=alpha, random_state=rng, **settings)


def searched(kind, **settings):
    cv = settings.pop("cv", KFold(3))
    return kind(WIDTH, alphas=[ALPHA], cv=cv, random_state=SEED, **SHARED, **settings)


def split_scores(model):
    return [model.cv_results_[f"split{k}_test_score"][0] for k in range(model.n_splits_)]


def assert_is_the_loop(model, kind, x, y, score, s=None, settings=None, splits=None):
    """Scores, and the fit of all rows.

    `score(fitted, train, test)` is what is expected of a fold. In the search the weights have the mean 1 in the whole table, in
    a plain fit in its own rows: alpha is as many times stronger there as the total weight is.
    """
    model.fit(x, y, sample_weight=s)
    expected = []
    for train, test in splits or list(KFold(3).split(x)):
        weights, ratio = (None, 1.0) if s is None else (s[train], s[s > 0].mean())
        if weights is not None:
            ratio /= weights[weights > 0].mean()
        fitted = alone(kind, ALPHA * ratio, **settings or {})
        fitted.fit(x[train], y[train], sample_weight=weights)
        expected.append(score(fitted, train, test))
    assert np.allclose(split_scores(model), expected, rtol=1e-7)
    whole = alone(kind, **settings or {}).fit(x, y, sample_weight=s)
    for (name, ours), (_, theirs) in zip(model.params_.items(), whole.params_.items(), strict=True):
        assert np.allclose(ours, theirs, rtol=1e-6, atol=1e-9), name


# ---- losses, a skip layer, several targets


def huber(u, delta=0.5):
    return np.where(np.abs(u) <= delta, u**2 / 2, delta * (np.abs(u) - delta / 2)).mean()


OWN = tl.OwnLoss(lambda a, b: np.logaddexp(a - b, b - a), lambda a, b: np.tanh(a - b), name="mine")

# what is low for rows held out, from y, y_pred and the spread of y in training
LOSSES = {
    "squared_error": ("squared_error", lambda y, p, std: squared(y, p)),
    "sum_of_squares": ("sum_of_squares", lambda y, p, std: squared(y, p)),
    "absolute_error": ("absolute_error", lambda y, p, std: absolute(y, p) / std),
    "huber": (tl.Huber(0.5), lambda y, p, std: huber((y - p) / std)),
    "quantile": (tl.Quantile(0.9), lambda y, p, std: mean_pinball_loss(y, p, alpha=0.9) / std),
    "own": (OWN, lambda y, p, std: np.log(2 * np.cosh((y - p) / std)).mean()),
}


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_numbers(name, skip):
    x, y = numbers()
    loss, low = LOSSES[name]
    settings = {"loss": loss, "skip": skip}

    def score(fitted, train, test):
        return -low(y[test], fitted.predict(x[test]), y[train].std())

    model = searched(TwoLayerRegressorCV, **settings)
    assert_is_the_loop(model, tl.TwoLayerRegressor, x, y, score, settings=settings)
    assert (model.w_skip_ is not None) == skip


def test_counts():
    """The Poisson deviance without what does not depend on the prediction."""
    x, y = counts()

    def score(fitted, train, test):
        mean = fitted.predict(x[test])
        return np.mean(y[test] * np.log(mean) - mean)

    model = searched(TwoLayerRegressorCV, loss="poisson")
    assert_is_the_loop(model, tl.TwoLayerRegressor, x, y, score, settings={"loss": "poisson"})
    mean, std = model.predict(x, return_std=True)
    assert (mean > 0).all()
    assert (std**2 > mean * (1 - 1e-12)).all()  # the variance of a count is its mean
    with pytest.raises(InputError, match="y must not be negative"):
        model.fit(x, y - 5)


@pytest.mark.parametrize("scoring", [None, "r2", "neg_mean_absolute_error"])
def test_several_targets(scoring):
    x, y = numbers()
    y = np.column_stack([y, x[:, 0] * 100, np.abs(x[:, 1])])
    metric = {None: squared, "r2": lambda y, p: -r2_score(y, p)}.get(scoring, absolute)

    def score(fitted, train, test):
        return -metric(y[test], fitted.predict(x[test]))

    model = searched(TwoLayerRegressorCV, scoring=scoring)
    assert_is_the_loop(model, tl.TwoLayerRegressor, x, y, score)
    assert model.predict(x).shape == y.shape
    assert model.noise_std_.shape == (3,)


def test_the_path_is_a_warm_start_at_each_alpha(monkeypatch):
    """The plain estimator goes on from its own weights, from the strongest alpha to the weakest."""
    monkeypatch.setattr(dead_units, "DEAD_SHARE", 0.0)  # the restart of units has a test of its own
    x, y = numbers()
    model = searched(TwoLayerRegressorCV, skip=True).set_params(alphas=[0.3, 3.0, 1.0], max_iter=6)
    model.fit(x, y)
    for k, (train, test) in enumerate(KFold(3).split(x)):
        plain = alone(tl.TwoLayerRegressor, skip=True, warm_start=True).set_params(max_iter=6)
        expected = [
            -squared(
                y[test],
                plain.set_params(alpha=alpha).fit(x[train], y[train]).predict(x[test]),
            )
            for alpha in (3.0, 1.0, 0.3)
        ]
        assert np.allclose(model.cv_results_[f"split{k}_test_score"], expected, rtol=1e-6)


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
def test_the_first_weights_are_as_small_as_if_all_columns_were_there(solver):
    """Uniform within ±sqrt(6 / (rows + columns)) of a weight matrix of the whole table (Glorot & Bengio 2010), of which the
    share of the rows' span is left: 20 directions of 200."""
    x = np.random.default_rng(0).standard_normal((21, 200))
    model = searched(TwoLayerRegressorCV, solver=solver)
    fitting = SearchFit.from_estimator(model, x.shape)
    axes = row_axes(x, None, fitting.invariant)
    starts = fitting.start(axes, 500, 1, np.random.default_rng(0))
    square = np.square(axes.back(starts.w1)).sum(axis=1).mean()
    assert square == pytest.approx(20 * 2 / (200 + 500), rel=0.05)


def test_a_wide_table_by_adam():
    """Its steps are not the same in turned axes, so that both go the long way, from inside the span of the rows."""
    x = np.random.default_rng(0).standard_normal((30, 50))
    y = x[:, 0] + x[:, 1]
    settings = {"skip": False, "learning_rate_init": 0.02}

    def score(fitted, train, test):
        return -squared(y[test], fitted.predict(x[test]))

    model = searched(TwoLayerRegressorCV, solver="adam", **settings)
    assert_is_the_loop(
        model, tl.TwoLayerRegressor, x, y, score, settings={"solver": "adam", **settings}
    )


# ---- weights of rows and of classes


@pytest.mark.parametrize("scoring", [None, "accuracy"])
@pytest.mark.parametrize("class_weight", [None, "balanced", {1: 3.0}, {0: 0.5, 2: 2}, {2: 0}])
@pytest.mark.parametrize("weighted", [False, True])
def test_classes_and_their_weights(class_weight, scoring, weighted):
    """The weights of the rows held out by scikit-learn's compute_sample_weight; "balanced" counts training rows alone."""
    x, y = load_iris(return_X_y=True)
    x, y = x[20:], y[20:]  # 30, 50 and 50
    s = np.random.default_rng(0).uniform(0.2, 2, len(y)) if weighted else None
    splits = list(StratifiedKFold(3, shuffle=True, random_state=1).split(x, y))

    def counted(train, test):
        if class_weight == "balanced":
            rows = np.ones(len(train)) if s is None else s[train]
            total = np.array([rows[y[train] == k].sum() for k in range(3)])
            given = dict(enumerate(total.sum() / (3 * total)))
        else:
            given = class_weight
        return compute_sample_weight(given, y[test]) * (1 if s is None else s[test])

    def score(fitted, train, test):
        if scoring:
            return accuracy_score(
                y[test], fitted.predict(x[test]), sample_weight=counted(train, test)
            )
        answer = fitted.predict_proba(x[test])
        return -log_loss(y[test], answer, sample_weight=counted(train, test), labels=[0, 1, 2])

    settings = {"class_weight": class_weight}
    model = searched(TwoLayerClassifierCV, cv=splits, scoring=scoring, **settings)
    assert_is_the_loop(model, tl.TwoLayerClassifier, x, y, score, s, settings, splits)


def test_row_weights_of_a_regression():
    x, y = numbers()
    s = np.random.default_rng(0).uniform(0.1, 3, len(y))
    s[::7] = 0  # not there, but `cv` counts them

    def score(fitted, train, test):
        return -squared(y[test], fitted.predict(x[test]), sample_weight=s[test])

    assert_is_the_loop(
        searched(TwoLayerRegressorCV, skip=True),
        tl.TwoLayerRegressor,
        x,
        y,
        score,
        s,
        {"skip": True},
    )


def test_shuffled_targets_take_their_classes_weights_with_them():
    """scikit-learn's "balanced" for the rows to train on."""
    x, y = load_iris(return_X_y=True)
    model = searched(TwoLayerClassifierCV, class_weight="balanced")
    rows = model._read(x, y, None)
    search = AlphaSearch.from_estimator(model, None, None, 0, x.shape)
    train, test = np.arange(0, 150, 2), np.arange(1, 150, 2)
    fold = search.fold(rows.subset(train), rows.subset(test))
    other = np.minimum(np.arange(150) // 20, 2)
    moved = search.with_targets(fold, other[train], other[test])
    assert np.allclose(moved.s, compute_sample_weight("balanced", other[train]))
    assert moved.s_test[-1] == moved.s[-1]
    assert moved.y_test.tolist() == other[test].tolist()


# ---- several labels a row


@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("scoring", [None, "f1_macro", "accuracy"])
def test_several_labels(scoring, skip):
    """The log probability of all labels together: scikit-learn's log loss of each, added up."""
    x, y = labels()
    settings = {"skip": skip}

    def score(fitted, train, test):
        if scoring == "accuracy":
            return accuracy_score(y[test], fitted.predict(x[test]))
        if scoring:
            return f1_score(y[test], fitted.predict(x[test]), average="macro")
        answer = fitted.predict_proba(x[test])
        return -sum(log_loss(y[test][:, k], answer[:, k], labels=[0, 1]) for k in range(2))

    model = searched(TwoLayerClassifierCV, scoring=scoring, **settings)
    assert_is_the_loop(model, tl.TwoLayerClassifier, x, y, score, settings=settings)
    assert model.predict(x).shape == (len(x), 2)
    assert model.score(x, y) > 0.5


def test_several_labels_in_whole_numbers_of_folds_and_with_the_tests():
    x, y = labels()
    model = searched(TwoLayerClassifierCV, cv=3).set_params(max_iter=5)
    assert model.fit(x, y).n_splits_ == 3
    assert model.w2_.shape == (2, WIDTH, 2)
    assert model.permutation_test(x, y, n=9, random_state=0).p_value == 0.1
    assert model.nested_score(x, y, cv=2, random_state=0).mean > 0.25
    plain = tl.TwoLayerClassifier(WIDTH, alpha=1.0, max_iter=5)
    assert plain.permutation_test(x, y, n=9, random_state=0).p_value == 0.1
    with pytest.raises(InputError, match="class_weight is for one class per row"):
        searched(TwoLayerClassifierCV, class_weight="balanced").fit(x, y)


# ---- splitters, groups and scorers


GROUPS = np.arange(90) // 6
SPLITTERS = {
    "repeated": RepeatedKFold(n_splits=2, n_repeats=2, random_state=0),
    "random parts": ShuffleSplit(3, test_size=0.2, random_state=0),
    "time": TimeSeriesSplit(3),
    "groups": GroupKFold(3),
    "each group": LeaveOneGroupOut(),
    "classes and groups": StratifiedGroupKFold(3),
}


@pytest.mark.parametrize("name", SPLITTERS)
@pytest.mark.parametrize("kind", [TwoLayerRegressorCV, TwoLayerClassifierCV])
def test_any_splitter(name, kind):
    """The folds are those that the splitter gives when it is asked itself."""
    x, y = numbers()
    y = y if kind is TwoLayerRegressorCV else np.array(["low", "high"])[(y > 150).astype(int)]
    cv = SPLITTERS[name]
    if name == "classes and groups" and kind is TwoLayerRegressorCV:
        pytest.skip("it is for classes")
    groups = GROUPS if "group" in name else None
    model = searched(kind, cv=cv, refit=False).set_params(max_iter=3)
    masks = [
        (np.isin(np.arange(90), a), np.isin(np.arange(90), b)) for a, b in cv.split(x, y, groups)
    ]
    scores = split_scores(clone(model).set_params(cv=masks).fit(x, y))
    assert np.allclose(split_scores(model.fit(x, y, groups=groups)), scores)
    assert len(scores) == cv.get_n_splits(x, y, groups)


def test_a_callable_scores_and_need_not_take_weights():
    """It is given what scikit-learn's scorers are given; the expected scores are cross_val_score's."""
    x, y = numbers()

    def middle(model, x, y):
        return -np.median(np.abs(model.predict(x) - y))

    model = searched(TwoLayerRegressorCV, scoring=middle)
    weighted = clone(model).fit(x, y, sample_weight=np.full(len(y), 2.0))
    assert np.isfinite(weighted.best_score_)
    one = clone(model).set_params(cv=2)
    expected = cross_val_score(one, x, y, cv=KFold(3), scoring=middle)
    assert np.allclose(split_scores(model.fit(x, y)), expected)
    for scoring in ("neg_max_error", "neg_median_absolute_error"):
        clone(model).set_params(scoring=scoring).fit(x, y, sample_weight=np.ones(len(y)))


def test_widths_and_alphas_in_any_form():
    x, y = numbers()
    settings = {"cv": 2, "max_iter": 3, "n_networks": 1, "random_state": 0}
    scores = [
        TwoLayerRegressorCV(widths, alphas=alphas, **settings).fit(x, y).cv_results_
        for widths, alphas in [
            ([2, 5], [1.0, 0.1]), ((5, 2, 2), (0.1, 1)), (np.array([2, 5]), np.array([0.1, 1.0])),
            (range(2, 6, 3), [1, 0.1]),
        ]
    ]  # fmt: skip
    for other in scores[1:]:
        assert list(other) == list(scores[0])
        assert all(np.array_equal(other[name], scores[0][name]) for name in other)


# ---- what cannot be


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        (TwoLayerRegressorCV, {"loss": "log_loss"}, "is for classes: use TwoLayerClassifier"),
        (TwoLayerRegressorCV, {"loss": "boom"}, "there is no loss 'boom'"),
        (TwoLayerRegressorCV, {"skip": "yes"}, "skip must be True, False or 'auto'"),
        (TwoLayerClassifierCV, {"class_weight": {"x": 1}}, "class_weight names 'x'"),
        (TwoLayerClassifierCV, {"class_weight": {False: 0, True: 0}}, "zero for every class"),
        (TwoLayerClassifierCV, {"class_weight": [1, 2]}, "class_weight must be a dict"),
        (TwoLayerClassifierCV, {"cv": [([0, 1, 2, 3], [])]}, "no rows held out"),
        (TwoLayerClassifierCV, {"cv": [([], [0, 1, 2])]}, "no rows to train on"),
        (TwoLayerClassifierCV, {"cv": [([0, 1], [90])]}, "numbers of rows, from 0 to 89; got"),
        (TwoLayerClassifierCV, {"cv": [([0.5, 1], [2])]}, "numbers of rows, from 0 to 89; got"),
        (TwoLayerClassifierCV, {"scoring": "boom"}, "there is no score 'boom' for scoring"),
    ],
)
def test_settings_that_cannot_be(kind, settings, words):
    x, y = numbers()
    with pytest.raises(InputError, match=words):
        searched(kind, **settings).fit(x, y > 150 if kind is TwoLayerClassifierCV else y)


def test_a_fold_whose_rows_weigh_nothing():
    x, y = numbers()
    s = np.ones(len(y))
    s[:30] = 0
    for splits, words in (
        ([(np.arange(30, 90), np.arange(30))], "no rows held out, or rows of weight 0 only"),
        ([(np.arange(30), np.arange(30, 90))], "no rows to train on, or rows of weight 0 only"),
    ):
        with pytest.raises(InputError, match=words):
            searched(TwoLayerRegressorCV, cv=splits).fit(x, y, sample_weight=s)


def test_metadata_routing_brings_weights_and_groups():
    """scikit-learn hands them on to `fit`, here from a pipeline; the expected scores are of a fit without one."""
    from sklearn import config_context
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    x, y = numbers()
    s = np.random.default_rng(0).uniform(0.1, 3, len(y))
    with config_context(enable_metadata_routing=True):
        model = searched(TwoLayerRegressorCV, cv=GroupKFold(3))
        model.set_fit_request(sample_weight=True, groups=True)
        pipeline = make_pipeline(FunctionTransformer(), model)
        pipeline.fit(x, y, sample_weight=s, groups=GROUPS)
    expected = searched(TwoLayerRegressorCV, cv=GroupKFold(3)).fit(x, y, s, GROUPS)
    assert pipeline[-1].best_score_ == expected.best_score_
