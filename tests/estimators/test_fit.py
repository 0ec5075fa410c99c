"""How the estimators learn: stopping, going on, weights of classes, losses, labels, reports, and what they refuse."""

import pickle

import numpy as np
import pandas
import polars
import pytest
import scipy.sparse
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler
from slow_cases import slow

import twolayer as tl
from twolayer import InputError, TwoLayerClassifier, TwoLayerRegressor
from twolayer.estimators import fit
from twolayer.estimators.early_stopping import EarlyStopping
from twolayer.training.loop import Progress

FIXED = {"alpha": 1.0, "random_state": 0}
BOTH = [TwoLayerRegressor, TwoLayerClassifier]


def waves(n_rows=200, seed=0, noise=0.3):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (n_rows, 2))
    return x, np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] + noise * rng.standard_normal(n_rows)


# ---- early stopping


@pytest.mark.parametrize("solver", ["lbfgs", "adam", "gd"])
@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("n_networks", [1, 2])
def test_the_best_weights_are_kept(kind, solver, n_networks):
    x, y = waves(60, noise=1.0)
    x_val, y_val = waves(60, seed=1, noise=1.0)
    if kind is TwoLayerClassifier:
        y, y_val = y > 0, y_val > 0
    model = kind(
        30,
        solver=solver,
        alpha=0.0,
        n_networks=n_networks,
        max_iter=4000,
        n_iter_no_change=15,
        learning_rate_init=0.5 if solver == "gd" else 0.03,
        random_state=0,
    ).fit(x, y, X_val=x_val, y_val=y_val)
    curve = model.validation_scores_.reshape(-1, n_networks)
    assert "early stopping: 15 scores in succession brought no better one" in model.stopped_
    assert model.n_iter_ < 4000
    for k in range(n_networks):
        one = model.params_ if n_networks == 1 else model.params_.network(k)
        outputs = tl.forward(x_val, one)
        if kind is TwoLayerClassifier:
            probability = 1 / (1 + np.exp(-outputs[:, 0]))
            score = -log_loss(y_val, probability)
        else:
            score = -0.5 * np.mean((y_val - outputs[:, 0]) ** 2) / y.var()
        assert score == pytest.approx(curve[:, k].max(), rel=1e-6)
        assert score > curve[-1, k]


def test_networks_one_after_another_are_told_apart_by_their_first_look():
    """The first ends at step 3; the second is looked at for the first time after that, at step 5; the third ends at once."""
    start = tl.init_params(1, 1, 1, bias=False, n_networks=3)
    watch = EarlyStopping(lambda params: float(params.w1[0, 0]), patience=2, start=start)
    answers = []
    for before, step, score in [(0, 3, 1.0), (0, 5, 3.0), (5, 7, 2.0), (7, 9, 2.5), (0, 1, 4.0)]:
        weights = tl.Params(np.full((1, 1), score), None, np.ones((1, 1)), None)
        answers.append(
            watch(Progress(step, 99, np.zeros(step), 0.0, lambda w=weights: w, dict, before))
        )
    assert answers == [False, False, False, True, False]
    assert watch.scores(alone=False).tolist() == [[1, 3, 4], [1, 2, 4], [1, 2.5, 4]]
    assert [best.step for best in watch.networks] == [3, 5, 1]
    assert watch.best(start).w1.ravel().tolist() == [1, 3, 4]


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
@pytest.mark.parametrize("sparse", [False, True])
def test_the_last_state_is_scored_once(solver, sparse):
    """The score rises with every look, so that the last weights of each network are its best: those of a plain fit."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 60)), rng.standard_normal(30)
    if sparse:
        x = scipy.sparse.csr_array(x * (x > 0.5))
    scored, seen = [], []

    def score(model, x_val, y_val):
        scored.append(model.predict(x_val))
        return float(len(scored))

    settings = {"alpha": 300.0, "solver": solver, "n_networks": 3, "max_iter": 23, "tol": 1e-3}
    settings |= {"random_state": 0, "skip": False, "scaling": "standard"}
    watched = TwoLayerRegressor(
        6, scoring=score, callback=lambda p: seen.append((p.previous_step, p.step)), **settings
    ).fit(x, y, X_val=x[:9], y_val=y[:9])
    plain = TwoLayerRegressor(6, **settings | {"tol": 1e-3 if solver == "lbfgs" else 0}).fit(x, y)
    assert np.array_equal(watched.w1_, plain.w1_)
    assert np.array_equal(watched.w2_, plain.w2_)
    assert np.array_equal(watched.loss_curve_, plain.loss_curve_)
    one_by_one = solver == "lbfgs" or sparse
    assert len(scored) == len(seen) * (1 if one_by_one else 3)
    first = [place for place, (before, _) in enumerate(seen) if not before]
    ends = [seen[place - 1][1] for place in [*first[1:], len(seen)]]
    assert len(ends) == (3 if one_by_one else 1)
    assert max(ends) == watched.n_iter_
    assert watched.best_iter_.tolist() == (ends if one_by_one else ends * 3)
    looks = np.diff([*first, len(seen)])
    assert watched.validation_scores_.shape == (max(looks), 3)


def test_rows_are_held_out_class_by_class():
    x, y = load_iris(return_X_y=True)
    model = TwoLayerClassifier(4, early_stopping=True, max_iter=30, **FIXED).fit(x, y)
    assert model.validation_scores_.ndim == 2
    with pytest.raises(InputError, match=r"class '9' has one row only"):
        TwoLayerClassifier(4, early_stopping=True, **FIXED).fit(
            x, np.where(np.arange(150) == 7, 9, y)
        )
    with pytest.raises(InputError, match=r"validation_fraction is a share"):
        TwoLayerClassifier(early_stopping=True, validation_fraction=1.0, **FIXED).fit(x, y)
    with pytest.raises(InputError, match=r"needs both X_val and y_val"):
        TwoLayerClassifier(**FIXED).fit(x, y, X_val=x)


def test_the_users_own_score_decides():
    x, y = load_iris(return_X_y=True)
    seen = []

    def score(model, x_val, y_val, sample_weight=None):
        seen.append((x_val.copy(), y_val.copy(), sample_weight, model.predict(x_val)))
        return float(len(seen) == 5)  # the fifth look is called the best

    model = TwoLayerClassifier(4, n_networks=1, solver="gd", scoring=score, max_iter=12, **FIXED)
    names = np.array(["a", "b", "c"])[y]
    model.fit(x, names, X_val=x[:9], y_val=names[:9], sample_weight_val=np.arange(1, 10))
    assert model.best_iter_ == 5
    assert model.validation_scores_.tolist()[:6] == [0, 0, 0, 0, 1, 0]
    assert np.array_equal(seen[0][0], x[:9])
    assert seen[0][1].tolist() == ["a"] * 9
    assert seen[0][2].tolist() == list(range(1, 10))
    assert np.array_equal(model.predict(x[:9]), seen[4][3])
    named = TwoLayerClassifier(4, scoring="balanced_accuracy", early_stopping=True, **FIXED)
    assert named.fit(x, y).validation_scores_.max() <= 1
    with pytest.raises(InputError, match=r"no score 'acuracy'"):
        TwoLayerClassifier(4, scoring="acuracy", early_stopping=True, **FIXED).fit(x, y)


def test_callbacks_look_and_stop():
    steps = []
    seen = TwoLayerRegressor(
        3,
        max_iter=500,
        solver="gd",
        tol=0,
        callback=[lambda p: steps.append(p.step), lambda p: True],
        **FIXED,
    ).fit(*waves(50))
    assert len(steps) == 1
    assert seen.stopped_ == "stopped by the callback"
    with pytest.raises(InputError, match=r"callback must be a function"):
        TwoLayerRegressor(callback="no").fit(*waves(50))


# ---- going on


@pytest.mark.parametrize("kind", BOTH)
def test_warm_start_goes_on_where_it_was(kind):
    x, y = waves(80)
    y = y if kind is TwoLayerRegressor else y > 0
    model = kind(6, warm_start=True, max_iter=30, tol=0, **FIXED).fit(x, y)
    first = model.loss_
    model.fit(x, y)
    assert np.allclose(model.network_loss_curves_[0], first, rtol=1e-8)
    assert (model.loss_ < first).all()
    model.n_hidden = 7
    with pytest.raises(InputError, match=r"warm_start goes on with the same network"):
        model.fit(x, y)


def test_warm_start_keeps_the_classes():
    x, y = load_iris(return_X_y=True)
    model = TwoLayerClassifier(3, warm_start=True, max_iter=3, **FIXED).fit(x, y)
    with pytest.raises(InputError, match=r"warm_start goes on with the same classes"):
        model.fit(x, y + 1)


@pytest.mark.parametrize("kind", BOTH)
@pytest.mark.parametrize("n_networks", [2, *slow(1)])
def test_partial_fit_reaches_what_fit_reaches(kind, n_networks):
    x, y = waves(150)
    y = y if kind is TwoLayerRegressor else y > 0
    settings = {"n_networks": n_networks, **FIXED}
    whole = kind(10, max_iter=80, solver="adam", tol=0, **settings).fit(x, y)
    part = kind(10, **settings)  # 150 rows are one batch
    for _ in range(80):
        part.partial_fit(x, y)
    assert np.allclose(part.w1_, whole.w1_, rtol=1e-6)
    assert np.allclose(part.loss_curve_, whole.loss_curve_, rtol=1e-6)
    assert np.allclose(part.predict(x), whole.predict(x), rtol=1e-6)
    # batches are drawn in another order
    whole = kind(10, max_iter=200, solver="adam", batch_size=30, tol=0, **settings).fit(x, y)
    part = kind(10, batch_size=30, **settings)
    for _ in range(200):
        part.partial_fit(x, y)
    assert np.mean(part.loss_) < 1.1 * np.mean(whole.loss_)
    middle = pickle.loads(pickle.dumps(part))
    assert np.array_equal(middle.partial_fit(x, y).w1_, part.partial_fit(x, y).w1_)


def test_partial_fit_is_told_the_classes():
    x, y = load_iris(return_X_y=True)
    model = TwoLayerClassifier(4, batch_size=10, **FIXED)
    model.partial_fit(x[:60], y[:60], classes=[0, 1, 2])
    assert model.predict_proba(x).shape == (150, 3)
    model.partial_fit(x, y)
    with pytest.raises(InputError, match=r"classes that were not there before: '3'"):
        model.partial_fit(x, y + 1)
    assert not hasattr(TwoLayerClassifier(solver="lbfgs"), "partial_fit")


# ---- weights of rows and of classes


def test_class_weights_times_row_weights():
    x, y = load_iris(return_X_y=True)
    s = np.random.default_rng(0).uniform(0.5, 2, 150)
    both = TwoLayerClassifier(4, class_weight={0: 3.0, 2: 0.5}, max_iter=20, **FIXED)
    by_hand = TwoLayerClassifier(4, max_iter=20, **FIXED)
    expected = by_hand.fit(x, y, sample_weight=s * np.array([3.0, 1.0, 0.5])[y])
    assert np.allclose(both.fit(x, y, sample_weight=s).w1_, expected.w1_, rtol=1e-7)


def test_balanced_classes_count_alike_in_training_and_validation():
    x, y = load_breast_cancer(return_X_y=True)
    kept = np.flatnonzero((y == 1) | (np.arange(len(y)) % 8 == 0))
    x, y = x[kept], y[kept]
    s = np.random.default_rng(0).uniform(0.5, 2, len(y))
    model = TwoLayerClassifier(4, class_weight="balanced", max_iter=5, n_networks=1, **FIXED)
    model.fit(x, y, s, X_val=x, y_val=y, sample_weight_val=s)
    shares = np.bincount(y, weights=s)
    weights = s * (s.sum() / (2 * shares))[y]
    score = -log_loss(y, model.predict_proba(x), sample_weight=weights)
    assert score == pytest.approx(model.validation_scores_.max(), rel=1e-6)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({7: 1.0}, "class_weight names 7, which is no class of y"),
        ({0: -1.0}, "class_weight must not be negative; class 0"),
        ("even", "class_weight must be a dict"),
        ({0: 0, 1: 0, 2: 0}, "class_weight is zero for every class"),
    ],
)
def test_class_weights_that_cannot_be(given, message):
    with pytest.raises(InputError, match=message):
        TwoLayerClassifier(class_weight=given, **FIXED).fit(*load_iris(return_X_y=True))


# ---- solvers, batches, losses


def test_batches_reach_what_all_rows_reach():
    x, y = waves(300)
    batches = TwoLayerRegressor(20, solver="adam", batch_size=50, early_stopping=True, **FIXED)
    assert batches.fit(x, y).score(x, y) > 0.8
    assert batches.n_iter_ == len(batches.validation_scores_)  # rows are scored after every pass
    assert TwoLayerRegressor(5, batch_size=50, max_iter=2, **FIXED).fit(x, y).solver_ == "adam"


@pytest.mark.parametrize("loss", ["absolute_error", "sum_of_squares"])
def test_other_losses(loss):
    x, y = waves(100)
    y[::10] += 100
    model = TwoLayerRegressor(5, loss=loss, max_iter=20, n_networks=1, **FIXED).fit(x, y)
    inner = StandardScaler().fit_transform(y[:, None])[:, 0]
    outputs = (model.predict(x) - y.mean()) / y.std()
    expected = (
        np.abs(outputs - inner).mean()
        if loss == "absolute_error"
        else ((outputs - inner) ** 2).sum()
    )
    decay = (
        0.5 * ((model.w1_ * x.std(0)[:, None]) ** 2).sum()
        + 0.5 * ((model.w2_ / y.std()) ** 2).sum()
    )
    assert model.loss_ == pytest.approx(expected + decay / (100 if loss == "absolute_error" else 1))


def test_losses_for_classes_are_not_for_numbers():
    with pytest.raises(InputError, match=r"loss 'log_loss' is for classes: use TwoLayerClassifier"):
        TwoLayerRegressor(loss="log_loss").fit(*waves(20))
    with pytest.raises(
        InputError, match=r"loss 'binary_log_loss' is not for a target that is standardised"
    ):
        TwoLayerRegressor(loss="binary_log_loss").fit(*waves(20))


def test_a_learning_rate_that_diverges_is_halved_once(monkeypatch):
    """The same network as with half of it from the start."""
    x, y = waves(50)
    settings = {"solver": "gd", "max_iter": 30, "tol": 0, **FIXED}
    expected = TwoLayerRegressor(5, learning_rate_init=0.05, **settings).fit(x, y)
    train = fit.train

    def fragile(*arrays, learning_rate, **how):
        if learning_rate > 0.05:
            raise tl.DivergedError("too fast", 3, None, None, None)
        return train(*arrays, learning_rate=learning_rate, **how)

    monkeypatch.setattr(fit, "train", fragile)
    model = TwoLayerRegressor(5, learning_rate_init=0.1, **settings)
    with pytest.warns(
        tl.TwoLayerWarning, match=r"at step 3 with learning_rate_init=0.1: .* with 0\.05"
    ):
        model.fit(x, y)
    assert np.array_equal(model.w1_, expected.w1_)


# ---- before the fit


def test_preflight_counts():
    x, y = load_breast_cancer(return_X_y=True)
    model = TwoLayerClassifier(10, n_networks=3, skip=True)
    report = model.preflight(x, y)
    assert report.n_weights == 3 * (30 * 10 + 10 + 10 + 1 + 30)
    assert (report.n_rows, report.n_inputs, report.span) == (569, 30, False)
    assert any("unscaled" in note for note in report.notes)
    assert not hasattr(model, "classes_")
    wide = TwoLayerRegressor().preflight(
        np.random.default_rng(0).standard_normal((20, 3000)), np.arange(20)
    )
    assert wide.span
    assert "times as many weights as there are rows" in str(wide)


def test_preflight_sees_trouble():
    x, y = load_iris(return_X_y=True)
    x = np.column_stack([x, np.ones(150)])
    kept = np.r_[:100, 100:103]
    notes = " ".join(TwoLayerClassifier().preflight(x[kept], y[kept]).notes)
    assert "1 of 5 columns are constant" in notes
    assert "the smallest class has 3 rows" in notes
    assert "classes are uneven (from 3 to 50 rows)" in notes


def test_verbose_prints_the_report(capsys):
    TwoLayerRegressor(3, max_iter=5, verbose=1, random_state=0).fit(*waves(50))
    out = capsys.readouterr().out
    assert "50 rows, 2 inputs, 3 hidden units, 1 output" in out
    assert "<- chosen" in out


# ---- bad input


@pytest.mark.parametrize("frame", [pandas.DataFrame, polars.DataFrame])
def test_text_columns_are_named(frame):
    table = frame(
        {"size": [1.0, 2.0, 3.0], "colour": ["red", "green", "red"], "city": ["x", "y", "z"]}
    )
    message = r"text in columns 'colour', 'city' \(such as 'red'\).*OneHotEncoder"
    with pytest.raises(InputError, match=message):
        TwoLayerRegressor().fit(table, [1.0, 2.0, 3.0])
    with pytest.raises(InputError, match=r"text in column 1 \(such as 'a'\)"):
        TwoLayerRegressor().fit([[1, "a"], [2, "b"]], [1.0, 2.0])


def test_more_units_than_memory():
    with pytest.raises(InputError, match=r"100000000000 hidden units for 2 inputs.*more memory"):
        TwoLayerRegressor(10**11).fit(*waves(20))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_networks": 0}, "n_networks must be a whole number, at least 1; got 0"),
        ({"n_networks": "many"}, "n_networks must be a whole number, at least 1, or 'auto'"),
        ({"alpha": "best"}, "alpha must be a finite number, at least 0, or 'auto'"),
        ({"batch_size": 0, "solver": "adam"}, "batch_size must be"),
        ({"batch_size": 5, "solver": "lbfgs"}, "leave batch_size out"),
        ({"early_stopping": "yes"}, "early_stopping must be True or False"),
        ({"skip": 3}, "skip must be True, False or 'auto'"),
        ({"warm_start": None}, "warm_start must be True or False"),
        ({"early_stopping": True, "n_iter_no_change": 0}, "n_iter_no_change must be"),
    ],
)
@pytest.mark.parametrize("kind", BOTH)
def test_settings_that_cannot_be(kind, settings, message):
    x, y = waves(30)
    with pytest.raises(InputError, match=message):
        kind(**{"alpha": 1.0, **settings}).fit(x, y > 0)


# ---- several labels a row


def test_several_labels_a_row(tmp_path):
    """Each label as if it stood alone; the mean of the networks' probabilities."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 3))
    y = np.column_stack([x[:, 0] > 0, x[:, 1] + x[:, 2] > 0.5]).astype(int)
    model = TwoLayerClassifier(10, n_networks=3, scaling="standard", **FIXED).fit(x, y)
    assert model.score(x, y) > 0.9
    assert np.array_equal(np.unique(model.predict(x)), [0, 1])
    each = [tl.forward(x, model.params_.network(k)) for k in range(3)]
    assert np.allclose(
        model.predict_proba(x), np.mean([1 / (1 + np.exp(-z)) for z in each], axis=0)
    )
    tl.save(model, tmp_path / "model")
    assert np.array_equal(tl.load(tmp_path / "model").predict(x), model.predict(x))
    stopped = TwoLayerClassifier(5, early_stopping=True, scoring="f1_macro", max_iter=20, **FIXED)
    assert stopped.fit(x, y).validation_scores_.max() > 0.5
    assert TwoLayerClassifier(5, random_state=0, n_networks=1).fit(x, y).alpha_ < 30
    with pytest.raises(InputError, match=r"class_weight is for one class per row"):
        TwoLayerClassifier(class_weight="balanced", **FIXED).fit(x, y)
