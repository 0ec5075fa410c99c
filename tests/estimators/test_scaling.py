"""How an estimator's networks see the columns: standardised, clipped smoothly, or some each way."""

import copy
import pickle
import signal
import warnings

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import twolayer as tl
from twolayer import InputError, TwoLayerWarning
from twolayer.engines import get_engine
from twolayer.maths import network
from twolayer.training.loop import joined_reasons

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4)) * [1, 10, 0.1, 5] + [3, -20, 0, 100]
X[:4, 1] += 2000  # far values
Y = np.sin(X[:, 0]) + X[:, 2]
CLASSES = np.digitize(Y, [-0.5, 0.5])
QUICK = {"n_hidden": 4, "alpha": 0.3, "max_iter": 30, "random_state": 0}
SCALINGS = {"standard": 0, "smooth_clip": 3, "auto": 1}  # clipped networks of 3

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def regressor(scaling="auto", n_networks=3, **settings):
    return tl.TwoLayerRegressor(scaling=scaling, n_networks=n_networks, **{**QUICK, **settings})


def classifier(scaling="auto", n_networks=3, **settings):
    return tl.TwoLayerClassifier(scaling=scaling, n_networks=n_networks, **{**QUICK, **settings})


def clipped_count(model):
    return 0 if model.input_clip_ is None else int(model.input_clip_.networks.sum())


def outputs_by_hand(model, x):
    """Each network's outputs: RealMLP's formula and the two-layer network, written out."""
    outputs = []
    for k, params in enumerate(model.networks_):
        seen = x
        if model.input_clip_ is not None and model.input_clip_.networks[k]:
            low, median, high = np.percentile(X, [25, 50, 75], axis=0)
            u = (x - median) / (high - low)
            seen = u / np.sqrt(1 + (u / 3) ** 2)
        h = np.maximum(seen @ params.w1 + params.b1, 0)
        outputs.append(h @ params.w2 + params.b2)
    return np.stack(outputs)


@pytest.mark.parametrize("scaling", SCALINGS)
def test_the_weights_act_on_the_columns_of_network_inputs(scaling):
    model = regressor(scaling).fit(X, Y)
    assert clipped_count(model) == SCALINGS[scaling]
    by_hand = outputs_by_hand(model, X + 0.1)
    np.testing.assert_allclose(model.network_outputs(X + 0.1), by_hand, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(model.predict(X + 0.1), by_hand.mean(axis=0)[:, 0], rtol=1e-9)
    inputs = model.network_inputs(X)
    each = [
        network.forward(x, one, model.activation_)
        for x, one in zip(inputs, model.networks_, strict=True)
    ]
    np.testing.assert_array_equal(np.stack(each), model.network_outputs(X))


def test_clipped_columns_are_trained_as_columns_that_were_clipped_before():
    low, median, high = np.percentile(X, [25, 50, 75], axis=0)
    u = (X - median) / (high - low)
    before = regressor("standard", 1).fit(u / np.sqrt(1 + (u / 3) ** 2), Y)
    inside = regressor("smooth_clip", 1).fit(X, Y)
    np.testing.assert_allclose(inside.w1_, before.w1_, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("n_networks", "clipped"), [(1, 0), (2, 1), (3, 1), (4, 2), (5, 2)])
def test_auto_shares_the_networks(n_networks, clipped):
    assert clipped_count(regressor("auto", n_networks).fit(X, Y)) == clipped


@pytest.mark.parametrize(
    "settings",
    [
        {"l1": 0.01},
        {"dropout": 0.1},
        {"solver": "adam"},
        {"solver": "gd"},
        {"early_stopping": True},
    ],
    ids=str,
)
def test_auto_is_standard_where_training_does_not_converge(settings):
    assert regressor(**settings).fit(X, Y).input_clip_ is None
    assert clipped_count(regressor("smooth_clip", **settings).fit(X, Y)) == 3


def test_auto_is_standard_with_rows_for_early_stopping():
    assert regressor().fit(X[:40], Y[:40], X_val=X[40:], y_val=Y[40:]).input_clip_ is None


def test_each_reason_why_networks_ended_is_said_once():
    assert regressor(max_iter=3).fit(X, Y).stopped_ == "all steps taken"
    ends = "all steps taken; tol reached", "all steps taken"
    assert joined_reasons(ends) == "all steps taken; tol reached"


def test_a_far_value_does_not_hide_its_column():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((200, 3))
    y = 3 * x[:, 0] + 0.1 * rng.standard_normal(200)
    x[0, 0] = 1e6
    new = rng.standard_normal((500, 3))
    settings = {"alpha": 1.0, "max_iter": 300, "random_state": 0}
    scores = {
        scaling: tl.TwoLayerRegressor(scaling=scaling, **settings)
        .fit(x, y)
        .score(new, 3 * new[:, 0])
        for scaling in ("standard", "smooth_clip")
    }
    assert scores["smooth_clip"] > 0.9
    assert scores["standard"] < 0.3


@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_row_of_weight_3_is_three_rows(scaling):
    s = RNG.integers(1, 4, 60)
    weighed = regressor(scaling).fit(X, Y, sample_weight=s)
    repeated = regressor(scaling).fit(np.repeat(X, s, axis=0), np.repeat(Y, s))
    np.testing.assert_array_equal(weighed.predict(X), repeated.predict(X))


def test_row_weights_count_in_the_quartiles():
    s = np.random.default_rng(3).integers(1, 6, 60)
    clip = regressor("smooth_clip").fit(X, Y, sample_weight=s).input_clip_
    low, median, high = np.percentile(np.repeat(X, s, axis=0), [25, 50, 75], axis=0)
    np.testing.assert_allclose(clip.center, median, rtol=1e-12)
    np.testing.assert_allclose(clip.scale, high - low, rtol=1e-12)


def test_constant_and_binary_columns():
    x = np.c_[X, np.full(60, 7.0), X[:, 0] > 4.5]
    model = regressor("smooth_clip").fit(x, Y)
    assert not model.w1_[:, 4].any()
    assert model.w1_[:, 5].any()
    moved = x + np.array([0, 0, 0, 0, 100, 0])
    np.testing.assert_array_equal(model.predict(moved), model.predict(x))


def test_alpha_is_chosen_on_the_columns_that_the_networks_see():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((100, 2))
    y = 3 * x[:, 0]
    x[0, 0] = 1e6
    losses = {
        scaling: regressor(scaling, 1, alpha="auto").fit(x, y).alphas_tried_[:, 1].min()
        for scaling in ("standard", "smooth_clip")
    }
    assert losses["smooth_clip"] < 0.2 * losses["standard"]


@pytest.mark.parametrize("scaling", SCALINGS)
def test_copies_predict_the_same(scaling):
    model = classifier(scaling).fit(X, CLASSES)
    for same in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        np.testing.assert_array_equal(same.predict_proba(X), model.predict_proba(X))
    other = classifier(scaling).set_fitted_state(model.get_fitted_state())
    np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    again = clone(model).fit(X, CLASSES)
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))


def test_a_pickle_of_an_earlier_version_is_standard():
    model = regressor("standard").fit(X, Y)
    expected = model.predict(X)
    del model.__dict__["input_clip_"]
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), expected)


@pytest.mark.parametrize("n_networks", [1, 2, 3])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_warm_start_goes_on_with_the_views_of_before(scaling, n_networks):
    model = regressor(scaling, n_networks, warm_start=True).fit(X, Y)
    before, clip = model.predict(X), model.input_clip_
    model.set_params(max_iter=1, scaling="auto").fit(X[:50], Y[:50])
    assert (
        model.input_clip_ is None if clip is None else clipped_count(model) == clip.networks.sum()
    )
    if clip is not None:
        np.testing.assert_array_equal(model.input_clip_.center, clip.center)
    assert 0 < np.abs(model.predict(X) - before).max() < 0.5 * Y.std()


def test_warm_start_with_early_stopping_goes_on_with_both_views():
    model = regressor("auto", warm_start=True).fit(X[:40], Y[:40])
    model.set_params(early_stopping=True, n_iter_no_change=2).fit(
        X[:40], Y[:40], X_val=X[40:], y_val=Y[40:]
    )
    assert clipped_count(model) == 1
    assert model.validation_scores_.shape[1:] == (3,)
    assert len(model.best_iter_) == 3
    # the best score of each network is minus its own mean loss, ½·error², on the standardised validation targets
    errors = (model.network_outputs(X[40:])[..., 0] - Y[40:]) / Y[:40].std()
    ratio = np.nanmax(model.validation_scores_, axis=0) / -np.mean(errors**2, axis=1)
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)


@pytest.mark.parametrize(("fitted", "asked"), [("auto", "standard"), ("standard", "smooth_clip")])
def test_warm_start_with_another_scaling_is_refused(fitted, asked):
    model = regressor(fitted, warm_start=True).fit(X, Y)
    before = model.predict(X)
    with pytest.raises(InputError, match=r"warm_start .* of 3 see clipped columns.*scaling='auto'"):
        model.set_params(scaling=asked).fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize("n_networks", [1, 2, 3])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_partial_fit_goes_on_with_the_clip(scaling, n_networks):
    model = regressor(scaling, n_networks, learning_rate_init=1e-4).fit(X, Y)
    before, clip = model.predict(X), model.input_clip_
    for part in (slice(0, 30), slice(30, 60)):
        model.partial_fit(X[part], Y[part])
    assert 0 < np.abs(model.predict(X) - before).max() < 0.1 * Y.std()
    assert (model.input_clip_ is None) == (clip is None)
    if clip is not None:
        np.testing.assert_array_equal(model.input_clip_.center, clip.center)
        np.testing.assert_array_equal(model.input_clip_.networks, clip.networks)
    assert model.stream_.memory["mean"].w1.shape == model.w1_.shape


def test_partial_fit_of_clipped_columns_is_that_of_columns_clipped_before():
    inside = regressor("smooth_clip").fit(X, Y)
    clipped = inside.input_clip_.columns(X)
    before = regressor("standard").set_fitted_state(
        {**inside.get_fitted_state(), "input_clip_": None}
    )
    before.stream_ = copy.copy(inside.stream_)
    before.stream_.__dict__.update(inputs=inside.stream_.clipped, clipped=None)
    inside.partial_fit(X, Y)
    before.partial_fit(clipped, Y)
    np.testing.assert_allclose(inside.w1_, before.w1_, rtol=1e-9)


def test_a_first_partial_fit_is_standard_and_refuses_a_clip():
    model = regressor("auto").partial_fit(X, Y)
    assert model.input_clip_ is None
    with pytest.raises(InputError, match=r"needs the quartiles of all rows.*call fit first"):
        regressor("smooth_clip").partial_fit(X, Y)


@pytest.mark.parametrize("solver", ["lbfgs", "adam"])
@pytest.mark.parametrize("scaling", SCALINGS)
def test_a_callback_sees_the_networks_in_training(scaling, solver):
    seen = []

    def callback(progress):
        params, predicted = progress.params(), progress.predict(X)
        seen.append((progress.network, params, predicted))

    model = regressor(scaling, callback=callback, solver=solver).fit(X, Y)
    if solver == "adam":
        assert {number for number, _, _ in seen} == {None}
        np.testing.assert_allclose(seen[-1][2], model.predict(X), rtol=1e-9)
        return
    last = {number: (params, y_pred) for number, params, y_pred in seen}
    assert list(last) == [(0, 3), (1, 3), (2, 3)]
    for (k, _), (params, y_pred) in last.items():
        np.testing.assert_allclose(params.w1, model.w1_[k], rtol=1e-9)
        np.testing.assert_allclose(y_pred, model.network_outputs(X)[k, :, 0], rtol=1e-9)


@pytest.mark.parametrize("stop", [0, 1, 2])
def test_a_callback_that_returns_true_ends_the_networks_after_it(stop):
    model = regressor(callback=lambda progress: progress.network == (stop, 3) and progress.step > 4)
    model.fit(X, Y)
    assert model.n_networks_ == stop + 1
    assert clipped_count(model) == (stop == 2)
    assert model.network_outputs(X).shape[0] == stop + 1
    assert model.network_loss_curves_.shape[1] == stop + 1
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("stop", [0, 1])
def test_of_two_networks_the_first_may_be_the_last(stop):
    model = regressor(
        n_networks=2, callback=lambda progress: progress.network == (stop, 2) and progress.step > 4
    )
    model.fit(X, Y)
    assert model.n_networks_ == stop + 1
    assert clipped_count(model) == stop


@pytest.mark.parametrize(
    ("chunk", "n_networks"), [(1, 2), (3, 3)]
)  # in the first view, in the second
def test_ctrl_c_keeps_what_was_learned_until_then(monkeypatch, chunk, n_networks):
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        pytest.skip("someone else listens to Ctrl-C here")
    chunks = []
    worker = type(get_engine("numpy"))
    original = worker.advance

    def advance(self, state, plan):
        chunks.append(plan.steps)
        if len(chunks) == chunk:
            signal.raise_signal(signal.SIGINT)
        return original(self, state, plan)

    monkeypatch.setattr(worker, "advance", advance)
    model = regressor(engine="numpy", max_iter=3, callback=lambda progress: None, warm_start=True)
    with pytest.warns(TwoLayerWarning, match="interrupted by the user"):
        model.fit(X, Y)
    assert "interrupted" in model.stopped_
    assert model.n_networks_ == n_networks
    assert clipped_count(model) == n_networks - 2
    assert np.isfinite(model.predict(X)).all()
    model.fit(X, Y)
    assert (model.n_networks_, clipped_count(model)) == (n_networks, n_networks - 2)


def test_a_checkpoint_goes_on_with_both_views(tmp_path):
    path = tmp_path / "fit.checkpoint"
    expected = regressor().fit(X, Y)
    calls = []

    def killed(progress):
        calls.append(progress.network)
        if progress.network[0] == 2:
            raise RuntimeError

    with pytest.raises(RuntimeError), tl.checkpointed(path, every=0):
        regressor(callback=killed).fit(X, Y)
    resumed = []
    with tl.checkpointed(path, every=0, resume=True):
        model = regressor(callback=lambda progress: resumed.append(progress.network)).fit(X, Y)
    assert {k for k, _ in resumed} == {2}
    np.testing.assert_array_equal(model.w1_, expected.w1_)


def test_a_sparse_table_is_standard_or_refused():
    sparse = scipy.sparse.csr_array(X)
    assert regressor("auto").fit(sparse, Y).input_clip_ is None
    with pytest.raises(InputError, match=r"smooth_clip.*sparse table.*X\.toarray\(\)"):
        regressor("smooth_clip").fit(sparse, Y)
    model = regressor("auto", warm_start=True).fit(X, Y)
    np.testing.assert_allclose(model.predict(sparse), model.predict(X), rtol=1e-12)
    with pytest.raises(InputError, match=r"warm_start.*sparse table now.*X\.toarray\(\)"):
        model.fit(sparse, Y)


def test_a_permutation_test_sees_the_columns_as_the_model_does():
    rng = np.random.default_rng(1)
    x = rng.standard_normal((60, 2))
    y = 3 * x[:, 0]
    x[0, 0] = 1e6
    scores = {
        scaling: regressor(scaling).permutation_test(x, y, n=2, cv=3, random_state=0).score
        for scaling in ("standard", "smooth_clip")
    }
    assert scores["smooth_clip"] > scores["standard"] + 0.3
    with pytest.raises(InputError, match=r"smooth_clip.*sparse table"):
        regressor("smooth_clip").permutation_test(scipy.sparse.csr_array(x), y, n=2)


@pytest.mark.parametrize("wrong", ["robust", None, True, 3])
def test_another_scaling_is_refused(wrong):
    for call in ("fit", "partial_fit", "preflight"):
        with pytest.raises(InputError, match=r"there is no scaling .* auto, standard, smooth_clip"):
            getattr(regressor(wrong), call)(X, Y)


def test_both_views_take_the_memory_of_two_tables():
    x = np.zeros((400, 300))
    one, two = (
        regressor(one).preflight(x, np.arange(400)).megabytes
        for one in SCALINGS
        if one != "smooth_clip"
    )
    assert two - one == pytest.approx(400 * 300 * 8 / 1e6)


def test_the_noise_is_that_of_both_views():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        single = [
            regressor(one, alpha=3.0).fit(X, Y).noise_std_[0] for one in ("standard", "smooth_clip")
        ]
        both = regressor("auto", alpha=3.0).fit(X, Y).noise_std_[0]
    assert 0.5 * min(single) < both < 1.5 * max(single)


@pytest.mark.parametrize("n_rows", [400, 30_000])
def test_a_column_of_one_value_is_constant_in_a_table_of_any_number_of_rows(n_rows):
    """The mean of many rows is rounded by more than a value is."""
    x = np.column_stack([np.full(n_rows, 7.1), np.arange(n_rows) % 13])
    model = tl.TwoLayerRegressor(2, alpha=1.0, n_networks=1, solver="lbfgs", max_iter=2)
    assert (model.fit(x, x[:, 1]).w1_[0] == 0).all()
