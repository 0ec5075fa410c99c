"""What the estimators do beside one plain fit: many networks, the decay they find, stopping, going on, losses, reports."""

import pickle

import numpy as np
import pandas
import polars
import pytest
import scipy.sparse
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import RidgeCV
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import twolayer as tl
from twolayer import InputError, TwoLayerClassifier, TwoLayerRegressor
from twolayer.estimators import fitting, noise, strength
from twolayer.maths.activations import ACTIVATIONS
from twolayer.maths.network import Params

FIXED = {"alpha": 1.0, "random_state": 0}
BOTH = [TwoLayerRegressor, TwoLayerClassifier]


def waves(n_rows=200, seed=0, noise=0.3):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, (n_rows, 2))
    return x, np.sin(2 * x[:, 0]) + 0.5 * x[:, 1] + noise * rng.standard_normal(n_rows)


# ---- many networks


def test_numbers_are_averaged():
    x, y = waves(60)
    model = TwoLayerRegressor(5, n_networks=3, max_iter=20, **FIXED).fit(x, y)
    assert model.w1_.shape == (3, 2, 5)
    assert model.n_networks_ == 3
    each = [tl.forward(x, model.params_.network(k))[:, 0] for k in range(3)]
    assert not np.allclose(each[0], each[1])
    assert np.allclose(model.predict(x), np.mean(each, axis=0))
    assert model.loss_curve_.shape[1] == model.loss_.shape[0] == 3


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_are_averaged(n_classes):
    x, y = load_iris(return_X_y=True)
    x, y = x[y < n_classes], y[y < n_classes]
    model = TwoLayerClassifier(3, n_networks=4, max_iter=4, **FIXED).fit(x, y)
    each = [tl.forward(x, model.params_.network(k)) for k in range(4)]
    if n_classes == 2:
        each = [np.column_stack([0 * one, one]) for one in each]
    expected = np.mean([softmax(one, axis=1) for one in each], axis=0)
    assert np.allclose(model.predict_proba(x), expected)
    assert np.array_equal(model.predict(x), expected.argmax(axis=1))


@pytest.mark.parametrize("kind", BOTH)
def test_each_network_is_one_that_was_trained_alone(kind):
    """On a sparse table they are trained one by one, on a dense one in one call."""
    x, y = waves(30)
    y = y if kind is TwoLayerRegressor else y > 0
    x = np.where(np.abs(x) < 0.5, 0, x)
    settings = {"n_networks": 2, "max_iter": 10, "solver": "adam", **FIXED}
    sparse = kind(4, **settings).fit(scipy.sparse.csr_array(x), y)
    assert sparse.w1_.shape == (2, 2, 4)
    assert np.allclose(sparse.predict(scipy.sparse.csr_array(x)), sparse.predict(x))
    assert sparse.loss_curve_.shape == (10, 2)


@pytest.mark.parametrize("kind", BOTH)
def test_pickle_and_clone(kind):
    x, y = waves(40)
    y = y if kind is TwoLayerRegressor else y > 0
    model = kind(4, max_iter=5, **FIXED).fit(x, y)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(x), model.predict(x))
    assert np.array_equal(clone(model).fit(x, y).w1_, model.w1_)


# ---- how far to trust a prediction


def test_the_intervals_hold_what_they_promise():
    """Rows that were not seen, noise of known size."""
    x, y = waves(300)
    x_new, y_new = waves(2000, seed=1)
    for alpha in ("auto", 1.0):
        model = TwoLayerRegressor(alpha=alpha, random_state=0).fit(x, y)
        y_pred, y_std = model.predict(x_new, return_std=True)
        assert y_std.shape == y_pred.shape
        assert np.abs(np.median(y_std) / 0.3 - 1) < 0.25
        low, high = model.predict_interval(x_new, level=0.9)
        assert 0.86 < np.mean((low <= y_new) & (y_new <= high)) < 0.96
    far = model.predict(10 + x_new[:5], return_std=True)[1]
    assert far.min() > y_std.max()  # where no row was, the networks disagree


def test_standard_deviations_in_the_units_of_each_target():
    x, y = waves(80)
    both = np.column_stack([y, 1000 * y])
    model = TwoLayerRegressor(5, max_iter=50, **FIXED).fit(x, both)
    _, std = model.predict(x, return_std=True)
    assert std.shape == (80, 2)
    assert np.allclose(1000 * model.noise_std_[0], model.noise_std_[1], rtol=0.3)


@pytest.mark.parametrize("skip", [False, True])
def test_the_share_of_a_residual_that_is_left(skip):
    """1 − H_ii of the Jacobian written out, by finite differences."""
    rng = np.random.default_rng(0)
    x, s = rng.standard_normal((7, 3)), rng.uniform(0.5, 2, 7)
    params = tl.init_params(3, 4, 1, skip=skip, random_state=1)
    tanh = ACTIVATIONS["tanh"]
    columns = []
    for name, w in params.items():
        for place in np.ndindex(w.shape):
            moved = {key: array.copy() for key, array in params.items()}
            moved[name][place] += 1e-6
            up = tl.forward(x, Params(**{"w_skip": None, **moved}), activation="tanh")
            columns.append((up - tl.forward(x, params, activation="tanh"))[:, 0] / 1e-6)
    jacobian = np.sqrt(s)[:, None] * np.column_stack(columns)
    k = jacobian @ jacobian.T
    expected = 1 - np.diag(k @ np.linalg.inv(k + 0.7 * np.eye(7)))
    assert np.allclose(noise.kept_share(x, s, params, tanh, 0.7)[:, 0], expected, rtol=1e-4)


@pytest.mark.parametrize("level", [0, 1, 1.5, "wide"])
def test_levels_that_cannot_be(level):
    model = TwoLayerRegressor(2, max_iter=2, **FIXED).fit(*waves(20))
    with pytest.raises(InputError, match=r"level"):
        model.predict_interval(waves(20)[0], level=level)


# ---- the decay that is found


def test_diabetes_is_not_learned_by_heart():
    """alpha=1 gives R² about 0; a linear model is the bar."""
    x, y = load_diabetes(return_X_y=True)
    ours = cross_val_score(TwoLayerRegressor(random_state=0, n_networks=2), x, y, cv=3).mean()
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-3, 5, 17)))
    assert ours > cross_val_score(ridge, x, y, cv=3).mean() - 0.03


def test_the_decay_follows_the_table():
    x, y = waves(200, noise=0.0)
    clean = TwoLayerRegressor(20, n_networks=1, random_state=0).fit(x, y)
    random = np.random.default_rng(0).standard_normal(200)
    nothing = TwoLayerRegressor(20, n_networks=1, random_state=0).fit(x, random)
    assert clean.alpha_ <= 0.3
    assert nothing.alpha_ >= 30
    assert nothing.predict(x).std() < 0.3
    alphas, losses = clean.alphas_tried_.T
    assert clean.alpha_ == alphas[np.argmin(losses)]


def test_a_wide_fold_in_axes_of_its_own():
    """Inner products are all a network sees, and they are kept."""
    rng = np.random.default_rng(0)
    z, z_test = rng.standard_normal((8, 50)), rng.standard_normal((3, 50))
    z[7] = z[0]
    small, small_test = strength.in_own_axes(z, z_test)
    assert small.shape == (8, 7)
    assert np.allclose(small @ small.T, z @ z.T)
    assert np.allclose(small_test @ small.T, z_test @ z.T)
    sparse = strength.in_own_axes(scipy.sparse.csr_array(z), scipy.sparse.csr_array(z_test))
    assert np.allclose(sparse[1] @ sparse[0].T, z_test @ z.T)


def test_folds_hold_every_row_once_and_every_class_alike():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [50, 10, 5])
    parts = strength.folds(y, rng)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(65))
    assert [np.bincount(y[part]).tolist() for part in parts] == [[10, 2, 1]] * 5
    assert strength.folds(y[:5], rng) == []


def test_revived_units_change_nothing_until_they_learn():
    params = tl.init_params(3, 4, 2, random_state=0)
    params.w1[:, 1], params.b1[1], params.w2[1] = 0, 0, 0
    fresh = tl.init_params(3, 4, 2, random_state=1)
    alive = strength.revived(params, fresh)
    x = np.random.default_rng(0).standard_normal((5, 3))
    assert np.allclose(tl.forward(x, alive), tl.forward(x, params))
    assert np.array_equal(alive.w1[:, 1], fresh.w1[:, 1])
    assert np.array_equal(alive.w1[:, 0], params.w1[:, 0])


# ---- the skip layer


def test_a_skip_layer_with_strong_decay_of_the_units_is_ridge():
    """With the units out, ½/S·Σ(y − x·w)² + ½·alpha/S·‖w‖² is ridge's objective over 2·S."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, 3))
    y = x @ [3.0, -2.0, 1.0] + 0.1 * rng.standard_normal(300)
    model = TwoLayerRegressor(5, skip=True, alpha=250.0, n_networks=1, tol=1e-8, random_state=0)
    model.fit(x, y)
    z = StandardScaler().fit_transform(x)
    expected = np.linalg.solve(z.T @ z + 250 * np.eye(3), z.T @ (y - y.mean()))
    assert np.abs(model.w1_).max() < 1e-3
    assert np.allclose(model.w_skip_[:, 0] * x.std(0), expected, rtol=1e-3)
    assert np.allclose(model.predict(x), z @ expected + y.mean(), atol=1e-2)


@pytest.mark.parametrize("kind", BOTH)
def test_a_skip_layer_comes_back_from_a_file(kind, tmp_path):
    x, y = waves(40)
    y = y if kind is TwoLayerRegressor else y > 0
    model = kind(3, skip=True, max_iter=5, **FIXED).fit(x, y)
    tl.save(model, tmp_path / "model")
    assert np.array_equal(tl.load(tmp_path / "model").predict(x), model.predict(x))


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
    assert "stopped by the callback" in model.stopped_
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
    assert model.best_step_ == 5
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
    assert np.allclose(model.loss_curve_[0], first, rtol=1e-8)
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
@pytest.mark.parametrize("n_networks", [1, 2])
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
    assert np.array_equal(both.fit(x, y, sample_weight=s).w1_, expected.w1_)


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
    assert batches.n_iter_ % 6 == 0  # 270 rows are 6 batches
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
        InputError, match=r"loss 'poisson' is not for a target that is standardised"
    ):
        TwoLayerRegressor(loss="poisson").fit(*waves(20))


def test_a_learning_rate_that_diverges_is_halved_once(monkeypatch):
    """The same network as with half of it from the start."""
    x, y = waves(50)
    settings = {"solver": "gd", "max_iter": 30, "tol": 0, **FIXED}
    expected = TwoLayerRegressor(5, learning_rate_init=0.05, **settings).fit(x, y)
    train = fitting.train

    def fragile(*arrays, learning_rate, **how):
        if learning_rate > 0.05:
            raise tl.DivergedError("too fast", 3, None, None, None)
        return train(*arrays, learning_rate=learning_rate, **how)

    monkeypatch.setattr(fitting, "train", fragile)
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
        ({"skip": 3}, "skip must be True or False"),
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
    model = TwoLayerClassifier(10, n_networks=3, **FIXED).fit(x, y)
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
    with pytest.raises(InputError, match=r"class_weight is for one class a row"):
        TwoLayerClassifier(class_weight="balanced", **FIXED).fit(x, y)
