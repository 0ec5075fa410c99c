"""Weights of the columns of a wide table: the statistic, the choice, and that rows left out have no part in them."""

import numpy as np
import pytest
import scipy.sparse
from scipy.stats import linregress
from sklearn.metrics import balanced_accuracy_score
from slow_cases import slow

import twolayer as tl
from benchmarks.shrunken_centroids import ShrunkenCentroids
from twolayer import InputError
from twolayer.estimators import fit
from twolayer.estimators.column_views import chosen_views, column_views
from twolayer.estimators.column_weights import WEIGHINGS, column_statistic
from twolayer.estimators.selection import alpha_choice, weighing_choice
from twolayer.estimators.selection.weighing_choice import choose_weighing
from twolayer.estimators.standardise import standardise
from twolayer.estimators.training_rows import TrainingRows
from twolayer.evaluation.splits import alpha_folds
from twolayer.saving.estimator_state import restored_attributes

QUICK = {"n_hidden": 4, "n_networks": 2, "max_iter": 100, "scaling": "auto", "random_state": 0}


def two_classes(seed=0, n=60, columns=1500, speak=8, effect=1.4):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    x = rng.standard_normal((n, columns))
    x[:, :speak] += effect * (y[:, None] - 0.5)
    return x * rng.uniform(0.1, 10, columns) + 5, y


def statistic(x, y, s=None):
    z, inputs = standardise(x, s, "X")
    return column_statistic(z, y, s, inputs.constant)


@pytest.mark.parametrize("sizes", [(8, 12), (8, 12, 15), (3, 20, 9, 7)])
def test_the_statistic_of_classes_is_that_of_shrunken_centroids(sizes):
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(len(sizes)), sizes)
    x = rng.standard_normal((len(y), 50)) * rng.uniform(1, 5, 50) + np.outer(y, np.arange(50) / 25)
    pam = ShrunkenCentroids().fit(standardise(x, None, "X")[0], y)
    assert statistic(x, y) == pytest.approx(np.abs(pam.deviations_).max(axis=0))


def test_the_statistic_of_numbers_is_slope_by_its_enlarged_error():
    """s_j is the slope's standard error times √Σ(y − mean y)², so that s₀ is the median of these errors."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((30, 41)), rng.standard_normal((30, 2))
    x[:, 3] += y[:, 0]
    z = standardise(x, None, "X")[0]
    by_output = []
    for target in y.T:
        lines = [linregress(target, column) for column in z.T]
        slopes, errors = (
            np.array([getattr(one, name) for one in lines]) for name in ("slope", "stderr")
        )
        by_output.append(np.abs(slopes) / (errors + np.median(errors)))
    assert statistic(x, y) == pytest.approx(np.max(by_output, axis=0))


def test_two_classes_have_the_statistic_of_0_and_1():
    x, y = two_classes()
    assert statistic(x, y) == pytest.approx(statistic(x, y[:, None].astype(float)))


@pytest.mark.parametrize("numbers", [False, True])
def test_a_row_of_weight_3_is_three_rows(numbers):
    x, y = two_classes(n=20, columns=40)
    y = x[:, :1] + y[:, None] if numbers else y
    s = np.where(np.arange(20) < 5, 3.0, 1.0)
    repeated = np.repeat(np.arange(20), s.astype(int))
    assert statistic(x, y, s) == pytest.approx(statistic(x[repeated], y[repeated]))


@pytest.mark.parametrize("name", WEIGHINGS)
def test_weights_have_a_mean_square_of_1(name):
    t = np.random.default_rng(0).gamma(1, size=2000)
    v = WEIGHINGS[name].weights(t)
    assert np.mean(v**2) == pytest.approx(1)
    largest = t > np.quantile(t, 0.996)
    if name != "none":
        assert np.array_equal(np.argsort(v[largest]), np.argsort(t[largest]))
    share = float(name.rpartition(" ")[2]) if "quantile" in name else 0
    assert np.mean(v == 0) == pytest.approx(share, abs=2e-3)


@pytest.mark.parametrize("name", WEIGHINGS)
@pytest.mark.parametrize("y", [np.zeros(20, int), np.zeros((20, 1)), np.ones((20, 2))], ids=str)
def test_targets_that_say_nothing_weigh_all_columns_alike(name, y):
    x = np.random.default_rng(0).standard_normal((20, 30))
    assert (WEIGHINGS[name].weights(statistic(x, y)) == 1).all()


def test_constant_columns_and_columns_that_separate_the_classes_are_finite():
    x, y = two_classes(n=20, columns=30)
    x[:, 3], x[:, 7] = 4.0, y
    t = statistic(x, y)
    assert np.isfinite(t).all()
    assert t[3] == 0
    assert t.argmax() == 7


@pytest.mark.parametrize("view", ["standard", "smooth_clip"])
@pytest.mark.parametrize("name", ["|t|", "t²", "|t| above its quantile 0.9"])
def test_a_view_is_the_standardised_columns_times_their_weights(name, view):
    x, y = two_classes(columns=200)
    x[:, 5] = 2.0
    rows = TrainingRows(x, y)
    (plain,) = column_views((view,), rows, 1)
    (own,) = chosen_views(column_views((view,), rows, 1), 1, rows, name)
    v = WEIGHINGS[name].weights(column_statistic(plain.x, y, None, plain.inputs.constant))
    np.testing.assert_allclose(own.x, plain.x * v, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(own.columns(x), own.x, rtol=1e-9, atol=1e-9)
    assert np.array_equal(own.unweighed.scale, plain.inputs.scale)


def test_few_columns_that_speak_are_heard():
    """Of 1500 columns 8 tell the class: ridge regression of all alike is right for about 65 % of new rows."""
    right = {"auto": [], "standard": []}
    for seed in range(3):
        x, y = two_classes(seed, 360)
        for scaling, one in right.items():
            model = tl.TwoLayerClassifier(**{**QUICK, "scaling": scaling}).fit(x[:60], y[:60])
            one.append(model.score(x[60:], y[60:]))
            assert (model.column_weighing_ != "none") == (scaling == "auto")
    assert np.mean(right["auto"]) > np.mean(right["standard"]) + 0.1


def test_numbers_are_weighed_too():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((380, 1000))
    y = np.c_[x[:, :5].sum(axis=1), x[:, 3:8].sum(axis=1)] + 0.3 * rng.standard_normal((380, 2))
    scores = [
        tl.TwoLayerRegressor(**{**QUICK, "scaling": scaling})
        .fit(x[:80], y[:80])
        .score(x[80:], y[80:])
        for scaling in ("auto", "standard")
    ]
    assert scores[0] > scores[1] + 0.1


def test_many_weak_columns_are_not_weighed():
    x, y = two_classes(n=120, columns=2000, speak=2000, effect=0.15)
    assert tl.TwoLayerClassifier(**QUICK).fit(x, y).column_weighing_ == "none"


@pytest.mark.parametrize(
    "settings",
    [{"alpha": 30.0}, {"scaling": "standard"}, {"scaling": "smooth_clip"}, {"l1": 0.01}],
    ids=str,
)
def test_columns_are_not_weighed_with_these_settings(settings):
    x, y = two_classes()
    model = tl.TwoLayerClassifier(**{**QUICK, "max_iter": 5, "tol": 1.0, **settings})
    assert model.fit(x, y).column_weighing_ == "none"


def test_sparse_and_tall_tables_are_not_weighed():
    x, y = two_classes(columns=200, speak=2)
    few, model = x[:, :20], tl.TwoLayerClassifier(**QUICK)
    assert model.fit(few, y).column_weighing_ == "none"
    assert model.fit(scipy.sparse.csr_array(np.where(x > 5, x, 0)), y).column_weighing_ == "none"


def left_out_accuracy(monkeypatch, x, y, weighings):
    """Balanced accuracy of the outputs for rows left out, from which the choice of alpha comes."""
    choices = []

    def spied(*arguments, **settings):
        choices.append(
            alpha_choice.choose_alpha(*arguments, **{**settings, "weighings": weighings})
        )
        return choices[-1]

    monkeypatch.setattr(fit, "choose_alpha", spied)
    tl.TwoLayerClassifier(**{**QUICK, "max_iter": 1, "tol": 1.0}).fit(x, y)
    (choice,) = choices
    return balanced_accuracy_score(choice.targets[:, 0] > 0.5, choice.outputs[:, 0] > 0)


@pytest.mark.parametrize(
    "weighings",
    [tuple(WEIGHINGS), ("|t|",), *slow((("t²",),), (("|t| above its quantile 0.98",),))],
    ids=str,
)
@pytest.mark.filterwarnings("ignore:on rows left out, no network")
def test_nothing_is_found_in_noise(monkeypatch, weighings):
    """With weights from the targets of all rows the accuracy of rows left out would be 1."""
    accuracies = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        x, y = rng.standard_normal((60, 5000)), rng.permutation(np.arange(60) % 2)
        accuracies.append(left_out_accuracy(monkeypatch, x, y, weighings))
    assert 0.4 <= np.mean(accuracies) <= 0.6


@pytest.mark.filterwarnings("ignore:on rows left out, no network")
def test_nothing_is_found_for_shuffled_classes(monkeypatch):
    x, y = two_classes(columns=2000, speak=50)
    assert left_out_accuracy(monkeypatch, x, y, tuple(WEIGHINGS)) > 0.9
    shuffled = [np.random.default_rng(seed).permutation(y) for seed in range(6)]
    accuracies = [left_out_accuracy(monkeypatch, x, one, tuple(WEIGHINGS)) for one in shuffled]
    assert 0.4 <= np.mean(accuracies) <= 0.6


@pytest.mark.parametrize(("gain", "name"), [(-0.02, "|t|"), (0.02, "|t|"), (0.2, "t²")])
def test_a_sharp_weighing_is_taken_only_if_it_is_clearly_better(monkeypatch, gain, name):
    """The difference of two losses scatters by 0.4 from row to row: its standard error for 64 rows is 0.05."""
    scatter = np.tile([0.4, -0.4], 32)
    losses = {each: np.full(64, 2.0) for each in WEIGHINGS}
    losses.update({"none": np.full(64, 1.1), "|t|": np.ones(64), "t²": 1 - gain + scatter})
    each = np.stack(list(losses.values()))[:, None]
    monkeypatch.setattr(weighing_choice, "left_out_losses", lambda rows, folds, names: each)
    rows = TrainingRows(np.zeros((64, 65)), np.zeros(64, dtype=int))
    assert choose_weighing(rows, [np.arange(64)], tuple(WEIGHINGS)) == name


def test_of_many_rows_some_make_the_choice(monkeypatch):
    x, y = two_classes(effect=2.0)
    monkeypatch.setattr(weighing_choice, "MOST_RIDGE_ROWS", 41)
    folds = alpha_folds(y, np.random.default_rng(0))
    some, parts = weighing_choice.first_rows(TrainingRows(x, y), folds)
    assert np.array_equal(some.x, np.concatenate([x[test[:8]] for test in folds]))
    assert np.array_equal(np.concatenate(parts), np.arange(40))
    assert choose_weighing(TrainingRows(x, y), folds, tuple(WEIGHINGS)) != "none"


def test_the_choice_does_not_depend_on_the_units_of_row_weights():
    x, y = two_classes()
    folds = alpha_folds(y, np.random.default_rng(0))
    names = [
        choose_weighing(TrainingRows(x, y, s), folds, tuple(WEIGHINGS))
        for s in (None, np.ones(60), np.full(60, 0.01))
    ]
    assert len(set(names)) == 1


def test_the_weighing_is_kept_by_files_copies_and_warm_starts(tmp_path):
    x, y = two_classes()
    model = tl.TwoLayerClassifier(**QUICK, warm_start=True).fit(x, y)
    name, before = model.column_weighing_, model.predict_proba(x)
    assert name != "none"
    tl.save(model, tmp_path / "m.safetensors")
    same = tl.load(tmp_path / "m.safetensors")
    assert same.column_weighing_ == name
    assert np.array_equal(same.predict_proba(x), before)
    again = model.fit(x, y)
    assert again.column_weighing_ == name
    assert again.predict_proba(x) == pytest.approx(before, abs=0.03)
    model = tl.TwoLayerClassifier(**{**QUICK, "n_networks": 1}, warm_start=True).fit(x, y)
    assert model.column_weighing_ == name
    assert model.set_params(scaling="standard").fit(x, y).column_weighing_ == "none"


def test_the_noise_of_a_warm_start_is_that_of_rows_left_out():
    """The closed form takes the weights for given, and would find too little noise: here about half of it."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((1050, 2000))
    y = x[:, :5].sum(axis=1) + 0.3 * rng.standard_normal(1050)
    model = tl.TwoLayerRegressor(**QUICK, warm_start=True).fit(x[:50], y[:50]).fit(x[:50], y[:50])
    assert model.column_weighing_ != "none"
    truth = np.std(y[50:] - model.predict(x[50:]))
    assert 0.9 * truth < model.noise_std_.item() < 1.7 * truth


def test_partial_fit_goes_on_with_columns_that_are_not_weighed():
    x, y = two_classes()
    settings = {**QUICK, "learning_rate_init": 1e-6}
    model = tl.TwoLayerClassifier(**settings).fit(x, y)
    before, spread = model.network_outputs(x), x.std(axis=0)
    np.testing.assert_allclose(model.stream_.inputs.scaling().scale, spread, rtol=1e-9)
    model.partial_fit(x, y)
    assert model.network_outputs(x) == pytest.approx(before, abs=1e-2)
    assert model.column_weighing_ == "none"


def test_an_unknown_weighing_in_a_file_is_refused():
    model = tl.TwoLayerClassifier(**QUICK).fit(*two_classes(columns=100))
    with pytest.raises(InputError, match="column_weighing_"):
        restored_attributes({"column_weighing_": "|u|"})
    assert restored_attributes({"column_weighing_": model.column_weighing_})
